package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/scaffold"
)

func newNew() *cobra.Command {
	opts := scaffold.Options{Hearth: modulePath, Version: moduleVersion()}
	var names []string
	var list strings.Builder
	for _, t := range scaffold.Templates {
		names = append(names, t.Name)
		fmt.Fprintf(&list, "\n  %-5s %s", t.Name, t.Has)
	}
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a project: handler, infrastructure, tests",
		Long: `Make a complete project in the new folder NAME: the handler program, its
infrastructure, tests of both and of the whole app, the settings of the CDK, and a
workflow for CI. The command asks nothing and needs no network. The templates:
` + list.String(),
		Example: `  hearth new shop
  hearth new --template api --module example.com/hello hello
  hearth new --into . --template jobs billing     # a folder of the module in this one`,
		Args:              arguments(1, 1, "the name of the project"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.Name = args[0]
			project, err := scaffold.New(opts)
			if err != nil {
				return err
			}
			printNext(cmd.OutOrStdout(), project)
			return nil
		},
	}
	cmd.Flags().StringVar(&opts.Template, "template", names[0], "what to make: one of "+strings.Join(names, ", "))
	cmd.Flags().StringVar(&opts.Module, "module", "", "the `PATH` of the new Go module; NAME by default")
	cmd.Flags().StringVar(&opts.Into, "into", "", "make NAME a folder of the existing module in `DIR`")
	if err := cmd.RegisterFlagCompletionFunc("template", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
	return cmd
}

// printNext prints the next commands to type.
func printNext(out io.Writer, p *scaffold.Project) {
	fmt.Fprintf(out, "%s is there: %s, %d files\n\n", p.Dir, p.Template.Has, p.Files)
	step := func(command, why string) {
		if why != "" {
			command = fmt.Sprintf("%-20s # %s", command, why)
		}
		fmt.Fprintf(out, "  %s\n", command)
	}
	step("cd "+p.Dir, "")
	if p.Unreleased {
		fmt.Fprintln(out, "  # this command was built in a checkout, which is no release:")
		step("go mod edit -require "+modulePath+"@"+scaffold.Unreleased+" -replace "+modulePath+"="+checkout(), "")
	}
	if len(p.Get) > 0 {
		step("go get "+strings.Join(p.Get, " "), "")
	}
	step("go mod tidy", "download what go.mod names")
	step("hearth dev", "run it on this machine")
	step("go test ./...", "its tests")
	fmt.Fprintf(out, "\nand while hearth dev runs, in a second terminal:\n\n  %s\n\n", p.Template.Try)
	fmt.Fprint(out, "The first compile of the CDK takes two to three minutes. README.md says what is where,\nand how to deploy it. hearth doctor says what is missing on this machine.\n")
}

// checkout returns the checkout that the command was built in, or the placeholder CHECKOUT.
func checkout() string {
	if _, file, _, ok := runtime.Caller(0); ok {
		dir := filepath.Dir(filepath.Dir(filepath.Dir(file)))
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return "CHECKOUT"
}
