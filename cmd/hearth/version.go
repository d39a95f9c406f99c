package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// modulePath is the path of Hearth's module.
const modulePath = "github.com/lambdahearth/hearth"

// moduleVersion returns the version of Hearth that the command was built from, such as
// v0.3.0 or v0.0.0-20261126070800-a293543f0c1d; "" if the build has no version.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == modulePath && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return ""
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the command",
		Long:    "Print the version of Hearth that the command was built from, and that of Go.",
		Example: "  hearth version",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
}

// versionLine describes this build of the command.
func versionLine() string {
	version := moduleVersion()
	if version == "" {
		version = "of an unknown version: it was built in a checkout without version control"
	}
	return fmt.Sprintf("hearth %s (%s %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
