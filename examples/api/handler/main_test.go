package main

import (
	"io"
	"net/http/httptest"
	"testing"

	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

func TestHello(t *testing.T) {
	t.Parallel()
	backend := lambdatest.New(t, app())
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/hello/anna": {200, "Hello, anna!\n"},
		"/hello":      {404, "404 page not found\n"},
	} {
		resp := backend.HTTP(httptest.NewRequest("GET", path, nil))
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != want.status || string(body) != want.body {
			t.Errorf("GET %s: %d %q, %v, want %+v", path, resp.StatusCode, body, err, want)
		}
	}
}
