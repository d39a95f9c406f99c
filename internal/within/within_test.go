package within

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNothingWaitsForEver reads the tests of the engine and of the command: whatever
// waits for another goroutine or for the network has a deadline.
func TestNothingWaitsForEver(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"../../local", "../../cmd/hearth"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, found := range unbounded(t, path) {
				t.Error(found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unbounded finds what a file waits for without a deadline.
func unbounded(t *testing.T, path string) (list []string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	report := func(n ast.Node, remedy string) {
		list = append(list, fmt.Sprintf("%s: use %s", files.Position(n.Pos()), remedy))
	}
	chosen := map[ast.Node]bool{} // the receives of a select
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectStmt:
			if len(n.Body.List) < 2 {
				return true
			}
			for _, clause := range n.Body.List {
				if comm := clause.(*ast.CommClause).Comm; comm != nil {
					ast.Inspect(comm, func(n ast.Node) bool {
						if receive, ok := n.(*ast.UnaryExpr); ok {
							chosen[receive] = true
						}
						return true
					})
				}
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW && !chosen[n] && called(n.X) != "Done" {
				report(n, "within.Receive")
			}
		case *ast.CallExpr:
			if len(n.Args) > 0 && slices.Contains([]string{"Read", "Dial", "Ping"}, called(n)) {
				if argument := called(n.Args[0]); argument == "Context" && !isWithin(n.Args[0]) || argument == "Background" {
					report(n, "within.Context")
				}
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "http" && slices.Contains([]string{"Get", "Post", "PostForm", "Head", "DefaultClient"}, n.Sel.Name) {
				report(n, "within.Client")
			}
		}
		return true
	})
	return list
}

// called is the name of the method or function that an expression calls.
func called(x ast.Expr) string {
	call, ok := x.(*ast.CallExpr)
	if !ok {
		return ""
	}
	if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
		return selector.Sel.Name
	}
	return ""
}

func isWithin(x ast.Expr) bool {
	selector, ok := x.(*ast.CallExpr).Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == "within"
}
