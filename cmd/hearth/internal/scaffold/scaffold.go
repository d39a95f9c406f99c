// Package scaffold is the command hearth new: it writes a complete project from a
// template. It asks no questions and does not use the network.
package scaffold

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/lambdahearth/hearth/examples"
)

// A Template is a kind of project.
type Template struct {
	Name string
	// Has describes its contents.
	Has string
	// Try is a command that sends a request to the running project.
	Try string
}

// Templates are the kinds of projects; the first one is the default.
var Templates = []Template{
	{"app", "HTTP, a queue, a WebSocket and a schedule", `curl localhost:3000/orders -d '{"item": "tea", "count": 2}'`},
	{"api", "HTTP alone, the smallest one", "curl localhost:3000/hello/anna"},
	{"jobs", "HTTP, a queue and a schedule", `curl localhost:3000/orders -d '{"item": "tea", "count": 2}'`},
	{"live", "a WebSocket and HTTP", "echo hello | hearth connect"},
	{"full", "all of app, and a PostgreSQL database", `curl localhost:3000/orders -d '{"id": "1", "item": "tea", "count": 2}'`},
}

// The Go version and the modules of a new project. The versions are exact, because
// "latest" does not work for all modules of the CDK. go mod tidy adds their dependencies.
const goVersion = "1.26.0"

var requirements = []module.Version{
	{Path: "github.com/aws/aws-cdk-go/awscdk/v2", Version: "v2.276.0"},
	{Path: "github.com/aws/constructs-go/constructs/v10", Version: "v10.8.1"},
	{Path: "github.com/aws/jsii-runtime-go", Version: "v1.142.0"},
}

// Further modules that some templates import.
var further = map[string][]module.Version{
	"app":  {{Path: "github.com/coder/websocket", Version: "v1.8.15"}},
	"live": {{Path: "github.com/coder/websocket", Version: "v1.8.15"}},
	"full": {{Path: "github.com/coder/websocket", Version: "v1.8.15"}, {Path: "github.com/jackc/pgx/v5", Version: "v5.12.0"}},
}

// Unreleased is the version of Hearth in go.mod if the command does not know its own
// version. No such version exists, so go.mod must replace it.
const Unreleased = "v0.0.0"

// Options are the options of [New].
type Options struct {
	// Name is the folder of the project. Its last element is the project's name.
	Name string
	// Template is the name of one of Templates.
	Template string
	// Module is the path of the new module; "" is the project's name.
	Module string
	// Into is a folder in an existing module, to which New adds the project; "" makes a
	// new module.
	Into string
	// Hearth and Version are Hearth's module path and version; "" is unknown.
	Hearth, Version string
}

// Project is the result of [New].
type Project struct {
	// Dir is the folder of the project.
	Dir string
	// Files is the number of files in it.
	Files int
	// Template is the template of the project.
	Template Template
	// Get lists the modules that an existing module needs, as arguments of go get.
	Get []string
	// Unreleased says that the command does not know a version of Hearth for go.mod.
	Unreleased bool
}

// New writes a project. If an option is wrong, it writes nothing. It replaces no file.
func New(opts Options) (*Project, error) {
	template, err := findTemplate(opts.Template)
	if err != nil {
		return nil, err
	}
	name := filepath.Base(filepath.Clean(opts.Name))
	stack, err := stackName(name)
	if err != nil {
		return nil, err
	}
	version, _, _ := strings.Cut(opts.Version, "+")
	p := &Project{Dir: filepath.Clean(opts.Name), Template: template, Unreleased: version == ""}
	if p.Unreleased {
		version = Unreleased
	}
	modules := slices.Concat([]module.Version{{Path: opts.Hearth, Version: version}}, requirements, further[template.Name])
	files := map[string][]byte{}
	if opts.Into != "" {
		if opts.Module != "" {
			return nil, errors.New("new: --module and --into must not be given both; with --into the project is a part of that folder's module")
		}
		if err := checkModule(opts.Into); err != nil {
			return nil, err
		}
		if !filepath.IsAbs(p.Dir) {
			p.Dir = filepath.Join(opts.Into, p.Dir)
		}
		for _, m := range modules {
			if m.Version != Unreleased {
				p.Get = append(p.Get, m.Path+"@"+m.Version)
			}
		}
	} else {
		if opts.Module == "" {
			if opts.Module = name; module.CheckImportPath(name) != nil {
				return nil, fmt.Errorf("new: NAME must be letters a to z, digits, -, _ and . to be the module's path too, got %q; choose another NAME, or give the path with --module", name)
			}
		}
		if opts.Module == opts.Hearth || strings.HasPrefix(opts.Module, opts.Hearth+"/") {
			return nil, fmt.Errorf("new: --module must not be Hearth's own path or below it, got %q", opts.Module)
		}
		if files["go.mod"], err = goMod(opts.Module, opts.Hearth, modules); err != nil {
			return nil, err
		}
	}
	if err := readTemplate(template.Name, name, stack, files); err != nil {
		return nil, err
	}
	if opts.Into != "" {
		delete(files, ".github/workflows/ci.yml") // the existing module has its own
	}
	p.Files = len(files)
	return p, write(p.Dir, files)
}

