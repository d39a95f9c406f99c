// Package program builds a handler program and asks it for its manifest: for the
// constructs at synth, and for the local engine during development. It imports no package
// of either.
package program

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// lambdaTags are the build tags of every program for Lambda. lambda.norpc leaves net/rpc
// out of aws-lambda-go: only the retired go1.x runtime needs it.
const lambdaTags = "lambda.norpc"

// lambdaLinkerFlags leave out symbols, debug information, and an id that differs from
// folder to folder: a deployed program needs none of them.
const lambdaLinkerFlags = "-s -w -buildid="

// Source is a Go main package and its build settings. Equal Sources build to the same
// bytes.
type Source struct {
	// Dir is the absolute path of the package.
	Dir string
	// GOARCH is the architecture of the function.
	GOARCH string
	// Tags are all build tags, joined by commas.
	Tags string
	// Debug turns optimizations off, for a debugger. It is for builds for the host.
	Debug bool
	// LinkerFlags are all linker flags, joined by spaces.
	LinkerFlags string
	// VersionControl stamps the binary with the state of its repository.
	VersionControl bool
}

// New resolves the folder of a program against the working directory.
func New(entry, goarch string, tags, linkerFlags []string, versionControl bool) (Source, error) {
	dir, err := filepath.Abs(entry)
	if err != nil {
		return Source{}, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return Source{}, err
	}
	if !info.IsDir() {
		return Source{}, fmt.Errorf("%s is a file", dir)
	}
	return Source{
		Dir:            dir,
		GOARCH:         goarch,
		Tags:           strings.Join(append([]string{lambdaTags}, tags...), ","),
		LinkerFlags:    strings.Join(append([]string{lambdaLinkerFlags}, linkerFlags...), " "),
		VersionControl: versionControl,
	}, nil
}

var errNotMain = errors.New("it is not package main")

// memo caches the result for each key, so that one process, which may synthesize many
// apps, builds and runs a program once.
type memo[K comparable, V any] struct {
	mu      sync.Mutex
	results map[K]func() (V, error)
}

func (m *memo[K, V]) get(key K, load func() (V, error)) (V, error) {
	m.mu.Lock()
	if m.results == nil {
		m.results = map[K]func() (V, error){}
	}
	result, ok := m.results[key]
	if !ok {
		result = sync.OnceValues(load)
		m.results[key] = result
	}
	m.mu.Unlock()
	return result()
}
