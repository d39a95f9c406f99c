package idempotency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

// api is a handler behind the middleware, in a program.
type api struct {
	*testing.T
	*lambdatest.Backend
	store  *spy
	served int
	serve  http.HandlerFunc
}

// created answers with everything that a replay must repeat.
func (a *api) created(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.Error(err)
	}
	http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
	http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
	w.Header().Set("Location", fmt.Sprint("/orders/", a.served))
	w.WriteHeader(http.StatusCreated)
	w.Header().Set("Late", "not sent")
	fmt.Fprintf(w, "order %d: ", a.served)
	_, _ = w.Write(append(body, 0xff, 0))
}

func setupAPI(t *testing.T, opts Options, httpOpts HTTPOptions) *api {
	a := &api{T: t, store: newSpy()}
	a.serve = a.created
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.served++
		a.serve(w, r)
	})
	a.Backend = lambdatest.New(t, &lambdaruntime.App{HTTP: HTTP(New("api", a.store, opts), next, httpOpts)})
	return a
}

func post(key, body string, edit ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest("POST", "/orders", strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	for _, e := range edit {
		e(r)
	}
	return r
}

// answer is the response that a client gets.
type answer struct {
	Status   int
	Header   http.Header
	Body     string
	Replayed bool
}

func (a *api) send(r *http.Request) answer {
	a.Helper()
	resp := a.HTTP(r)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.Error(err)
	}
	replayed := resp.Header.Get("Idempotent-Replayed") == "true"
	resp.Header.Del("Idempotent-Replayed")
	return answer{resp.StatusCode, resp.Header, string(body), replayed}
}

// gets checks a request's status, whether its response is a replay, and how many requests
// the handler has served by then.
func (a *api) gets(r *http.Request, status int, replayed bool, served int) answer {
	a.Helper()
	got := a.send(r)
	if got.Status != status || got.Replayed != replayed || a.served != served {
		a.Errorf("got status %d, replayed %v, served %d; want %d, %v, %d: %s", got.Status, got.Replayed, a.served, status, replayed, served, got.Body)
	}
	return got
}

