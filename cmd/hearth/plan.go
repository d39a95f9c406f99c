package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/plancmd"
)

// planCommand recommends concurrency settings for a traffic.
func planCommand(ctx context.Context, args []string, stdout io.Writer) error {
	var f plancmd.Flags
	flags := flag.NewFlagSet("plan", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	list := func(name string, into *[]string) {
		flags.Func(name, "", func(s string) error { *into = append(*into, s); return nil })
	}
	flags.Func("rate", "", func(s string) (err error) {
		if f.Rate, err = strconv.ParseFloat(s, 64); err == nil && f.Rate <= 0 {
			err = errors.New("must be above 0 requests a second")
		}
		return err
	})
	flags.StringVar(&f.Traffic, "traffic", "", "")
	flags.StringVar(&f.Func, "func", "", "")
	flags.StringVar(&f.Daily, "daily", "", "")
	flags.Float64Var(&f.Weekend, "weekend", 0, "")
	flags.Float64Var(&f.Rush, "rush", 0, "")
	flags.StringVar(&f.Burst, "burst", "", "")
	flags.BoolVar(&f.Repeat, "repeat", false, "")
	flags.Float64Var(&f.Scale, "scale", 0, "")
	flags.StringVar(&f.Duration, "duration", "", "")
	flags.StringVar(&f.Distribution, "distribution", "", "")
	flags.StringVar(&f.Init, "init", "", "")
	flags.BoolVar(&f.Measure, "measure", false, "")
	flags.StringVar(&f.Dir, "dir", "", "")
	flags.StringVar(&f.Idle, "idle", "", "")
	flags.DurationVar(&f.Timeout, "timeout", 0, "")
	flags.IntVar(&f.Memory, "memory", 0, "")
	list("at-memory", &f.AtMemory)
	flags.Float64Var(&f.Clients, "clients", 0, "")
	flags.StringVar(&f.Arch, "arch", "", "")
	flags.StringVar(&f.API, "api", "", "")
	flags.StringVar(&f.Provisioned, "provisioned", "", "")
	flags.Float64Var(&f.Utilization, "utilization", 0, "")
	flags.StringVar(&f.Reserved, "reserved", "", "")
	flags.IntVar(&f.Account, "account", 0, "")
	flags.Float64Var(&f.RequestsPerUnit, "requests-per-unit", 0, "")
	list("queue", &f.Queues)
	flags.Func("deploy", "", func(s string) error {
		at, err := time.ParseDuration(s)
		f.Deploy = append(f.Deploy, at)
		return err
	})
	flags.StringVar(&f.Goal, "goal", "", "")
	flags.DurationVar(&f.Noticeable, "noticeable", 0, "")
	flags.DurationVar(&f.Age, "age", 0, "")
	flags.IntVar(&f.Connections, "connections", 0, "")
	flags.Uint64Var(&f.Seed, "seed", 0, "")
	flags.IntVar(&f.Requests, "requests", 0, "")
	flags.DurationVar(&f.Length, "length", 0, "")
	flags.StringVar(&f.Prices, "prices", "", "")
	flags.StringVar(&f.Assembly, "assembly", "", "")
	flags.StringVar(&f.Function, "function", "", "")
	list("stack", &f.Stack)
	flags.BoolVar(&f.JSON, "json", false, "")
	flags.StringVar(&f.HTML, "html", "", "")
	flags.StringVar(&f.SVG, "svg", "", "")
	flags.StringVar(&f.Out, "out", "", "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("plan: %w; see hearth plan --help", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("plan takes no arguments, got %q; see hearth plan --help", flags.Arg(0))
	}
	return plancmd.Run(ctx, f, stdout)
}
