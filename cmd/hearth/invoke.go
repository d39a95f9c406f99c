package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/local"
)

func newInvoke() *cobra.Command {
	opts := local.InstanceOptions{Env: map[string]string{}}
	cmd := &cobra.Command{
		Use:   "invoke FUNCTION|DIR [FILE]",
		Short: "Send an event to a function of the running app, or to the program in a folder",
		Long: `Send an event to a function of the running app, or to the program in a folder, and
print the response. Without FILE, the command reads standard input.

For a FUNCTION the command talks to the hearth dev that runs in this folder. A part of
the name is enough if no other function has it. For a DIR it builds the program there
and starts it as one Lambda instance, whose log goes to standard error.`,
		Example: `  hearth invoke Handler event.json
  echo '{"httpMethod": "GET", "path": "/hello"}' | hearth invoke --env A=b ./handler`,
		Args: arguments(1, 2, "a function or a folder, and a file"),
	}
	c := addControl(cmd)
	cmd.Flags().DurationVar(&opts.Timeout, "timeout", time.Minute, "the function's timeout, for a program in a folder")
	addEnv(cmd, opts.Env)
	cmd.ValidArgsFunction = c.names(func(s *local.State) (names []string) {
		for _, f := range s.Functions {
			names = append(names, f.Name)
		}
		return names
	})
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file := ""
		if len(args) == 2 {
			file = args[1]
		}
		event, err := readEvent(file, cmd.InOrStdin())
		if err != nil {
			return err
		}
		// A folder is a program. Any other argument without / or . is a function of the
		// running engine.
		if name := args[0]; !isDir(name) && !strings.ContainsAny(name, "/.") {
			return c.call(cmd.Context(), "invoke", url.Values{"name": {name}}, event, terminal.Printing(cmd.OutOrStdout()))
		}
		opts.Output = terminal.New(cmd.ErrOrStderr())
		return invokeProgram(cmd.Context(), args[0], event, opts, terminal.Printing(cmd.OutOrStdout()))
	}
	return cmd
}

// invokeProgram builds the program in dir and sends event to it.
func invokeProgram(ctx context.Context, dir string, event []byte, opts local.InstanceOptions, stdout io.Writer) error {
	program, cleanup, err := build(ctx, dir)
	if err != nil {
		return err
	}
	defer cleanup()
	opts.Program = program
	instance, err := local.StartInstance(ctx, opts)
	if err != nil {
		return err
	}
	defer instance.Stop()
	response, err := instance.Invoke(ctx, event)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", response)
	return err
}

// build compiles the program in dir into a temporary folder, which cleanup removes.
func build(ctx context.Context, dir string) (program string, cleanup func(), err error) {
	tmp, err := os.MkdirTemp("", "hearth-")
	if err != nil {
		return "", nil, err
	}
	cleanup = func() { os.RemoveAll(tmp) }
	if program, err = local.Build(ctx, dir, tmp); err != nil {
		cleanup()
		return "", nil, err
	}
	return program, cleanup, nil
}

func readEvent(file string, stdin io.Reader) (event []byte, err error) {
	if file == "" || file == "-" {
		event, err = io.ReadAll(stdin)
	} else {
		event, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	return event, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
