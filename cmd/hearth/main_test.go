package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/spf13/pflag"
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

// TestManifestEnvironment gives the program the variables of --env, and none of the
// shell's.
func TestManifestEnvironment(t *testing.T) {
	t.Setenv("CI_JOB_TOKEN", "secret")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"manifest", "--env", "NIGHTLY=on", "testdata/program"}, nil, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var m wire.Manifest
	if err := json.Unmarshal(out.Bytes(), &m); err != nil || len(m.Schedules) != 1 || m.Schedules[0].Name != "nightly" {
		t.Errorf("got %+v, %v", m.Schedules, err)
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	event := `{"version":"2.0","rawPath":"/hi","requestContext":{"http":{"method":"PUT"}}}`
	var out, log bytes.Buffer
	if err := run(t.Context(), []string{"invoke", "--env", "GREETING=hello", "testdata/program"}, strings.NewReader(event), &out, &log); err != nil {
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
		`unknown command "develop"`:                                                    {"develop"},
		"manifest takes one folder, got 0 arguments":                                   {"manifest"},
		"invoke takes a function or a folder, and a file, got 0 ":                      {"invoke"},
		`unknown command "pln", did you mean plan?; see hearth help`:                   {"help", "pln"},
		"unknown flag: --versionn, did you mean --version?; see hearth --help":         {"--versionn"},
		"trigger takes the name of a schedule, got 0":                                  {"trigger"},
		"send takes the name of a queue and a message":                                 {"send"},
		`invoke: invalid argument "A" for "--env" flag: must be NAME=VALUE, got "A"; `: {"invoke", "--env", "A", "x"},
		"read event: open testdata/none: no such":                                      {"invoke", "testdata/program", "testdata/none"},
		"build testdata/none: stat testdata/none: no":                                  {"manifest", "testdata/none"},
	} {
		err := run(t.Context(), args, strings.NewReader(""), io.Discard, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v:\n got %v\nwant %s", args, err, want)
		}
	}
}

