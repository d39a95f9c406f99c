package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/examples/bookmarks/pagetitle"
	"github.com/lambdahearth/hearth/examples/bookmarks/store"
	"github.com/lambdahearth/hearth/examples/bookmarks/store/sqlite"
	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// bench is a service with a real store. Its queues, clients and pages are fakes.
type bench struct {
	*service
	store   *store.Store
	changes fakeQueue[store.Change]
	titles  fakeQueue[titleJob]
	clients fakeClients
	pages   fakePages
}

type fakeQueue[T any] struct {
	sent []T
	err  error
}

func (q *fakeQueue[T]) Send(_ context.Context, payload T, _ ...producer.Option) error {
	if q.err == nil {
		q.sent = append(q.sent, payload)
	}
	return q.err
}

type fakeClients struct {
	sent []string // "{id} {data}"
	gone []string
	err  error
}

func (c *fakeClients) SendAll(_ context.Context, ids []string, data []byte) (gone []string, err error) {
	for _, id := range ids {
		if slices.Contains(c.gone, id) {
			gone = append(gone, id)
		} else {
			c.sent = append(c.sent, id+" "+string(data))
		}
	}
	return gone, c.err
}

type fakePages struct {
	title string
	err   error
}

func (p *fakePages) Title(context.Context, string) (string, error) { return p.title, p.err }

type brokenDB struct{}

func (brokenDB) Get(context.Context) (*store.Store, error) {
	return nil, errors.New("no route to host")
}

func setup(t *testing.T) *bench {
	t.Helper()
	sqlDB, err := sqlite.Open(filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sqlDB.Close() })
	st, err := store.Open(t.Context(), sqlDB)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{store: st}
	b.service = &service{
		db:      lambdaruntime.NewResource("db", func(context.Context) (*store.Store, error) { return st, nil }),
		changes: &b.changes, titles: &b.titles, clients: &b.clients, pages: &b.pages,
	}
	return b
}

// request makes a request as the demo user and returns its status and body.
func (b *bench) request(t *testing.T, method, path, body string) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	b.routes().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: Content-Type %q", method, path, got)
	}
	return w.Result(), strings.TrimSpace(w.Body.String())
}

// deliver handles the waiting jobs of the queue "changes".
func (b *bench) deliver(t *testing.T) {
	t.Helper()
	for _, c := range b.changes.sent {
		if err := b.applyChange(t.Context(), &lambdaruntime.Job[store.Change]{Payload: c}); err != nil {
			t.Fatal(err)
		}
	}
	b.changes.sent = nil
}

func TestLifeOfABookmark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resp, body := b.request(t, "POST", "/bookmarks", `{"url": "https://example.com/?a=1&b=2"}`)
	var created store.Bookmark
	if err := json.Unmarshal([]byte(body), &created); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("create: %d %s", resp.StatusCode, body)
	}
	path := resp.Header.Get("Location")
	if path != "/bookmarks/"+created.ID {
		t.Errorf("Location %q for id %q", path, created.ID)
	}
	if resp, body := b.request(t, "GET", path, ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("before it is applied: %d %s", resp.StatusCode, body)
	}
	b.deliver(t)
	if _, got := b.request(t, "GET", path, ""); got != body {
		t.Errorf("read: got %s, want %s", got, body)
	}

	resp, body = b.request(t, "PUT", path, `{"url": "https://example.org"}`)
	if resp.StatusCode != http.StatusAccepted || !strings.Contains(body, `"url":"https://example.org"`) {
		t.Errorf("update: %d %s", resp.StatusCode, body)
	}
	b.deliver(t)
	if _, got := b.request(t, "GET", "/bookmarks", ""); got != `{"bookmarks":[`+body+`]}` {
		t.Errorf("list: got %s, want only %s", got, body)
	}
	want := []titleJob{{"demo", created.ID, "https://example.com/?a=1&b=2"}, {"demo", created.ID, "https://example.org"}}
	if diff := cmp.Diff(want, b.titles.sent); diff != "" {
		t.Errorf("title jobs (-want +got):\n%s", diff)
	}

	if resp, body := b.request(t, "DELETE", path, ""); resp.StatusCode != http.StatusAccepted {
		t.Errorf("delete: %d %s", resp.StatusCode, body)
	}
	b.deliver(t)
	for _, method := range []string{"GET", "DELETE"} {
		if resp, body := b.request(t, method, path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s after the deletion: %d %s", method, resp.StatusCode, body)
		}
	}
}

func TestRequestErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const missing = "/bookmarks/00000000000000000000000000"
	long := "https://example.com/" + strings.Repeat("x", maxURLBytes)
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/bookmarks", ``, 400, `the body must be JSON such as {"url": "https://example.com"}: unexpected end of JSON input`},
		{"POST", "/bookmarks", `{}`, 400, `url is missing; send {"url": "https://example.com"}`},
		{"POST", "/bookmarks", `{"url": "ftp://example.com"}`, 400, `url must be an absolute http or https URL without a password, got "ftp://example.com"`},
		{"POST", "/bookmarks", `{"url": "/relative"}`, 400, `url must be an absolute http or https URL without a password, got "/relative"`},
		{"POST", "/bookmarks", `{"url": "https://u:p@example.com"}`, 400, `url must be an absolute http or https URL without a password, got "https://u:p@example.com"`},
		{"POST", "/bookmarks", `{"url": "https://"}`, 400, `url must be an absolute http or https URL without a password, got "https://"`},
		{"POST", "/bookmarks", `{"url": "` + long[:maxURLBytes] + `"}`, 202, ""},
		{"POST", "/bookmarks", `{"url": "` + long[:maxURLBytes+1] + `"}`, 400, `url must be up to 2048 bytes, got 2049`},
		{"POST", "/bookmarks", `{"url": "https://example.com"}` + strings.Repeat(" ", maxBodyBytes), 413, `the body must be up to 65536 bytes`},
		{"PUT", missing, `{"url": "https://example.com"}`, 404, `no bookmark with this id; a new one takes a moment to show`},
		{"PUT", missing, `{"url": 1}`, 400, `the body must be JSON such as {"url": "https://example.com"}: json: cannot unmarshal number into Go struct field .url of type string`},
		{"GET", "/bookmarks/x", ``, 404, `no bookmark with this id; a new one takes a moment to show`},
		{"DELETE", missing, ``, 404, `no bookmark with this id; a new one takes a moment to show`},
		{"GET", "/bookmarks?limit=0", ``, 400, `limit must be 1 to 200, got "0"`},
		{"GET", "/bookmarks?limit=201", ``, 400, `limit must be 1 to 200, got "201"`},
		{"GET", "/bookmarks?after=%7E", ``, 400, `after must be the id of a bookmark, got "~"`},
		{"PATCH", missing, ``, 405, `method PATCH is not allowed here; allowed are GET, HEAD, PUT, DELETE`},
		{"DELETE", "/bookmarks", ``, 405, `method DELETE is not allowed here; allowed are GET, HEAD, POST`},
		{"GET", "/other", ``, 404, `no such path; try /bookmarks`},
	} {
		resp, body := b.request(t, tc.method, tc.path, tc.body)
		if resp.StatusCode != tc.status {
			t.Errorf("%s %s: got %d, want %d", tc.method, tc.path, resp.StatusCode, tc.status)
		}
		var got message
		if err := json.Unmarshal([]byte(body), &got); err != nil || got.Message != tc.want {
			t.Errorf("%s %s: got %s, want message %s", tc.method, tc.path, body, tc.want)
		}
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	const want = `{"message":"the service is not available at the moment; try again"}`
	b := setup(t)
	b.changes.err = errors.New("queue: secret detail")
	if resp, body := b.request(t, "POST", "/bookmarks", `{"url": "https://example.com"}`); resp.StatusCode != http.StatusServiceUnavailable || body != want {
		t.Errorf("no queue: %d %s", resp.StatusCode, body)
	}
	b.db = brokenDB{}
	if resp, body := b.request(t, "GET", "/bookmarks", ""); resp.StatusCode != http.StatusServiceUnavailable || body != want {
		t.Errorf("no database: %d %s", resp.StatusCode, body)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		b.request(t, "POST", "/bookmarks", `{"url": "https://example.com"}`)
	}
	b.deliver(t)
	var first, second bookmarkList
	_, body := b.request(t, "GET", "/bookmarks?limit=2", "")
	if err := json.Unmarshal([]byte(body), &first); err != nil || len(first.Bookmarks) != 2 || first.Next != first.Bookmarks[1].ID {
		t.Fatalf("first page: %s", body)
	}
	_, body = b.request(t, "GET", "/bookmarks?limit=2&after="+first.Next, "")
	if err := json.Unmarshal([]byte(body), &second); err != nil || len(second.Bookmarks) != 1 || second.Next != "" {
		t.Fatalf("second page: %s", body)
	}
}

func TestChangesThatComeTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.request(t, "POST", "/bookmarks", `{"url": "https://example.com"}`)
	create := b.changes.sent[0]
	b.deliver(t)
	b.changes.sent = []store.Change{{ID: "d", User: "demo", Op: store.Delete, BookmarkID: create.BookmarkID, At: create.At}}
	b.deliver(t)
	b.changes.sent = []store.Change{create}
	b.deliver(t)
	if _, body := b.request(t, "GET", "/bookmarks", ""); body != `{"bookmarks":[]}` {
		t.Errorf("a repeated create brought the bookmark back: %s", body)
	}
}

func TestFailedTitleJobIsSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.request(t, "POST", "/bookmarks", `{"url": "https://example.com"}`)
	job := &lambdaruntime.Job[store.Change]{Payload: b.changes.sent[0]}
	b.titles.err = errors.New("no")
	if err := b.applyChange(t.Context(), job); err == nil {
		t.Fatal("the change counts as done, though its title is not asked for")
	}
	b.titles.err = nil
	if err := b.applyChange(t.Context(), job); err != nil || len(b.titles.sent) != 1 {
		t.Errorf("got %v, %d title jobs", err, len(b.titles.sent))
	}
}

func TestClientsAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for id, user := range map[string]string{"a=": "demo", "gone=": "demo", "other=": "bob"} {
		if err := b.store.Connect(t.Context(), id, user, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	b.clients.gone = []string{"gone="}
	_, created := b.request(t, "POST", "/bookmarks", `{"url": "https://example.com"}`)
	b.deliver(t)

	b.pages.title = "A title"
	if err := b.fetchTitle(t.Context(), &lambdaruntime.Job[titleJob]{Payload: b.titles.sent[0]}); err != nil {
		t.Fatal(err)
	}
	_, titled := b.request(t, "GET", "/bookmarks/"+b.titles.sent[0].BookmarkID, "")
	if !strings.Contains(titled, `"title":"A title"`) {
		t.Errorf("got %s", titled)
	}
	b.request(t, "DELETE", "/bookmarks/"+b.titles.sent[0].BookmarkID, "")
	b.deliver(t)
	want := []string{
		`a= {"event":"changed","bookmark":` + created + `}`,
		`a= {"event":"changed","bookmark":` + titled + `}`,
		`a= {"event":"deleted","id":"` + b.titles.sent[0].BookmarkID + `"}`,
	}
	if diff := cmp.Diff(want, b.clients.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if ids, err := b.store.Connections(t.Context(), "demo"); err != nil || !slices.Equal(ids, []string{"a="}) {
		t.Errorf("connections: got %q, %v; the one that is gone must be forgotten", ids, err)
	}
	b.clients.err = errors.New("no way out")
	b.request(t, "POST", "/bookmarks", `{"url": "https://example.com"}`)
	b.deliver(t) // no failure
}

func TestTitleJobs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		page fakePages
		want string // of "done", "dropped" and "again"
	}{
		{"fetched", fakePages{title: "t"}, "done"},
		{"cannot be fetched", fakePages{err: fmt.Errorf("404: %w", pagetitle.ErrPermanent)}, "dropped"},
		{"cannot be fetched now", fakePages{err: errors.New("503")}, "again"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.pages = tc.page
			job := &lambdaruntime.Job[titleJob]{Payload: titleJob{User: "demo", BookmarkID: "gone", URL: "https://example.com"}}
			err := b.fetchTitle(t.Context(), job)
			got := "done"
			if err != nil {
				got = "again"
				if errors.Is(err, pagetitle.ErrPermanent) {
					got = "dropped"
				}
			}
			if got != tc.want {
				t.Errorf("got %s (%v), want %s", got, err, tc.want)
			}
		})
	}
}

