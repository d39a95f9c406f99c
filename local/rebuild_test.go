package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// handlerSource is a Lambda program of the standard library alone, which answers
// with a word and states in its manifest what it serves.
const handlerSource = `package main

import (
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	if path := os.Getenv("HEARTH_MANIFEST"); path != "" {
		os.WriteFile(path, []byte(%q), 0o644)
		return
	}
	for {
		resp, err := http.Get("http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/next")
		if err != nil {
			os.Exit(1)
		}
		io.Copy(io.Discard, resp.Body)
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/invocation/"+id+"/response", "", strings.NewReader(%q))
	}
}
`

func TestRebuild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(manifest, word string) {
		t.Helper()
		for name, content := range map[string]string{"go.mod": "module handler\n\ngo 1.24\n", "main.go": fmt.Sprintf(handlerSource, manifest, `"`+word+`"`)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(`{"version":1}`, "one")
	e, err := startLedger(t, local.Options{Programs: map[string]string{}, Handlers: map[string]string{"Ledger": dir}, Cache: t.TempDir()}, func(resources map[string]any) {
		delete(resources, "OrdersEvent")
		delete(resources, "MailsEvent")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Sources(); len(got) != 1 || got[0] != dir {
		t.Errorf("sources: %v", got)
	}
	check := func(want string) {
		t.Helper()
		if got, err := e.Invoke(t.Context(), "", []byte(`{}`)); err != nil || string(got) != `"`+want+`"` {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	check("one")
	if r, err := e.Rebuild(t.Context(), dir); err != nil || len(r.Functions) != 0 || r.Wiring {
		t.Errorf("nothing has changed: %+v, %v", r, err)
	}
	write(`{"version":1}`, "two")
	if r, err := e.Rebuild(t.Context(), dir); err != nil || len(r.Functions) != 1 || r.Wiring {
		t.Errorf("new code: %+v, %v", r, err)
	}
	check("two")
	write(`{"version":1,"http":true}`, "three")
	if r, err := e.Rebuild(t.Context()); err != nil || len(r.Functions) != 1 || !r.Wiring {
		t.Errorf("new wiring: %+v, %v", r, err)
	}
	check("three")
	write(`{"version":1}`, "four")
	if err := os.WriteFile(filepath.Join(dir, "broken.go"), []byte("package main\n\nvar x = y\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Rebuild(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "undefined: y") {
		t.Errorf("got %v", err)
	}
	check("three")
	if r, err := e.Rebuild(t.Context(), "/elsewhere"); err != nil || len(r.Functions) != 0 {
		t.Errorf("another folder: %+v, %v", r, err)
	}
}
