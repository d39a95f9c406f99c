package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local"

	"github.com/lambdahearth/hearth/internal/within"
)

// builds is where programs are built, once for all tests.
var builds string

func TestMain(m *testing.M) {
	var err error
	if builds, err = os.MkdirTemp("", "hearth-local-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(builds)
	os.Exit(code)
}

var bookmarksProgram = sync.OnceValues(func() (string, error) {
	out := filepath.Join(builds, "bookmarks")
	if err := os.Mkdir(out, 0o755); err != nil {
		return "", err
	}
	return local.Build(context.Background(), "../examples/bookmarks/handler", out)
})

// handlerID is the logical id of the example's function.
const handlerID = "BackendHandlerFunction7E095CCF"

// bookmarksAssembly writes the example's cloud assembly, as far as the engine reads
// it, from the golden template.
func bookmarksAssembly(t testing.TB, change func(template map[string]any)) string {
	t.Helper()
	data, err := os.ReadFile("../test/testdata/bookmarks.template.json")
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(template)
	}
	return writeAssembly(t, t.TempDir(), "Bookmarks", template)
}

func writeAssembly(t testing.TB, dir, stack string, template map[string]any) string {
	t.Helper()
	for name, content := range map[string]any{
		stack + ".template.json": template,
		"manifest.json": map[string]any{"version": "54.0.0", "artifacts": map[string]any{
			stack: map[string]any{
				"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
				"properties": map[string]any{"templateFile": stack + ".template.json"},
			},
		}},
	} {
		data, err := json.MarshalIndent(content, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// bench is the example on an engine.
type bench struct {
	*local.Engine
	clock *local.ManualClock
	log   *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startOfTests is a minute before the schedule "nightly".
var startOfTests = time.Date(2026, 11, 23, 2, 59, 0, 0, time.UTC)

func startBookmarks(t testing.TB, opts local.Options) *bench {
	t.Helper()
	program, err := bookmarksProgram()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{log: &logBuffer{}}
	if opts.Assembly == "" {
		opts.Assembly = bookmarksAssembly(t, nil)
	}
	if opts.Clock == nil {
		b.clock = local.NewManualClock(startOfTests)
		opts.Clock = b.clock
	}
	opts.Programs = map[string]string{handlerID: program}
	opts.Output = b.log
	opts.Env = map[string]string{
		"BOOKMARKS_SQLITE": filepath.Join(t.TempDir(), "test.db"), "BOOKMARKS_FETCH_LOOPBACK": "1", "BOOKMARKS_TRUST_USER_HEADER": "1",
	}
	if b.Engine, err = local.Start(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Stop()
		if t.Failed() {
			t.Log(b.log)
		}
	})
	return b
}

// request makes an HTTP request of a user and decodes its answer.
func (b *bench) request(t testing.TB, method, path, user, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, b.HTTPURL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.Header.Set("X-User", user)
	}
	resp, err := within.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatalf("%s %s: %s: %v", method, path, data, err)
		}
	}
	return resp.StatusCode
}

// eventually waits for something that another process does.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (b *bench) queue(t testing.TB, name string) local.QueueState {
	t.Helper()
	for _, q := range b.State().Queues {
		if q.Alias == name || q.Name == name {
			return q
		}
	}
	t.Fatalf("no queue %q", name)
	return local.QueueState{}
}

type bookmark struct{ ID, URL, Title string }

func TestBookmarks(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]local.Options{"as usual": {}, "frozen between events": {Freeze: true}, "slow to start": {ColdStart: 50 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testBookmarks(t, opts)
		})
	}
}

