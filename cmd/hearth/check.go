package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/constructs/checks"
)

// defaultAssembly is the folder that the CDK writes to by default.
const defaultAssembly = "cdk.out"

// formats are the output formats of hearth check.
var formats = []string{"text", "json", "sarif", "github"}

type checkOptions struct{ against, format, silences string }

func newCheck() *cobra.Command {
	var opts checkOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check [PATH]...",
		Short: "Find faults in synthesized templates before AWS does",
		Long: `Find faults in synthesized templates before AWS does, for apps in any language.

PATH is a template or the folder of a cloud assembly, cdk.out by default. Each finding
is one line. The exit status is 1 if a finding is an error.`,
		Example: `  hearth check
  hearth check --against main/cdk.out cdk.out   # and what the update replaces or loses
  hearth check --format sarif > findings.sarif  # for code scanning`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if len(paths) == 0 {
				paths = []string{defaultAssembly}
			}
			if asJSON {
				if cmd.Flags().Changed("format") && opts.format != "json" {
					return fmt.Errorf("check: --json and --format %s must not be given both; remove one", opts.format)
				}
				opts.format = "json"
			}
			return check(paths, opts, cmd.OutOrStdout())
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.against, "against", "", "a template or a folder, `OLD`: also print what an update from it\nadds, changes, replaces and deletes, and what that loses")
	flags.StringVar(&opts.format, "format", formats[0], "text, json (an array of objects), sarif (for code scanning) or\ngithub (annotations of GitHub Actions)")
	flags.BoolVar(&asJSON, "json", false, "the same as --format json")
	flags.StringVar(&opts.silences, "silences", "", "a `FILE` with findings to leave out and the reasons;\n"+checks.SilencesFile+" by default, if it exists")
	if err := cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err)
	}
	return cmd
}

// check prints the findings of templates, and fails if one of them is an error.
func check(paths []string, opts checkOptions, stdout io.Writer) error {
	findings, err := checks.Paths(paths...)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if findings, err = silence(findings, opts.silences); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	var changes []checks.Change
	if opts.against != "" {
		if changes, err = checks.ComparePaths(opts.against, paths...); err != nil {
			return fmt.Errorf("check: %w", err)
		}
	}
	switch opts.format {
	case "text":
		err = printFindings(stdout, findings, changes)
	case "json":
		err = printObjects(stdout, findings, changes)
	case "sarif":
		var data []byte
		if data, err = checks.SARIF(findings); err == nil {
			_, err = fmt.Fprintf(stdout, "%s\n", data)
		}
	case "github":
		for _, f := range findings {
			fmt.Fprintln(stdout, f.GitHub())
		}
		for _, c := range changes {
			fmt.Fprintln(stdout, c)
		}
	default:
		return fmt.Errorf("check: --format must be one of %s, got %q", strings.Join(formats, ", "), opts.format)
	}
	if err != nil {
		return err
	}
	failed := 0
	for _, f := range findings {
		if f.Severity == checks.Error {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("check: must have no error, got %d; correct the resources above", failed)
	}
	return nil
}

// silence removes the findings that a file silences.
func silence(findings []checks.Finding, file string) ([]checks.Finding, error) {
	named := file != ""
	if !named {
		file = checks.SilencesFile
	}
	silences, err := checks.ReadSilences(file)
	if errors.Is(err, os.ErrNotExist) && !named {
		return findings, nil
	}
	if err != nil {
		return nil, err
	}
	return checks.Apply(silences, file, findings), nil
}

func printFindings(stdout io.Writer, findings []checks.Finding, changes []checks.Change) error {
	out := terminal.New(stdout)
	for _, f := range findings {
		color := terminal.Yellow
		if f.Severity == checks.Error {
			color = terminal.Red
		}
		if err := out.WriteColored(f.String()+"\n", string(f.Severity)+":", color); err != nil {
			return err
		}
	}
	for _, c := range changes {
		fmt.Fprintln(out, c)
	}
	return nil
}

func printObjects(stdout io.Writer, findings []checks.Finding, changes []checks.Change) error {
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
	return encoder.Encode(objects)
}
