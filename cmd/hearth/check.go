package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/constructs/checks"
)

// defaultAssembly is where the CDK synthesizes to.
const defaultAssembly = "cdk.out"

func newCheck() *cobra.Command {
	var asJSON bool
	var against string
	cmd := &cobra.Command{
		Use:   "check [PATH]...",
		Short: "Find faults in synthesized templates before AWS does",
		Long: `Find faults in synthesized templates before AWS does, of apps in any language.

PATH is a template or the folder of a cloud assembly, cdk.out by default. Each finding
is one line. The exit status is 1 if one of them is an error.`,
		Example: `  hearth check
  hearth check --against main/cdk.out cdk.out   # and what the update replaces or loses
  hearth check --json template.json`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{defaultAssembly}
			}
			return check(paths, against, asJSON, cmd.OutOrStdout())
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array of objects")
	cmd.Flags().StringVar(&against, "against", "", "also say what an update from `OLD`, a template or a folder, adds,\nupdates, replaces and deletes, and what is lost")
	return cmd
}

// check prints what is wrong with templates, and fails if one of it is an error.
func check(paths []string, against string, asJSON bool, stdout io.Writer) error {
	findings, err := checks.Paths(paths...)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	var changes []checks.Change
	if against != "" {
		if changes, err = checks.ComparePaths(against, paths...); err != nil {
			return fmt.Errorf("check: %w", err)
		}
	}
	if asJSON {
		objects := make([]any, 0, len(findings)+len(changes))
		for _, f := range findings {
			objects = append(objects, f)
		}
		for _, c := range changes {
			objects = append(objects, c)
		}
		encoder := json.NewEncoder(stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(objects); err != nil {
			return err
		}
	}
	failed := 0
	for _, f := range findings {
		if f.Severity == checks.Error {
			failed++
		}
		if !asJSON {
			fmt.Fprintln(stdout, f)
		}
	}
	if !asJSON {
		for _, c := range changes {
			fmt.Fprintln(stdout, c)
		}
	}
	if failed > 0 {
		return fmt.Errorf("check: must have no error, got %d; correct the resources above", failed)
	}
	return nil
}
