package hearth

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// required are the props that a constructor requires; every other one states its default.
var required = map[string]bool{
	"BackendProps.Entry":                 true,
	"DatabaseProxyProps.Vpc":             true,
	"HandlerProps.Entry":                 true,
	"DirectDatabaseProps.MaxConnections": true,
	"DirectDatabaseProps.User":           true,
	"DomainProps.Name":                   true,
	"FunctionUrlProps.Handler":           true,
	"GradualProps.Config":                true,
	"HttpApiProps.Handler":               true,
	"HttpRoutesProps.Handler":            true,
	"HttpRoutesProps.Path":               true,
	"RestApiProps.Handler":               true,
	"RestRouteProps.Handler":             true,
	"RestRouteProps.Path":                true,
	"WebSocketRouteProps.Handler":        true,
	"WebSocketRouteProps.Key":            true,
	"ProvisionedConcurrency.Min":         true,
	"ScheduleProps.Expression":           true,
	"SqsEndpointProps.Vpc":               true,
	"WebSocketRelayProps.Api":            true,
	"WebSocketRelayProps.Handler":        true,
	"ScheduleProps.Handler":              true,
	"ScheduleProps.Name":                 true,
	"WebSocketApiProps.Handler":          true,
}

// TestDocs checks the documentation: every exported name has a comment, and each optional
// prop ends with its default, in the style's order.
func TestDocs(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && ofExportedType(d) && d.Doc == nil {
					t.Errorf("%s must have a comment", d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
						if d.Doc == nil {
							t.Errorf("%s must have a comment", s.Name)
						}
						checkProps(t, s, seen)
					}
				}
			}
		}
	}
	for name := range required {
		if !seen[name] {
			t.Errorf("%s is not a prop", name)
		}
	}
}

// TestTables checks that the README and docs/constructs.md list every construct.
func TestTables(t *testing.T) {
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var constructors []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "New") && len(f.Type.Params.List) == 3 {
				constructors = append(constructors, strings.TrimPrefix(f.Name.Name, "New"))
			}
		}
	}
	if len(constructors) < 10 {
		t.Fatalf("found only %v", constructors)
	}
	for _, page := range []string{"../README.md", "../docs/constructs.md"} {
		data, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range constructors {
			if !regexp.MustCompile("(?m)^\\| [^|]*`" + name + "`[^|]* \\|").Match(data) {
				t.Errorf("%s: the table must list %s", page, name)
			}
		}
	}
}

// ofExportedType reports whether a declaration is a function, or a method that users see.
func ofExportedType(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && name.IsExported()
}

func checkProps(t *testing.T, spec *ast.TypeSpec, seen map[string]bool) {
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	name := spec.Name.Name
	props := strings.HasSuffix(name, "Props") || name == "ProvisionedConcurrency"
	last := ""
	for _, field := range structure.Fields.List {
		if len(field.Names) == 0 || !field.Names[0].IsExported() {
			continue
		}
		prop := name + "." + field.Names[0].Name
		seen[prop] = true
		doc := strings.TrimSpace(field.Doc.Text())
		if doc == "" {
			t.Errorf("%s must have a comment", prop)
		}
		if !props {
			continue
		}
		lines := strings.Split(doc, "\n")
		states := strings.HasPrefix(lines[len(lines)-1], "@default ")
		if states == required[prop] {
			t.Errorf("%s: a required prop has no @default, and any other one ends with it", prop)
		}
		if required[prop] {
			continue
		}
		if field.Names[0].Name < last {
			t.Errorf("%s must come before %s", prop, last)
		}
		last = field.Names[0].Name
	}
}
