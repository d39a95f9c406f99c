package plan

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update-docs", false, "write the table of docs/local.md")

// TestDocs compares the table in docs/local.md with the list in the code.
func TestDocs(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../../docs/local.md", "<!-- made by go test ./local/internal/plan -run TestDocs -update-docs -->\n", "<!-- end -->\n"
	var table strings.Builder
	table.WriteString("| resource | how faithful | what is missing |\n|---|---|---|\n")
	for _, p := range parts {
		fmt.Fprintf(&table, "| **%s** | %s | %s |\n", p.Name, p.How, p.Missing)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(data), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no %q and %q", path, begin, end)
	}
	if got == table.String() {
		return
	}
	if !*update {
		t.Fatalf("the table of %s is old; write it with -update-docs", path)
	}
	if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