func testBookmarks(t *testing.T, opts local.Options) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<title>Made for the test</title>")
	}))
	defer page.Close()
	b := startBookmarks(t, opts)

	// A client listens.
	client, _, err := websocket.Dial(within.Context(t), b.WebSocketURL()+"?user=anna", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseNow()
	told := func() (event struct {
		Event    string
		Bookmark bookmark
	}) {
		t.Helper()
		_, data, err := client.Read(within.Context(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &event); err != nil {
			t.Fatal(err)
		}
		return event
	}
	if err := client.Write(t.Context(), websocket.MessageText, []byte(`{"action":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if e := told(); e.Event != "pong" {
		t.Errorf("the answer to ping: %+v", e)
	}

	// A bookmark over HTTP goes through the FIFO queue, and its title through the
	// other one; the client is told of both.
	var made bookmark
	if status := b.request(t, "POST", "/bookmarks", "anna", fmt.Sprintf(`{"url":%q}`, page.URL), &made); status != 202 {
		t.Fatalf("create: status %d", status)
	}
	titles := map[string]bool{} // in either order: two instances tell
	for range 2 {
		e := told()
		if e.Event != "changed" || e.Bookmark.ID != made.ID {
			t.Errorf("told: %+v", e)
		}
		titles[e.Bookmark.Title] = true
	}
	if len(titles) != 2 || !titles["Made for the test"] {
		t.Errorf("told of the titles %v", titles)
	}
	var list struct{ Bookmarks []bookmark }
	if b.request(t, "GET", "/bookmarks", "anna", "", &list); len(list.Bookmarks) != 1 || list.Bookmarks[0].Title != "Made for the test" {
		t.Errorf("list: %+v", list)
	}
	if b.request(t, "GET", "/bookmarks", "berta", "", &list); len(list.Bookmarks) != 0 {
		t.Errorf("another user's list: %+v", list)
	}

	// The schedule runs when its time comes, and when it is triggered.
	b.clock.Advance(time.Minute)
	eventually(t, "the schedule ran", func() bool { return strings.Contains(b.log.String(), "cleaned up") })
	if err := b.Trigger("nightly"); err != nil {
		t.Error(err)
	}
	eventually(t, "the schedule ran again", func() bool { return strings.Count(b.log.String(), "cleaned up") == 2 })
	schedules := b.State().Schedules
	if len(schedules) != 1 || schedules[0].Runs != 2 || !schedules[0].Next.Equal(startOfTests.Add(24*time.Hour+time.Minute)) {
		t.Errorf("schedules: %+v", schedules)
	}

	// A poisoned message reaches the dead-letter queue after five receives.
	if err := b.Send("titles", "no JSON", ""); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 5; n++ {
		eventually(t, "a receive", func() bool { return strings.Count(b.log.String(), "decode the message's body") == n })
		eventually(t, "its batch ended", func() bool { return b.State().EventSources[1].Counters.Failed == n })
		b.clock.Advance(6 * time.Minute)
	}
	eventually(t, "the message is dead", func() bool { return b.queue(t, b.queue(t, "titles").DeadLetterQueue).Counters.Visible == 1 })

	if f := b.State().Functions; len(f) != 1 || f[0].Provisioned != 2 || *f[0].Reserved != 50 || f[0].Counters.Errors != 0 || f[0].Counters.Crashes != 0 {
		t.Errorf("functions: %+v", f)
	}
}

// TestStopLeavesNothing starts and stops the example with a client that is
// connected, a request on its way and instances running.
func TestStopLeavesNothing(t *testing.T) {
	// Not parallel: it counts goroutines.
	within.Client.CloseIdleConnections()
	before := runtime.NumGoroutine()
	b := startBookmarks(t, local.Options{})
	client, _, err := websocket.Dial(within.Context(t), b.WebSocketURL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if status := b.request(t, "GET", "/bookmarks", "", "", nil); status != 200 {
		t.Errorf("status %d", status)
	}
	var pids []int
	for _, i := range b.State().Functions[0].Instances {
		pids = append(pids, i.PID)
	}
	if len(pids) < 2 {
		t.Errorf("instances: %v", pids)
	}
	closed := make(chan websocket.StatusCode, 1)
	go func() {
		_, _, err := client.Read(within.Context(t))
		closed <- websocket.CloseStatus(err)
	}()
	b.Stop()
	b.Stop() // a second time does nothing
	if code := within.Receive(t, closed); code != websocket.StatusGoingAway {
		t.Errorf("the client was closed with %d", code)
	}
	client.CloseNow()
	if !strings.Contains(b.log.String(), "coldStart") && b.log.String() == "" {
		t.Error("the program logged nothing")
	}
	for _, pid := range pids {
		if process.Alive(pid) {
			t.Errorf("process %d is left", pid)
		}
	}
	if _, err := within.Client.Get(b.URL() + "/_hearth/state"); err == nil {
		t.Error("the port still serves")
	}
	within.Client.CloseIdleConnections()
	eventually(t, "all goroutines ended", func() bool { return runtime.NumGoroutine() <= before })
}
