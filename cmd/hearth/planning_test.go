package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/plan"
)

var update = flag.Bool("update", false, "write docs/planning.md, its pictures, docs/plan-bookmarks.html and plan/theme.css anew")

const planningDoc = "../../docs/planning.md"

// onlyHere skips tests that compare figures on other processors, which round differently.
func onlyHere(t *testing.T) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the figures are those of amd64: elsewhere the compiler fuses products and sums")
	}
}

// same compares a file with want; with -update it writes the file.
func same(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the commands in it make; run go test ./cmd/hearth -run Planning -update, and read the diff", file)
	}
}

// hearthPlan runs hearth plan.
func hearthPlan(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), append([]string{"plan"}, args...), strings.NewReader(""), &out, io.Discard); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return out.String()
}

// TestPlanningDoc runs the commands of docs/planning.md. Below each, the page must have its
// output, from the question to the bill, and the picture must be beside the page.
func TestPlanningDoc(t *testing.T) {
	onlyHere(t)
	t.Parallel()
	data, err := os.ReadFile(planningDoc)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- ", "<!-- end -->"
	var doc strings.Builder
	rest := string(data)
	commands := 0
	for {
		before, after, ok := strings.Cut(rest, begin)
		doc.WriteString(before)
		if !ok {
			break
		}
		command, after, _ := strings.Cut(after, " -->")
		_, after, ok = strings.Cut(after, end)
		if !ok {
			t.Fatalf("%q has no end", command)
		}
		rest = after
		text := scaleTable
		if args, ok := strings.CutPrefix(command, "hearth plan "); ok {
			text = decision
			command = args
			commands++
		}
		fmt.Fprintf(&doc, "%s%s -->\n%s%s", begin, map[bool]string{true: "hearth plan " + command, false: command}[command != "scale"], text(t, command), end)
	}
	if commands != 3 {
		t.Errorf("%d decisions, want 3", commands)
	}
	same(t, planningDoc, []byte(doc.String()))
}

// decision runs a command of the page, and returns the part of the output for the page.
func decision(t *testing.T, command string) string {
	t.Helper()
	shown, picture, ok := strings.Cut(command, " --svg docs/")
	if !ok {
		t.Fatalf("%s has no picture", command)
	}
	file := filepath.Join(t.TempDir(), "picture.svg")
	out := hearthPlan(t, append(strings.Fields(shown), "--svg", file)...)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "../../docs/"+picture, data)
	_, out, _ = strings.Cut(out, "Is provisioned concurrency worth it?\n")
	for _, after := range []string{"\nCost against latency", "\nWhat breaks first", "\nIn your stack"} {
		out, _, _ = strings.Cut(out, after)
	}
	return "```\n$ hearth plan " + shown + "\n…\nIs provisioned concurrency worth it?\n" + out + "```\n"
}

// scaleTable makes the table of limits from 1 to a million requests a second.
func scaleTable(t *testing.T, _ string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| Requests/s | Busy | Pay for themselves | Reserve | Cold without provisioned | p99.9 | Throttled at 1,000 | A month | What breaks by then |\n|---|---|---|---|---|---|---|---|---|\n")
	billing := plan.Billing{MemoryMB: 512, API: plan.HTTPAPI}
	scenario := func(rate float64) plan.Scenario {
		return plan.Scenario{Traffic: plan.Steady(rate), Duration: plan.Exponential(100 * time.Millisecond), Init: plan.Constant(300 * time.Millisecond), Requests: 400_000, Seed: 1}
	}
	limits := plan.Breaks(scenario(1), billing.API) // as multiples of 1 request a second
	for rate := 1.0; rate <= 1e6; rate *= 10 {
		s := scenario(rate)
		small, err := plan.Run(s)
		if err != nil {
			t.Fatal(err)
		}
		load := rate * 0.1
		s.Account = int(rate) + 1000
		enough, err := plan.Run(s)
		if err != nil {
			t.Fatal(err)
		}
		cold := "under 1 in 100,000"
		if enough.ColdShare > 1e-5 {
			cold = fmt.Sprintf("1 in %s", comma(1/enough.ColdShare))
		}
		var breaks []string
		for len(limits) > 0 && limits[0].Times <= rate*1.001 {
			breaks = append(breaks, fmt.Sprintf("%s, at %s", limits[0].What, comma(limits[0].Times)))
			limits = limits[1:]
		}
		if len(breaks) == 0 && len(limits) == 0 {
			breaks = []string{"the same"}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %.0f ms | %.3g%% | $%s | %s |\n", comma(rate), busy(load), comma(float64(plan.BreakEven(load))), comma(float64(plan.ServersFor(load, 1e-6))),
			cold, enough.Latency.P999*1000, small.ThrottledShare*100, comma(plan.DefaultPrices().Month(&s, enough, billing).Total), strings.Join(breaks, "; "))
	}
	return b.String()
}

func busy(load float64) string {
	if load < 10 {
		return fmt.Sprintf("%.3g", load)
	}
	return comma(load)
}

// comma formats a rounded number with commas.
func comma(x float64) string {
	text := fmt.Sprintf("%.0f", math.Round(x))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// TestPlanningTheme checks that the page of a plan has the colours and fonts of the local
// page: the first two lines of its style.css.
func TestPlanningTheme(t *testing.T) {
	t.Parallel()
	style, err := os.ReadFile("../../local/internal/page/assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, _ := strings.Cut(string(style), "\n")
	dark, _, _ := strings.Cut(rest, "\n")
	dark, ok := strings.CutPrefix(dark, ":root[data-theme=dark]")
	if !ok || !strings.HasPrefix(light, ":root{") {
		t.Fatalf("style.css begins with other lines: %s\n%s", light, dark)
	}
	same(t, "../../plan/theme.css", []byte(light+"\n@media(prefers-color-scheme:dark){:root"+dark+"}\n"))
}

// TestPlanningPage makes the page of the example with the command in docs/planning.md. It
// uses the template that the example's test keeps.
func TestPlanningPage(t *testing.T) {
	onlyHere(t)
	t.Parallel()
	doc, err := os.ReadFile(planningDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, command, _ := strings.Cut(string(doc), " synth --quiet\nhearth plan ")
	command, _, ok := strings.Cut(command, " --html docs/plan-bookmarks.html\n")
	if !ok {
		t.Fatal("the page has no command")
	}
	dir := t.TempDir()
	template, err := os.ReadFile("../../test/testdata/bookmarks.template.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"Bookmarks.template.json": template,
		"manifest.json":           []byte(`{"artifacts": {"Bookmarks": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "Bookmarks.template.json"}}}}`),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page := filepath.Join(dir, "page.html")
	hearthPlan(t, append(strings.Fields(command), "--assembly", dir, "--html", page)...)
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "../../docs/plan-bookmarks.html", data)
}