func TestWebSocket(t *testing.T) {
	b := setup(t)
	t.Setenv("BOOKMARKS_TRUST_USER_HEADER", "1")
	h := b.handler(t)
	send := func(eventType, query, body string) string {
		t.Helper()
		event := map[string]any{
			"requestContext": map[string]any{"eventType": eventType, "connectionId": "x=", "routeKey": "$default", "apiId": "a", "stage": "live", "domainName": "d"},
			"headers":        map[string]string{"Host": "d"}, "isBase64Encoded": false, "body": body,
		}
		if query != "" {
			event["queryStringParameters"] = map[string]string{"user": query}
			event["multiValueQueryStringParameters"] = map[string][]string{"user": {query}}
		}
		return invoke(t, h, event)
	}
	if got := send("CONNECT", "ann", ""); got != `{"statusCode":200}` {
		t.Fatalf("connect: %s", got)
	}
	if user, err := b.store.UserOf(t.Context(), "x="); user != "ann" || err != nil {
		t.Errorf("got user %q, %v", user, err)
	}
	for _, tc := range []struct{ body, want string }{
		{`{"action": "ping"}`, `{"statusCode":200,"body":"{\"event\":\"pong\"}"}`},
		{`{"action": "list"}`, `{"statusCode":200,"body":"{\"event\":\"list\",\"bookmarks\":[]}"}`},
		{`{"action": "x"}`, `{"statusCode":400,"body":"{\"error\":\"action must be \\\"ping\\\" or \\\"list\\\", got \\\"x\\\"\"}"}`},
		{`x`, `{"statusCode":400,"body":"{\"error\":\"a message must be JSON such as {\\\"action\\\": \\\"list\\\"}\"}"}`},
	} {
		if got := send("MESSAGE", "", tc.body); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.body, got, tc.want)
		}
	}
	if got := send("DISCONNECT", "", ""); got != `{"statusCode":200}` {
		t.Errorf("disconnect: %s", got)
	}
	if got := send("MESSAGE", "", `{"action": "list"}`); !strings.Contains(got, `"statusCode":410`) {
		t.Errorf("list after the end: %s", got)
	}
	if got := send("CONNECT", "an n", ""); got != `{"statusCode":403}` {
		t.Errorf("bad user: %s", got)
	}
}

