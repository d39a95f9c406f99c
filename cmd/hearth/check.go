package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"github.com/lambdahearth/hearth/constructs/checks"
)

// defaultAssembly is where the CDK synthesizes to.
const defaultAssembly = "cdk.out"

// check writes what is wrong with templates, and fails if an error is among it.
func check(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	asJSON := flags.Bool("json", false, "write an array")
	against := flags.String("against", "", "what was deployed before")
	var paths []string
	for { // options may follow paths
		if err := flags.Parse(args); err != nil {
			return fmt.Errorf("check: %w; see hearth check --help", err)
		}
		if flags.NArg() == 0 {
			break
		}
		paths, args = append(paths, flags.Arg(0)), flags.Args()[1:]
	}
	if len(paths) == 0 {
		paths = []string{defaultAssembly}
	}
	findings, err := checks.Paths(paths...)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	var changes []checks.Change
	if *against != "" {
		if changes, err = checks.ComparePaths(*against, paths...); err != nil {
			return fmt.Errorf("check: %w", err)
		}
	}
	if *asJSON {
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
		if !*asJSON {
			fmt.Fprintln(stdout, f)
		}
	}
	if !*asJSON {
		for _, c := range changes {
			fmt.Fprintln(stdout, c)
		}
	}
	if failed > 0 {
		return fmt.Errorf("check: must have no error, got %d; correct the resources above", failed)
	}
	return nil
}
