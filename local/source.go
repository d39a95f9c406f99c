package local

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/internal/program"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// source is where a function's program comes from.
type source struct {
	dir     string // the Go main package, "" for a program that is there
	tags    string // further build tags
	program string // the program, if it is there
	asset   string // the folder that is deployed, "" if unknown
	// environment is what the function's variables are in the template, for the time
	// in which the program is asked what it serves.
	environment map[string]string
}

// key is the same for functions that run the same build.
func (s *source) key() string { return s.dir + "\x00" + s.tags + "\x00" + s.asset }

// findSource finds a function's program: what the options say, the folder that the
// constructs noted, or the deployed program itself where it runs on this machine.
func (p *planner) findSource(r *assembly.Resource) (source, error) {
	asset, err := p.builder.assetOf(p.app, r)
	if err != nil {
		return source{}, &unusableError{err.Error()}
	}
	s := source{asset: asset, environment: variablesOf(r)}
	if binary, ok := p.opts.Programs[r.ID]; ok {
		s.program = binary
		return s, nil
	}
	if dir, ok := p.opts.Handlers[r.ID]; ok {
		s.dir = p.resolveDir(dir)
		return s, checkDir(r, s.dir)
	}
	why := "the assembly does not say where the function's Go program is"
	if entry, ok := r.Metadata[wire.MetadataEntry].(string); ok && entry != "" {
		dir := p.resolveDir(entry)
		err := checkDir(r, dir)
		if err == nil {
			s.dir = dir
			s.tags, _ = r.Metadata[wire.MetadataBuildTags].(string)
			return s, nil
		}
		why = "the folder of the function's Go program, " + dir + ", is not there"
	}
	deployed := "there is no deployed program in the assembly"
	if s.asset != "" {
		bootstrap := filepath.Join(s.asset, "bootstrap")
		if deployed = whyNotHere(bootstrap); deployed == "" {
			s.program = bootstrap
			return s, nil
		}
	}
	return s, &unusableError{fmt.Sprintf("it does not run here: %s, and %s; name the folder of its Go program with --handler %s=DIR", why, deployed, r.ID)}
}

// unusableError says why a function cannot run on this machine.
type unusableError struct{ why string }

func (e *unusableError) Error() string { return e.why }

func checkDir(r *assembly.Resource, dir string) error {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: the folder of the function's Go program, %s, is not there", r, dir)
	}
	return nil
}

// variablesOf returns the variables of a function, with a placeholder for each value
// that CloudFormation would resolve.
func variablesOf(r *assembly.Resource) map[string]string {
	var props struct {
		Environment struct{ Variables map[string]any }
	}
	if r.Decode(&props) != nil {
		return nil
	}
	variables := map[string]string{}
	for name, value := range props.Environment.Variables {
		variables[name] = program.Placeholder
		if text, ok := value.(string); ok {
			variables[name] = text
		}
	}
	return variables
}

// assetOf returns the folder that is deployed as the function's code, or "". An archive
// is unpacked.
func (b *builder) assetOf(app *assembly.App, r *assembly.Resource) (string, error) {
	var props struct{ Code struct{ S3Key string } }
	if r.Decode(&props) != nil {
		return "", nil
	}
	path := app.Asset(props.Code.S3Key)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", nil
	case info.IsDir():
		return path, nil
	}
	dir := filepath.Join(b.root, "assets", filepath.Base(path))
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := unpack(path, dir); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("it does not run here: unpack %s: %w", path, err)
	}
	return dir, nil
}

// unpack writes what is in an archive into a new folder.
func unpack(archive, dir string) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // it is only read
	for _, file := range z.File {
		if !filepath.IsLocal(file.Name) {
			return fmt.Errorf("%q leads out of the archive", file.Name)
		}
		path := filepath.Join(dir, file.Name)
		if file.FileInfo().IsDir() {
			if err := os.MkdirAll(path, 0o755); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		content, err := file.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(content)
		content.Close()
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, data, file.Mode().Perm()|0o400); err != nil {
			return err
		}
	}
	return nil
}

// whyNotHere says why a deployed program does not run on this machine; "" means that it
// does.
func whyNotHere(path string) string {
	here := runtime.GOOS + "/" + runtime.GOARCH
	file, err := os.Open(path)
	if err != nil {
		return "what is deployed has no file bootstrap"
	}
	defer file.Close() //nolint:errcheck // it is only read
	program, err := elf.NewFile(file)
	if err != nil {
		head := make([]byte, 2)
		if _, err := file.ReadAt(head, 0); err == nil && string(head) == "#!" {
			return "the deployed bootstrap is a script, which wants the programs of Lambda's own machines"
		}
		return "the deployed bootstrap is no program for Linux"
	}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
	if runtime.GOOS != "linux" || program.Machine != machine {
		return fmt.Sprintf("the deployed bootstrap is for linux/%s, and this machine is %s", strings.ToLower(strings.TrimPrefix(program.Machine.String(), "EM_")), here)
	}
	return ""
}

