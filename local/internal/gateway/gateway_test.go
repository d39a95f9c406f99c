package gateway

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestText checks the format of values in events: numbers keep their text, unlike floats in
// Go.
func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"a b"`: "a b", `1234567890`: "1234567890", `0.5`: "0.5", `true`: "true", `null`: "null", `["a", 1, false]`: "[a 1 false]",
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if got := Text(v); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	const given = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
	if got := Trace(given, time.Time{}); got != given {
		t.Errorf("got %s", got)
	}
	at := time.Unix(0x5759e988, 0)
	first, second := Trace("Self=1", at), Trace("", at)
	if !strings.HasPrefix(first, "Root=1-5759e988-") || len(first) != len("Root=1-5759e988-bd862e3fe1be46a994272793") || first == second {
		t.Errorf("got %s and %s", first, second)
	}
}

// TestSegment: an invocation's trace has all parts, and keeps what the client sent.
func TestSegment(t *testing.T) {
	t.Parallel()
	const root, parent = "Root=1-5759e988-bd862e3fe1be46a994272793", ";Parent=7fa8c0f79203be72"
	for trace, want := range map[string]string{
		root:                         root + ";Parent=PARENT;Sampled=0",
		root + ";Sampled=1":          root + ";Parent=PARENT;Sampled=1",
		root + parent:                root + parent + ";Sampled=0",
		root + parent + ";Sampled=1": root + parent + ";Sampled=1",
	} {
		got := Segment(trace)
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want), "PARENT", "[0-9a-f]{16}") + "$"
		if !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s: got %s, want %s", trace, got, want)
		}
	}
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	Refuse(w, 403, map[string]string{"message": "<Forbidden>"})
	if body := w.Body.String(); w.Code != 403 || body != `{"message":"<Forbidden>"}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s %v", w.Code, body, w.Header())
	}
}

func TestReadDecision(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:execute-api:eu-west-1:000000000000:api/live/GET/items/7"
	for statements, want := range map[string]bool{
		`{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "` + arn + `"}`:                                                                      true,
		`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:execute-api:*:api/live/GET/items/?"}`:                                                        true,
		`{"Effect": "Allow", "Action": ["sqs:*", "execute-api:*"], "Resource": ["a", "*"]}`:                                                                   true,
		`{"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": "*"}`:                                                                     false,
		`{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:execute-api:*:api/live/POST/*"}`:                                                             false,
		`{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*/GET/items/*"}`:                false,
		`{"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*/POST/*"}, {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:execute-api:*"}`: true,
	} {
		d, err := ReadDecision([]byte(`{"principalId": "anna", "policyDocument": {"Statement": [` + statements + `]}, "context": {"n": 1}}`))
		if err != nil {
			t.Fatal(err)
		}
		if d.PrincipalID != "anna" || d.Context["n"] != int64(1) || d.Policy.Allows(arn) != want {
			t.Errorf("%s: got %+v, want %v", statements, d, want)
		}
	}
	for _, response := range []string{`"Unauthorized"`, `{"principalId": "anna"}`, `{"principalId": "anna", "policydocument": {"Statement": []}}`, ``} {
		if d, err := ReadDecision([]byte(response)); err == nil {
			t.Errorf("%s: got %+v", response, d)
		}
	}
}
