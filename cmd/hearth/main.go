// Command hearth works with handler programs on this machine.
//
//	hearth manifest DIR          print what the program in DIR serves
//	hearth invoke DIR [FILE]     send one event to the program in DIR
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local"
)

const usage = `usage:
  hearth manifest DIR
        Build the Go program in DIR for this machine and print what it serves,
        as JSON.
  hearth invoke [-timeout DURATION] [-env NAME=VALUE]... DIR [FILE]
        Build the program, start it as one Lambda instance, send it the event in
        FILE (standard input by default) and print the response. Its log goes to
        standard error.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hearth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "manifest":
		return manifest(ctx, args, stdout)
	case "invoke":
		return invoke(ctx, args, stdin, stdout, stderr)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	}
	return fmt.Errorf("unknown command %q\n%s", command, usage)
}

// build compiles the program in dir into a folder that cleanup removes.
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

func manifest(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("manifest takes one folder, got %d arguments\n%s", len(args), usage)
	}
	program, cleanup, err := build(ctx, args[0])
	if err != nil {
		return err
	}
	defer cleanup()
	path := filepath.Join(filepath.Dir(program), "manifest.json")
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), wire.EnvManifest+"="+path)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w\n%s", args[0], err, strings.TrimSpace(string(output)))
	}
	if _, err := wire.ReadManifest(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("run %s: the program ended without stating what it serves; call lambdaruntime.Start in its main function", args[0])
		}
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = stdout.Write(data)
	return err
}

func invoke(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("invoke", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	timeout := flags.Duration("timeout", time.Minute, "the function's timeout")
	env := map[string]string{}
	flags.Func("env", "a variable of the function's environment, NAME=VALUE", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return errors.New("must be NAME=VALUE")
		}
		env[name] = value
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("invoke: %w\n%s", err, usage)
	}
	if flags.NArg() < 1 || flags.NArg() > 2 {
		return fmt.Errorf("invoke takes a folder and a file, got %d arguments\n%s", flags.NArg(), usage)
	}
	var event []byte
	var err error
	if file := flags.Arg(1); file == "" || file == "-" {
		event, err = io.ReadAll(stdin)
	} else {
		event, err = os.ReadFile(file)
	}
	if err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	program, cleanup, err := build(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	defer cleanup()
	instance, err := local.StartInstance(ctx, local.InstanceOptions{Program: program, Env: env, Timeout: *timeout, Output: stderr})
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
