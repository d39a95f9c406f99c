package local

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local/internal/plan"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/internal/program"
	"github.com/lambdahearth/hearth/internal/wire"
)

// unpack returns the folder with the archive's files. It unpacks each archive once.
func (b *builder) unpack(archive string) (string, error) {
	info, err := os.Stat(archive)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Append(nil, archive, "\x00", info.Size(), "\x00", info.ModTime().UnixNano()))
	dir := filepath.Join(b.root, "assets", hex.EncodeToString(sum[:8]))
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := unpack(archive, dir); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("it does not run here: unpack %s: %w", archive, err)
	}
	return dir, nil
}

// maxUnpackedBytes is Lambda's limit for the files of an archive.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const maxUnpackedBytes = 250 << 20

// unpack writes the files of an archive into a new folder. The folder is a root: neither
// names nor links lead out of it.
func unpack(archive, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // it is only read
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // it is only a handle
	left := int64(maxUnpackedBytes)
	for _, file := range z.File {
		if !filepath.IsLocal(file.Name) {
			return fmt.Errorf("%q leads out of the archive", file.Name)
		}
		if err := unpackFile(root, file, &left); err != nil {
			return err
		}
	}
	return nil
}

// unpackFile writes one file of an archive. left is the number of bytes that the files may
// still have.
func unpackFile(root *os.Root, file *zip.File, left *int64) error {
	name := filepath.FromSlash(file.Name)
	if file.FileInfo().IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // it is only read
	limited := io.LimitReader(content, *left+1)
	if file.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(limited)
		if err != nil {
			return err
		}
		if filepath.IsAbs(string(target)) || !filepath.IsLocal(filepath.Join(filepath.Dir(name), string(target))) {
			return fmt.Errorf("the link %q leads out of the archive, to %q", file.Name, target)
		}
		return root.Symlink(string(target), name)
	}
	return process.WhileOpen(func() error { // it may be the program
		out, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, file.Mode().Perm()|0o600)
		if err != nil {
			return err
		}
		n, err := io.Copy(out, limited)
		if *left -= n; err == nil && *left < 0 {
			err = fmt.Errorf("its files have more than Lambda's %d MB", maxUnpackedBytes>>20)
		}
		return errors.Join(err, out.Close())
	})
}

// builder builds programs, each into a new folder, so that it never overwrites a running
// program.
type builder struct {
	root  string
	debug bool   // build for a debugger
	cache string // folder of earlier builds for the go command, "" for none

	slots chan struct{} // bounds the builds at a time: each has a linker

	mu     sync.Mutex
	serial int
	built  map[string]*build // the last build of each source
}

type build struct {
	program  string
	sum      []byte
	manifest *wire.Manifest // states what the program serves; nil if the program has none
}

// build builds a source again. fresh says that the program differs from the last build.
func (b *builder) build(ctx context.Context, s plan.Source) (result *build, fresh bool, err error) {
	if s.Program != "" {
		return &build{program: s.Program}, false, nil
	}
	b.mu.Lock()
	b.serial++
	dir := filepath.Join(b.root, strconv.Itoa(b.serial))
	before := b.built[s.Key()]
	b.mu.Unlock()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, false, err
	}
	binary, err := b.goBuild(ctx, s, dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, false, err
	}
	result = &build{program: binary}
	if result.sum, err = fileSum(binary); err != nil {
		return nil, false, err
	}
	if before != nil && bytes.Equal(before.sum, result.sum) {
		os.RemoveAll(dir)
		return before, false, nil
	}
	if err := linkFiles(s.Asset, dir); err != nil {
		return nil, false, fmt.Errorf("build %s: %w", s.Dir, err)
	}
	result.manifest = readManifest(ctx, binary, s)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.built[s.Key()] = result
	return result, true, nil
}

// goBuild builds a source in the cache and then copies it into dir: the go command does
// not link a program again that is up to date in its output folder.
func (b *builder) goBuild(ctx context.Context, s plan.Source, dir string) (string, error) {
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if b.cache == "" {
		return goBuild(ctx, s.Dir, dir, s.Tags, b.debug)
	}
	sum := sha256.Sum256(fmt.Append(nil, s.Dir, "\x00", s.Tags, "\x00", b.debug))
	cached := filepath.Join(b.cache, hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(cached, 0o755); err != nil {
		return "", err
	}
	binary, err := goBuild(ctx, s.Dir, cached, s.Tags, b.debug)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "bootstrap")
	return binary, process.WriteProgram(binary, data)
}

