package main

import (
	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/doctor"
	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
)

func newDoctor() *cobra.Command {
	opts := doctor.Options{Module: modulePath, Version: moduleVersion()}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Print what is missing on this machine, and the remedy",
		Long: `Look for Go, Node, npx, the CDK CLI, PostgreSQL, a folder in which programs run, the
port of hearth dev, and the project in this folder. Print what is missing and the
remedy. The exit status is 1 if Hearth does not work without it.`,
		Example: "  hearth doctor",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return doctor.Run(cmd.Context(), opts, terminal.New(cmd.OutOrStdout()))
		},
	}
	cmd.Flags().IntVar(&opts.Port, "port", defaultPort, "the port of hearth dev")
	cmd.Flags().StringVar(&opts.Dir, "dir", ".", "the folder of the project")
	return cmd
}
