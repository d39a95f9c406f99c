package checks

import (
	"os"
	"path/filepath"
	"testing"
)

// templates returns the files of the templates that the constructs and the examples make.
func templates(tb testing.TB) []string {
	tb.Helper()
	var files []string
	for _, pattern := range []string{"../testdata/golden/*.json", "../../test/testdata/*.template.json", "../../examples/*/infra/testdata/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			tb.Fatalf("no templates at %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	return files
}

func TestConstructsHaveNoError(t *testing.T) {
	t.Parallel()
	for _, file := range templates(t) {
		findings, err := Paths(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Severity == Error {
				t.Error(f)
			} else {
				t.Log(f)
			}
		}
	}
}

func BenchmarkBaseline(b *testing.B) {
	data, err := os.ReadFile("../../examples/baseline/infra/testdata/base.json")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Template("base.json", data); err != nil {
			b.Fatal(err)
		}
	}
}