func findTemplate(name string) (Template, error) {
	var names []string
	for _, t := range Templates {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Template{}, fmt.Errorf("new: --template must be one of %s, got %q", strings.Join(names, ", "), name)
}

// stackName makes the name of a CloudFormation stack from the name of a project: "my-shop"
// gives "MyShop". https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html (2026-11)
func stackName(name string) (string, error) {
	var b strings.Builder
	upper := true
	for _, r := range name {
		switch {
		case r > unicode.MaxASCII, !unicode.IsLetter(r) && !unicode.IsDigit(r):
			upper = true
		case upper:
			b.WriteRune(unicode.ToUpper(r))
			upper = false
		default:
			b.WriteRune(r)
		}
	}
	stack := b.String()
	if stack == "" || !unicode.IsLetter(rune(stack[0])) || len(stack) > 128 {
		return "", fmt.Errorf("new: NAME must begin with one of the letters a to z and make a stack's name of at most 128 letters and digits, got %q", name)
	}
	return stack, nil
}

// checkModule returns an error if a folder is not in a Go module.
func checkModule(dir string) error {
	dir, err := filepath.Abs(dir)
	for at := dir; err == nil; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return nil
		}
		if at == filepath.Dir(at) {
			return fmt.Errorf("new: --into must be a folder of a Go module, got %s without a go.mod; leave --into out to make a new module", dir)
		}
	}
	return err
}

func goMod(path, hearth string, modules []module.Version) ([]byte, error) {
	if err := module.CheckImportPath(path); err != nil {
		return nil, fmt.Errorf("new: --module must be the path of a Go module, got %q: %w", path, err)
	}
	f := &modfile.File{}
	if err := f.AddModuleStmt(path); err != nil {
		return nil, err
	}
	if err := f.AddGoStmt(goVersion); err != nil {
		return nil, err
	}
	if err := f.AddTool(hearth + "/cmd/hearth"); err != nil {
		return nil, err
	}
	for _, m := range modules {
		f.AddNewRequire(m.Path, m.Version, false)
	}
	f.Cleanup()
	return f.Format()
}

var (
	stackConst = regexp.MustCompile(`(?m)^const stackName = ".*"$`)
	heading    = regexp.MustCompile(`^# .*`)
)

// readTemplate adds the files of a template to files, and inserts the project's names.
func readTemplate(template, name, stack string, files map[string][]byte) error {
	return fs.WalkDir(examples.Templates, template, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := examples.Templates.ReadFile(file)
		if err != nil {
			return err
		}
		// A checkout on Windows may have other line endings.
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		file = strings.TrimPrefix(file, template+"/")
		switch file {
		case "infra/main.go":
			data = stackConst.ReplaceAll(data, fmt.Appendf(nil, "const stackName = %q", stack))
		case "README.md":
			data = heading.ReplaceAll(data, []byte("# "+name))
		}
		files[file] = data
		return nil
	})
}

// write writes files into a folder, which must be empty or missing.
func write(dir string, files map[string][]byte) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("new: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("new: %s must not exist or be empty, got a folder with %s in it; choose another NAME", dir, entries[0].Name())
	}
	for name, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("new: %w", err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return fmt.Errorf("new: %w", err)
		}
	}
	return nil
}