// TestControl sends actions to a fake of a running engine.
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
		{[]string{"send", "--group", "g", "jobs"}, "POST /_hearth/send?group=g&name=jobs secret from stdin", "", ""},
		{[]string{"invoke", "Handler", event}, `POST /_hearth/invoke?name=Handler secret {"a":1}`, "{\"done\":true}\n", ""},
		{[]string{"trigger", "none"}, "POST /_hearth/trigger?name=none secret ", "", "there is no such thing"},
		{[]string{"invoke", "broken"}, "POST /_hearth/invoke?name=broken secret from stdin", "", `the function failed: {"errorMessage":"no luck"}`},
	} {
		args := append([]string{c.args[0], "--url", engine.URL}, c.args[1:]...)
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
	err := run(t.Context(), []string{"trigger", "--dir", dir, "x"}, nil, io.Discard, io.Discard)
	if want := "hearth dev does not run in " + dir + "; start it there, or name its URL with --url"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestHelp checks that each command has help with an example, and that the error for a typo
// is one line with a suggestion.
func TestHelp(t *testing.T) {
	t.Parallel()
	help := func(args ...string) string {
		t.Helper()
		out := &bytes.Buffer{}
		if err := run(t.Context(), args, nil, out, io.Discard); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		return out.String()
	}
	all := help("help")
	if help() != all || help("--help") != all {
		t.Error("hearth, hearth --help and hearth help differ")
	}
	for _, c := range newRoot().Commands() {
		text := help(c.Name(), "--help")
		if help(c.Name(), "x", "-h") != text || help("help", c.Name()) != text {
			t.Errorf("%s: --help, -h and help differ", c.Name())
		}
		if !strings.Contains(text, "Examples:\n  ") || !strings.Contains(all, "  "+c.Name()+" ") {
			t.Errorf("%s: no example, or not in hearth help: %s", c.Name(), text)
		}
		for _, line := range strings.Split(c.Long+"\n"+c.Example, "\n") {
			if len(line) > 90 {
				t.Errorf("%s: a line of %d characters: %s", c.Name(), len(line), line)
			}
		}
	}
	for want, args := range map[string][]string{
		`unknown command "run"; see hearth help`:                                                                         {"run"},
		`unknown command "chekc", did you mean check?; see hearth help`:                                                  {"chekc"},
		"trigger takes the name of a schedule, got 0 arguments; see hearth trigger --help":                               {"trigger"},
		"send: unknown flag: --x; see hearth send --help":                                                                {"send", "--x"},
		"send: unknown flag: --gruop, did you mean --group?; see hearth send --help":                                     {"send", "--gruop"},
		"manifest takes one folder, got 2 arguments; see hearth manifest --help":                                         {"manifest", "a", "b"},
		"dev takes no arguments, got 1 argument; see hearth dev --help":                                                  {"dev", "x"},
		"dev: unknown shorthand flag: 'x' in -x; see hearth dev --help":                                                  {"dev", "-x"},
		`dev: invalid argument "p" for "--sqs-port" flag: must be 0 to 65535, got "p"; see hearth dev --help`:            {"dev", "--sqs-port", "p"},
		`dev: invalid argument "A" for "--issuer" flag: must be LOGICAL_ID=URL,AUDIENCE, got "A"; see hearth dev --help`: {"dev", "--issuer", "A"},
	} {
		if err := run(t.Context(), args, nil, io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v:\n got %v\nwant %s", args, err, want)
		}
	}
}

// TestCompletion checks that shells complete commands, flags, and names of the running app.
func TestCompletion(t *testing.T) {
	t.Parallel()
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"queues":[{"name":"Shop-Jobs","alias":"jobs"}],"schedules":[{"name":"nightly"}],"functions":[{"name":"Shop-Handler"}]}`)
	}))
	defer engine.Close()
	for want, args := range map[string][]string{
		"check\t":                  {"ch"},
		"--cold-start\t":           {"dev", "--cold"},
		"Shop-Jobs\njobs\n":        {"send", "--url", engine.URL, ""},
		"nightly\n":                {"trigger", "--url", engine.URL, ""},
		"Shop-Handler\n":           {"invoke", "--url", engine.URL, ""},
		":4\n" /* and no files */ : {"trigger", "--url", "http://127.0.0.1:1", ""},
	} {
		out := &bytes.Buffer{}
		if err := run(t.Context(), append([]string{"__complete"}, args...), nil, out, io.Discard); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%v: got %q, %v, want %q", args, out, err, want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out := &bytes.Buffer{}
		if err := run(t.Context(), []string{"completion", shell}, nil, out, io.Discard); err != nil || !strings.Contains(out.String(), "__complete") {
			t.Errorf("%s: %v, %s", shell, err, out)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"version", "--version"} {
		out := &bytes.Buffer{}
		if err := run(t.Context(), []string{args}, nil, out, io.Discard); err != nil || !strings.HasPrefix(out.String(), "hearth ") || !strings.HasSuffix(out.String(), runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH+")\n") {
			t.Errorf("%s: %v, %s", args, err, out)
		}
	}
}

// TestFlagsFile checks that hearth dev reads flags from the file beside cdk.json.
func TestFlagsFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hearth.json")
	read := func(text string, args ...string) (*pflag.FlagSet, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		flags := newDev().Flags()
		if err := flags.Parse(args); err != nil {
			t.Fatal(err)
		}
		return flags, readFlags(flags, path)
	}
	flags, err := read("\ufeff"+`{"port": 3001, "concurrency": 7, "freeze": true, "cold-start": "1s", "stack": ["A", "B"]}`, "--concurrency", "9")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"port": "3001", "concurrency": "9", "freeze": "true", "cold-start": "1s"} {
		if got := flags.Lookup(name).Value.String(); got != want {
			t.Errorf("--%s is %s, want %s", name, got, want)
		}
	}
	for text, want := range map[string]string{
		`{"prot": 1}`:         `"prot" must be a flag that is not --dir, did you mean port?`,
		`{"dir": "x"}`:        `"dir" must be a flag that is not --dir`,
		`{"port": {}}`:        `"port" must be a string, a number, a boolean or an array of them, got map[]`,
		`{"port": "x"}`:       `--port must be a whole number, got "x"`,
		`{"port": 1e99}`:      `--port must be a whole number, got "1e99"`,
		`{"freeze": "yes"}`:   `--freeze must be true or false, got "yes"`,
		`{"handler": ["Fn"]}`: `invalid argument "Fn" for "--handler" flag: must be LOGICAL_ID=DIR, got "Fn"`,
		`[`:                   `must be a JSON object of flags, such as {"port": 3001}: unexpected EOF`,
		`{} {"port": 1}`:      `must be one JSON object of flags, got more after it`,
	} {
		if _, err := read(text); err == nil || !strings.HasPrefix(err.Error(), "read "+path+": "+want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
	if err := readFlags(newDev().Flags(), filepath.Join(t.TempDir(), "none.json")); err != nil {
		t.Error(err)
	}
}
