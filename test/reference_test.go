package test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestReference holds the tables of docs/reference.md against the code that they
// describe. With -update it writes them.
func TestReference(t *testing.T) {
	t.Parallel()
	hearth, err := hearthCommand()
	if err != nil {
		t.Fatal(err)
	}
	help, err := exec.CommandContext(t.Context(), hearth, "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, commands, _ := strings.Cut(string(help), "Available Commands:\n")
	commands, _, _ = strings.Cut(commands, "\n\n")
	wire := parseWire(t)
	tables := map[string]string{
		"commands":  "```\n" + commands + "\n```\n",
		"variables": "| Variable | What it is |\n|---|---|\n" + wire.variables(),
		"manifest":  wire.manifest(t),
	}
	const page = "../docs/reference.md"
	want := read(t, page)
	for name, table := range tables {
		begin := "<!-- " + name + ": made by go test ./test -run TestReference -update -->\n"
		before, rest, found := strings.Cut(want, begin)
		_, after, ended := strings.Cut(rest, "<!-- end -->")
		if !found || !ended {
			t.Fatalf("%s has no marks for %s", page, name)
		}
		want = before + begin + table + "<!-- end -->" + after
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if read(t, page) != want {
		t.Errorf("%s differs from the code; run go test ./test -run TestReference -update", page)
	}
}

// wirePackage is the source of internal/wire.
type wirePackage struct{ files []*ast.File }

func parseWire(t *testing.T) *wirePackage {
	t.Helper()
	paths, err := filepath.Glob("../internal/wire/*.go")
	if err != nil {
		t.Fatal(err)
	}
	w := &wirePackage{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		w.files = append(w.files, file)
	}
	return w
}

// sentence is the first paragraph of a comment, without the name that it begins with.
func sentence(doc, name string) string {
	text := strings.TrimPrefix(strings.TrimSpace(doc), name+" ")
	text, _, _ = strings.Cut(text, "\n\n")
	text = strings.Join(strings.Fields(text), " ")
	for _, link := range []string{"[", "]"} {
		text = strings.ReplaceAll(text, link, "")
	}
	return strings.TrimSuffix(strings.ReplaceAll(text, "|", `\|`), ".")
}

// variables is a row for each name of a variable.
func (w *wirePackage) variables() string {
	var b strings.Builder
	for _, file := range w.files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Env") || len(spec.Values) != 1 {
				return true
			}
			if value, ok := spec.Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
				name, _ := strconv.Unquote(value.Value)
				fmt.Fprintf(&b, "| `%s` | %s |\n", name, sentence(spec.Doc.Text(), spec.Names[0].Name))
			}
			return true
		})
	}
	return b.String()
}

// manifest is a table for each struct of the manifest.
func (w *wirePackage) manifest(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"Manifest", "ManifestQueue", "ManifestSchedule", "ManifestResource"} {
		rows := 0
		for _, file := range w.files {
			ast.Inspect(file, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok || spec.Name.Name != name {
					return true
				}
				title := map[string]string{"Manifest": "The manifest", "ManifestQueue": "One of `queues`", "ManifestSchedule": "One of `schedules`", "ManifestResource": "One of `warm`"}[name]
				fmt.Fprintf(&b, "| %s | What it is |\n|---|---|\n", title)
				for _, field := range spec.Type.(*ast.StructType).Fields.List {
					tag, _ := strconv.Unquote(field.Tag.Value)
					key, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
					fmt.Fprintf(&b, "| `%s` | %s |\n", key, sentence(field.Doc.Text(), field.Names[0].Name))
					rows++
				}
				b.WriteString("\n")
				return false
			})
		}
		if rows == 0 {
			t.Errorf("internal/wire has no struct %s", name)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
