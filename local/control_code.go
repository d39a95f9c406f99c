package local

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/format"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local/internal/history"
)

// curl returns a shell command that repeats an event: a curl request to the app for an
// HTTP event, else hearth invoke.
func (e *Engine) curl(s *history.Summary, event string) string {
	var in struct {
		RawPath           string              `json:"rawPath"`
		RawQuery          string              `json:"rawQueryString"`
		Cookies           []string            `json:"cookies"`
		Method            string              `json:"httpMethod"`
		Path              string              `json:"path"`
		Headers           map[string]string   `json:"headers"`
		MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
		MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`
		Body              *string             `json:"body"`
		Encoded           bool                `json:"isBase64Encoded"`
		Context           struct {
			APIID  string `json:"apiId"`
			Domain string `json:"domainName"`
			HTTP   struct {
				Method string `json:"method"`
			} `json:"http"`
			Stage string `json:"stage"`
		} `json:"requestContext"`
	}
	method := ""
	if json.Unmarshal([]byte(event), &in) == nil {
		method = in.Context.HTTP.Method + in.Method
	}
	if method == "" || s.Label == "authorizer" {
		return "hearth invoke " + quoteShell(s.Function) + " - <<'EVENT'\n" + event + "\nEVENT\n"
	}
	base := e.URL()
	e.mu.Lock()
	if in.Context.APIID != "" {
		base = e.plan.At.URL(in.Context.APIID)
	}
	e.mu.Unlock()
	path := in.RawPath
	if !strings.Contains(in.Context.Domain, wire.FunctionURLDomain) { // an HTTP API decodes it
		path = (&url.URL{Path: path}).EscapedPath()
	}
	if in.RawPath == "" {
		path = in.Path
		if in.Context.Stage != "" {
			path = "/" + in.Context.Stage + path
		}
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(in.MultiValueQuery)) {
			for _, value := range in.MultiValueQuery[name] {
				pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(value))
			}
		}
		in.RawQuery = strings.Join(pairs, "&")
	}
	if in.RawQuery != "" {
		path += "?" + in.RawQuery
	}
	path = strings.ReplaceAll(path, url.QueryEscape("•"), "•") // of masked secrets
	var b strings.Builder
	if method == http.MethodHead { // with -X HEAD, curl waits for a body
		fmt.Fprintf(&b, "curl -I %s", quoteShell(base+path))
	} else {
		fmt.Fprintf(&b, "curl -i -X %s %s", method, quoteShell(base+path))
	}
	headers := map[string]string{}
	for name, values := range in.MultiValueHeaders {
		headers[http.CanonicalHeaderKey(name)] = strings.Join(values, ", ")
	}
	for name, value := range in.Headers {
		headers[http.CanonicalHeaderKey(name)] = value
	}
	if len(in.Cookies) > 0 {
		headers["Cookie"] = strings.Join(in.Cookies, "; ")
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if name == "Host" || name == "Content-Length" || name == "Accept-Encoding" || strings.HasPrefix(name, "X-Amzn-") || strings.HasPrefix(name, "X-Forwarded-") {
			continue // curl and the gateway make these
		}
		fmt.Fprintf(&b, " \\\n  -H %s", quoteShell(name+": "+headers[name]))
	}
	if in.Body != nil && *in.Body != "" {
		body := *in.Body
		if raw, err := base64.StdEncoding.DecodeString(body); in.Encoded && err == nil {
			if !printable(raw) {
				return b.String() + " \\\n  --data-binary @<(base64 -d <<<" + quoteShell(body) + ")\n"
			}
			body = string(raw)
		}
		fmt.Fprintf(&b, " \\\n  --data-binary %s", quoteShell(body))
	}
	return b.String() + "\n"
}

func printable(data []byte) bool {
	return !strings.ContainsFunc(string(data), func(r rune) bool { return r == 0 || r == 0xfffd })
}

// quoteShell quotes text as one word of a POSIX shell.
func quoteShell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// goTest returns a Go test that sends the event to the program.
func goTest(s *history.Summary, event string) string {
	literal := "`" + event + "`"
	if strings.ContainsAny(event, "`\r") {
		literal = strconv.Quote(event)
	}
	want := ""
	if s.Code > 0 {
		want = fmt.Sprintf(`
	var got struct{ StatusCode int }
	if err := json.Unmarshal(response, &got); err != nil || got.StatusCode != %d {
		t.Errorf("status %%d, want %d: %%s", got.StatusCode, response)
	}`, s.Code, s.Code)
	} else {
		want = `
	t.Logf("%s", response)`
	}
	imports := "\"testing\"\n"
	if s.Code > 0 {
		imports = "\"encoding/json\"\n" + imports
	}
	code := `package main

import (
` + imports + `
"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

// ` + "TestReplay sends an event that the program has seen: " + strings.ReplaceAll(s.Label, "\n", " ") + `.
// app returns the program's *lambdaruntime.App.
func TestReplay(t *testing.T) {
	backend := lambdatest.New(t, app())
	response, err := backend.Invoke([]byte(` + literal + `))
	if err != nil {
		t.Fatal(err)
	}` + want + `
}
`
	formatted, err := format.Source([]byte(code))
	if err != nil {
		return code
	}
	return string(formatted)
}
