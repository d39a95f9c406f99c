package plan

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
)

//go:embed page.html
var pageText string

// theme has the colours and fonts of the local page, for light and dark. A test keeps it
// the same as the local page's style.css.
//
//go:embed theme.css
var theme string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is the data of the template.
type page struct {
	*Report
	Theme    template.CSS
	Colours  []template.CSS // of the theme, that pictures use
	Subtitle string
	Tiles    []tile
	Charts   []figure
	Tables   []pageTable
}

type tile struct{ Name, Value string }

type figure struct {
	Caption, Note string
	SVG           template.HTML
}

type pageTable struct {
	Caption, Note string
	Header        []string
	Rows          []pageRow
	Bars          bool // the last column has a picture of each latency
}

type pageRow struct {
	Cells  []cell
	Marked bool
}

type cell struct {
	Value string
	Text  bool
	Bar   template.HTML
}

func row(values ...string) pageRow {
	r := pageRow{}
	for _, v := range values {
		r.Cells = append(r.Cells, cell{Value: v})
	}
	return r
}

// WriteHTML writes the report as one self-contained page: it includes its pictures, and has
// no scripts.
func (r *Report) WriteHTML(w io.Writer) error {
	s := r.Scenario
	p := page{Report: r, Theme: template.CSS(theme), Colours: []template.CSS{"busy", "busy2", "init", "spill", "kill", "ok", "frozen", "ink"}} //nolint:gosec // it is our own
	if r.Requests > 0 {
		p.Subtitle = fmt.Sprintf("%s, %s requests/s; handler %s, init %s; ", s.Traffic, rate(s.Rate), s.Duration, s.Init)
	}
	p.Subtitle += fmt.Sprintf("%d MB, %s; %s simulated in %s, seed %d", s.MemoryMB, s.Arch, r.simulated(), shortSeconds(r.Length), s.Seed)
	p.Tiles = r.tiles()
	p.Charts = r.charts()
	p.Tables = r.tables()
	if err := pageTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// pictureStyle has the styles of a picture outside the page. Its colours are readable on
// white and on black.
const pictureStyle = `<style>text { font-family: system-ui, sans-serif; fill: #7d828a; } .grid { stroke: #7d828a; stroke-opacity: .3; } .tick { font-size: 11px; } .label { font-size: 12px; } ` +
	`.note { font-size: 12px; font-weight: 600; } .mark { stroke: #7d828a; stroke-dasharray: 4 3; } path { fill: none; stroke-width: 1.5; } path.area { stroke: none; fill-opacity: .2; } ` +
	`path.busy { stroke: #4581ea; } path.spill { stroke: #906ae0; } path.kill { stroke: #dd4c43; } path.ok { stroke: #379f6f; } path.frozen { stroke: #8a9099; } path.ink { stroke: #7d828a; } ` +
	`.area.busy, rect.busy, circle.busy { fill: #4581ea; } .area.spill, rect.spill, circle.spill { fill: #906ae0; } rect.kill, circle.kill { fill: #dd4c43; } .area.ok, rect.ok { fill: #379f6f; } rect.frozen { fill: #8a9099; } rect.ink { fill: #7d828a; }</style>`

// WriteSVG writes only the first picture of the page: the cost against the latency, or for
// a run without requests its course over time.
func (r *Report) WriteSVG(w io.Writer) error {
	figures := r.charts()
	if len(figures) == 0 {
		return errors.New("write picture: must have requests or messages, got none; simulate some traffic")
	}
	figure := figures[0]
	if len(r.Advice.Curve) < 2 { // for a queue, show how it drains
		for _, f := range figures {
			if f.Caption == waitingCaption {
				figure = f
			}
		}
	}
	text := strings.Replace(string(figure.SVG), "<svg ", `<svg xmlns="http://www.w3.org/2000/svg" `, 1)
	text = strings.Replace(text, ">", ">"+pictureStyle, 1)
	if _, err := fmt.Fprintln(w, text); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

// waitingCaption is the caption of the picture of queues.
const waitingCaption = "Messages that wait"

func (r *Report) tiles() []tile {
	s := r.Scenario
	reserved := "none"
	if s.Reserved != nil {
		reserved = thousands(float64(*s.Reserved))
	}
	warm := thousands(float64(s.Provisioned))
	if s.MaxProvided > s.Provisioned {
		warm += " to " + thousands(float64(s.MaxProvided))
	}
	tiles := []tile{
		{"provisioned", warm}, {"reserved", reserved}, {"cold", share(r.ColdShare)}, {"spill over", share(r.SpillShare)},
		{"throttled", share(r.ThrottledShare)}, {"timed out", share(r.TimedOutShare)},
		{"instances", fmt.Sprintf("%.3g", r.MeanInstances)}, {"busy", fmt.Sprintf("%.3g", r.MeanBusy)}, {"idle", fmt.Sprintf("%.3g", r.MeanIdle)},
		{"busy at once at most", thousands(float64(r.PeakBusy))},
	}
	if r.Latency.Mean > 0 {
		tiles = append(tiles, tile{"p50", shortSeconds(r.Latency.P50)}, tile{"p99", shortSeconds(r.Latency.P99)}, tile{"p99.9", shortSeconds(r.Latency.P999)})
	}
	if d := r.Database; d != nil {
		tiles = append(tiles, tile{"wait for the database", share(d.WaitShare)}, tile{"get no connection", share(d.FailShare)})
	}
	for _, q := range r.Queues {
		tiles = append(tiles, tile{"oldest message of " + q.Name, shortSeconds(q.OldestAge)})
	}
	return append(tiles, tile{"a " + r.Cost.Of, dollars(r.Cost.Total)})
}

func (r *Report) charts() []figure {
	var figures []figure
	add := func(caption, note string, c *chart) { figures = append(figures, figure{caption, note, c.svg()}) }
	if curve := r.Advice.Curve; len(curve) > 1 {
		c := &chart{legend: true, x: axis{label: "US dollars a month", format: func(x float64) string { return "$" + quantity(x) }}, y: axis{label: "latency", log: true, format: shortSeconds}}
		p50, p99, p999 := line{name: "p50", class: "busy", dots: true}, line{name: "p99", class: "spill", dots: true}, line{name: "p99.9", class: "kill", dots: true}
		for _, p := range curve {
			p50.points = append(p50.points, Point{p.Cost, p.P50})
			p99.points = append(p99.points, Point{p.Cost, p.P99})
			p999.points = append(p999.points, Point{p.Cost, p.P999})
			if p.BreakEven {
				c.marks = append(c.marks, mark{Point{p.Cost, p.P999}, fmt.Sprintf("break-even, %d", p.Provisioned)})
			}
		}
		c.lines = []line{p50, p99, p999}
		add("Cost against latency", fmt.Sprintf("Each point is a number of provisioned instances, from 0 to %d. Up to the break-even, each of them is busy for 60%% of the time and costs less than on demand.", curve[len(curve)-1].Provisioned), c)
	}
	if len(r.Distribution) > 1 {
		c := &chart{x: axis{label: "latency", log: true, format: shortSeconds}, y: axis{log: true, format: share}}
		l := line{name: "latency", class: "busy", fill: true}
		for _, p := range r.Distribution {
			if p.Y > 0.02 && p.Y < 1 {
				l.points = append(l.points, Point{p.X, 1 - p.Y})
			}
		}
		c.lines = []line{l}
		add("How many requests take longer", "A cold start is a step to the right.", c)
	}
	if len(r.Series) > 1 {
		figures = append(figures, r.seriesCharts()...)
	} else if len(r.Occupancy) > 1 {
		c := &chart{x: axis{label: "busy instances", format: quantity}, y: axis{log: true, format: share}}
		l := line{name: "busy", class: "busy", steps: true, fill: true}
		for _, p := range r.Occupancy {
			if p.Y < 1-1e-9 {
				l.points = append(l.points, Point{p.X, 1 - p.Y})
			}
		}
		c.lines = []line{l}
		add("The share of time with more busy instances", "", c)
	}
	return figures
}

// seriesCharts draws the course of a run over time.
func (r *Report) seriesCharts() []figure {
	unit, label := 3600.0, "hours"
	if r.Length < 3*3600 {
		unit, label = 60, "minutes"
	}
	busy, instances, warm, waiting, requests := line{name: "busy", class: "busy", fill: true}, line{name: "instances", class: "frozen"}, line{name: "provisioned", class: "ink", steps: true}, line{name: "messages that wait", class: "spill", fill: true}, line{name: "requests", class: "busy", fill: true}
	most := 0
	for _, s := range r.Series {
		at := s.At / unit
		busy.points = append(busy.points, Point{at, s.Busy})
		instances.points = append(instances.points, Point{at, s.Instances})
		warm.points = append(warm.points, Point{at, s.Provisioned})
		waiting.points = append(waiting.points, Point{at, float64(s.Waiting)})
		requests.points = append(requests.points, Point{at, s.Requests})
		most = max(most, s.Waiting)
	}
	lines := []line{instances, busy}
	if r.MeanProvisioned > 0 {
		lines = append(lines, warm)
	}
	time := axis{label: label, format: quantity}
	if unit == 3600 {
		time.hours(r.Length / unit)
	}
	c := chart{legend: true, x: time, y: axis{label: "instances", format: quantity}, lines: lines}
	figures := []figure{{"Instances", "Each point is the mean of its piece of time.", c.svg()}}
	if most > 0 {
		c := chart{x: time, y: axis{label: "messages", format: quantity}, lines: []line{waiting}}
		figures = append(figures, figure{waitingCaption, "", c.svg()})
	}
	if len(r.Schedules) > 0 {
		runs := line{name: "runs", class: "ok", steps: true, fill: true}
		last := 0.0
		for _, s := range r.Series {
			runs.points = append(runs.points, Point{last / unit, float64(s.Runs)}, Point{s.At / unit, float64(s.Runs)})
			last = s.At
		}
		c := chart{x: time, y: axis{label: "runs", format: quantity}, lines: []line{runs}}
		figures = append(figures, figure{"Runs of schedules", "Each step is the number of runs in its piece of time.", c.svg()})
	}
	if r.Scenario.Rate > 0 {
		c := chart{x: time, y: axis{label: "requests a second", format: quantity}, lines: []line{requests}}
		figures = append(figures, figure{"Traffic", "", c.svg()})
	}
	return figures
}

func (r *Report) tables() []pageTable {
	var tables []pageTable
	percentiles := func(caption string, p Percentiles) {
		t := pageTable{Caption: caption, Header: []string{"", "total", "waiting", "init", "handler", ""}, Bars: true}
		for _, name := range []string{"mean", "p50", "p90", "p99", "p999"} {
			l := p.Parts[name]
			label := name
			if name == "p999" {
				label = "p99.9"
			}
			line := row(label, shortSeconds(l.Total), shortSeconds(l.Waiting), shortSeconds(l.Init), shortSeconds(l.Handler), "")
			line.Cells[5].Bar = l.bar(p.Parts["p999"].Total)
			t.Rows = append(t.Rows, line)
		}
		tables = append(tables, t)
	}
	if r.Requests > 0 {
		percentiles("Latency of requests", r.Latency)
	}
	for _, q := range r.Queues {
		percentiles(fmt.Sprintf("Queue %s: age at the end of a job", q.Name), q.Age)
		tables[len(tables)-1].Note = fmt.Sprintf("%s messages, %s done, %s dead, %s left; %s invocations at once at most; the last job was done after %s.",
			thousands(float64(q.Messages)), thousands(float64(q.Done)), thousands(float64(q.Dead)), thousands(float64(q.Left)), thousands(float64(q.PeakConcurrency)), shortSeconds(q.Drained))
	}
	if len(r.Schedules) > 0 {
		t := pageTable{Caption: "Schedules", Header: scheduleHeader, Note: "Times are in UTC; the run begins on " + r.Scenario.Start.Format(startLayout) + "."}
		for _, values := range r.scheduleRows() {
			t.Rows = append(t.Rows, row(values...))
		}
		tables = append(tables, t)
	}
	if d := r.Database; d != nil {
		t := pageTable{Caption: "Database connections", Note: "There are " + d.kind() + "."}
		for _, r := range d.rows() {
			line := row(r[0], r[1])
			line.Cells[1].Text = true
			t.Rows = append(t.Rows, line)
		}
		tables = append(tables, t)
	}
	cost := pageTable{Caption: r.Cost.title() + " " + dollars(r.Cost.Total), Header: []string{"", "quantity", "unit", "price", "cost"},
		Note: fmt.Sprintf("List prices of %s, %s, without discounts and free tiers.", r.Cost.Region, r.Cost.Date)}
	if r.Cost.Of == "month" {
		cost.Note += " A month has 730 hours like those that were simulated."
	}
	for _, l := range r.Cost.Lines {
		cost.Rows = append(cost.Rows, row(l.Name, quantity(l.Quantity), l.Unit, price(l.Price), dollars(l.Cost)))
	}
	tables = append(tables, cost)
	if len(r.Advice.Curve) > 0 {
		t := pageTable{Caption: "By the number of provisioned instances", Header: []string{"provisioned", "cost", "p50", "p99", "p99.9", "cold", "spill over", "busy"}}
		for _, p := range r.Advice.Curve {
			line := row(thousands(float64(p.Provisioned)), dollars(p.Cost), shortSeconds(p.P50), shortSeconds(p.P99), shortSeconds(p.P999), share(p.ColdShare), share(p.SpillShare), fmt.Sprintf("%.0f%%", p.Utilization*100))
			if line.Marked = p.BreakEven; p.BreakEven {
				t.Note = "The line in bold is the break-even."
			}
			t.Rows = append(t.Rows, line)
		}
		tables = append(tables, t)
	}
	if len(r.Advice.Memory) > 0 {
		t := pageTable{Caption: "By the size of memory", Header: []string{"MB", "handler", "p99", "a month"}, Note: "The line in bold is recommended. None are provisioned here."}
		for _, p := range r.Advice.Memory {
			line := row(thousands(float64(p.MB)), shortSeconds(p.Mean), shortSeconds(p.P99), dollars(p.Cost))
			line.Marked = p.Best
			t.Rows = append(t.Rows, line)
		}
		tables = append(tables, t)
	}
	if len(r.Breaks) > 0 {
		t := pageTable{Caption: "What breaks first as the traffic grows", Header: []string{"limit", "traffic", ""}}
		for _, b := range r.Breaks {
			line := row(b.What, b.multiple(), b.Why)
			line.Cells[2].Text = true
			t.Rows = append(t.Rows, line)
		}
		tables = append(tables, t)
	}
	return tables
}

// bar draws the parts of a latency, on a scale up to a longest one.
func (l Latency) bar(longest float64) template.HTML {
	const width = 300.0
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bar" viewBox="0 0 %g 11" preserveAspectRatio="none" role="img" aria-label="waiting, init and handler">`, width)
	x := 0.0
	for _, part := range []struct {
		class string
		value float64
	}{{"busy2", l.Waiting}, {"init", l.Init}, {"busy", l.Handler}} {
		w := 0.0
		if longest > 0 {
			w = min(part.value/longest, 1) * width
		}
		if w >= 0.1 {
			fmt.Fprintf(&b, `<rect class="%s" x="%.1f" width="%.1f" height="11"/>`, part.class, x, w)
		}
		x += w
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // made of numbers
}

// price writes the price of a unit with all its digits.
func price(x float64) string { return "$" + strconv.FormatFloat(x, 'f', -1, 64) }
