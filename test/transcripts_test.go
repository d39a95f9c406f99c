package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lambdahearth/hearth/internal/pgserver"
	"github.com/lambdahearth/hearth/local/localtest"
	"github.com/lambdahearth/hearth/test/transcript"
)

// hearthCommand builds the command once.
var hearthCommand = sync.OnceValues(func() (string, error) {
	path := filepath.Join(builds, "hearth")
	return path, exec.Command("go", "build", "-o", path, "../cmd/hearth").Run()
})

// needsDatabase are the examples that do nothing without PostgreSQL.
var needsDatabase = map[string]bool{"full": true, "Database": true}

// TestTranscripts runs what the pages of the examples tell their readers to type, and
// holds what comes back against the pages.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	hearth, err := hearthCommand()
	if err != nil {
		t.Fatal(err)
	}
	run := func(name, dir, page string, args func() []string) {
		t.Run(name, func(t *testing.T) {
			if err := pgserver.Installed(); err != nil && needsDatabase[name] {
				t.Skipf("skipped, as PostgreSQL is not installed: %v", err)
			}
			steps := transcript.Parse(page)
			if len(steps) == 0 {
				t.Fatal("the page has no steps")
			}
			transcript.Start(t, hearth, dir, args()...).Run(t, steps)
		})
	}
	for _, name := range []string{"api", "jobs", "live", "app", "full"} {
		dir := filepath.Join("..", "examples", name)
		run(name, dir, read(t, filepath.Join(dir, "README.md")), func() []string { return []string{"--assembly", localtest.Synth(t, dir)} })
	}
	dir := filepath.Join("..", "examples", "lessons")
	assembly := sync.OnceValue(func() string { return localtest.Synth(t, dir) })
	sections := strings.Split(read(t, filepath.Join(dir, "README.md")), "\n## ")[1:]
	if len(sections) < 6 {
		t.Fatalf("the page has %d lessons", len(sections))
	}
	for _, section := range sections {
		stack, _, _ := strings.Cut(section, "\n")
		run(stack, dir, section, func() []string { return []string{"--assembly", assembly(), "--stack", stack} })
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
