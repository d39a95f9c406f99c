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

The command simulates the function. It tells whether provisioned concurrency is worth its
price, how many instances to keep warm and to reserve, how long the slowest requests
take, what a month costs, and what breaks first as the traffic grows. If there is a
cdk.out, memory, timeout, concurrency, queues, schedules and the kind of API come from
it; --provisioned, --reserved and --idle then replace its concurrency as a whole. The
same seed gives the same bytes. docs/planning.md describes the model.

D is a duration. 250ms is the mean of an exponential distribution; for --init, and with
--distribution constant, it is the duration of every request. Other distributions are
lognormal:200ms,0.6 (median and sigma) and uniform:100ms-400ms. A cold request takes the
init and its own duration.

A queue has a name, and options for its load and settings: rate=5, traffic=FILE or
backlog=1000, duration=2s, jobs=4 (at once in an invocation), batch=10, window=5s,
max=20, pollers=2-10, fifo, groups=8, failure=0.01, visibility=30s, receives=5.

A schedule of the project takes duration=5m and failure=0.01. Any other schedule also
takes zone=Europe/Berlin and window=15m, and ends with cron(0 3 * * ? *), rate(5 minutes)
or at(2026-11-30T08:00:00).`,
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
	flags.Func("rate", "`R` requests a second, as Poisson arrivals; 1 by default", func(s string) (err error) {
		if f.Rate, err = strconv.ParseFloat(s, 64); err == nil && f.Rate <= 0 {
			err = errors.New("must be above 0 requests a second")
		}
		return err
	})
	flags.StringVar(&f.Daily, "daily", "", "a day with `LOW-HIGH` requests a second, lowest at 3 and highest\nat 15 o'clock")
	flags.Float64Var(&f.Weekend, "weekend", 0, "a week of such days; two of them have this `SHARE` of the requests")
	flags.Float64Var(&f.Rush, "rush", 0, "`R` requests a second in the first minute of each hour, and --rate\nin the others")
	flags.StringVar(&f.Burst, "burst", "", "`N[/TIME]`: requests arrive N at a time, spread over TIME")
	flags.StringVar(&f.Traffic, "traffic", "", "a `FILE` with counts per minute, arrivals with durations\n(app,func,end_timestamp,duration) or REPORT lines, or an access log")
	flags.StringVar(&f.Func, "func", "", "read only the arrivals of the func `NAME`")
	flags.BoolVar(&f.Repeat, "repeat", false, "repeat the counts of the file")
	flags.Float64Var(&f.Scale, "scale", 0, "multiply the requests by `X`")
	flags.StringVar(&f.Duration, "duration", "", "how long the handler takes for a request, `D`; 100ms by default")
	flags.StringVar(&f.Distribution, "distribution", "", "the `KIND` of a duration without one: exponential or constant")
	flags.StringVar(&f.Init, "init", "", "how long a new instance takes to start, `D`; 45ms by default")
	flags.BoolVar(&f.Measure, "measure", false, "start the program on this machine to measure --init")
	flags.StringVar(&f.Dir, "dir", "", "the folder `DIR` of the program to measure; by default from cdk.out")
	flags.StringVar(&f.Idle, "idle", "", "how long an idle instance lives, `T`; 5m-15m by default")
	flags.StringVar(&f.Provisioned, "provisioned", "", "`P` warm instances; 2-20 for target tracking")
	flags.Float64Var(&f.Utilization, "utilization", 0, "the share `U` of warm instances that target tracking keeps busy;\n0.7 by default")
	flags.StringVar(&f.Reserved, "reserved", "", "reserved concurrency, `N`")
	flags.IntVar(&f.Account, "account", 0, "the account's concurrent executions `N`; 1000 by default")
	flags.Float64Var(&f.RequestsPerUnit, "requests-per-unit", 0, "requests a second for each unit of concurrency, `N`; 10 by default,\nas on Lambda, and -1 for no limit")
	flags.StringArrayVar(&f.Queues, "queue", nil, "a queue and its options, `NAME,...`; may be repeated")
	flags.StringArrayVar(&f.Schedules, "schedule", nil, "a schedule, its options and, unless the project has it, its\nexpression, `NAME,...`; may be repeated")
	flags.StringVar(&f.Start, "start", "", "the date or `TIME` at which the traffic begins, for schedules; by\ndefault that of the file, or a Monday")
	flags.Func("deploy", "a deployment at this `TIME` after the start; may be repeated", func(s string) error {
		at, err := time.ParseDuration(s)
		f.Deploy = append(f.Deploy, at)
		return err
	})
	flags.DurationVar(&f.Timeout, "timeout", 0, "the function's timeout, `D`")
	flags.IntVar(&f.Memory, "memory", 0, "the function's memory in `MB`")
	flags.StringVar(&f.Arch, "arch", "", "the function's `ARCH`: arm64 or x86_64")
	flags.StringVar(&f.API, "api", "", "the `KIND` of API: http, rest, url, websocket or none")
	flags.StringArrayVar(&f.AtMemory, "at-memory", nil, "how long a request takes with other memory, `MB=D`; may be repeated")
	flags.Float64Var(&f.Clients, "clients", 0, "`N` connected WebSocket clients, for the cost")
	flags.StringVar(&f.Goal, "goal", "", "the `SHARE` of requests that may be cold; 0.1% by default")
	flags.DurationVar(&f.Noticeable, "noticeable", 0, "the shortest init that users notice, `D`; 100ms by default")
	flags.DurationVar(&f.Age, "age", 0, "the longest acceptable wait of a message, `D`; 5m by default")
	flags.IntVar(&f.Connections, "connections", 0, "the database's max_connections, `N`")
	flags.DurationVar(&f.Borrow, "borrow", 0, "the longest wait for a connection of RDS Proxy, `D`; by default\nthat of the project")
	flags.Float64Var(&f.Held, "held", 0, "the `SHARE` of its time for which a handler holds a connection of\nRDS Proxy; 1 by default")
	flags.StringVar(&f.Prices, "prices", "", "a `FILE` with prices; by default those of us-east-1, 2026-09")
	flags.Uint64Var(&f.Seed, "seed", 0, "the seed `N` of the random numbers")
	flags.IntVar(&f.Requests, "requests", 0, "at most `N` requests of a steady run; 20 million by default")
	flags.DurationVar(&f.Length, "length", 0, "how long to simulate, `D`; by default what the figures need")
	flags.StringVar(&f.Assembly, "assembly", "", "the cloud assembly `DIR`; cdk.out by default")
	flags.StringArrayVar(&f.Stack, "stack", nil, "the stack `NAME` to read; may be repeated")
	flags.StringVar(&f.Function, "function", "", "the `LOGICAL_ID` of the function to plan for, or a part of it")
	flags.BoolVar(&f.JSON, "json", false, "print a JSON object")
	flags.StringVar(&f.HTML, "html", "", "also write a page with pictures to `FILE`")
	flags.StringVar(&f.SVG, "svg", "", "also write the page's first picture to `FILE`")
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