func as(sub string) func(*http.Request) {
	return func(r *http.Request) {
		*r = *lambdatest.As(lambdaruntime.Caller{Claims: map[string]string{"iss": "https://issuer", "sub": sub}}, r)
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	run := func(name string, opts HTTPOptions, test func(a *api)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(setupAPI(t, Options{}, opts))
		})
	}
	run("the first response is replayed", HTTPOptions{}, func(a *api) {
		first := a.gets(post("k1", "tea\n"), 201, false, 1)
		want := answer{201, http.Header{"Location": {"/orders/1"}, "Set-Cookie": {"a=1", "b=2"}}, "order 1: tea\n\xff\x00", false}
		for _, name := range []string{"Location", "Set-Cookie"} {
			if !slices.Equal(first.Header[name], want.Header[name]) {
				a.Errorf("%s: got %q", name, first.Header[name])
			}
		}
		if first.Body != want.Body || first.Header.Get("Late") != "" {
			a.Errorf("got %+v", first)
		}
		again := a.gets(post("k1", "tea\n"), 201, true, 1)
		again.Replayed = false
		if diff := cmp.Diff(first, again); diff != "" {
			a.Errorf("the replay differs (-first +replay):\n%s", diff)
		}
		a.gets(post("k2", "tea\n"), 201, false, 2)
	})
	run("a key with quotes is the same key", HTTPOptions{}, func(a *api) {
		a.gets(post(`"k1"`, "tea"), 201, false, 1)
		a.gets(post(`k1`, "tea"), 201, true, 1)
	})
	run("another request with the same key", HTTPOptions{}, func(a *api) {
		a.gets(post("k1", "tea"), 201, false, 1)
		got := a.gets(post("k1", "coffee"), 422, false, 1)
		if got.Header.Get("Content-Type") != "application/problem+json" || got.Body != `{"detail":"this key was used with another request; make a new key for each operation","status":422,"title":"Unprocessable Entity"}` {
			a.Errorf("got %+v", got)
		}
		a.gets(post("k1", "tea", func(r *http.Request) { r.URL.RawQuery = "x=1" }), 422, false, 1)
		a.gets(post("k1", "tea", header("Content-Type", "text/tea")), 422, false, 1)
		a.gets(post("k1", "tea", header("User-Agent", "other")), 201, true, 1)
	})
	run("a key belongs to its host, method and path", HTTPOptions{}, func(a *api) {
		a.gets(post("k1", "tea"), 201, false, 1)
		a.gets(post("k1", "tea", func(r *http.Request) { r.URL.Path = "/orders/1" }), 201, false, 2)
		a.gets(post("k1", "tea", func(r *http.Request) { r.Method = "PATCH" }), 201, false, 3)
		a.gets(post("k1", "tea", func(r *http.Request) { r.Host = "other.example" }), 201, false, 4)
		a.gets(post("k1", "tea"), 201, true, 4)
	})
	run("a key belongs to its caller", HTTPOptions{}, func(a *api) {
		a.gets(post("k1", "tea", as("ana"), header("Authorization", "1")), 201, false, 1)
		a.gets(post("k1", "tea", as("ben"), header("Authorization", "1")), 201, false, 2)
		a.gets(post("k1", "tea", as("ana"), header("Authorization", "renewed")), 201, true, 2)
		a.gets(post("k1", "tea"), 201, false, 3)
	})
	run("unknown callers are told apart by what they log in with", HTTPOptions{}, func(a *api) {
		a.gets(post("k1", "tea", header("Authorization", "Bearer ana")), 201, false, 1)
		for _, name := range []string{"Authorization", "Cookie", "X-Api-Key"} {
			a.gets(post("k1", "tea", header(name, "ben")), 422, false, 1)
		}
		a.gets(post("k1", "tea", header("Authorization", "Bearer ana")), 201, true, 1)
	})
	run("the program names callers", HTTPOptions{Caller: func(r *http.Request) string { return r.Header.Get("X-User") }}, func(a *api) {
		a.gets(post("k1", "tea", header("X-User", "ana"), header("Cookie", "1")), 201, false, 1)
		a.gets(post("k1", "tea", header("X-User", "ana"), header("Cookie", "2")), 201, true, 1)
		a.gets(post("k1", "tea", header("X-User", "ben"), header("Cookie", "1")), 201, false, 2)
		a.gets(post("k1", "tea", as("ana")), 201, false, 3)
		a.gets(post("k1", "tea", as("ana")), 201, true, 3)
	})
	run("without a key", HTTPOptions{}, func(a *api) {
		a.gets(post("", "tea"), 201, false, 1)
		a.gets(post("", "tea"), 201, false, 2)
	})
	run("without a required key", HTTPOptions{Required: true}, func(a *api) {
		got := a.gets(post("", "tea"), 400, false, 0)
		if !strings.Contains(got.Body, "a POST needs the header Idempotency-Key; make a new key for each operation") {
			a.Errorf("got %s", got.Body)
		}
		a.gets(post("", "tea", func(r *http.Request) { r.Method = "PUT" }), 201, false, 1)
		a.gets(post("k1", "tea"), 201, false, 2)
	})
	run("safe methods", HTTPOptions{Required: true}, func(a *api) {
		for i, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE"} {
			a.gets(post("k1", "", func(r *http.Request) { r.Method = method }), 201, false, i+1)
		}
		a.gets(post("k1", "", func(r *http.Request) { r.Method = "DELETE" }), 201, false, 5)
		a.gets(post("k1", "", func(r *http.Request) { r.Method = "DELETE" }), 201, true, 5)
		if len(a.store.claims) != 2 {
			a.Errorf("got %d claims", len(a.store.claims))
		}
	})
	run("a refusal is remembered, a request to try again is not", HTTPOptions{}, func(a *api) {
		status := 404
		a.serve = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
		a.gets(post("k404", ""), 404, false, 1)
		a.gets(post("k404", ""), 404, true, 1)
		for i, s := range []int{408, 409, 425, 429, 500, 503} {
			status = s
			key := fmt.Sprint("k", s)
			a.gets(post(key, ""), s, false, 2*i+2)
			status = 204
			a.gets(post(key, ""), 204, false, 2*i+3)
			a.gets(post(key, ""), 204, true, 2*i+3)
		}
	})
	run("a panic is not remembered", HTTPOptions{}, func(a *api) {
		a.serve = func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "half")
			panic(http.ErrAbortHandler)
		}
		a.gets(post("k1", ""), 500, false, 1)
		a.serve = a.created
		a.gets(post("k1", ""), 201, false, 2)
	})
	run("a handler that writes nothing", HTTPOptions{}, func(a *api) {
		a.serve = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-A", "1") }
		a.gets(post("k1", ""), 200, false, 1)
		if got := a.gets(post("k1", ""), 200, true, 1); got.Header.Get("X-A") != "1" || got.Body != "" {
			a.Errorf("got %+v", got)
		}
	})
	run("an informational status is no response", HTTPOptions{}, func(a *api) {
		a.serve = func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			a.created(w, r)
		}
		a.gets(post("k1", "tea"), 201, false, 1)
		a.gets(post("k1", "tea"), 201, true, 1)
	})
	run("a response that is too large is sent once", HTTPOptions{}, func(a *api) {
		a.serve = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-A", "1")
			for range MaxResult/1000 + 1 {
				fmt.Fprint(w, strings.Repeat("x", 1000))
			}
		}
		if got := a.gets(post("k1", ""), 200, false, 1); len(got.Body) != (MaxResult/1000+1)*1000 || got.Header.Get("X-A") != "1" {
			a.Errorf("got %d bytes, %v", len(got.Body), got.Header)
		}
		if got := a.gets(post("k1", ""), 410, false, 1); !strings.Contains(got.Body, "its response was not kept") {
			a.Errorf("got %s", got.Body)
		}
		// Within the limit, but not with its headers.
		a.serve = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", MaxResult)) }
		a.gets(post("k2", ""), 200, false, 2)
		a.gets(post("k2", ""), 410, false, 2)
	})
	run("a body that is too large", HTTPOptions{}, func(a *api) {
		rec := httptest.NewRecorder()
		HTTP(New("api", a.store, Options{}), a.serve, HTTPOptions{}).ServeHTTP(rec, post("k1", strings.Repeat("x", maxBody+1)))
		if rec.Code != 413 || a.served != 0 {
			a.Errorf("got %d", rec.Code)
		}
	})
	run("the handler sees the guarded context and the whole body", HTTPOptions{}, func(a *api) {
		a.serve = func(w http.ResponseWriter, r *http.Request) {
			if _, ok := lambdaruntime.EventFromContext(r.Context()); !ok {
				a.Error("no event")
			}
			fmt.Fprint(w, r.ContentLength)
			_, _ = io.Copy(w, r.Body)
		}
		if got := a.gets(post("k1", "tea"), 200, false, 1); got.Body != "3tea" {
			a.Errorf("got %s", got.Body)
		}
	})
}

