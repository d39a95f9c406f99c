package scaffold

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/lambdahearth/hearth/examples"
)

const hearth = "github.com/lambdahearth/hearth"

func TestNew(t *testing.T) {
	t.Parallel()
	for _, template := range Templates {
		t.Run(template.Name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "my-shop.2")
			p, err := New(Options{Name: dir, Template: template.Name, Module: "example.com/shop", Hearth: hearth, Version: "v0.3.0+dirty"})
			if err != nil {
				t.Fatal(err)
			}
			if p.Dir != dir || p.Unreleased || p.Get != nil {
				t.Errorf("got %+v", p)
			}
			mod, err := modfile.Parse("go.mod", readFile(t, dir, "go.mod"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if mod.Module.Mod.Path != "example.com/shop" || mod.Go.Version != goVersion || mod.Tool[0].Path != hearth+"/cmd/hearth" || mod.Require[0].Mod.String() != hearth+"@v0.3.0" {
				t.Errorf("go.mod:\n%s", readFile(t, dir, "go.mod"))
			}
			if main := string(readFile(t, dir, "infra/main.go")); !strings.Contains(main, "\nconst stackName = \"MyShop2\"\n") {
				t.Errorf("infra/main.go:\n%s", main)
			}
			if page := string(readFile(t, dir, "README.md")); !strings.HasPrefix(page, "# my-shop.2\n") {
				t.Errorf("README.md:\n%s", page)
			}
			files := 0
			err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
				if !d.IsDir() {
					files++
				}
				return err
			})
			if err != nil || files != p.Files {
				t.Errorf("%d files, %v, want %d", files, err, p.Files)
			}
			if _, err := New(Options{Name: dir, Template: template.Name, Hearth: hearth}); err == nil || !strings.HasPrefix(err.Error(), "new: "+dir+" must not exist or be empty, got a folder with .env in it") {
				t.Errorf("a second time: %v", err)
			}
		})
	}
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestInto(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module mono\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Name: "shop", Template: "api", Into: dir, Hearth: hearth, Version: "v0.3.0"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Dir != filepath.Join(dir, "shop") || !slices.Contains(p.Get, hearth+"@v0.3.0") || len(p.Get) != 4 {
		t.Errorf("got %+v", p)
	}
	for _, name := range []string{"go.mod", ".github"} {
		if _, err := os.Stat(filepath.Join(p.Dir, name)); err == nil {
			t.Errorf("a part of a module has %s", name)
		}
	}
	// Without a known version, New names none to get.
	if p, err = New(Options{Name: "other", Template: "api", Into: dir, Hearth: hearth}); err != nil || len(p.Get) != 3 || !p.Unreleased {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for want, opts := range map[string]Options{
		`new: --template must be one of app, api, jobs, live, full, got "web"`:                             {Name: "shop", Template: "web"},
		`new: NAME must begin with one of the letters a to z `:                                             {Name: "7up", Template: "api"},
		`new: NAME must begin with one of the letters a to z  `:                                            {Name: "..", Template: "api"},
		`new: --module must be the path of a Go module, got "a b"`:                                         {Name: "shop", Template: "api", Module: "a b"},
		`new: NAME must be letters a to z, digits, -, _ and . to be the module's path too, got "my app"; `: {Name: "my app", Template: "api"},
		`new: --module must not be Hearth's own path or below it, got "` + hearth + `/x"`:                  {Name: "shop", Template: "api", Module: hearth + "/x"},
		`new: --module and --into must not be given both`:                                                  {Name: "shop", Template: "api", Module: "x", Into: empty},
		`new: --into must be a folder of a Go module, got ` + empty:                                        {Name: "shop", Template: "api", Into: empty},
	} {
		opts.Hearth = hearth
		if filepath.IsLocal(opts.Name) && opts.Into == "" {
			opts.Name = filepath.Join(empty, opts.Name)
		}
		if _, err := New(opts); err == nil || !strings.HasPrefix(err.Error(), strings.TrimRight(want, " ")) {
			t.Errorf("%+v:\n got %v\nwant %s", opts, err, want)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Errorf("a mistake left %v, %v", entries, err)
	}
}

func TestStackName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"shop": "Shop", "my-shop": "MyShop", "my_shop2": "MyShop2", "Shop": "Shop", "übung": "Bung"} {
		if got, err := stackName(name); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", name, got, err, want)
		}
	}
}

// TestTemplatesAreWhole checks that the command embeds every file of a template's folder.
func TestTemplatesAreWhole(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "..", "examples")
	for _, template := range Templates {
		err := filepath.WalkDir(filepath.Join(root, template.Name), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if d.Name() == "cdk.out" {
					return fs.SkipDir
				}
				return nil
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			if _, err := examples.Templates.ReadFile(filepath.ToSlash(name)); err != nil {
				t.Errorf("%s is not embedded: %v", name, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestVersions checks that a new project gets the versions of this repository.
func TestVersions(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "..", "..")
	mod, err := modfile.Parse("go.mod", readFile(t, root, "go.mod"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if mod.Go.Version != goVersion {
		t.Errorf("a new project gets Go %s, go.mod has %s", goVersion, mod.Go.Version)
	}
	for _, list := range further {
		for _, m := range list {
			if !slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod == m }) {
				t.Errorf("go.mod does not require %s", m)
			}
		}
	}
	if cdk := requirements[0]; !strings.Contains(string(readFile(t, root, "Makefile")), "CDK_NEWEST := "+cdk.Version+"\n") {
		t.Errorf("the Makefile does not test with %s", cdk)
	}
	// The CDK settings are the same as in this repository.
	_, want, _ := strings.Cut(string(readFile(t, root, "cdk.json")), `"context"`)
	for _, template := range Templates {
		data, err := examples.Templates.ReadFile(template.Name + "/cdk.json")
		if err != nil {
			t.Fatal(err)
		}
		if _, got, _ := strings.Cut(string(data), `"context"`); got != want {
			t.Errorf("%s/cdk.json has other settings than cdk.json", template.Name)
		}
	}
}
