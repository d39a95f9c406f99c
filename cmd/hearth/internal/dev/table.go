package dev

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lambdahearth/hearth/local"
)

// maxTimeoutSeconds is the longest timeout of a function; with --debug it is longer.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const maxTimeoutSeconds = 900

// printState prints the state of the engine as tables. With all, it also prints the
// resources that do not run.
func printState(to io.Writer, s *local.State, took string, all bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "ready (%s); stop it with Ctrl-C\n\n", took)
	table := func(head string, rows ...[]string) {
		if len(rows) == 0 {
			return
		}
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		if head != "" {
			fmt.Fprintln(w, "  "+strings.ReplaceAll(head, "|", "\t"))
		}
		for _, row := range rows {
			fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
		}
		w.Flush() //nolint:errcheck // into memory
		b.WriteByte('\n')
	}
	urls := [][]string{{"Page", s.URL + "/_hearth/", "what runs, live"}}
	for _, a := range s.HTTPAPIs {
		name := a.Name
		if a.Streaming {
			name += ", streaming"
		}
		for _, url := range a.URLs {
			urls = append(urls, []string{"HTTP", url, name})
		}
	}
	for _, a := range s.WebSocketAPIs {
		urls = append(urls, []string{"WebSocket", a.URL, a.Name})
	}
	urls = append(urls, []string{"SQS", s.SQSEndpoint, "AWS_ENDPOINT_URL_SQS"})
	if s.DynamoDBEndpoint != "" {
		urls = append(urls, []string{"DynamoDB", s.DynamoDBEndpoint, "AWS_ENDPOINT_URL_DYNAMODB"})
	}
	urls = append(urls, []string{"State", s.URL + "/_hearth/state", ""})
	switch {
	case s.Database != "":
		urls = append(urls, []string{"Database", s.Database, ""})
	case len(s.Proxies) > 0:
		urls = append(urls, []string{"Database", "none; programs use their own", "--database URL, or --database postgres for an empty one"})
	}
	table("", urls...)

	var queues [][]string
	for _, q := range s.Queues {
		kind := "standard"
		if q.FIFO {
			kind = "FIFO"
		}
		name := q.Name
		if q.Alias != "" {
			name = q.Alias
		}
		queues = append(queues, []string{name, kind, consumer(s, q.Name), q.URL})
	}
	table("QUEUE|KIND|CONSUMER|URL", queues...)

	var tables [][]string
	for _, t := range s.Tables {
		tables = append(tables, []string{t.Name, strings.Join(t.Keys, ", "), orDash(t.TimeToLive)})
	}
	table("TABLE|KEYS|TIME TO LIVE", tables...)

	var schedules [][]string
	for _, c := range s.Schedules {
		next := "never"
		if !c.Next.IsZero() {
			next = c.Next.Local().Format(time.DateTime)
		}
		schedules = append(schedules, []string{c.Name, c.Expression, orDash(c.TimeZone), next})
	}
	table("SCHEDULE|EXPRESSION|ZONE|NEXT", schedules...)

	var functions [][]string
	for _, f := range s.Functions {
		reserved := "-"
		if f.Reserved != nil {
			reserved = fmt.Sprint(*f.Reserved)
		}
		source := f.Source
		if source == "" {
			source = "as deployed"
		} else {
			source = filepath.Base(filepath.Dir(source)) + "/" + filepath.Base(source)
		}
		timeout := fmt.Sprintf("%g s", f.TimeoutSeconds)
		if f.TimeoutSeconds > maxTimeoutSeconds {
			timeout = "lifted"
		}
		functions = append(functions, []string{f.Name, reserved, fmt.Sprint(f.Provisioned), timeout, fmt.Sprintf("%d MB", f.MemoryMB), source})
	}
	table("FUNCTION|RESERVED|PROVISIONED|TIMEOUT|MEMORY|SOURCE", functions...)
	if all {
		printNotSimulated(&b, s.NotSimulated)
	}
	io.WriteString(to, b.String())
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// consumer describes the consumer of a queue's messages.
func consumer(s *local.State, queue string) string {
	for _, e := range s.EventSources {
		if e.Queue == queue {
			_, name, found := strings.Cut(e.Function, ":function:")
			if !found {
				name = e.Function
			}
			return name
		}
	}
	for _, q := range s.Queues {
		if q.DeadLetterQueue == queue {
			name := q.Alias
			if name == "" {
				name = q.Name
			}
			return "dead letters of " + name
		}
	}
	return "-"
}

// printNotSimulated prints the resources that the engine does not simulate: by type, and
// one by one if there is more to say.
func printNotSimulated(b *strings.Builder, list []local.Resource) {
	if len(list) == 0 {
		return
	}
	counts := map[string]int{}
	var kinds, lines []string
	for _, r := range list {
		if r.Why != "" {
			lines = append(lines, fmt.Sprintf("  %s %s: %s\n", r.Type, r.LogicalID, r.Why))
			continue
		}
		if counts[r.Type]++; counts[r.Type] == 1 {
			kinds = append(kinds, r.Type)
		}
	}
	slices.Sort(kinds)
	fmt.Fprintf(b, "in the template, but not simulated (%d):\n", len(list))
	line := " "
	for _, kind := range kinds {
		text := strings.TrimPrefix(kind, "AWS::")
		if counts[kind] > 1 {
			text += fmt.Sprintf(" ×%d", counts[kind])
		}
		if len(line)+len(text) > 110 {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + text + ","
	}
	if line != " " {
		b.WriteString(strings.TrimSuffix(line, ",") + "\n")
	}
	slices.Sort(lines)
	b.WriteString(strings.Join(lines, "") + "\n")
}
