package local

import (
	"bytes"
	"encoding"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

var updateOpenAPI = flag.Bool("update-openapi", false, "write local/openapi.json anew")

type object = map[string]any

// TestOpenAPI checks that local/openapi.json and the table in docs/page.md match the
// routes and the types of their answers, in both directions.
//
//	go test ./local -run TestOpenAPI -update-openapi
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	want, err := json.MarshalIndent(describeAPI(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	const page, begin, end = "../docs/page.md", "<!-- api: made by go test ./local -run TestOpenAPI -update-openapi -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", page)
	}
	if *updateOpenAPI {
		if err := os.WriteFile(page, []byte(before+begin+tableOfAPI()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != tableOfAPI() {
		t.Errorf("the table in %s is not what the code does; run go test ./local -run TestOpenAPI -update-openapi", page)
	}
	if !bytes.Equal(want, openAPI) {
		t.Error("local/openapi.json is not what the code does; run go test ./local -run TestOpenAPI -update-openapi and read the difference")
	}
}

// tableOfAPI returns the table in docs/page.md.
func tableOfAPI() string {
	var b strings.Builder
	b.WriteString("| below `/_hearth` | token | what it is |\n|---|---|---|\n")
	for _, r := range routes {
		token := ""
		if r.action {
			token = "yes"
		}
		fmt.Fprintf(&b, "| `%s %s` | %s | %s |\n", r.method, r.path, token, r.summary)
	}
	return b.String()
}

func describeAPI(t *testing.T) object {
	t.Helper()
	paths, schemas := object{}, object{}
	failure := object{"description": "What is wrong, in one sentence", "content": object{"application/json": object{"schema": schemaOf(reflect.TypeFor[done](), schemas)}}}
	ids := map[string]bool{}
	for _, r := range routes {
		if r.id == "" || r.summary == "" || ids[r.id] || r.do == nil {
			t.Errorf("%s %s: id and summary must be set, and the id its own", r.method, r.path)
		}
		ids[r.id] = true
		parameters := []any{}
		for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(r.path, -1) {
			parameters = append(parameters, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
		}
		for _, q := range r.query {
			name, text, ok := strings.Cut(q, ": ")
			if !ok {
				t.Errorf("%s: parameter %q must be name: text", r.path, q)
			}
			parameters = append(parameters, object{"name": name, "in": "query", "description": text, "schema": object{"type": "string"}})
		}
		op := object{"operationId": r.id, "summary": r.summary, "responses": object{"200": answerOf(&r, schemas), "400": failure, "403": failure, "404": failure}}
		if len(parameters) > 0 {
			op["parameters"] = parameters
		}
		if r.action {
			op["security"] = []any{object{"token": []any{}}}
		}
		switch in := r.in.(type) {
		case nil:
		case string:
			op["requestBody"] = object{"content": object{"text/plain": object{"schema": object{"type": "string"}}}}
		default:
			op["requestBody"] = object{"content": object{"application/json": object{"schema": schemaOf(reflect.TypeOf(in), schemas)}}}
		}
		path := "/_hearth" + r.path
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path].(object)[strings.ToLower(r.method)] = op
	}
	schemaOf(reflect.TypeFor[streamTick](), schemas)
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Hearth's control API", "version": "1",
			"description": "What hearth dev runs and has done, and every action of its page. Requests of other origins are refused. Actions want the engine's token in the header X-Hearth. See docs/page.md.",
		},
		"paths":      paths,
		"components": object{"schemas": schemas, "securitySchemes": object{"token": object{"type": "apiKey", "in": "header", "name": controlHeader}}},
	}
}

func answerOf(r *route, schemas object) object {
	switch {
	case r.out != nil:
		return object{"description": "Done", "content": object{"application/json": object{"schema": schemaOf(reflect.TypeOf(r.out), schemas)}}}
	case r.id == "stream":
		return object{"description": "Events named tick", "content": object{"text/event-stream": object{"schema": object{"type": "string"}}}}
	}
	return object{"description": "Done", "content": object{"application/json": object{}}}
}

// schemaOf returns the schema of a type's JSON.
func schemaOf(t reflect.Type, schemas object) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		s := schemaOf(t.Elem(), schemas)
		if kind, ok := s["type"].(string); ok {
			s["type"] = []any{kind, "null"}
		}
		return s
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": schemaOf(t.Elem(), schemas)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOf(t.Elem(), schemas)}
	case reflect.Struct:
		name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
		if pkg := t.PkgPath(); !strings.HasSuffix(pkg, "/local") {
			pkg = pkg[strings.LastIndexByte(pkg, '/')+1:]
			name = strings.ToUpper(pkg[:1]) + pkg[1:] + name
		}
		if schemas[name] == nil {
			s := object{"type": "object", "additionalProperties": false}
			schemas[name] = s
			properties, required := object{}, []string{}
			fieldsOf(t, func(name string, optional bool, t reflect.Type) {
				properties[name] = schemaOf(t, schemas)
				if !optional {
					required = append(required, name)
				}
			})
			s["properties"], s["required"] = properties, required
		}
		return object{"$ref": "#/components/schemas/" + name}
	}
	return object{"type": "integer"}
}

func fieldsOf(t reflect.Type, yield func(name string, optional bool, t reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, rest, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && tag == "":
			fieldsOf(f.Type, yield)
		case f.IsExported() && tag != "-":
			if name == "" {
				name = f.Name
			}
			yield(name, strings.Contains(rest, "omit"), f.Type)
		}
	}
}
