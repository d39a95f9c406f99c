package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/internal/program"
)

func newManifest() *cobra.Command {
	env := map[string]string{}
	cmd := &cobra.Command{
		Use:   "manifest DIR",
		Short: "Print what the program in a folder serves",
		Long: `Build the Go program in DIR for this machine and print what it serves, as JSON.

As at synth, the program gets none of the shell's variables but PATH, HOME and the like.
--env sets the variables that it reads before it calls lambdaruntime.Start.`,
		Example: `  hearth manifest ./handler > manifest.json
  hearth manifest --env TABLE_NAME=items ./handler`,
		Args: arguments(1, 1, "one folder"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return manifest(cmd.Context(), args[0], env, terminal.Printing(cmd.OutOrStdout()))
		},
	}
	addEnv(cmd, env)
	return cmd
}

func manifest(ctx context.Context, dir string, env map[string]string, stdout io.Writer) error {
	binary, cleanup, err := build(ctx, dir)
	if err != nil {
		return err
	}
	defer cleanup()
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	m, err := program.Ask(ctx, binary, dir, env, program.Timeout)
	if err != nil {
		return fmt.Errorf("run %s: %w", dir, err)
	}
	data, err := m.Encode()
	if err != nil {
		return err
	}
	_, err = stdout.Write(data)
	return err
}

// addEnv adds the flag --env, which sets variables of a program in a folder.
func addEnv(cmd *cobra.Command, env map[string]string) {
	cmd.Flags().Func("env", "set a variable, `NAME=VALUE`, of the program in a folder; may be\nrepeated", func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return fmt.Errorf("must be NAME=VALUE, got %q", s)
		}
		env[name] = value
		return nil
	})
}
