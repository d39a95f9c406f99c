package hearth

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// programTags are the build tags of every handler program. lambda.norpc leaves
// net/rpc, which only the retired go1.x runtime needs, out of aws-lambda-go.
const programTags = "lambda.norpc"

// programLinkerFlags leave out what a deployed program does not need: symbols,
// debug information, and an id that differs from folder to folder.
const programLinkerFlags = "-s -w -buildid="

// program is a Go main package and how to build it. Programs that compare equal
// build to the same bytes.
type program struct {
	// dir is the absolute path of the package.
	dir string
	// goarch is the architecture that the function has.
	goarch string
	// tags are all build tags, joined by commas.
	tags string
	// linker is all linker flags, joined by spaces.
	linker string
}

// newProgram resolves the entry of a handler against the working directory.
func newProgram(entry, goarch string, tags, linkerFlags []string) (program, error) {
	dir, err := filepath.Abs(entry)
	if err != nil {
		return program{}, err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return program{}, err
	}
	if !info.IsDir() {
		return program{}, fmt.Errorf("%s is a file", dir)
	}
	return program{
		dir:    dir,
		goarch: goarch,
		tags:   strings.Join(append([]string{programTags}, tags...), ","),
		linker: strings.Join(append([]string{programLinkerFlags}, linkerFlags...), " "),
	}, nil
}

// memo remembers the result for each key, so that one process, which may
// synthesize many apps, builds and runs a program once.
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

// binaries holds built programs in memory, because the directory that each is
// staged in goes away as soon as the CDK has copied it.
var binaries memo[program, []byte]

// binary returns the program built for Lambda. The bytes depend on the source,
// the Go version and the program's fields alone: not on where the source is,
// who builds it, or the state of its repository.
func (p program) binary() ([]byte, error) {
	return binaries.get(p, func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "hearth-build-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		out := filepath.Join(dir, "bootstrap")
		// The baseline instruction sets are named so that a developer's own
		// GOAMD64 or GOARM64 changes neither the bytes nor where they run.
		err = p.build(out, "GOOS=linux", "GOARCH="+p.goarch, "GOAMD64=v1", "GOARM64=v8.0")
		if err != nil {
			return nil, err
		}
		data, err := os.ReadFile(out)
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(data, []byte("\x7fELF")) {
			return nil, errors.New("it is not package main")
		}
		return data, nil
	})
}

// build runs go build in the directory of the program, so that its own module,
// workspace and vendor folder apply. What the flags say wins over GOFLAGS.
func (p program) build(out string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", p.tags,
		"-ldflags", p.linker, "-o", out, ".")
	cmd.Dir = p.dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if stderr.Len() == 0 {
			return fmt.Errorf("go build: %w", err)
		}
		return fmt.Errorf("go build says:\n%s", strings.TrimRight(stderr.String(), "\n"))
	}
	return nil
}

// stage writes the binary and the files beside it to a new directory, as the CDK
// takes a directory. The caller removes it.
func stage(binary []byte, files map[string]string) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "hearth-asset-"); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	for _, name := range sortedKeys(files) {
		if err = place(filepath.Join(dir, filepath.FromSlash(name)), files[name]); err != nil {
			return "", err
		}
	}
	path := filepath.Join(dir, "bootstrap")
	// The mode is not part of the asset hash, and a file mode mask may have
	// taken bits from it: set it, or a wrong one is deployed and never replaced.
	return dir, errors.Join(os.WriteFile(path, binary, 0o755), os.Chmod(path, 0o755))
}

// place copies a file, or a directory with what is in it.
func place(target, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(target, os.DirFS(source))
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	data, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return os.WriteFile(target, data, info.Mode().Perm()|0o444)
}

// Prebuild starts to build several programs at the same time. The constructors
// that are given the same Entry, Architecture, BuildTags and LinkerFlags later
// wait for these builds instead of starting their own, one after the other. What
// fails is reported by them. [BackendProps.Handler] is not looked at: repeat its
// fields.
//
//	hearth.Prebuild(
//		&hearth.HandlerProps{Entry: jsii.String("./shop")},
//		&hearth.HandlerProps{Entry: jsii.String("./search")},
//	)
func Prebuild(handlers ...*HandlerProps) {
	for _, props := range handlers {
		p := props.withDefaults()
		program, err := p.program()
		if err != nil {
			continue
		}
		go func() { _, _ = program.binary() }()
		if p.Manifest == nil || *p.Manifest {
			go func() { _, _ = program.manifest() }()
		}
	}
}