// handler returns the service as Lambda runs it.
func (b *bench) handler(t *testing.T) lambda.Handler {
	t.Helper()
	h, err := lambdaruntime.NewHandler(&lambdaruntime.App{HTTP: b.routes(), WebSocket: b.service})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func invoke(t *testing.T, h lambda.Handler, event any) string {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	response, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return string(response)
}

func TestLongestListFitsAMessage(t *testing.T) {
	t.Parallel()
	e := event{Event: "list"}
	for range liveList {
		e.Bookmarks = append(e.Bookmarks, &store.Bookmark{
			ID: newID(time.Now()), URL: strings.Repeat(`"`, maxURLBytes), Title: strings.Repeat("\U0001f600", 300),
			CreatedAt: time.Now().UTC(), UpdatedAt: time.Now().UTC(),
		})
	}
	data, err := e.encode()
	if err != nil || len(data) > 128<<10 {
		t.Errorf("%d bytes, %v; want up to %d", len(data), err, 128<<10)
	}
}

func TestWhoAsks(t *testing.T) {
	b := setup(t)
	h := b.handler(t)
	ask := func(header string, authorizer map[string]any) (status int, user string) {
		t.Helper()
		b.changes.sent = nil
		invoked := invoke(t, h, map[string]any{
			"version": "2.0", "routeKey": "$default", "rawPath": "/bookmarks", "rawQueryString": "",
			"headers": map[string]string{"host": "d", "x-user": header},
			"requestContext": map[string]any{
				"apiId": "a", "stage": "$default", "domainName": "d", "authorizer": authorizer,
				"http": map[string]string{"method": "POST", "path": "/bookmarks", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
			},
			"body": `{"url": "https://example.com"}`, "isBase64Encoded": false,
		})
		var response struct {
			StatusCode int `json:"statusCode"`
		}
		if err := json.Unmarshal([]byte(invoked), &response); err != nil {
			t.Fatal(err)
		}
		if len(b.changes.sent) == 1 {
			user = b.changes.sent[0].User
		}
		return response.StatusCode, user
	}
	token := func(subject string) map[string]any {
		return map[string]any{"jwt": map[string]any{"claims": map[string]string{"sub": subject}, "scopes": nil}}
	}
	for _, tc := range []struct {
		name       string
		trusted    string
		header     string
		authorizer map[string]any
		status     int
		user       string
	}{
		{"nobody", "", "", nil, 202, "demo"},
		{"a header that nobody checked", "", "ann", nil, 202, "demo"},
		{"a header that is trusted", "1", "ann", nil, 202, "ann"},
		{"a token", "", "", token("5f0b"), 202, "5f0b"},
		{"a token beats a header", "1", "ann", token("5f0b"), 202, "5f0b"},
		{"a user that is no message group", "1", "a b", nil, 403, ""},
		{"a user that is too long", "", "", token(strings.Repeat("x", 129)), 403, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("BOOKMARKS_TRUST_USER_HEADER", tc.trusted)
			status, user := ask(tc.header, tc.authorizer)
			if status != tc.status || user != tc.user {
				t.Errorf("got %d, user %q; want %d, user %q", status, user, tc.status, tc.user)
			}
		})
	}
}

func TestCleanUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)
	for id, age := range map[string]time.Duration{"old=": keepConnections + time.Minute, "young=": keepConnections - time.Minute} {
		if err := b.store.Connect(t.Context(), id, "demo", at.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.cleanUp(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if ids, err := b.store.Connections(t.Context(), "demo"); err != nil || !slices.Equal(ids, []string{"young="}) {
		t.Errorf("got %q, %v", ids, err)
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	at := time.Now()
	var ids []string
	for i := range 100 {
		ids = append(ids, newID(at.Add(time.Duration(i)*time.Millisecond)))
	}
	if !slices.IsSorted(ids) {
		t.Error("later ids must be greater")
	}
	for _, id := range ids {
		if !idPattern.MatchString(id) {
			t.Errorf("id %q does not match %s", id, idPattern)
		}
	}
}

// TestWhatIsLinked keeps the deployed program small.
func TestWhatIsLinked(t *testing.T) {
	t.Parallel()
	deps := func(tags string) string {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags, ".")
		cmd.Env = append(cmd.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return string(out)
	}
	deployed := deps("lambda.norpc")
	for _, unwanted := range []string{
		"modernc.org/", "github.com/aws/aws-cdk-go", "github.com/aws/jsii-runtime-go", "github.com/google/go-cmp", "\ntesting\n",
		"github.com/aws/aws-sdk-go-v2/config", "hearth/constructs", "hearth/local", "postgrestest", "net/rpc",
	} {
		if strings.Contains(deployed, unwanted) {
			t.Errorf("the deployed program links %q", strings.TrimSpace(unwanted))
		}
	}
	if local := deps("hearth.local"); !strings.Contains(local, "modernc.org/sqlite") {
		t.Error("the local program must link the embedded database")
	}
}
