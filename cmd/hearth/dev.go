package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/dev"
	"github.com/lambdahearth/hearth/local"
)

// defaultPort is the default port of hearth dev.
const defaultPort = 3000

func newDev() *cobra.Command {
	opts := dev.Options{Local: local.Options{Issuers: map[string]local.Issuer{}, Handlers: map[string]string{}}}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run the app that cdk.json names, and follow what is saved",
		Long: `Synthesize the app that cdk.json names, run it, and follow what is saved.

A Go file of a handler swaps its instances, one of the infrastructure synthesizes
again. Everything binds to loopback. Beside cdk.json there may be:

  .env           variables of the functions, in lines as --env takes them; those that
                 begin with a stack's name in capitals (SHOP_) are passed on from
                 hearth's own environment anyway
  .env.FUNCTION  variables of one function, by its logical id or name
  hearth.json    flags that every start has, by their names:
                 {"port": 3001, "handler": ["Fn=./handler"]}`,
		Example: `  hearth dev
  hearth dev --port 3001 --cold-start 500ms     # see what cold starts do
  hearth dev --database postgres --env 'STRIPE_*'
  hearth dev --assembly cdk.out                 # run what was synthesized before`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := readFlags(cmd.Flags(), filepath.Join(opts.Dir, flagsFile)); err != nil {
				return fmt.Errorf("dev: %w; see hearth dev --help", err)
			}
			return dev.Run(cmd.Context(), opts, cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&opts.Port, "port", defaultPort, "the port to serve on; 0 picks a free one")
	flags.StringVar(&opts.Dir, "dir", ".", "the folder of cdk.json")
	flags.Func("env", "set a variable of the functions, `NAME=VALUE`, or pass on\nthose of hearth's own environment: NAME, PREFIX*; may be repeated", func(text string) error {
		opts.Env = append(opts.Env, text)
		return nil
	})
	flags.StringVar(&opts.Local.Database, "database", local.DatabaseAuto, "where RDS Proxies lead to: a `URL`; \"auto\" takes DATABASE_URL or\nstarts PostgreSQL with empty databases where it is installed,\n\"postgres\" insists on it, and \"none\" leaves the data to the programs")
	flags.Func("handler", "the Go program of a function, `LOGICAL_ID=DIR`, where the\nassembly does not say; may be repeated", func(text string) error {
		id, folder, ok := strings.Cut(text, "=")
		if !ok || id == "" || folder == "" {
			return fmt.Errorf("must be LOGICAL_ID=DIR, got %q", text)
		}
		opts.Local.Handlers[id] = folder
		return nil
	})
	flags.Func("issuer", "the issuer of a JWT authorizer that the template does not say,\nsuch as a Cognito user pool: `LOGICAL_ID=URL,AUDIENCE`; more\naudiences follow after commas; may be repeated", func(text string) error {
		id, rest, ok := strings.Cut(text, "=")
		parts := strings.Split(rest, ",")
		if !ok || id == "" || len(parts) < 2 || parts[0] == "" {
			return fmt.Errorf("must be LOGICAL_ID=URL,AUDIENCE, got %q", text)
		}
		opts.Local.Issuers[id] = local.Issuer{Issuer: parts[0], Audience: parts[1:]}
		return nil
	})
	flags.Func("host", "let a tunnel in: the app answers 403 to requests for hosts that\nare not this machine; a `NAME`, or *.NAME for all below a\ndomain; may be repeated", func(name string) error {
		opts.Local.Hosts = append(opts.Local.Hosts, name)
		return nil
	})
	for _, port := range []struct {
		name, usage string
		addr        *string
	}{
		{"sqs-port", "the `PORT` of the SQS endpoint; free by default", &opts.Local.SQSAddr},
		{"dynamodb-port", "the `PORT` of the DynamoDB endpoint; free by default", &opts.Local.DynamoDBAddr},
		{"api-port", "the `PORT` of the second API, and those that follow for the third\nand so on; free by default", &opts.Local.APIAddr},
	} {
		flags.Func(port.name, port.usage, func(text string) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > 65535 {
				return fmt.Errorf("must be 0 to 65535, got %q", text)
			}
			*port.addr = net.JoinHostPort("127.0.0.1", text)
			return nil
		})
	}
	flags.Func("stack", "run the stack `NAME` only; may be repeated", func(name string) error {
		opts.Local.Stacks = append(opts.Local.Stacks, name)
		return nil
	})
	flags.IntVar(&opts.Local.Concurrency, "concurrency", 0, "instances of functions without a reservation, 100 by default")
	flags.DurationVar(&opts.Local.ColdStart, "cold-start", 0, "added to each cold start, such as 500ms")
	flags.BoolVar(&opts.Local.Freeze, "freeze", false, "stop instances between invocations, as Lambda does")
	flags.BoolVar(&opts.Local.Debug, "debug", false, "build for a debugger, print the process of each instance, and\nlift the time limits")
	flags.StringVar(&opts.Assembly, "assembly", "", "run the assembly in this `DIR` and do not synthesize")
	flags.BoolVar(&opts.RawLogs, "json", false, "print the log records of the programs as they are")
	flags.BoolVar(&opts.NoWatch, "no-watch", false, "do not follow what is saved")
	return cmd
}
