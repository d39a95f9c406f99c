package plan

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// WriteText writes the report for a terminal of 80 columns or more.
func (r *Report) WriteText(w io.Writer) error {
	t := &textWriter{}
	t.summary(r)
	t.advice(r)
	t.latency(r)
	t.queues(r)
	t.schedules(r)
	t.database(r)
	t.cost(r)
	t.curve(r)
	t.breaks(r)
	t.printf("\nIn your stack:\n\n%s", indent(r.Advice.Go))
	for i, a := range r.Assumed {
		if i == 0 {
			t.printf("\nAssumed:\n")
		}
		t.wrap("  - ", a)
	}
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

type textWriter struct{ strings.Builder }

func (t *textWriter) printf(format string, args ...any) { fmt.Fprintf(t, format, args...) }

// wrap writes a paragraph in lines of up to 90 columns. The prefix comes before the first
// line; the other lines are indented to match.
func (t *textWriter) wrap(prefix, text string) {
	column := utf8.RuneCountInString(prefix)
	t.WriteString(prefix)
	at := column
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > 90:
			t.printf("\n%s", strings.Repeat(" ", column))
			at = column
		default:
			t.WriteByte(' ')
			at++
		}
		t.WriteString(word)
		at += n
	}
	t.WriteByte('\n')
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}

// table writes rows. It aligns the first column to the left and the others to the right.
func (t *textWriter) table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		line := " "
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line += " " + cell + pad
			} else {
				line += "  " + pad + cell
			}
		}
		t.printf("%s\n", strings.TrimRight(line, " "))
	}
}

func (t *textWriter) summary(r *Report) {
	s := r.Scenario
	t.printf("%s\n\n", r.Title)
	if r.Requests > 0 {
		t.printf("  Traffic    %s, %s requests/s", s.Traffic, rate(s.Rate))
		if s.PeakRate > s.Rate*1.001 {
			t.printf(" in the mean, %s at its peak", rate(s.PeakRate))
		}
		t.printf("; handler %s, init %s\n", s.Duration, s.Init)
	}
	settings := fmt.Sprintf("%d provisioned", s.Provisioned)
	if s.MaxProvided > s.Provisioned {
		settings = fmt.Sprintf("%d to %d provisioned", s.Provisioned, s.MaxProvided)
	}
	if s.Reserved != nil {
		settings += fmt.Sprintf(", %d reserved", *s.Reserved)
	}
	t.printf("  Settings   %s, %d MB, %s, idle instances end after %s", settings, s.MemoryMB, s.Arch, shortSeconds(s.IdleMin))
	if s.IdleMax > s.IdleMin {
		t.printf(" to %s", shortSeconds(s.IdleMax))
	}
	t.printf("\n  Simulated  %s in %s, seed %d\n", r.simulated(), shortSeconds(r.Length), s.Seed)
	t.printf("\nWith these settings\n")
	rows := [][]string{{"cold", share(r.ColdShare)}, {"throttled", share(r.ThrottledShare)}, {"timed out", share(r.TimedOutShare)}}
	if s.MaxProvided > 0 {
		rows = append(rows, []string{"spill over", share(r.SpillShare)})
	}
	rows = append(rows,
		[]string{"instances", fmt.Sprintf("%.2f", r.MeanInstances)},
		[]string{"busy", fmt.Sprintf("%.2f, %s at once at most", r.MeanBusy, thousands(float64(r.PeakBusy)))},
		[]string{"idle", fmt.Sprintf("%.2f", r.MeanIdle)})
	for _, row := range rows {
		t.printf("  %-10s %s\n", row[0], row[1])
	}
}

func (t *textWriter) advice(r *Report) {
	a := r.Advice
	t.printf("\nIs provisioned concurrency worth it?\n")
	t.wrap("  ", a.Why)
	t.printf("\nRecommended\n")
	if a.Provisioned != nil {
		t.wrap("  provisioned  ", a.ProvisionedWhy)
	}
	t.wrap("  reserved     ", fmt.Sprintf("%s: %s", thousands(float64(a.Reserved)), a.ReservedWhy))
	if a.MemoryWhy != "" {
		t.wrap("  memory       ", a.MemoryWhy)
	}
	for _, q := range a.Queues {
		t.wrap("  queue        ", fmt.Sprintf("%s, maximum concurrency %d: %s", q.Name, q.MaxConcurrency, q.Why))
	}
}

func (t *textWriter) latency(r *Report) {
	if r.Requests == 0 {
		return
	}
	t.printf("\nLatency of requests\n")
	t.percentiles(r.Latency)
}

func (t *textWriter) percentiles(p Percentiles) {
	rows := [][]string{{"", "total", "waiting", "init", "handler"}}
	for _, name := range []string{"mean", "p50", "p90", "p99", "p999"} {
		l := p.Parts[name]
		label := name
		if name == "p999" {
			label = "p99.9"
		}
		rows = append(rows, []string{label, shortSeconds(l.Total), shortSeconds(l.Waiting), shortSeconds(l.Init), shortSeconds(l.Handler)})
	}
	t.table(rows)
}

func (t *textWriter) queues(r *Report) {
	for _, q := range r.Queues {
		t.printf("\nQueue %s: %s messages, %s done, %s dead, %s left; %s invocations at once at most\n", q.Name,
			thousands(float64(q.Messages)), thousands(float64(q.Done)), thousands(float64(q.Dead)), thousands(float64(q.Left)), thousands(float64(q.PeakConcurrency)))
		t.printf("  The oldest message waited %s, and the last job was done after %s. Age at the end of a job:\n", shortSeconds(q.OldestAge), shortSeconds(q.Drained))
		t.percentiles(q.Age)
	}
}