// last returns the last build of a source. If there is none, it builds the source.
func (b *builder) last(ctx context.Context, s plan.Source) (*build, error) {
	b.mu.Lock()
	have := b.built[s.Key()]
	b.mu.Unlock()
	if have != nil {
		return have, nil
	}
	result, _, err := b.build(ctx, s)
	return result, err
}

// linkFiles links the files that are deployed with the program into the folder of its
// local build.
func linkFiles(asset, dir string) error {
	if asset == "" {
		return nil
	}
	entries, err := os.ReadDir(asset)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "bootstrap" {
			continue
		}
		if err := os.Symlink(filepath.Join(asset, entry.Name()), filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// manifestTimeout is how long a program may take to print its manifest. Programs that
// print one need milliseconds.
const manifestTimeout = 5 * time.Second

// readManifest asks a program for its manifest; nil if the program has none.
func readManifest(ctx context.Context, binary string, s plan.Source) *wire.Manifest {
	manifest, err := program.Ask(ctx, binary, s.Dir, s.Environment, manifestTimeout)
	if err != nil {
		return nil
	}
	return manifest
}

// Build compiles the Go program in the folder dir for this machine into the folder out,
// and returns the path of the binary. An error contains the compiler's output.
func Build(ctx context.Context, dir, out string) (string, error) {
	return goBuild(ctx, dir, out, "", false)
}

func goBuild(ctx context.Context, dir, out, tags string, debug bool) (string, error) {
	all := BuildTags
	if tags != "" {
		all += "," + tags
	}
	return program.Source{Dir: dir, Tags: all, Debug: debug}.ForHost(ctx, out)
}

// Sources are the folders of the Go programs that the engine builds.
func (e *Engine) Sources() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []string
	seen := map[string]bool{}
	for _, f := range e.plan.Functions {
		if dir := f.Source.Dir; dir != "" && !seen[dir] {
			seen[dir] = true
			list = append(list, dir)
		}
	}
	return list
}

// Rebuilt is the result of [Engine.Rebuild].
type Rebuilt struct {
	// Functions are the names of the functions that run new code.
	Functions []string
	// Wiring says that a program now serves other queues, schedules or APIs than before.
	// Synthesize the app again.
	Wiring bool
}

// Rebuild builds the programs in the given folders; without folders, all of them. New
// instances take over if a program has changed. Requests, connections and messages are
// kept. On an error the old code continues.
func (e *Engine) Rebuild(ctx context.Context, dirs ...string) (*Rebuilt, error) {
	e.changing.Lock()
	defer e.changing.Unlock()
	if e.isStopped() {
		return nil, errStopped
	}
	e.mu.Lock()
	current := e.plan
	e.mu.Unlock()
	result := &Rebuilt{}
	done := map[string]*build{}
	var errs []error
	for _, f := range current.Functions {
		if f.Source.Dir == "" || len(dirs) > 0 && !contains(dirs, f.Source.Dir) {
			continue
		}
		b, known := done[f.Source.Key()]
		if !known {
			before := e.builder.lastOrNil(f.Source)
			next, fresh, err := e.builder.build(ctx, f.Source)
			if err != nil {
				errs = append(errs, err)
			} else {
				b = next
			}
			if fresh {
				result.Wiring = result.Wiring || before != nil && !reflect.DeepEqual(before.manifest, next.manifest)
			}
			done[f.Source.Key()] = b
		}
		if b == nil {
			continue
		}
		fn := e.function(f.Config.Name)
		if fn == nil {
			continue
		}
		config := fn.Config()
		if config.Program == b.program {
			continue // the program is the same, and it runs
		}
		config.Program = b.program
		if err := fn.Update(ctx, config); err != nil {
			errs = append(errs, fmt.Errorf("%s: the new program does not start, the old one goes on: %w", f.Config.Name, err))
			continue
		}
		result.Functions = append(result.Functions, f.Config.Name)
	}
	return result, errors.Join(errs...)
}

func (b *builder) lastOrNil(s plan.Source) *build {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.built[s.Key()]
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s || strings.TrimSuffix(item, "/") == s {
			return true
		}
	}
	return false
}
