package doctor

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
)

// machine sets PATH to a folder with programs that print a version.
func machine(t *testing.T, programs map[string]string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("skipped: the programs are shell scripts")
	}
	dir := t.TempDir()
	for name, version := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho '"+version+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func diagnose(t *testing.T, opts Options) (string, error) {
	t.Helper()
	out := &strings.Builder{}
	err := Run(t.Context(), opts, terminal.New(out))
	return out.String(), err
}

func wants(t *testing.T, out string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+out, "\n"+line) {
			t.Errorf("there is no line %q:\n%s", line, out)
		}
	}
}

func TestHealthy(t *testing.T) {
	machine(t, map[string]string{"go": "go1.27.1", "node": "v24.1.0", "npx": "11.0.0", "cdk": "2.1148.1 (build abc)", "initdb": "", "createdb": "", "postgres": "postgres (PostgreSQL) 17.2"})
	out, err := diagnose(t, Options{Dir: t.TempDir()})
	if err != nil {
		t.Error(err)
	}
	wants(t, out, "ok       Go          1.27.1\n", "ok       Node        24.1.0\n", "ok       npx         ", "ok       CDK CLI     2.1148.1\n", "ok       PostgreSQL  17.2\n",
		"ok       TMPDIR      ", "ok       port        0 is free\n", "absent   project     there is no cdk.json in this folder\n"+strings.Repeat(" ", 21)+"hearth new NAME")
}

func TestOld(t *testing.T) {
	machine(t, map[string]string{"go": "go1.25.9", "node": "v20.20.2", "cdk": "2.100.0 (build abc)"})
	out, err := diagnose(t, Options{Dir: t.TempDir()})
	if err == nil || err.Error() != "doctor: nothing must be missing, got 1; see the lines above" {
		t.Errorf("got %v", err)
	}
	wants(t, out, "missing  Go          go1.25.9 is too old\n", "warning  Node        v20.20.2 works, but gets no security fixes\n", "absent   npx         ",
		"warning  CDK CLI     2.100.0 may be too old")
}

func TestMissing(t *testing.T) {
	machine(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := diagnose(t, Options{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "got 2") {
		t.Errorf("got %v", err)
	}
	wants(t, out, "missing  Go          exec: \"go\": executable file not found in $PATH\n", "missing  Node        ", "warning  port        listen tcp ")
}

func TestNoProgramsInTemp(t *testing.T) {
	machine(t, nil)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	out, _ := diagnose(t, Options{Dir: t.TempDir()})
	wants(t, out, "missing  TMPDIR      ")
}

func TestProject(t *testing.T) {
	machine(t, map[string]string{"go": "go1.26.0", "node": "v22.1.0"})
	const require = "module shop\n\ngo 1.26.0\n\nrequire example.com/hearth v0.3.0\n"
	for name, c := range map[string]struct {
		cdk, mod string
		lines    []string
	}{
		"same version":  {`{"app": "go run ./infra"}`, require, []string{"ok       project     go run ./infra\n", "ok       go.mod      requires Hearth v0.3.0\n"}},
		"other version": {`{"app": "x"}`, strings.ReplaceAll(require, "v0.3.0", "v0.2.0"), []string{"warning  go.mod      requires Hearth v0.2.0, and this command is v0.3.0\n"}},
		"replaced":      {`{"app": "x"}`, require + "replace example.com/hearth => ../hearth\n", []string{"ok       go.mod      Hearth is replaced by ../hearth\n"}},
		"broken":        {`{`, "", []string{"missing  project     read cdk.json: "}},
		"no app":        {`{}`, "", []string{"missing  project     cdk.json has no app\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"cdk.json": c.cdk, "go.mod": c.mod} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out, _ := diagnose(t, Options{Dir: dir, Module: "example.com/hearth", Version: "v0.3.0+dirty"})
			wants(t, out, c.lines...)
		})
	}
}
