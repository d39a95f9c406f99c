// Command hearth runs AWS backends on this machine, and checks templates before a
// deployment to AWS.
//
//	hearth new NAME              make a project
//	hearth dev                   run the app that cdk.json names
//	hearth trigger SCHEDULE      run one of its schedules now
//	hearth send QUEUE [MESSAGE]  put a message on one of its queues
//	hearth connect [QUERY]       connect to its WebSocket API
//	hearth invoke FUNCTION       send an event to one of its functions
//	hearth invoke DIR [FILE]     send one event to the program in DIR
//	hearth manifest DIR          print what the program in DIR serves
//	hearth check [PATH]...       find faults in synthesized templates
//	hearth plan                  recommend concurrency settings for a traffic
//	hearth sqs                   run the SQS simulator alone
//	hearth doctor                say what is missing on this machine
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lambdahearth/hearth/internal/similar"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
)

// stopPatience bounds the time that a command takes to stop, even if the terminal does not
// read its last lines. Its child processes end with it.
const stopPatience = 10 * time.Second

func init() { cobra.EnableCommandSorting = false } // hearth help keeps the order of newRoot

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() {
		stop()                                              // a second Ctrl-C ends it at once
		time.AfterFunc(stopPatience, func() { os.Exit(1) }) // also if nobody reads the pipe
	})
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		terminal.New(os.Stderr).WriteColored("hearth: "+err.Error()+"\n", "hearth:", terminal.Red) //nolint:errcheck // there is nobody to tell
		os.Exit(1)
	}
}

// run runs the command line args.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	root := newRoot()
	root.SetArgs(append([]string{}, args...)) // cobra takes nil for os.Args
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

// newRoot returns the command hearth with its subcommands, in the order of its help.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "hearth",
		Short: "Run AWS backends on this machine, and check what is deployed to AWS",
		Long:  "Hearth runs AWS backends on this machine, and checks what is deployed to AWS.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
		Version:                    versionLine(),
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors:              true,
		SilenceUsage:               true,
		SuggestionsMinimumDistance: 2,
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newNew(), newDev(), newTrigger(), newSend(), newConnect(), newInvoke(), newManifest(), newCheck(), newPlan(), newSQS(), newDoctor(), newVersion())
	root.SetVersionTemplate("{{.Version}}\n")
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" { // cobra's own, which prints the help of the root for a mistake
			c.Short, c.Long, c.Example = "Print the help of a command", "Print the help of a command.", "  hearth help dev"
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); len(args) > 0 && (err != nil || found == root && len(rest) > 0) {
					return unknownCommand(root, args[0])
				}
				return nil
			}
		}
	}
	return root
}

// unknownCommand is the error for a command that does not exist.
func unknownCommand(root *cobra.Command, name string) error {
	return fmt.Errorf("unknown command %q%s; see hearth help", name, nearest(root.SuggestionsFor(name), ""))
}

// flagError describes a mistake in a command's flags in one line.
func flagError(cmd *cobra.Command, err error) error {
	hint := ""
	err = plainer(err)
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		hint = nearest(nearFlags(cmd.Flags(), unknown.GetSpecifiedName()), "--")
	}
	prefix := cmd.Name() + ": "
	if !cmd.HasParent() {
		prefix = "" // main begins each error with the name of the root
	}
	return fmt.Errorf("%s%w%s; see %s --help", prefix, err, hint, cmd.CommandPath())
}

// plainer says what a flag's value must be, where pflag speaks of Go's parser.
func plainer(err error) error {
	var invalid *pflag.InvalidValueError
	numeric := new(strconv.NumError)
	if !errors.As(err, &invalid) {
		return err
	}
	want := "a number"
	switch {
	case strings.HasPrefix(invalid.Unwrap().Error(), "time: "): // an error of time.ParseDuration
		want = "a duration such as 30s or 5m"
	case !errors.As(err, &numeric):
		return err
	case numeric.Func == "ParseBool":
		want = "true or false"
	case errors.Is(numeric, strconv.ErrRange):
		want = "a smaller number"
	case numeric.Func != "ParseFloat":
		want = "a whole number"
	}
	return fmt.Errorf("--%s must be %s, got %q", invalid.GetFlag().Name, want, invalid.GetValue())
}

// nearFlags returns the flags with names similar to name.
func nearFlags(flags *pflag.FlagSet, name string) []string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return similar.Names(name, names)
}

// nearest returns a hint that asks whether the user meant one of the suggestions.
func nearest(suggestions []string, prefix string) string {
	if len(suggestions) == 0 {
		return ""
	}
	return ", did you mean " + prefix + strings.Join(suggestions, " or "+prefix) + "?"
}

// arguments requires at least min and at most max arguments; what names them in errors.
func arguments(min, max int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < min || len(args) > max {
			plural := "s"
			if len(args) == 1 {
				plural = ""
			}
			return fmt.Errorf("%s takes %s, got %d argument%s; see %s --help", cmd.Name(), what, len(args), plural, cmd.CommandPath())
		}
		return nil
	}
}
