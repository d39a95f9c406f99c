package local_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/within"
)

// description is the served OpenAPI file, as far as answers are held to it.
type description struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID string
	Responses   map[string]struct {
		Content map[string]struct{ Schema *schema }
	}
	Security []any
}

type schema struct {
	Type                 any
	Ref                  string `json:"$ref"`
	Properties           map[string]*schema
	Required             []string
	Items                *schema
	AdditionalProperties json.RawMessage
}

func describe(t *testing.T, a *api) *description {
	t.Helper()
	d := &description{}
	a.must(t, "GET", "/openapi.json", "", d)
	return d
}

// checkAll requests every readable resource, and checks the answers against the schemas.
func (d *description) checkAll(t *testing.T, a *api, id string) {
	t.Helper()
	asked := 0
	for path, methods := range d.Paths {
		op, ok := methods["get"]
		answer := op.Responses["200"].Content["application/json"].Schema
		if !ok || answer == nil {
			continue
		}
		path = strings.TrimPrefix(strings.NewReplacer("{id}", id, "{name}", "changes").Replace(path), "/_hearth")
		var value json.RawMessage
		a.must(t, "GET", path, "", &value)
		d.check(t, path, answer, value)
		asked++
	}
	if asked < 12 {
		t.Errorf("only %d answers were checked", asked)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", a.URL()+"/_hearth/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := within.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buffer := make([]byte, 1<<20)
	read := 0
	for !bytes.Contains(buffer[:read], []byte("\n\n")) {
		n, err := resp.Body.Read(buffer[read:])
		if err != nil {
			t.Fatal(err)
		}
		read += n
	}
	event, _, _ := strings.Cut(string(buffer[:read]), "\n\n")
	data, ok := strings.CutPrefix(event, "event: tick\ndata: ")
	if !ok || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream begins with %q", event)
	}
	d.check(t, "stream", d.Components.Schemas["StreamTick"], json.RawMessage(data))
}

func (d *description) check(t *testing.T, where string, s *schema, value json.RawMessage) {
	t.Helper()
	if s == nil {
		t.Errorf("%s: there is no schema", where)
		return
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	kinds, ok := s.Type.([]any)
	if !ok {
		kinds = []any{s.Type}
	}
	kind := map[byte]string{'{': "object", '[': "array", '"': "string", 't': "boolean", 'f': "boolean", 'n': "null"}[value[0]]
	if kind == "" {
		kind = "number"
		if slices.Contains(kinds, any("integer")) && !bytes.ContainsAny(value, ".eE") {
			kind = "integer"
		}
	}
	if !slices.Contains(kinds, any(kind)) {
		t.Errorf("%s: is %s, want %v: %.80s", where, kind, kinds, value)
		return
	}
	switch kind {
	case "array":
		var items []json.RawMessage
		json.Unmarshal(value, &items)
		for i, item := range items {
			d.check(t, fmt.Sprintf("%s[%d]", where, i), s.Items, item)
		}
	case "object":
		var fields map[string]json.RawMessage
		json.Unmarshal(value, &fields)
		var rest *schema
		if len(s.AdditionalProperties) > 0 && s.AdditionalProperties[0] == '{' {
			json.Unmarshal(s.AdditionalProperties, &rest)
		}
		for name, field := range fields {
			if of := s.Properties[name]; of != nil {
				d.check(t, where+"."+name, of, field)
			} else if rest != nil {
				d.check(t, where+"."+name, rest, field)
			} else {
				t.Errorf("%s.%s is not described", where, name)
			}
		}
		for _, name := range s.Required {
			if _, ok := fields[name]; !ok {
				t.Errorf("%s.%s is missing", where, name)
			}
		}
	}
}
