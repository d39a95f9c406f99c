package main

import (
	"fmt"
	"html"
	"strings"
)

// style is that of all pictures: readable on light and dark pages, whatever the page is.
const style = `
text { font: 13px system-ui, "Segoe UI", sans-serif; fill: #1c1d1f; }
.head { font-weight: 650; font-size: 14px; }
.dim { fill: #5b6068; font-size: 12px; }
.code { font-family: ui-monospace, "SF Mono", Menlo, monospace; font-size: 12px; }
.paper { fill: #fbfbfa; }
.card { fill: #ffffff; stroke: #c9ccd1; }
.line { stroke: #6b6f76; stroke-width: 1.4; fill: none; }
.rule { stroke: #e3e5e8; }
.tip { fill: #6b6f76; }
.warm { fill: #dbe7ff; stroke: #2f6fde; }
.cold { fill: #ffffff; stroke: #2f6fde; stroke-dasharray: 4 3; }
.init { fill: #f6d58a; stroke: #b27d00; }
.busy { fill: #2f6fde; }
.job { fill: #5e9e6e; }
.refused { fill: none; stroke: #c8372d; stroke-width: 2; }
.limit { stroke: #c8372d; stroke-width: 1.6; stroke-dasharray: 6 4; }
.limitText { fill: #c8372d; font-size: 12px; }
@media (prefers-color-scheme: dark) {
  text { fill: #e8e9eb; }
  .dim { fill: #a7acb5; }
  .paper { fill: #17181a; }
  .card { fill: #202225; stroke: #43474e; }
  .line { stroke: #9aa0a8; }
  .rule { stroke: #303338; }
  .tip { fill: #9aa0a8; }
  .warm { fill: #22365e; stroke: #7aa7f5; }
  .cold { fill: #202225; stroke: #7aa7f5; }
  .init { fill: #6b5216; stroke: #e0b34c; }
  .busy { fill: #5b92f0; }
  .job { fill: #6fb481; }
  .refused, .limit { stroke: #f0766c; }
  .limitText { fill: #f0766c; }
}`

// picture is an SVG document.
type picture struct {
	b             strings.Builder
	width, height int
	title         string
}

func newPicture(title string, width, height int) *picture {
	p := &picture{width: width, height: height, title: title}
	p.rect("paper", 0, 0, width, height, 0)
	return p
}

func (p *picture) rect(class string, x, y, w, h, radius int) {
	fmt.Fprintf(&p.b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="%d"/>`+"\n", class, x, y, w, h, radius)
}

func (p *picture) text(class string, x, y int, text string) {
	fmt.Fprintf(&p.b, `<text class="%s" x="%d" y="%d">%s</text>`+"\n", class, x, y, html.EscapeString(text))
}

// lines writes lines of text below each other.
func (p *picture) lines(class string, x, y, step int, lines ...string) {
	for i, line := range lines {
		p.text(class, x, y+i*step, line)
	}
}

// arrow is a path with a tip at its end.
func (p *picture) arrow(path string) {
	fmt.Fprintf(&p.b, `<path class="line" d="%s" marker-end="url(#tip)"/>`+"\n", path)
}

func (p *picture) path(class, path string) {
	fmt.Fprintf(&p.b, `<path class="%s" d="%s"/>`+"\n", class, path)
}

// String is the document.
func (p *picture) String() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">
<title>%[3]s</title>
<style>%s
</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 0l8 4-8 4z"/></marker></defs>
%s</svg>
`, p.width, p.height, html.EscapeString(p.title), style, p.b.String())
}