func TestHTTPStoreFails(t *testing.T) {
	logs := collectLogs(t)
	a := setupAPI(t, Options{}, HTTPOptions{})
	a.store.fail["begin"] = errors.New("throttled")
	if got := a.gets(post("secret", "tea"), 503, false, 0); got.Header.Get("Retry-After") != "1" {
		t.Errorf("got %+v", got)
	}
	delete(a.store.fail, "begin")
	a.store.fail["complete"] = errors.New("throttled")
	a.gets(post("secret", "tea"), 201, false, 1)
	if got := a.gets(post("secret", "tea"), 409, false, 1); got.Header.Get("Retry-After") != "1" {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(logs.String(), "secret") || strings.Contains(logs.String(), "tea") || strings.Count(logs.String(), `"level":"ERROR"`) != 2 {
		t.Errorf("got the logs %s", logs)
	}
}

func TestHTTPAtOnce(t *testing.T) {
	t.Parallel()
	run := func(name string, opts Options, test func(a *api)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := setupAPI(t, opts, HTTPOptions{})
				a.serve = func(w http.ResponseWriter, _ *http.Request) {
					time.Sleep(3 * time.Second)
					fmt.Fprint(w, "by the first")
				}
				test(a)
			})
		})
	}
	run("the second is refused", Options{}, func(a *api) {
		go a.send(post("k1", "tea"))
		synctest.Wait()
		a.gets(post("k1", "tea"), 409, false, 1)
		a.gets(post("k1", "coffee"), 422, false, 1)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		a.gets(post("k1", "tea"), 200, true, 1)
	})
	run("the second waits", Options{Wait: true}, func(a *api) {
		go a.send(post("k1", "tea"))
		synctest.Wait()
		start := time.Now()
		if a.gets(post("k1", "coffee"), 422, false, 1); time.Since(start) != 0 {
			a.Errorf("another request waited %s", time.Since(start))
		}
		if got := a.gets(post("k1", "tea"), 200, true, 1); got.Body != "by the first" {
			a.Errorf("got %s", got.Body)
		}
	})
	run("one that lost its key sends the client back", Options{Lease: time.Second}, func(a *api) {
		first := make(chan answer)
		go func() { first <- a.send(post("k1", "tea")) }()
		synctest.Wait()
		time.Sleep(time.Second)
		a.serve = a.created
		a.gets(post("k1", "tea"), 201, false, 2)
		if got := <-first; got.Status != 409 {
			a.Errorf("the first got %+v", got)
		}
		a.gets(post("k1", "tea"), 201, true, 2)
	})
	run("one that lost its key when most of it was sent", Options{Lease: time.Second}, func(a *api) {
		first := make(chan answer)
		a.serve = func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat("x", MaxResult+1))
			time.Sleep(3 * time.Second)
		}
		go func() { first <- a.send(post("k1", "tea")) }()
		synctest.Wait()
		time.Sleep(time.Second)
		a.serve = a.created
		a.gets(post("k1", "tea"), 201, false, 2)
		if got := <-first; got.Status != 200 || len(got.Body) != MaxResult+1 {
			a.Errorf("the first got %d with %d bytes", got.Status, len(got.Body))
		}
		a.gets(post("k1", "tea"), 201, true, 2)
	})
	run("a handler that is too slow for its client", Options{}, func(a *api) {
		a.serve = func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.WriteHeader(http.StatusCreated) // it was done in the same moment
		}
		a.gets(post("k1", "tea"), 504, false, 1)
		a.gets(post("k1", "tea"), 201, true, 1)
	})
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`8e03978e-40d5-43dd-bc93-6894a57f9324`: `8e03978e-40d5-43dd-bc93-6894a57f9324`,
		` "a b" `:                              `a b`,
		`"a\"b\\c"`:                            `a"b\c`,
		`"a,b;c"`:                              `a,b;c`,
		`order:1/é`:                            "refused",
		`""`:                                   "refused",
		`"`:                                    "refused",
		`a"b`:                                  "refused",
		`"a"b"`:                                "refused",
		`"a\b"`:                                "refused",
		`"a\"`:                                 "refused",
		`a, b`:                                 "refused",
		`a,b`:                                  "refused",
		`"a", "b"`:                             "refused",
		`"a";p=1`:                              "refused",
		"a\x7f":                                "refused",
		strings.Repeat("x", maxKey):            strings.Repeat("x", maxKey),
		strings.Repeat("x", maxKey+1):          "refused",
	} {
		got, ok := parseKey([]string{in})
		if !ok {
			got = "refused"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got, ok := parseKey(nil); got != "" || !ok {
		t.Errorf("no header: got %q, %v", got, ok)
	}
	for _, values := range [][]string{{"a", "a"}, {""}} {
		if _, ok := parseKey(values); ok {
			t.Errorf("%q must be refused", values)
		}
	}
}

func TestResponseEncoding(t *testing.T) {
	t.Parallel()
	for _, r := range []Response{
		{200, nil, nil},
		{201, http.Header{"A": {"1", "2\n"}}, []byte("\n\xff\x00\n")},
	} {
		data, err := encodeResponse(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeResponse(data)
		if err != nil || got.Status != r.Status || !cmp.Equal(got.Header, r.Header) || string(got.Body) != string(r.Body) {
			t.Errorf("got %+v, %v; want %+v", got, err, r)
		}
	}
	for _, bad := range []string{"", "{}", "{}\n", "x\n", `{"status":100}` + "\n"} {
		if r, err := decodeResponse([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v", bad, r)
		}
	}
	if _, err := encodeResponse(1); err == nil || err.Error() != "the result of a request must be an idempotency.Response, got int" {
		t.Errorf("got %v", err)
	}
}

// TestCallerOf has every kind of verified identity.
func TestCallerOf(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var got string
	b := lambdatest.New(t, &lambdaruntime.App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = callerOf(r) })})
	for _, c := range []lambdaruntime.Caller{
		{Claims: map[string]string{"iss": "1", "sub": "ana"}},
		{Claims: map[string]string{"iss": "2", "sub": "ana"}},
		{Claims: map[string]string{"iss": "1", "client_id": "ben"}},
		{IAM: &lambdaruntime.IAMIdentity{ARN: "arn:aws:iam::123456789012:user/ana"}},
		{IAM: &lambdaruntime.IAMIdentity{ARN: "arn:aws:iam::123456789012:user/ben"}},
		{IAM: &lambdaruntime.IAMIdentity{ARN: "arn:aws:sts::1:assumed-role/x/y", CognitoIdentityID: "1", CognitoIdentityPoolID: "2"}},
	} {
		b.HTTP(lambdatest.As(c, post("k", "")))
		if got == "" || seen[got] {
			t.Errorf("%+v: got %q", c, got)
		}
		seen[got] = true
	}
	for _, c := range []lambdaruntime.Caller{{}, {Context: map[string]any{"tenant": "x"}}, {Claims: map[string]string{"scope": "a"}}} {
		if b.HTTP(lambdatest.As(c, post("k", ""))); got != "" {
			t.Errorf("%+v: got %q", c, got)
		}
	}
	if got := callerOf(post("k", "").WithContext(context.Background())); got != "" {
		t.Errorf("outside of a program: got %q", got)
	}
}

func TestHTTPPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := recover(); got != "idempotency: HTTP: the guard and the handler must not be nil" {
			t.Errorf("got %v", got)
		}
	}()
	HTTP(nil, nil, HTTPOptions{})
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"k1", `"a b"`, `"a\"b\\c"`, `"`, `"\`, "a,b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, ok := parseKey([]string{s})
		if !ok {
			return
		}
		if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q: got the key %q", s, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, ok := parseKey([]string{quoted}); !ok || again != key {
			t.Errorf("%q: got %q from %s, %v", s, again, quoted, ok)
		}
	})
}
