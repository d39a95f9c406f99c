package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/plancmd"
	"github.com/lambdahearth/hearth/plan"
)

func newPlan() *cobra.Command {
	var f plancmd.Flags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Recommend concurrency settings for a traffic, with latencies and costs",
		Long: `Recommend concurrency settings for a traffic, with latencies and costs.

It simulates the function, and says whether provisioned concurrency is worth it, how many
instances to keep warm and to reserve, what the slowest requests see, what a month costs,
and what breaks first as the traffic grows. Beside cdk.out it takes memory, timeout,
concurrency, queues, schedules and the way in from there; --provisioned, --reserved and
--idle replace that concurrency as a whole. The same seed gives the same bytes.
docs/planning.md has the model.

D is a duration: 250ms is the mean of an exponential distribution, for --init and with
--distribution constant all are the same. Others are lognormal:200ms,0.6 (the median and
sigma) and uniform:100ms-400ms. A cold request takes the init and its own duration.

A queue has its load and its settings, all but the name optional: rate=5, traffic=FILE or
backlog=1000, duration=2s, jobs=4 at once in an invocation, batch=10, window=5s, max=20,
pollers=2-10, fifo, groups=8, failure=0.01, visibility=30s, receives=5.

A schedule of the project has duration=5m. Another one also has zone=Europe/Berlin,
window=15m, and at its end cron(0 3 * * ? *), rate(5 minutes) or at(2026-11-30T08:00:00).`,
		Example: `  hearth plan --rate 5 --duration 250ms
  hearth plan --traffic counts.csv --repeat --duration 120ms --init 900ms --html plan.html
  hearth plan --queue reports,backlog=200000,duration=1.5s,jobs=5 --age 1h
  hearth plan --schedule 'nightly,duration=5m,cron(0 3 * * ? *)'
  hearth plan --json --rate 5 --duration 1s --provisioned 8`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return plancmd.Run(cmd.Context(), f, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Func("rate", "Poisson arrivals, so many requests `R` a second; 1 by default", func(s string) (err error) {
		if f.Rate, err = strconv.ParseFloat(s, 64); err == nil && f.Rate <= 0 {
			err = errors.New("must be above 0 requests a second")
		}
		return err
	})
	flags.StringVar(&f.Daily, "daily", "", "a day with `LOW-HIGH` requests a second, at 3 and at 15 o'clock")
	flags.Float64Var(&f.Weekend, "weekend", 0, "a week of such days, with a `SHARE` of the requests on two of them")
	flags.Float64Var(&f.Rush, "rush", 0, "`R` requests a second in the first minute of each hour, --rate else")
	flags.StringVar(&f.Burst, "burst", "", "arrivals so many at a time, spread over some time, `N[/TIME]`")
	flags.StringVar(&f.Traffic, "traffic", "", "a `FILE` of counts per minute, of arrivals with durations\n(app,func,end_timestamp,duration), of REPORT lines, or an access log")
	flags.StringVar(&f.Func, "func", "", "the func whose arrivals are read, `NAME`")
	flags.BoolVar(&f.Repeat, "repeat", false, "begin the counts of the file anew at their end")
	flags.Float64Var(&f.Scale, "scale", 0, "`X` times as many requests")
	flags.StringVar(&f.Duration, "duration", "", "the time `D` of the handler for a request; 100ms by default")
	flags.StringVar(&f.Distribution, "distribution", "", "the `KIND` of durations that name none: exponential or constant")
	flags.StringVar(&f.Init, "init", "", "the time `D` of a new instance before its first request; 45ms by\ndefault")
	flags.BoolVar(&f.Measure, "measure", false, "start the program on this machine to find that out")
	flags.StringVar(&f.Dir, "dir", "", "the folder `DIR` of the program to measure; cdk.out says it")
	flags.StringVar(&f.Idle, "idle", "", "how long `T` an idle instance lives; 5m-15m by default")
	flags.StringVar(&f.Provisioned, "provisioned", "", "warm instances, `P`; 2-20 for target tracking")
	flags.Float64Var(&f.Utilization, "utilization", 0, "the share `U` of them that target tracking keeps busy; 0.7 by default")
	flags.StringVar(&f.Reserved, "reserved", "", "reserved concurrency, `N`")
	flags.IntVar(&f.Account, "account", 0, "the account's concurrent executions `N`; 1000 by default")
	flags.Float64Var(&f.RequestsPerUnit, "requests-per-unit", 0, "requests a second for each unit of concurrency, `N`; 10 by default,\nas on Lambda, and -1 for no limit")
	flags.StringArrayVar(&f.Queues, "queue", nil, "a queue with its load, `NAME[,OPTION=VALUE]...`; may be repeated")
	flags.StringArrayVar(&f.Schedules, "schedule", nil, "a schedule of the project or another one,\n`NAME[,OPTION=VALUE]...[,EXPRESSION]`; may be repeated")
	flags.StringVar(&f.Start, "start", "", "the date or `TIME` at which the traffic begins, for schedules; that\nof the file, or else a Monday, by default")
	flags.Func("deploy", "a deployment at a `TIME` of the run; may be repeated", func(s string) error {
		at, err := time.ParseDuration(s)
		f.Deploy = append(f.Deploy, at)
		return err
	})
	flags.DurationVar(&f.Timeout, "timeout", 0, "the function's timeout, `D`")
	flags.IntVar(&f.Memory, "memory", 0, "the function's memory in `MB`")
	flags.StringVar(&f.Arch, "arch", "", "its `ARCH`: arm64 or x86_64")
	flags.StringVar(&f.API, "api", "", "the `KIND` of the way in: http, rest, url, websocket or none")
	flags.StringArrayVar(&f.AtMemory, "at-memory", nil, "what a request takes at another size of memory, `MB=D`; may be\nrepeated")
	flags.Float64Var(&f.Clients, "clients", 0, "WebSocket clients `N` that are connected, for the bill")
	flags.StringVar(&f.Goal, "goal", "", "the `SHARE` of requests that may be cold; 0.1% by default")
	flags.DurationVar(&f.Noticeable, "noticeable", 0, "the shortest init `D` that users notice; 100ms by default")
	flags.DurationVar(&f.Age, "age", 0, "the longest wait `D` of a message; 5m by default")
	flags.IntVar(&f.Connections, "connections", 0, "connections `N` of the database, its max_connections")
	flags.DurationVar(&f.Borrow, "borrow", 0, "through RDS Proxy, the longest wait `D` for a connection; that of the\nproject by default")
	flags.Float64Var(&f.Held, "held", 0, "the `SHARE` of its time for which a handler holds a connection of RDS\nProxy; 1 by default")
	flags.StringVar(&f.Prices, "prices", "", "a `FILE` of other prices; those of us-east-1, 2026-09, by default")
	flags.Uint64Var(&f.Seed, "seed", 0, "where the random numbers begin, `N`")
	flags.IntVar(&f.Requests, "requests", 0, "the most requests `N` of a steady run; 20 million by default")
	flags.DurationVar(&f.Length, "length", 0, "the time `D` that is simulated; what the figures need by default")
	flags.StringVar(&f.Assembly, "assembly", "", "the cloud assembly `DIR`; cdk.out by default")
	flags.StringArrayVar(&f.Stack, "stack", nil, "the stack `NAME` to read; may be repeated")
	flags.StringVar(&f.Function, "function", "", "the `LOGICAL_ID` of the function to plan for, or a part of it")
	flags.BoolVar(&f.JSON, "json", false, "print a JSON object")
	flags.StringVar(&f.HTML, "html", "", "also write a page with pictures to `FILE`")
	flags.StringVar(&f.SVG, "svg", "", "also write its first picture to `FILE`")
	flags.StringVar(&f.Out, "out", "", "also write a plan file for ConcurrencyProps.Plan to `FILE`")
	for name, values := range map[string][]string{
		"distribution": {"exponential", "constant"}, "arch": {"arm64", "x86_64"},
		"api": {plan.HTTPAPI, plan.RESTAPI, plan.FunctionURL, plan.WebSocket, "none"},
	} {
		if err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
			panic(fmt.Errorf("flag %s: %w", name, err))
		}
	}
	return cmd
}
