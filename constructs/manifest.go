package hearth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
)

// Manifest states what a handler program serves, as the program itself says.
type Manifest = wire.Manifest

// manifestTimeout bounds the run of a program for its manifest. lambdaruntime.Start
// writes the manifest before it loads anything, so a program that takes longer
// does its own work before Start, or never calls it.
const manifestTimeout = 30 * time.Second

var manifests memo[program, *Manifest]

// manifest builds the program for this machine, runs it with
// [wire.EnvManifest] set, and reads what it wrote.
func (p program) manifest() (*Manifest, error) {
	// The same program for another architecture serves the same.
	p.goarch = ""
	return manifests.get(p, func() (*Manifest, error) { return p.runForManifest(manifestTimeout) })
}

func (p program) runForManifest(timeout time.Duration) (*Manifest, error) {
	dir, err := os.MkdirTemp("", "hearth-manifest-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "handler.exe") // Windows runs no other name
	// Empty values stand for this machine, whatever the environment says.
	if err := p.build(binary, "GOOS=", "GOARCH="); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "manifest.json")
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), wire.EnvManifest+"="+file)
	cmd.WaitDelay = time.Second // a process that the program started may hold its output open
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err = cmd.Run()

	const todo = "call lambdaruntime.Start first thing in main, or set Manifest: false and declare what it serves"
	said := strings.TrimRight(output.String(), "\n")
	if said != "" {
		said = "\n" + said
	}
	switch _, missing := os.Stat(file); {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("read manifest: the program must write its manifest within %s, got nothing; %s%s", timeout, todo, said)
	case err != nil && errors.Is(err, os.ErrPermission):
		return nil, errors.New("it is not package main")
	case err != nil:
		return nil, fmt.Errorf("read manifest: the program must write its manifest and exit with 0, got %w; %s%s", err, todo, said)
	case missing != nil:
		return nil, fmt.Errorf("read manifest: the program must write its manifest, got none before it exited; %s%s", todo, said)
	}
	return wire.ReadManifest(file)
}