func (t *textWriter) schedules(r *Report) {
	if len(r.Schedules) == 0 {
		return
	}
	t.printf("\nSchedules, from %s on\n", r.Scenario.Start.Format(startLayout))
	t.table(append([][]string{scheduleHeader}, r.scheduleRows()...))
}

func (t *textWriter) database(r *Report) {
	d := r.Database
	if d == nil {
		return
	}
	t.printf("\nDatabase connections: %s\n", d.kind())
	for _, row := range d.rows() {
		t.printf("  %-10s %s\n", row[0], row[1])
	}
}

// kind describes the connections of a database.
func (d *DatabaseResult) kind() string {
	if d.Proxy {
		return thousands(float64(d.Connections)) + " that RDS Proxy lends to invocations"
	}
	return thousands(float64(d.Connections)) + ", which instances keep until they end"
}

// rows returns names and values for a report.
func (d *DatabaseResult) rows() [][2]string {
	w := d.Wait
	rows := [][2]string{
		{"in use", fmt.Sprintf("%.2f, %s at once at most", d.MeanInUse, thousands(float64(d.PeakInUse)))},
		{"wait", share(d.WaitShare) + " of the invocations"},
		{"fail", share(d.FailShare) + " of the invocations"},
	}
	if w.Max > 0 {
		rows = append(rows, [2]string{"waits", fmt.Sprintf("mean %s, p50 %s, p90 %s, p99 %s, p99.9 %s, longest %s", shortSeconds(w.Mean), shortSeconds(w.P50), shortSeconds(w.P90), shortSeconds(w.P99), shortSeconds(w.P999), shortSeconds(w.Max))})
	}
	return rows
}

// startLayout formats the beginning of a run.
const startLayout = "Monday 2006-01-02 15:04 MST"

var scheduleHeader = []string{"", "runs", "first", "cold", "throttled", "lost", "retried", "failed", "waiting", "mean", "longest"}

// scheduleRows returns a row for each schedule, below [scheduleHeader].
func (r *Report) scheduleRows() [][]string {
	var rows [][]string
	for _, s := range r.Schedules {
		first := "never"
		if s.First >= 0 {
			first = r.Scenario.Start.Add(seconds(s.First)).Format("Mon 01-02 15:04")
		}
		row := []string{s.Name + " " + s.Expression, thousands(float64(s.Runs)), first, thousands(float64(s.Cold)), thousands(float64(s.Throttled)), thousands(float64(s.Lost)), thousands(float64(s.Retried)), thousands(float64(s.Failed)),
			shortSeconds(s.Latency.Parts["mean"].Waiting), shortSeconds(s.Latency.Mean), shortSeconds(s.Latency.Max)}
		if s.Queue != "" {
			row = append(row[:3], "to queue", s.Queue, "", "", "", "", "", "")
		}
		rows = append(rows, row)
	}
	return rows
}

func (t *textWriter) cost(r *Report) {
	t.printf("\n%s %s at the list prices of %s, %s\n", r.Cost.title(), dollars(r.Cost.Total), r.Cost.Region, r.Cost.Date)
	var rows [][]string
	for _, l := range r.Cost.Lines {
		rows = append(rows, []string{l.Name, quantity(l.Quantity), l.Unit, dollars(l.Cost)})
	}
	t.table(rows)
}

// title names the period of a cost.
func (c Cost) title() string {
	if c.Of == "run" {
		return "This costs"
	}
	return "A month costs"
}

// simulated describes the length of the simulation.
func (r *Report) simulated() string {
	if r.Requests > 0 || len(r.Queues)+len(r.Schedules) == 0 {
		return thousands(float64(r.Requests)) + " requests"
	}
	if len(r.Queues) == 0 {
		runs := uint64(0)
		for _, s := range r.Schedules {
			runs += s.Runs
		}
		return count(int(runs), "run")
	}
	messages := uint64(0)
	for _, q := range r.Queues {
		messages += q.Messages
	}
	return thousands(float64(messages)) + " messages"
}

func quantity(x float64) string {
	if x >= 1000 {
		return thousands(math.Round(x))
	}
	return fmt.Sprintf("%.3g", x)
}

func (t *textWriter) curve(r *Report) {
	if len(r.Advice.Curve) == 0 {
		return
	}
	t.printf("\nCost against latency, by the number of provisioned instances\n")
	rows := [][]string{{"provisioned", "cost", "p50", "p99", "p99.9", "cold", "spill over", "busy", ""}}
	for _, p := range r.Advice.Curve {
		mark := ""
		if p.BreakEven {
			mark = "<- break-even"
		}
		busy := "-"
		if p.Provisioned > 0 {
			busy = fmt.Sprintf("%.0f%%", p.Utilization*100)
		}
		rows = append(rows, []string{thousands(float64(p.Provisioned)), dollars(p.Cost), shortSeconds(p.P50), shortSeconds(p.P99), shortSeconds(p.P999), share(p.ColdShare), share(p.SpillShare), busy, mark})
	}
	t.table(rows)
}

func (t *textWriter) breaks(r *Report) {
	if len(r.Breaks) == 0 {
		return
	}
	t.printf("\nWhat breaks first as the traffic grows\n")
	for _, b := range r.Breaks {
		t.wrap("  "+fmt.Sprintf("%-9s", b.multiple()), b.What+": "+b.Why)
	}
}

// multiple writes the multiple of a break.
func (b Break) multiple() string {
	if b.Times <= 1 {
		return "now"
	}
	return "× " + rate(b.Times)
}
