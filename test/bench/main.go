// Command bench measures the runtime and its peers in one run and prints the ratios. On a
// shared machine, only ratios are reliable.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type subject struct {
	name    string
	handler func() lambda.Handler
}

type comparison struct {
	name     string
	procs    int // GOMAXPROCS
	event    []byte
	deadline bool      // give the context a deadline, as an invocation has; both sides set it
	subjects []subject // the first is Hearth, the second the reference
	ratio    float64   // the budget, or 0
	allocs   int64     // the budget, or 0
}

func main() {
	rounds := flag.Int("rounds", 5, "how often each subject is measured; the median counts")
	only := flag.String("only", "", "handlers or processes; both when empty")
	testing.Init()
	flag.Parse()
	if err := run(*rounds, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(rounds int, only string) error {
	if only != "processes" {
		if err := handlers(rounds); err != nil {
			return err
		}
	}
	if only != "handlers" {
		return processes(os.Stdout, 2*rounds+1, 10_000)
	}
	return nil
}

func handlers(rounds int) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tGOMAXPROCS\twho\ttime\tratio\tallocs\tbytes\tbudget")
	// Below 1,769 MB, a function has less than one processor, but Go sees two.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html (2026-11)
	for _, procs := range []int{1, 2} {
		http := []subject{{"hearth", hearthHTTP}, {"aws-lambda-go typed", typedHTTP}, {"api-proxy", proxyHTTP}}
		for _, c := range []comparison{
			{"HTTP API event, 2 KB", procs, httpEvent(), false, http, 0.5, 30},
			{"the same, with a deadline", procs, httpEvent(), true, http, 0, 0},
			{"SQS batch of 10, 14 KB", procs, sqsEvent(), false, []subject{{"hearth", hearthSQS}, {"aws-lambda-go typed", typedSQS}}, 0.3, 0},
			{"the same, JSON bodies", procs, sqsEvent(), false, []subject{{"hearth", hearthSQSJSON}, {"aws-lambda-go typed", typedSQSJSON}}, 0, 0},
		} {
			if err := compare(w, c, rounds); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(w)
	return w.Flush()
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

// compare measures the subjects in turn, in several rounds, so that other load on the
// machine affects all of them.
func compare(w *tabwriter.Writer, c comparison, rounds int) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.procs))
	results := make([][]testing.BenchmarkResult, len(c.subjects))
	for range rounds {
		for i, s := range c.subjects {
			h := s.handler()
			invoke := func() ([]byte, error) {
				ctx := context.Background()
				if c.deadline {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
					defer cancel()
				}
				return h.Invoke(ctx, c.event)
			}
			if out, err := invoke(); err != nil || len(out) == 0 {
				return fmt.Errorf("%s, %s: %q, %w", c.name, s.name, out, err)
			}
			results[i] = append(results[i], testing.Benchmark(func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := invoke(); err != nil {
						b.Fatal(err)
					}
				}
			}))
		}
	}
	median := func(i int) testing.BenchmarkResult {
		slices.SortFunc(results[i], func(a, b testing.BenchmarkResult) int { return int(a.NsPerOp() - b.NsPerOp()) })
		return results[i][len(results[i])/2]
	}
	measure := float64(median(1).NsPerOp())
	for i, s := range c.subjects {
		m := median(i)
		ratio := float64(m.NsPerOp()) / measure
		budget := ""
		if i == 0 && c.ratio > 0 {
			budget = fmt.Sprintf("≤ %.2f ×", c.ratio)
			met := ratio <= c.ratio
			if c.allocs > 0 {
				budget += fmt.Sprintf(", ≤ %d allocs", c.allocs)
				met = met && m.AllocsPerOp() <= c.allocs
			}
			budget += ": " + verdict(met)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%.1f µs\t%.2f\t%d\t%d\t%s\n", c.name, c.procs, s.name, float64(m.NsPerOp())/1000, ratio, m.AllocsPerOp(), m.AllocedBytesPerOp(), budget)
	}
	return nil
}