// builder builds programs, each into a folder of its own, so that one that runs is
// never written to.
type builder struct {
	root  string
	debug bool   // build for a debugger
	cache string // where the go command finds what it built before, "" for nowhere

	mu     sync.Mutex
	serial int
	built  map[string]*build // the last of each source
}

type build struct {
	program  string
	sum      []byte
	manifest *wire.Manifest // what the program says it serves; nil if it does not
}

// build builds a source anew. fresh says that its program is another one than
// before.
func (b *builder) build(ctx context.Context, s source) (result *build, fresh bool, err error) {
	if s.program != "" {
		return &build{program: s.program}, false, nil
	}
	b.mu.Lock()
	b.serial++
	dir := filepath.Join(b.root, strconv.Itoa(b.serial))
	before := b.built[s.key()]
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
	if err := linkFiles(s.asset, dir); err != nil {
		return nil, false, fmt.Errorf("build %s: %w", s.dir, err)
	}
	result.manifest = readManifest(ctx, binary, s)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.built[s.key()] = result
	return result, true, nil
}

// goBuild builds a source into dir, by way of the cache: the go command does not
// link a program anew that is up to date where it is to go.
func (b *builder) goBuild(ctx context.Context, s source, dir string) (string, error) {
	if b.cache == "" {
		return goBuild(ctx, s.dir, dir, s.tags, b.debug)
	}
	sum := sha256.Sum256(fmt.Append(nil, s.dir, "\x00", s.tags, "\x00", b.debug))
	cached := filepath.Join(b.cache, hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(cached, 0o755); err != nil {
		return "", err
	}
	binary, err := goBuild(ctx, s.dir, cached, s.tags, b.debug)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "bootstrap")
	return binary, os.WriteFile(binary, data, 0o755)
}

// last returns the last build of a source, or builds it for the first time.
func (b *builder) last(ctx context.Context, s source) (*build, error) {
	b.mu.Lock()
	have := b.built[s.key()]
	b.mu.Unlock()
	if have != nil {
		return have, nil
	}
	result, _, err := b.build(ctx, s)
	return result, err
}

// linkFiles puts what is deployed beside the program beside its local build.
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

// manifestTimeout is how long a program has to state what it serves, which takes
// those that do milliseconds.
const manifestTimeout = 5 * time.Second

// readManifest asks a program what it serves; nil if it does not say.
func readManifest(ctx context.Context, binary string, s source) *wire.Manifest {
	ctx, cancel := context.WithTimeout(ctx, manifestTimeout)
	defer cancel()
	manifest, err := program.Ask(ctx, binary, s.dir, s.environment)
	if err != nil {
		return nil
	}
	return manifest
}

// Build compiles the Go program in the folder dir for this machine and returns
// the path of the binary, which it puts in the folder out. An error holds the
// compiler's own words.
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
	for _, f := range e.plan.functions {
		if dir := f.source.dir; dir != "" && !seen[dir] {
			seen[dir] = true
			list = append(list, dir)
		}
	}
	return list
}

// Rebuilt says what [Engine.Rebuild] did.
type Rebuilt struct {
	// Functions are the names of the functions that run new code.
	Functions []string
	// Wiring says that a program now serves something else than before: other
	// queues, schedules or APIs. Synthesize the app again.
	Wiring bool
}

// Rebuild builds the programs in the given folders, or all for none, and lets new
// instances take over where a program has changed. Requests, connections and
// messages are kept. On an error the old code goes on.
func (e *Engine) Rebuild(ctx context.Context, dirs ...string) (*Rebuilt, error) {
	e.changing.Lock()
	defer e.changing.Unlock()
	if e.isStopped() {
		return nil, errStopped
	}
	e.mu.Lock()
	plan := e.plan
	e.mu.Unlock()
	result := &Rebuilt{}
	done := map[string]*build{}
	var errs []error
	for _, f := range plan.functions {
		if f.source.dir == "" || len(dirs) > 0 && !contains(dirs, f.source.dir) {
			continue
		}
		b, known := done[f.source.key()]
		if !known {
			before := e.builder.lastOrNil(f.source)
			next, fresh, err := e.builder.build(ctx, f.source)
			if err != nil {
				errs = append(errs, err)
			}
			if fresh {
				b = next
				result.Wiring = result.Wiring || before != nil && !reflect.DeepEqual(before.manifest, next.manifest)
			}
			done[f.source.key()] = b
		}
		if b == nil {
			continue
		}
		fn := e.function(f.config.Name)
		if fn == nil {
			continue
		}
		config := fn.Config()
		config.Program = b.program
		if err := fn.Update(ctx, config); err != nil {
			errs = append(errs, fmt.Errorf("%s: the new program does not start, the old one goes on: %w", f.config.Name, err))
			continue
		}
		result.Functions = append(result.Functions, f.config.Name)
	}
	return result, errors.Join(errs...)
}

func (b *builder) lastOrNil(s source) *build {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.built[s.key()]
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s || strings.TrimSuffix(item, "/") == s {
			return true
		}
	}
	return false
}
