package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManifest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"manifest", "testdata/program"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	want := `{
  "version": 1,
  "http": true,
  "webSocket": false,
  "requestTimeoutSeconds": 10,
  "queues": [],
  "schedules": [],
  "warm": []
}
`
	if out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	event := `{"version":"2.0","rawPath":"/hi","requestContext":{"http":{"method":"PUT"}}}`
	var out, log bytes.Buffer
	if err := run(t.Context(), []string{"invoke", "-env", "GREETING=hello", "testdata/program"}, strings.NewReader(event), &out, &log); err != nil {
		t.Fatal(err)
	}
	want := `{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"},"body":"PUT /hi hello","isBase64Encoded":false}` + "\n"
	if out.String() != want {
		t.Errorf("got %s, log %s", out.String(), log.String())
	}
	err := run(t.Context(), []string{"invoke", "testdata/program", "testdata/program/main.go"}, nil, &out, &log)
	if err == nil || !strings.Contains(err.Error(), "lambdaruntime: read event: invalid JSON at byte 0") {
		t.Errorf("got %v", err)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"a command is missing; see hearth help":        {},
		`unknown command "develop"`:                    {"develop"},
		"manifest takes one folder, got 0 arguments":   {"manifest"},
		"invoke takes a folder and a file, got 0":      {"invoke"},
		"trigger takes the name of a schedule, got 0":  {"trigger"},
		"send takes the name of a queue and a message": {"send"},
		`invoke: invalid value "A" for flag -env: `:    {"invoke", "-env", "A", "x"},
		"read event: open testdata/none: no such":      {"invoke", "testdata/program", "testdata/none"},
		"build testdata/none: chdir testdata/none: no": {"manifest", "testdata/none"},
	} {
		err := run(t.Context(), args, strings.NewReader(""), io.Discard, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v:\n got %v\nwant %s", args, err, want)
		}
	}
}

// TestControl talks to what stands for a running engine.
func TestControl(t *testing.T) {
	t.Parallel()
	var got string
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_hearth/token" && r.Header.Get("X-Hearth") != "" {
			io.WriteString(w, `{"token":"secret"}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("X-Hearth"), body)
		switch {
		case strings.Contains(r.URL.RawQuery, "name=none"):
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"message":"there is no such thing"}`)
		case strings.Contains(r.URL.RawQuery, "name=broken"):
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			io.WriteString(w, `{"errorMessage":"no luck"}`)
		default:
			io.WriteString(w, `{"done":true}`)
		}
	}))
	defer engine.Close()
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"a":1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args                    []string
		request, output, failed string
	}{
		{[]string{"trigger", "nightly"}, "POST /_hearth/trigger?name=nightly secret ", "", ""},
		{[]string{"send", "jobs", "a b"}, "POST /_hearth/send?group=&name=jobs secret a b", "", ""},
		{[]string{"send", "-group", "g", "jobs"}, "POST /_hearth/send?group=g&name=jobs secret from stdin", "", ""},
		{[]string{"invoke", "Handler", event}, `POST /_hearth/invoke?name=Handler secret {"a":1}`, "{\"done\":true}\n", ""},
		{[]string{"trigger", "none"}, "POST /_hearth/trigger?name=none secret ", "", "there is no such thing"},
		{[]string{"invoke", "broken"}, "POST /_hearth/invoke?name=broken secret from stdin", "", `the function failed: {"errorMessage":"no luck"}`},
	} {
		args := append([]string{c.args[0], "-url", engine.URL}, c.args[1:]...)
		var out bytes.Buffer
		err := run(t.Context(), args, strings.NewReader("from stdin"), &out, io.Discard)
		failed := ""
		if err != nil {
			failed = err.Error()
		}
		if got != c.request || out.String() != c.output || failed != c.failed {
			t.Errorf("%v: request %q, output %q, error %q", c.args, got, out.String(), failed)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"app": "true"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"trigger", "-dir", dir, "x"}, nil, io.Discard, io.Discard)
	if want := "hearth dev does not run in " + dir + "; start it there, or name its URL with --url"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestHelp: each command has help of its own, and a mistake is one line.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range commandHelp {
		for _, args := range [][]string{{c.name, "--help"}, {c.name, "x", "-h"}, {"help", c.name}} {
			out := &bytes.Buffer{}
			if err := run(t.Context(), args, nil, out, io.Discard); err != nil || out.String() != c.text {
				t.Errorf("%v: %v, %q", args, err, out)
			}
		}
		if lines := strings.Split(c.text, "\n"); !strings.HasPrefix(lines[0], "hearth "+c.name) || !strings.HasPrefix(lines[1], "  ") {
			t.Errorf("%s: the first two lines are the summary, got %q", c.name, lines[:2])
		}
	}
	out := &bytes.Buffer{}
	if err := run(t.Context(), []string{"help"}, nil, out, io.Discard); err != nil || strings.Count(out.String(), "\n") > 20 || !strings.Contains(out.String(), "hearth trigger SCHEDULE\n") {
		t.Errorf("%v, %s", err, out)
	}
	for want, args := range map[string][]string{
		"a command is missing; see hearth help":                                                  {},
		`unknown command "run"; see hearth help`:                                                 {"run"},
		"trigger takes the name of a schedule, got 0 arguments; see hearth trigger --help":       {"trigger"},
		"send: flag provided but not defined: -x; see hearth send --help":                        {"send", "--x"},
		"manifest takes one folder, got 2 arguments; see hearth manifest --help":                 {"manifest", "a", "b"},
		"dev: flag provided but not defined: -x; see hearth dev --help":                          {"dev", "-x"},
		"dev: invalid value \"p\" for flag -sqs-port: must be 0 to 65535; see hearth dev --help": {"dev", "--sqs-port", "p"},
	} {
		if err := run(t.Context(), args, nil, io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v: got %v, want %s", args, err, want)
		}
	}
}
