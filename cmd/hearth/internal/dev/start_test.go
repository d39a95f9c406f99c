package dev

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
)

// infraProgram is an app in Go that writes the assembly of testdata/app.
const infraProgram = `package main

import (
	"os"
	"path/filepath"
)

func main() {
	os.MkdirAll(os.Getenv("CDK_OUTDIR"), 0o755)
	os.WriteFile("infra/generated.go", []byte("package main\n"), 0o644)
	for _, name := range []string{"manifest.json", "Shop.template.json"} {
		data, err := os.ReadFile(filepath.Join("infra", name))
		if err != nil {
			panic(err)
		}
		os.WriteFile(filepath.Join(os.Getenv("CDK_OUTDIR"), name), data, 0o644)
	}
}
`

// TestDevMistakesAtStart: hearth dev waits for the save that mends a program or an app that
// does not build. Without watching, it ends with the same message.
func TestDevMistakesAtStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		infra             bool // the app is a Go program
		file              string
		right, wrong, say string
		starts            int // one more after the app has written a followed file
	}{
		"a program does not build":    {false, "handler/main.go", `"hello"`, "hallo", "undefined: hallo", 1},
		"a program of another module": {true, "handler/main.go", `"hello"`, "hallo", "undefined: hallo", 2},
		"the app does not build":      {true, "infra/main.go", "panic(err)", "panik(err)", "undefined: panik", 1},
		"the app panics":              {true, "infra/main.go", `"infra", name`, `"infro", name`, "panic: open infro", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/app")); err != nil {
				t.Fatal(err)
			}
			if c.infra {
				write := map[string]string{
					"infra/main.go": infraProgram, "handler/go.mod": "module handler\n", "cdk.json": `{"app": "go run ./infra"}`,
				}
				for name, content := range write {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			file := filepath.Join(dir, filepath.FromSlash(c.file))
			edit(t, file, c.right, c.wrong)

			err := Run(t.Context(), Options{Dir: dir, NoWatch: true}, &buffer{})
			if err == nil || !strings.Contains(err.Error(), c.say) {
				t.Fatalf("without watching: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out, ended := &buffer{}, make(chan error, 1)
			go func() { ended <- Run(ctx, Options{Dir: dir, Local: local.Options{Addr: "127.0.0.1:0"}}, out) }()
			const waiting = "waiting: save a Go file"
			await(t, out, "it waits", func() bool { return strings.Count(out.String(), waiting) == c.starts })
			if want := "hearth: " + err.Error() + "\n"; !strings.Contains(out.String(), want) {
				t.Errorf("no %q in %s", want, out)
			}
			edit(t, file, c.wrong, c.right)
			await(t, out, "it follows the handler", func() bool { return strings.Contains(out.String(), "followed when saved: ") })
			after := strings.SplitN(out.String(), waiting, c.starts+1)[c.starts]
			if _, changed, _ := strings.Cut(after, "\n\n"); !strings.HasPrefix(changed, c.file+" changed\n") {
				t.Errorf("it did not wait for %s: %s", c.file, after)
			}
			running, err := Find(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := get(running.URL); !strings.HasPrefix(got, "hello,one,") {
				t.Errorf("got %q", got)
			}
			cancel()
			if err := within.Receive(t, ended); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDevStopsWhileItWaits: Ctrl-C ends hearth dev as it does at any other time, and a
// broken .env does not.
func TestDevStopsWhileItWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/app")); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "handler", "main.go"), `"hello"`, "hallo")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, ended := &buffer{}, make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Dir: dir}, out) }()
	await(t, out, "it waits", func() bool { return strings.Contains(out.String(), "waiting: ") })
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("A='x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, out, "it names the mistake", func() bool { return strings.Contains(out.String(), "the quotes of A do not end") })
	cancel()
	if err := within.Receive(t, ended); err != nil {
		t.Error(err)
	}
}
