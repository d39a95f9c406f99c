package plan

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// chart is a line chart, drawn as SVG without scripts.
type chart struct {
	x, y   axis
	lines  []line
	marks  []mark
	legend bool
}

// axis maps values to coordinates. Its label has the unit.
type axis struct {
	label    string
	low      float64
	high     float64
	log      bool
	format   func(float64) string
	ticks    []float64
	from, to float64 // coordinates
}

// line joins points. Its class is the name of its colour in theme.css.
type line struct {
	name   string
	class  string
	points []Point
	dots   bool
	steps  bool
	fill   bool // the area below
}

// mark is a point with a label.
type mark struct {
	Point
	text string
}

// The size of a chart, and its margins.
const (
	chartWidth, chartHeight                        = 640.0, 300.0
	marginLeft, marginRight, marginTop, marginDown = 84.0, 16.0, 28.0, 44.0
)

func (a *axis) place(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log(math.Max(v, a.low)), math.Log(low), math.Log(high)
	}
	if high <= low {
		return (a.from + a.to) / 2
	}
	return a.from + (a.to-a.from)*math.Min(math.Max((v-low)/(high-low), 0), 1)
}

// scale computes the bounds and ticks of an axis from its values.
func (a *axis) scale(values []float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if a.log && v <= 0 {
			continue
		}
		low, high = math.Min(low, v), math.Max(high, v)
	}
	if math.IsInf(low, 1) {
		low, high = 0, 1
		a.log = false
	}
	if a.log {
		low, high = low*0.9, high*1.1
		for decade := math.Pow(10, math.Floor(math.Log10(low))); decade <= high; decade *= 10 {
			for _, m := range []float64{1, 2, 5} {
				if v := decade * m; v >= low && v <= high {
					a.ticks = append(a.ticks, v)
				}
			}
		}
		for len(a.ticks) > 9 { // too many ticks: keep only powers of ten
			kept := a.ticks[:0]
			for i, v := range a.ticks {
				if i%3 == 0 {
					kept = append(kept, v)
				}
			}
			a.ticks = kept
		}
		a.low, a.high = low, high
		return
	}
	if low > 0 && low < 0.5*high {
		low = 0
	}
	if high == low {
		low, high = low-0.5*math.Abs(low)-0.5, high+0.5*math.Abs(high)+0.5
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, m := range []float64{5, 2} {
		if (high-low)/(step*m) >= 4 {
			step *= m
			break
		}
	}
	low, high = math.Floor(low/step+1e-9)*step, math.Ceil(high/step-1e-9)*step
	for v := low; v <= high+step/2; v += step {
		a.ticks = append(a.ticks, v)
	}
	a.low, a.high = low, high
}

// hours sets the bounds and ticks of an axis for so many hours, at whole parts of days.
func (a *axis) hours(n float64) {
	step := 168.0
	for _, s := range []float64{48, 24, 12, 6, 4, 3, 2, 1} {
		if n/s <= 9 {
			step = s
		}
	}
	a.high = math.Max(n, step)
	for v := 0.0; v <= a.high+1e-9; v += step {
		a.ticks = append(a.ticks, v)
	}
}

// svg draws the chart. All texts are escaped.
func (c *chart) svg() template.HTML {
	var xs, ys []float64
	for _, l := range c.lines {
		for _, p := range l.points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	if c.x.ticks == nil {
		c.x.scale(xs)
	}
	if c.y.ticks == nil {
		c.y.scale(ys)
	}
	c.x.from, c.x.to = marginLeft, chartWidth-marginRight
	c.y.from, c.y.to = chartHeight-marginDown, marginTop
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img">`, chartWidth, chartHeight)
	for _, v := range c.y.ticks {
		y := c.y.place(v)
		fmt.Fprintf(&b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="tick" x="%g" y="%.1f" text-anchor="end">%s</text>`, c.x.from, c.x.to, y, y, c.x.from-6, y+4, escape(c.y.format(v)))
	}
	for _, v := range c.x.ticks {
		x := c.x.place(v)
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text class="tick" x="%.1f" y="%g" text-anchor="middle">%s</text>`, x, x, c.y.from, c.y.to, x, c.y.from+16, escape(c.x.format(v)))
	}
	fmt.Fprintf(&b, `<text class="label" x="%g" y="%g" text-anchor="middle">%s</text>`, (c.x.from+c.x.to)/2, chartHeight-8, escape(c.x.label))
	fmt.Fprintf(&b, `<text class="label" transform="translate(12 %g) rotate(-90)" text-anchor="middle">%s</text>`, (c.y.from+c.y.to)/2, escape(c.y.label))
	for _, l := range c.lines {
		c.draw(&b, &l)
	}
	for _, m := range c.marks {
		x := c.x.place(m.X)
		anchor, dx := "start", 6.0
		if x > (c.x.from+c.x.to)/2 {
			anchor, dx = "end", -6
		}
		fmt.Fprintf(&b, `<line class="mark" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text class="note" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, x, c.y.from, c.y.to, x+dx, c.y.from-8, anchor, escape(m.text))
	}
	if c.legend {
		x := c.x.from
		for _, l := range c.lines {
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="6" width="10" height="10"/><text class="tick" x="%.1f" y="15">%s</text>`, l.class, x, x+14, escape(l.name))
			x += 30 + 6.5*float64(len(l.name))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // made above, with all texts escaped
}

func (c *chart) draw(b *strings.Builder, l *line) {
	if len(l.points) == 0 {
		return
	}
	var path strings.Builder
	var lastY float64
	for i, p := range l.points {
		x, y := c.x.place(p.X), c.y.place(p.Y)
		switch {
		case i == 0:
			fmt.Fprintf(&path, "M%.1f %.1f", x, y)
		case l.steps:
			fmt.Fprintf(&path, "L%.1f %.1fL%.1f %.1f", x, lastY, x, y)
		default:
			fmt.Fprintf(&path, "L%.1f %.1f", x, y)
		}
		lastY = y
	}
	if l.fill {
		fmt.Fprintf(b, `<path class="area %s" d="%sL%.1f %gL%.1f %gZ"/>`, l.class, path.String(), c.x.place(l.points[len(l.points)-1].X), c.y.from, c.x.place(l.points[0].X), c.y.from)
	}
	fmt.Fprintf(b, `<path class="%s" d="%s"/>`, l.class, path.String())
	if l.dots {
		for _, p := range l.points {
			fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%.1f" r="3"/>`, l.class, c.x.place(p.X), c.y.place(p.Y))
		}
	}
}

func escape(text string) string { return template.HTMLEscapeString(text) }
