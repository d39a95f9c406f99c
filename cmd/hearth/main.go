// Command hearth runs AWS backends on this machine.
//
//	hearth dev                   run the app that cdk.json names
//	hearth trigger SCHEDULE      run one of its schedules now
//	hearth send QUEUE [MESSAGE]  put a message on one of its queues
//	hearth invoke FUNCTION       send an event to one of its functions
//	hearth manifest DIR          print what the program in DIR serves
//	hearth invoke DIR [FILE]     send one event to the program in DIR
//	hearth sqs                   run the SQS simulator alone
//	hearth check [PATH]...       find faults in synthesized templates
//	hearth plan                  recommend concurrency settings for a traffic
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/dev"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local"
)

// stopPatience is how long the end of a command may take: a terminal that does not take
// its last lines must not keep it. Its children end with it.
const stopPatience = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() {
		stop()                                              // a second Ctrl-C ends it at once
		time.AfterFunc(stopPatience, func() { os.Exit(1) }) // and so does a pipe that nobody reads
	})
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(dev.NewTerminal(os.Stderr), "hearth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	if help := helpOf(command); help != "" && asksForHelp(args) {
		fmt.Fprint(stdout, help)
		return nil
	}
	switch command {
	case "dev":
		return dev.Run(ctx, args, stdout, stderr)
	case "trigger":
		return trigger(ctx, args, stdout)
	case "send":
		return send(ctx, args, stdin, stdout)
	case "manifest":
		return manifest(ctx, args, stdout)
	case "invoke":
		return invoke(ctx, args, stdin, stdout, stderr)
	case "sqs":
		return sqsCommand(ctx, args, stdout)
	case "check":
		return check(args, stdout)
	case "plan":
		return planCommand(ctx, args, stdout)
	case "help", "-h", "-help", "--help":
		if len(args) > 0 && helpOf(args[0]) != "" {
			fmt.Fprint(stdout, helpOf(args[0]))
			return nil
		}
		printHelp(stdout)
		return nil
	case "":
		return errors.New("a command is missing; see hearth help")
	}
	return fmt.Errorf("unknown command %q; see hearth help", command)
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
		return fmt.Errorf("manifest takes one folder, got %d arguments; see hearth manifest --help", len(args))
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
	running := newControl("invoke")
	flags := running.flags
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
		return fmt.Errorf("invoke: %w; see hearth invoke --help", err)
	}
	if flags.NArg() < 1 || flags.NArg() > 2 {
		return fmt.Errorf("invoke takes a folder and a file, got %d arguments; see hearth invoke --help", flags.NArg())
	}
	// A folder is a program; anything else is a function of the running engine, of
	// which no folder can be meant.
	if name := flags.Arg(0); !isDir(name) && !strings.ContainsAny(name, "/.") {
		return invokeRunning(ctx, running, name, flags.Arg(1), stdin, stdout)
	}
	event, err := readEvent(flags.Arg(1), stdin)
	if err != nil {
		return err
	}
	program, cleanup, err := build(ctx, flags.Arg(0))
	if err != nil {
		return err
	}
	defer cleanup()
	instance, err := local.StartInstance(ctx, local.InstanceOptions{Program: program, Env: env, Timeout: *timeout, Output: dev.NewTerminal(stderr)})
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
