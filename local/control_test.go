package local_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
)

// api talks to an engine's control API.
type api struct {
	*local.Engine
	token string
}

// ask makes a request and decodes its answer, if into is not nil.
func (a *api) ask(t testing.TB, method, path, body string, into any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL()+"/_hearth"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Hearth", a.token)
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

// must sends a request that has to succeed.
func (a *api) must(t testing.TB, method, path, body string, into any) {
	t.Helper()
	var answer json.RawMessage
	if status := a.ask(t, method, path, body, &answer); status != http.StatusOK {
		t.Fatalf("%s %s: %d: %s", method, path, status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
	}
}

type summary struct {
	ID, Function, Source, Label, Status, Error string
	Number                                     uint64
	Code, Failed, Instance                     int
	Cold, Provisioned, Spill                   bool
	WaitedMs, InitMs, HandlerMs                float64
}

func (a *api) invocations(t testing.TB, query string) []summary {
	t.Helper()
	var list struct{ Invocations []summary }
	a.must(t, "GET", "/invocations?"+query, "", &list)
	return list.Invocations
}

func startControlled(t testing.TB, opts local.Options) (*bench, *api) {
	t.Helper()
	b := startBookmarks(t, opts)
	return b, &api{b.Engine, b.Token()}
}

// TestControlAPI checks the control API's answers against its description, and the effect
// of each action in the engine.
func TestControlAPI(t *testing.T) {
	t.Parallel()
	b, a := startControlled(t, local.Options{})
	post, err := http.NewRequestWithContext(t.Context(), "POST", b.HTTPURL()+"/bookmarks?token=hidden", strings.NewReader(`{"url":"http://127.0.0.1:1/","big":12345678901234567890}`))
	if err != nil {
		t.Fatal(err)
	}
	post.Header.Set("Content-Type", "application/json")
	post.Header.Set("X-User", "anna")
	if resp, err := within.Client.Do(post); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%v, %v", resp, err)
	}
	var request summary
	eventually(t, "the jobs are done", func() bool {
		list := a.invocations(t, "source=http")
		if len(list) == 1 {
			request = list[0]
		}
		return len(list) == 1 && list[0].Status == "ok" && len(a.invocations(t, "source=queue&status=ok")) >= 2
	})
	if request.Label != "POST /bookmarks" || request.Code != http.StatusAccepted || !request.Provisioned || request.HandlerMs <= 0 {
		t.Errorf("%+v", request)
	}
	function := request.Function

	t.Run("answers are as described", func(t *testing.T) {
		socket, _, err := websocket.Dial(within.Context(t), b.WebSocketURL()+"?user=anna", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer socket.CloseNow()
		a.must(t, "PUT", "/faults", `{"faults":[{"kind":"slowInit","delay":"1ms","for":"1m"}]}`, nil)
		describe(t, a).checkAll(t, a, request.ID)
		a.must(t, "PUT", "/faults", `{"faults":[]}`, nil)
	})
	t.Run("detail", func(t *testing.T) {
		var d struct {
			Event, Response, Curl, GoTest string
			Lines                         []struct{ Text string }
		}
		a.must(t, "GET", "/invocations/"+request.ID, "", &d)
		if strings.Contains(d.Event, "hidden") || !strings.Contains(d.Event, "token=••••••1•") || !strings.Contains(d.Event, `12345678901234567890`) {
			t.Errorf("event %s", d.Event)
		}
		if !strings.Contains(d.Curl, "curl -i -X POST '"+b.HTTPURL()+"/bookmarks?token=••••••1•'") || !strings.Contains(d.Curl, "12345678901234567890") {
			t.Errorf("curl: %s", d.Curl)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "replay_test.go", d.GoTest, 0); err != nil || !strings.Contains(d.GoTest, "got.StatusCode != 202") {
			t.Errorf("%v\n%s", err, d.GoTest)
		}
		eventually(t, "the request's log lines are there", func() bool {
			a.must(t, "GET", "/invocations/"+request.ID, "", &d)
			return len(d.Lines) > 0
		})
		a.must(t, "GET", "/invocations/"+request.ID+"?secrets=1", "", &d)
		if !strings.Contains(d.Event, "token=hidden") {
			t.Errorf("with secrets: %s", d.Event)
		}
		if status := (&api{b.Engine, ""}).ask(t, "GET", "/invocations/"+request.ID+"?secrets=1", "", nil); status != http.StatusForbidden {
			t.Errorf("secrets without a token: %d", status)
		}
		if status := a.ask(t, "GET", "/invocations/none", "", nil); status != http.StatusNotFound {
			t.Errorf("none: %d", status)
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		for query, want := range map[string]string{
			"status=bogus":  `status must be one of waiting, init, running, ok, error, timeout, crash, throttled, failed, got \"bogus\"`,
			"source=kafka":  `source must be one of http, websocket, queue, schedule, async, invoke, replay, got \"kafka\"`,
			"limit=1001":    `limit must be 0 to 1000, got \"1001\"`,
			"minMs=quickly": `minMs must be 0 to`,
		} {
			var answer json.RawMessage
			if status := a.ask(t, "GET", "/invocations?"+query, "", &answer); status != http.StatusBadRequest || !strings.Contains(string(answer), want) {
				t.Errorf("%s: %d %s", query, status, answer)
			}
		}
	})
	t.Run("a form's secrets", func(t *testing.T) { testControlForm(t, b, a) })
	t.Run("trace", func(t *testing.T) {
		var trace struct {
			Steps []struct {
				Depth      int
				Kind       string
				Queue      string
				Invocation summary
			}
		}
		eventually(t, "the trace goes from the request to both jobs", func() bool {
			a.must(t, "GET", "/invocations/"+a.invocations(t, "source=queue&status=ok")[0].ID+"/trace", "", &trace)
			queues := map[string]bool{}
			for _, s := range trace.Steps {
				queues[s.Queue] = true
			}
			return len(queues) == 3
		})
		if s := trace.Steps[0]; s.Invocation.ID != request.ID || s.Depth != 0 || trace.Steps[1].Kind != "message" {
			t.Errorf("%+v", trace.Steps)
		}
	})
	t.Run("replay", func(t *testing.T) {
		var event struct{ Event string }
		a.must(t, "GET", "/invocations/"+request.ID, "", &event)
		edited, _ := json.Marshal(map[string]string{"event": strings.Replace(event.Event, "127.0.0.1:1/", "127.0.0.1:1/edited", 1)})
		for _, body := range []string{`{}`, string(edited)} {
			var answer struct{ ID string }
			a.must(t, "POST", "/invocations/"+request.ID+"/replay", body, &answer)
			a.must(t, "GET", "/invocations/"+answer.ID, "", nil) // at once
			var d struct {
				summary
				Event    *string
				Response *string
			}
			eventually(t, "the replay ends", func() bool {
				return a.ask(t, "GET", "/invocations/"+answer.ID+"?secrets=1", "", &d) == http.StatusOK && d.Status == "ok"
			})
			if d.Source != "replay" || d.Code != http.StatusAccepted || !strings.Contains(*d.Event, "token=hidden") || strings.Contains(*d.Event, "edited") != (body != `{}`) {
				t.Errorf("%+v %s", d.summary, *d.Event)
			}
		}
		if status := a.ask(t, "POST", "/invocations/"+request.ID+"/replay", `{"event":"no JSON"}`, nil); status != http.StatusBadRequest {
			t.Errorf("not JSON: %d", status)
		}
	})
	t.Run("reserved", func(t *testing.T) {
		a.must(t, "POST", "/functions/"+function+"/reserved", `{"reserved":0}`, nil)
		if status := b.request(t, "GET", "/none", "anna", "", nil); status != http.StatusServiceUnavailable && status < 500 {
			t.Errorf("with reserved concurrency 0: %d", status)
		}
		if got := a.invocations(t, "status=throttled"); len(got) == 0 {
			t.Error("no throttle was recorded")
		}
		a.must(t, "POST", "/functions/"+function+"/reserved", `{"reset":true}`, nil)
		if status := b.request(t, "GET", "/none", "anna", "", nil); status != http.StatusNotFound {
			t.Errorf("with the template's: %d", status)
		}
	})
	t.Run("instances", func(t *testing.T) {
		for _, action := range []string{"kill", "recycle"} {
			var before local.InstanceState
			eventually(t, "there are two provisioned instances", func() bool {
				list := provisioned(b)
				if len(list) == 2 {
					before = list[0]
				}
				return len(list) == 2 && before.State == "idle"
			})
			a.must(t, "POST", fmt.Sprintf("/instances/%d/%s", before.ID, action), "", nil)
			eventually(t, "another takes its place", func() bool {
				list := provisioned(b)
				return len(list) == 2 && !slices.ContainsFunc(list, func(i local.InstanceState) bool { return i.ID == before.ID || i.State != "idle" })
			})
			var lanes struct {
				Instances []struct {
					ID         int
					State, Why string
				}
			}
			a.must(t, "GET", "/lanes", "", &lanes)
			if !slices.ContainsFunc(lanes.Instances, func(i struct {
				ID         int
				State, Why string
			}) bool {
				return i.ID == before.ID && i.State == "ended" && strings.Contains(i.Why, "by hand")
			}) {
				t.Errorf("%s: %+v", action, lanes.Instances)
			}
		}
		id := provisioned(b)[0].ID
		for _, action := range []string{"freeze", "thaw"} {
			eventually(t, action, func() bool {
				return a.ask(t, "POST", fmt.Sprintf("/instances/%d/%s", id, action), "", nil) == http.StatusOK
			})
			if got := provisioned(b)[0].Frozen; got != (action == "freeze") {
				t.Errorf("after %s: frozen %v", action, got)
			}
		}
		if status := a.ask(t, "POST", "/instances/99999/kill", "", nil); status != http.StatusNotFound {
			t.Errorf("none: %d", status)
		}
	})
	t.Run("queues", func(t *testing.T) { testControlQueues(t, b, a) })
	t.Run("connections", func(t *testing.T) { testControlConnections(t, b, a) })
	t.Run("schedules and clock", func(t *testing.T) {
		var schedules struct {
			Schedules []struct {
				Name     string
				NextRuns []time.Time
			}
		}
		a.must(t, "GET", "/schedules?runs=3", "", &schedules)
		if len(schedules.Schedules) != 1 || len(schedules.Schedules[0].NextRuns) != 3 {
			t.Fatalf("%+v", schedules)
		}
		runs := func() int { return b.State().Schedules[0].Runs }
		before := runs()
		a.must(t, "POST", "/trigger?name="+url.QueryEscape(schedules.Schedules[0].Name), "", nil)
		if got := runs(); got != before+1 {
			t.Errorf("%d runs, want %d", got, before+1)
		}
		var clock struct {
			Time         time.Time
			Movable      bool
			NextSchedule *time.Time
		}
		a.must(t, "POST", "/clock", `{"by":"1s"}`, &clock)
		if !clock.Movable || !clock.Time.Equal(b.clock.Now()) || clock.NextSchedule == nil {
			t.Errorf("%+v", clock)
		}
		next := *clock.NextSchedule
		a.must(t, "POST", "/clock", `{"to":"schedule"}`, &clock)
		if !clock.Time.Equal(next) {
			t.Errorf("the clock is at %v, want %v", clock.Time, next)
		}
		eventually(t, "the schedule runs", func() bool { return runs() == before+2 })
		if status := a.ask(t, "POST", "/clock", `{"by":"-1s"}`, nil); status != http.StatusBadRequest {
			t.Errorf("back: %d", status)
		}
	})
	t.Run("map", func(t *testing.T) {
		var m struct {
			Nodes []struct{ ID, Kind, Name string }
			Edges []struct {
				From, To, Kind string
				Count          int
			}
			CheckError string
		}
		a.must(t, "GET", "/map", "", &m)
		kinds := map[string]int{}
		for _, e := range m.Edges {
			from, _, _ := strings.Cut(e.From, "/")
			to, _, _ := strings.Cut(e.To, "/")
			kinds[from+" "+e.Kind+" "+to] += max(e.Count, 0)
		}
		for _, want := range []string{"http invokes function", "websocket invokes function", "queue invokes function", "function sends queue", "schedule invokes function"} {
			if kinds[want] == 0 {
				t.Errorf("nothing passed along %s: %v", want, kinds)
			}
		}
		if _, ok := kinds["queue deadLetters queue"]; !ok || m.CheckError != "" {
			t.Errorf("%v, %s", kinds, m.CheckError)
		}
	})
}

// provisioned returns the provisioned instances of the example's function.
func provisioned(b *bench) []local.InstanceState {
	return slices.DeleteFunc(b.State().Functions[0].Instances, func(i local.InstanceState) bool { return !i.Provisioned })
}

// testControlForm posts a form, which an HTTP API puts into the event in base64. Its password
// is nowhere to be seen, and there again when the event is sent again.
func testControlForm(t *testing.T, b *bench, a *api) {
	resp, err := within.Client.PostForm(b.HTTPURL()+"/login", url.Values{"user": {"anna"}, "password": {"not-for-the-screen"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	encoded := base64.StdEncoding.EncodeToString([]byte("password=not-for-the-screen&user=anna"))
	var list []summary
	eventually(t, "the form arrived", func() bool { list = a.invocations(t, "text=/login"); return len(list) == 1 })
	var shown json.RawMessage
	a.must(t, "GET", "/invocations/"+list[0].ID, "", &shown)
	if text := string(shown); strings.Contains(text, "not-for-the-screen") || strings.Contains(text, encoded) || !strings.Contains(text, "--data-binary '••••••1•'") {
		t.Errorf("shown: %s", text)
	}
	var d struct{ Event string }
	a.must(t, "GET", "/invocations/"+list[0].ID, "", &d)
	edited, _ := json.Marshal(map[string]string{"event": strings.Replace(d.Event, "/login", "/again", 1)})
	var answer struct{ ID string }
	a.must(t, "POST", "/invocations/"+list[0].ID+"/replay", string(edited), &answer)
	eventually(t, "it is sent again, with the password", func() bool {
		return a.ask(t, "GET", "/invocations/"+answer.ID+"?secrets=1", "", &d) == http.StatusOK && strings.Contains(d.Event, encoded) && strings.Contains(d.Event, "/again")
	})
}

func testControlQueues(t *testing.T, b *bench, a *api) {
	type message struct{ ID, Body, State, Group string }
	messages := func(queue string) []message {
		t.Helper()
		var list struct {
			Messages []message
			Total    int
		}
		a.must(t, "GET", "/queues/"+queue+"/messages", "", &list)
		if list.Total != len(list.Messages) {
			t.Errorf("%d messages of %d", len(list.Messages), list.Total)
		}
		return list.Messages
	}
	mapping := ""
	for _, m := range b.State().EventSources {
		if strings.Contains(m.Queue, "titles") {
			mapping = m.LogicalID
		}
	}
	a.must(t, "POST", "/eventsources/"+mapping+"/pause", "", nil)
	a.must(t, "POST", "/queues/titles/purge", "", nil)
	a.must(t, "POST", "/send?name=titles&group=g", `{"id":"1","password":"x"}`, nil)
	got := messages("titles")
	if len(got) != 1 || got[0].State != "visible" || got[0].Group != "g" || got[0].Body != `{"id":"1","password":"••••••1•"}` {
		t.Fatalf("%+v", got)
	}
	a.must(t, "POST", "/queues/titles/messages/"+got[0].ID+"/delete", "", nil)
	if got = messages("titles"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	a.must(t, "POST", "/send?name=ScheduleDeadLetters&delay=600", `later`, nil)
	if got = messages("ScheduleDeadLetters"); len(got) != 1 || got[0].State != "delayed" {
		t.Fatalf("%+v", got)
	}
	a.must(t, "POST", "/queues/ScheduleDeadLetters/messages/"+got[0].ID+"/show", "", nil)
	if got = messages("ScheduleDeadLetters"); got[0].State != "visible" {
		t.Errorf("%+v", got)
	}
	a.must(t, "POST", "/queues/ScheduleDeadLetters/purge", "", nil)
	if got = messages("ScheduleDeadLetters"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	a.must(t, "POST", "/queues/titles/purge", "", nil)
	if got = messages("titles"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	dead := b.queue(t, "titles").DeadLetterQueue
	for _, body := range []string{"one", `{"token":"kept","n":1}`, "three"} {
		a.must(t, "POST", "/send?name="+dead, body, nil)
	}
	letters := messages(dead)
	a.must(t, "POST", "/queues/"+dead+"/messages/"+letters[0].ID+"/redrive", "", nil)
	a.must(t, "POST", "/queues/"+dead+"/messages/"+letters[1].ID+"/redrive", `{"body":"{\"token\":\"••••••1•\",\"n\":2}"}`, nil)
	if got = messages("titles"); len(got) != 2 || got[0].Body != "one" || got[1].Body != `{"token":"••••••1•","n":2}` {
		t.Errorf("%+v", got)
	}
	if status := a.ask(t, "POST", "/queues/"+dead+"/messages/none/delete", "", nil); status != http.StatusNotFound {
		t.Errorf("none: %d", status)
	}
	a.must(t, "POST", "/eventsources/"+mapping+"/resume", "", nil)
	eventually(t, "the function gets the messages", func() bool {
		for _, i := range a.invocations(t, "source=queue&text=titles") {
			if i.Failed > 0 || i.Status == "error" {
				return true
			}
		}
		return false
	})
}

func testControlConnections(t *testing.T, b *bench, a *api) {
	type connections struct {
		APIs []struct {
			Connections []struct{ ID string }
		}
		Frames []struct{ Kind, Text, Connection string }
	}
	dial := func() (*websocket.Conn, string) {
		t.Helper()
		socket, _, err := websocket.Dial(within.Context(t), b.WebSocketURL()+"?user=anna", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { socket.CloseNow() })
		var c connections
		eventually(t, "the connection is there", func() bool {
			a.must(t, "GET", "/connections", "", &c)
			return len(c.APIs) == 1 && len(c.APIs[0].Connections) == 1
		})
		return socket, url.PathEscape(c.APIs[0].Connections[0].ID)
	}
	read := func(socket *websocket.Conn) (string, error) {
		t.Helper()
		_, data, err := socket.Read(within.Context(t))
		return string(data), err
	}
	socket, id := dial()
	a.must(t, "POST", "/connections/"+id+"/push", "hello", nil)
	if text, err := read(socket); text != "hello" {
		t.Errorf("%q, %v", text, err)
	}
	a.must(t, "POST", "/connections/"+id+"/close", "", nil)
	if _, err := read(socket); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("closed: %v", err)
	}
	eventually(t, "it is gone", func() bool { return b.State().WebSocketAPIs[0].Connections == 0 })
	socket, id = dial()
	a.must(t, "POST", "/connections/"+id+"/lose", "", nil)
	if _, err := read(socket); err == nil || websocket.CloseStatus(err) != -1 {
		t.Errorf("lost: %v", err)
	}
	eventually(t, "the program hears of it", func() bool {
		var c connections
		a.must(t, "GET", "/connections", "", &c)
		return len(c.Frames) > 0 && c.Frames[0].Kind == "disconnect" && strings.HasPrefix(c.Frames[0].Text, "1006")
	})
	if status := a.ask(t, "POST", "/connections/"+id+"/push", "x", nil); status != http.StatusNotFound {
		t.Errorf("none: %d", status)
	}
}

// TestFaults: each fault has its effect, from a file that the API made.
func TestFaults(t *testing.T) {
	t.Parallel()
	b, a := startControlled(t, local.Options{})
	if status := a.ask(t, "PUT", "/faults", `{"faults":[{"kind":"x"}]}`, nil); status != http.StatusBadRequest {
		t.Errorf("an unknown kind: %d", status)
	}
	a.must(t, "PUT", "/faults", `{"faults":[{"kind":"delay","delay":"60ms"},{"kind":"throttle","off":true}]}`, nil)
	began := time.Now()
	if status := b.request(t, "GET", "/none", "anna", "", nil); status != http.StatusNotFound || time.Since(began) < 60*time.Millisecond {
		t.Errorf("%d after %v", status, time.Since(began))
	}
	var file json.RawMessage
	a.must(t, "GET", "/faults", "", &file)
	path := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	faults, err := local.ReadFaults(path)
	if err != nil || len(faults) != 2 || faults[0].Kind != local.FaultDelay {
		t.Fatalf("%+v, %v", faults, err)
	}
	if err := b.SetFaults(local.Fault{Kind: local.FaultThrottle}); err != nil {
		t.Fatal(err)
	}
	if status := b.request(t, "GET", "/none", "anna", "", nil); status < 500 {
		t.Errorf("throttled: %d", status)
	}
	if err := b.SetFaults(local.Fault{Kind: local.FaultKill}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an invocation fails because its instance is killed", func() bool {
		b.request(t, "GET", "/none", "anna", "", nil)
		return len(a.invocations(t, "status=crash")) > 0
	})
	if err := b.SetFaults(); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Start(t.Context(), local.Options{Assembly: bookmarksAssembly(t, nil), Faults: []local.Fault{{Kind: "x"}}}); err == nil || !strings.HasPrefix(err.Error(), "start: Options.Faults: fault 1: kind must be") {
		t.Errorf("got %v", err)
	}
}
