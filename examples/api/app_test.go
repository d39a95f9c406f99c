package app_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/local/localtest"
)

// TestApp runs the whole app on this machine: the synthesized API invokes the program,
// which runs as a process like a Lambda instance.
func TestApp(t *testing.T) {
	t.Parallel()
	app := localtest.Start(t, ".", local.Options{})
	resp, err := http.Get(app.HTTPURL() + "/hello/anna")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "Hello, anna!\n" {
		t.Errorf("got %d %q, %v", resp.StatusCode, body, err)
	}
}
