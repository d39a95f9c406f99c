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
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("check: %w; see hearth check --help", err)
	}
	paths := flags.Args()
	if len(paths) == 0 {
		paths = []string{defaultAssembly}
	}
	findings, err := checks.Paths(paths...)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	if *asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(findings); err != nil {
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
	if failed > 0 {
		return fmt.Errorf("check: must have no error, got %d; correct the resources above", failed)
	}
	return nil
}
