package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/internal/wire"
)

// Timeout bounds the run of a program for its manifest. lambdaruntime.Start writes the
// manifest before it loads anything. So a program that takes longer runs its own code
// before Start, or never calls it.
const Timeout = 30 * time.Second

// Placeholder is the program's value, during its run for the manifest, of a variable that
// only CloudFormation knows.
const Placeholder = "placeholder"

// hostVariables are the variables of this machine that a program gets in its run for the
// manifest: those that a process needs, and no secrets.
var hostVariables = []string{
	"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TEMP", "TMP", "TMPDIR", "TZ", "USER",
	// On Windows, few programs run without them.
	"APPDATA", "ComSpec", "LOCALAPPDATA", "PATHEXT", "ProgramData", "SystemDrive", "SystemRoot", "USERPROFILE", "windir",
}

// question lists everything that a program's manifest depends on.
type question struct {
	source      Source
	environment string
}

var manifests memo[question, *wire.Manifest]

// Manifest builds the program for this machine and asks it for its manifest. The program
// gets the variables of its function, and of this machine only those that every process
// needs. The manifest is cached for each environment.
func (s Source) Manifest(environment map[string]string) (*wire.Manifest, error) {
	s.GOARCH = "" // the manifest is the same for every architecture
	var key strings.Builder
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		fmt.Fprintf(&key, "%q=%q ", name, environment[name])
	}
	return manifests.get(question{s, key.String()}, func() (*wire.Manifest, error) { return s.ask(environment, Timeout) })
}

// hosts holds the programs built for this machine, one for all environments.
var hosts memo[Source, []byte]

func (s Source) ask(environment map[string]string, timeout time.Duration) (*wire.Manifest, error) {
	dir, err := os.MkdirTemp("", "hearth-manifest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "handler.exe") // Windows needs .exe
	built := false
	data, err := hosts.get(s, func() ([]byte, error) {
		built = true
		// Empty values mean this machine, whatever the environment says.
		if err := s.build(binary, "GOOS=", "GOARCH="); err != nil {
			return nil, err
		}
		data, err := os.ReadFile(binary)
		if bytes.HasPrefix(data, []byte("!<arch>")) {
			return nil, errNotMain
		}
		return data, err
	})
	if err != nil {
		return nil, err
	}
	if !built { // by this call
		if err := process.WriteProgram(binary, data); err != nil {
			return nil, err
		}
	}
	return Ask(context.Background(), binary, s.Dir, environment, timeout)
}

// Ask runs a program that is built for this machine, in the folder dir and for at most
// timeout, and returns its manifest.
func Ask(ctx context.Context, binary, dir string, environment map[string]string, timeout time.Duration) (*wire.Manifest, error) {
	out, err := os.MkdirTemp("", "hearth-manifest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(out)
	file := filepath.Join(out, "manifest.json")
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir = dir
	for _, name := range hostVariables {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		cmd.Env = append(cmd.Env, name+"="+environment[name])
	}
	cmd.Env = append(cmd.Env, wire.EnvManifest+"="+file)
	cmd.WaitDelay = time.Second // a process that the program started may hold its output open
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err = cmd.Run(); errors.Is(err, exec.ErrWaitDelay) {
		err = nil // the program itself exited with 0
	}
	process.KillMarked(wire.EnvManifest + "=" + file) // those that the program started

	const todo = "call lambdaruntime.Start first thing in main, give it the variables that it needs in Environment or ManifestEnvironment, or name a ManifestFile"
	said := strings.TrimRight(output.String(), "\n")
	if said != "" {
		said = "\n" + said
	}
	switch _, missing := os.Stat(file); {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("read manifest: the program must write its manifest within %s, got nothing; %s%s", timeout, todo, said)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("read manifest: %s must be in a folder in which programs may run, got %w (is it mounted noexec?); set TMPDIR to another folder, or name a ManifestFile", binary, err)
	case err != nil:
		return nil, fmt.Errorf("read manifest: the program must write its manifest and exit with 0, got %w; %s%s", err, todo, said)
	case missing != nil:
		return nil, fmt.Errorf("read manifest: the program must write its manifest, got none before it exited; %s%s", todo, said)
	}
	return wire.ReadManifest(file)
}
