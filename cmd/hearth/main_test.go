package main

import (
	"bytes"
	"io"
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
		`unknown command ""`:                           {},
		`unknown command "develop"`:                    {"develop"},
		"manifest takes one folder, got 0 arguments":   {"manifest"},
		"invoke takes a folder and a file, got 0":      {"invoke"},
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
