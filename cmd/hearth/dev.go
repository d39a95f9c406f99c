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
	opts := dev.Options{Local: local.Options{Issuers: map[string]local.Issuer{}, Handlers: map[string]string{}, Parameters: map[string]string{}}}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run the app of cdk.json, and apply each change that you save",
		Long: `Synthesize the app of cdk.json, run it, and apply each change that you save.

When you save a Go file of a program, its instances are replaced. When you save one of
the infrastructure, the app is synthesized again. All ports are on loopback, so other
machines cannot reach them. These files beside cdk.json are read, if they exist:

  .env           variables of all functions, in lines as --env takes them; variables of
                 the shell that begin with a stack's name in capitals (SHOP_) are
                 passed on in any case
  .env.FUNCTION  variables of one function, by its logical id or name
  hearth.json    flags of every start, by name:
                 {"port": 3001, "handler": ["Fn=./handler"]}`,
		Example: `  hearth dev
  hearth dev --port 3001 --cold-start 500ms     # see what cold starts do
  hearth dev --database postgres --env 'STRIPE_*'
  hearth dev --assembly cdk.out                 # run an assembly that exists`,
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
	flags.IntVar(&opts.Port, "port", defaultPort, "the port of the page and the first API; 0 means a free one")
	flags.StringVar(&opts.Dir, "dir", ".", "the folder of cdk.json")
	flags.Func("env", "set a variable of all functions, `NAME=VALUE`, or pass on\nvariables of the shell: NAME, PREFIX*; may be repeated", func(text string) error {
		opts.Env = append(opts.Env, text)
		return nil
	})
	flags.StringVar(&opts.Local.Database, "database", local.DatabaseAuto, "the database behind RDS Proxies: a `URL`; \"postgres\" starts\nPostgreSQL with empty databases; \"auto\" uses DATABASE_URL, or\nstarts PostgreSQL if it is installed; with \"none\", programs use\ntheir own")
	flags.Func("handler", "the folder of a function's Go program, `LOGICAL_ID=DIR`, if the\nassembly does not name it; may be repeated", func(text string) error {
		id, folder, ok := strings.Cut(text, "=")
		if !ok || id == "" || folder == "" {
			return fmt.Errorf("must be LOGICAL_ID=DIR, got %q", text)
		}
		opts.Local.Handlers[id] = folder
		return nil
	})
	flags.Func("parameter", "the value of a template's parameter, `NAME=VALUE` or\nSTACK:NAME=VALUE; may be repeated", func(text string) error {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return fmt.Errorf("must be NAME=VALUE, got %q", text)
		}
		opts.Local.Parameters[name] = value
		return nil
	})
	flags.Func("issuer", "the issuer of a JWT authorizer, if the template does not name it,\nas for a Cognito user pool: `LOGICAL_ID=URL,AUDIENCE`; more\naudiences follow after commas; may be repeated", func(text string) error {
		id, rest, ok := strings.Cut(text, "=")
		parts := strings.Split(rest, ",")
		if !ok || id == "" || len(parts) < 2 || parts[0] == "" {
			return fmt.Errorf("must be LOGICAL_ID=URL,AUDIENCE, got %q", text)
		}
		opts.Local.Issuers[id] = local.Issuer{Issuer: parts[0], Audience: parts[1:]}
		return nil
	})
	flags.Func("host", "let a tunnel in: without it, the app answers 403 to requests for\nhosts other than this machine; a `NAME`, or *.NAME for all names\nbelow a domain; may be repeated", func(name string) error {
		opts.Local.Hosts = append(opts.Local.Hosts, name)
		return nil
	})
	for _, port := range []struct {
		name, usage string
		addr        *string
	}{
		{"sqs-port", "the `PORT` of the SQS endpoint; by default a free one", &opts.Local.SQSAddr},
		{"dynamodb-port", "the `PORT` of the DynamoDB endpoint; by default a free one", &opts.Local.DynamoDBAddr},
		{"api-port", "the `PORT` of the second API; the third API has the next port,\nand so on; by default free ones", &opts.Local.APIAddr},
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
	flags.Func("stack", "run only a stack, or the stacks of a stage or of a pattern such as\n'Prod/*', by `NAME`; may be repeated", func(name string) error {
		opts.Local.Stacks = append(opts.Local.Stacks, name)
		return nil
	})
	flags.IntVar(&opts.Local.Concurrency, "concurrency", 0, "the account's concurrency limit: the most instances of all\nfunctions together, 100 by default")
	flags.DurationVar(&opts.Local.ColdStart, "cold-start", 0, "time that is added to each cold start, such as 500ms")
	flags.BoolVar(&opts.Local.Freeze, "freeze", false, "suspend instances between invocations, as Lambda does")
	flags.BoolVar(&opts.Local.Debug, "debug", false, "build programs for a debugger, print the process id of each\ninstance, and lift the time limits")
	flags.StringVar(&opts.Assembly, "assembly", "", "run the assembly in `DIR`, without a synth")
	flags.BoolVar(&opts.RawLogs, "json", false, "print the programs' log records as JSON")
	flags.BoolVar(&opts.NoWatch, "no-watch", false, "do not apply changes")
	return cmd
}
