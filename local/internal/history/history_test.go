package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// bench is a history with a clock that a test moves.
type bench struct {
	*History
	at time.Time
}

func setup() *bench {
	b := &bench{New(), time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	b.now = func() time.Time { return b.at }
	return b
}

func (b *bench) pass(ms int) { b.at = b.at.Add(time.Duration(ms) * time.Millisecond) }

// instance starts an instance, whose init phase takes no time.
func (b *bench) instance(id int, provisioned bool) {
	b.InstanceStarts(id, "fn", "1", provisioned)
	b.InstanceIsReady(id, 1000+id)
}

// invoke runs an invocation of 10 ms.
func (b *bench) invoke(id, source, event, response string, instance int, on OnInstance) {
	i := b.Arrive(Arrival{ID: id, Function: "fn", Source: source, Event: []byte(event)})
	i.Acquire(instance, on)
	i.Run()
	b.pass(10)
	i.End([]byte(response), StatusOK, "")
}

func TestInvocation(t *testing.T) {
	t.Parallel()
	b := setup()
	i := b.Arrive(Arrival{ID: "r1", Function: "fn", Source: SourceHTTP, Event: []byte(`{"rawPath":"/a","requestContext":{"http":{"method":"GET"}}}`), Waited: 2 * time.Millisecond})
	b.pass(3)
	b.InstanceStarts(7, "fn", "1", false)
	i.Acquire(7, OnInstance{Cold: true, Spill: true})
	b.pass(500)
	b.InstanceIsReady(7, 4711)
	i.Run()
	b.pass(20)
	if got := b.Invocations(Filter{})[0]; got.Status != StatusRunning || got.Handler != 20 {
		t.Errorf("while it runs: %+v", got)
	}
	i.End([]byte(`{"statusCode":503}`), StatusOK, "")
	got, ok := b.Find("r1")
	want := Summary{ID: "r1", Function: "fn", Source: SourceHTTP, Label: "GET /a", Status: StatusOK, Code: 503, Instance: 7, Cold: true, Spill: true, Time: millis(b.at) - 523, Waited: 5, Init: 500, Handler: 20}
	if !ok || got.Summary != want {
		t.Errorf("got  %+v\nwant %+v", got.Summary, want)
	}
	lanes := b.Lanes(time.Minute, 0)
	var bars []string
	for _, bar := range lanes.Bars {
		bars = append(bars, fmt.Sprintf("%d %s %d", bar.Instance, bar.Kind, bar.End-bar.Start))
	}
	if want := []string{"7 init 500", "7 failed 20"}; !slices.Equal(bars, want) {
		t.Errorf("bars %q, want %q", bars, want)
	}
	if s := lanes.Instances[0]; s.State != "idle" || s.Invocations != 1 || s.PID != 4711 {
		t.Errorf("%+v", s)
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	b := setup()
	b.instance(1, true)
	b.invoke("r1", SourceHTTP, `{"httpMethod":"POST","path":"/orders"}`, `{"statusCode":200}`, 1, OnInstance{Provisioned: true})
	b.invoke("r2", SourceQueue, `{"Records":[{"messageId":"m","eventSourceARN":"arn:aws:sqs:x:y:jobs"}]}`, `{"batchItemFailures":[{"itemIdentifier":"m"}]}`, 1, OnInstance{})
	b.Arrive(Arrival{ID: "r3", Function: "other", Source: SourceInvoke, Event: []byte(`{}`)}).End(nil, StatusThrottled, "no room")
	for name, c := range map[string]struct {
		filter Filter
		want   string
	}{
		"all": {Filter{}, "r3 r2 r1"}, "a source": {Filter{Source: SourceQueue}, "r2"}, "a status": {Filter{Status: StatusThrottled}, "r3"},
		"failed": {Filter{Status: "failed"}, "r3 r2"}, "a function": {Filter{Function: "fn"}, "r2 r1"}, "an instance": {Filter{Instance: 1}, "r2 r1"},
		"text": {Filter{Text: "ORDERS"}, "r1"}, "an error": {Filter{Text: "room"}, "r3"}, "slow": {Filter{MinMs: 5}, "r2 r1"}, "fast": {Filter{MaxMs: 5}, "r3"},
		"older": {Filter{Before: 2}, "r2 r1"}, "a limit": {Filter{Limit: 1}, "r3"}, "from": {Filter{From: b.at}, "r3"}, "to": {Filter{To: b.at.Add(-11 * time.Millisecond)}, "r1"},
	} {
		var ids []string
		for _, s := range b.Invocations(c.filter) {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// TestTrace follows a request through a queue to a job, whose first try failed.
func TestTrace(t *testing.T) {
	t.Parallel()
	b := setup()
	b.instance(1, true)
	b.instance(2, false)
	i := b.Arrive(Arrival{ID: "request", Function: "fn", Source: SourceHTTP, Event: []byte(`{}`)})
	i.Acquire(1, OnInstance{})
	i.Run()
	b.Send(Sent{ID: "m1", Queue: "jobs", Instance: 1})
	b.Send(Sent{ID: "m2", Queue: "jobs", Instance: 9})
	i.End(nil, StatusOK, "")
	b.pass(5)
	batch := `{"Records":[{"messageId":"m1","body":"{\"messageId\":\"m2\"}"}]}`
	b.invoke("try1", SourceQueue, batch, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`, 2, OnInstance{})
	b.pass(30)
	b.invoke("try2", SourceQueue, batch, `{}`, 2, OnInstance{})
	b.Bury("m1", "dead")
	want := "0 invocation request, 1 message m1 dead 5, 2 invocation try1, 1 message m1 dead 30, 2 invocation try2"
	for _, id := range []string{"request", "try2"} {
		var steps []string
		for _, s := range b.Trace(id) {
			text := fmt.Sprintf("%d %s %s", s.Depth, s.Kind, s.Invocation.ID)
			if s.Kind == "message" {
				text = fmt.Sprintf("%d %s %s %s %v", s.Depth, s.Kind, s.Message, s.Dead, s.End-s.Start)
			}
			steps = append(steps, text)
		}
		if got := strings.Join(steps, ", "); got != want {
			t.Errorf("of %s:\n got %s\nwant %s", id, got, want)
		}
	}
	if got := b.Trace("none"); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	b := setup()
	b.instance(1, false)
	b.invoke("r1", SourceInvoke, `{}`, `{}`, 1, OnInstance{})
	b.Log(1, "fn", []byte("plain\n"))
	b.Log(1, "fn", []byte(`{"requestId":"other","message":"x"}`))
	b.Note("fn: RequestId: r1 Error: Task timed out")
	b.Log(1, "fn", []byte(strings.Repeat("é", MaxLine)))
	d, _ := b.Find("r1")
	var texts []string
	for _, l := range d.Lines {
		texts = append(texts, l.Function+" "+l.Text[:min(len(l.Text), 20)])
	}
	if want := []string{"fn plain", "fn fn: RequestId: r1 Er", "fn " + strings.Repeat("é", 10)}; !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
	if got := b.Lines(LineFilter{Request: "other"}); len(got) != 1 || got[0].Number != 1 {
		t.Errorf("%+v", got)
	}
	if got := b.Lines(LineFilter{Text: "TIMED", Limit: 5}); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestBounds fills everything far beyond what is kept.
func TestBounds(t *testing.T) {
	t.Parallel()
	b := setup()
	big := []byte(strings.Repeat("x", MaxPayload))
	for n := range 2 * MaxInvocations {
		i := b.Arrive(Arrival{ID: fmt.Sprint("r", n), Function: "fn", Source: SourceInvoke, Event: big})
		i.End(nil, StatusThrottled, "")
		b.pass(1)
	}
	b.Arrive(Arrival{ID: "too big", Function: "fn", Source: SourceInvoke, Event: append(big, 'x')}).End(nil, StatusOK, "")
	if len(b.byID) != MaxInvocations || len(b.invocations.items) != MaxInvocations {
		t.Errorf("%d and %d invocations", len(b.byID), len(b.invocations.items))
	}
	kept := 0
	for _, i := range b.invocations.items {
		kept += len(i.Event) + len(i.response)
	}
	if kept != b.payload || kept > MaxPayloadBytes || kept < MaxPayloadBytes-MaxPayload {
		t.Errorf("%d bytes are kept and %d counted", kept, b.payload)
	}
	if d, _ := b.Find("too big"); d.Event != nil || d.EventBytes != MaxPayload+1 {
		t.Errorf("a large event: %d bytes kept of %d", len(d.Event), d.EventBytes)
	}
	if d, _ := b.Find(fmt.Sprint("r", MaxInvocations+5)); d.Event != nil || d.ID == "" {
		t.Error("want the invocation without its event")
	}
	throttles, marks := 0, b.Lanes(time.Hour, 0).Marks
	for _, m := range marks {
		throttles += m.Count
	}
	if len(marks) > 2*MaxInvocations/50+2 || throttles < 2*MaxInvocations-60 {
		t.Errorf("%d marks of %d throttles", len(marks), throttles)
	}
	for range 2 * MaxLines {
		b.Log(1, "fn", big[:2000])
	}
	total := 0
	for _, l := range b.lines.items {
		total += len(l.Text)
	}
	if total != b.lineBytes || total > MaxLineBytes {
		t.Errorf("%d bytes of lines, %d counted", total, b.lineBytes)
	}
	for n := range 2*MaxMessages + MaxEnded {
		b.Send(Sent{ID: fmt.Sprint(n), Queue: "q"})
		b.instance(n+1, false)
		b.InstanceEnds(n+1, "retired", "")
		b.Frame("api", "c", "in", big)
	}
	if len(b.messageByID) != MaxMessages || len(b.instances) != MaxEnded || len(b.frames.items) != MaxFrames || len(b.frames.items[0].Text) > MaxFrame+3 {
		t.Errorf("%d messages, %d instances, %d frames", len(b.messageByID), len(b.instances), len(b.frames.items))
	}
}

// TestTick: a reader gets each thing once, and in bounded pieces.
func TestTick(t *testing.T) {
	t.Parallel()
	b := setup()
	b.instance(1, true)
	c := b.End()
	if tick := b.Tick(c); !tick.Empty() || len(tick.Instances) != 1 {
		t.Errorf("%+v", tick)
	}
	open := b.Arrive(Arrival{ID: "open", Function: "fn", Source: SourceInvoke})
	open.Acquire(1, OnInstance{})
	open.Run()
	for n := range 100 {
		b.invoke(fmt.Sprint(n), SourceInvoke, `{}`, `{}`, 1, OnInstance{Provisioned: true})
	}
	tick := b.Tick(c)
	if len(tick.Invocations) != tickInvocations || tick.Skipped != 101-tickInvocations || len(tick.Bars) != 1 || tick.Bars[0].Count != 100 {
		t.Errorf("%d invocations, %d skipped, bars %+v", len(tick.Invocations), tick.Skipped, tick.Bars)
	}
	open.End(nil, StatusOK, "")
	if tick = b.Tick(c); len(tick.Invocations) != 1 || tick.Invocations[0].ID != "open" || tick.Invocations[0].Status != StatusOK {
		t.Errorf("%+v", tick.Invocations)
	}
	b.pass(1000)
	if tick = b.Tick(c); len(tick.Series.Functions) != 1 || !tick.Empty() && tick.Series.Functions[0].Count == 0 {
		t.Errorf("%+v", tick.Series)
	}
	if tick = b.Tick(c); !tick.Empty() {
		t.Errorf("%+v", tick)
	}
	b.pass(1000)
	b.InstanceEnds(1, "retired", "") // nothing else happens, and it leaves no mark
	if tick = b.Tick(c); tick.Empty() || len(tick.Instances) != 1 || tick.Instances[0].Why != "retired" {
		t.Errorf("the end of an instance is lost: %+v", tick)
	}
	b.pass(1000)
	b.Tick(c) // may have it again, since it ended in the millisecond of the tick before
	if tick = b.Tick(c); !tick.Empty() || len(tick.Instances) != 0 {
		t.Errorf("%+v", tick)
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	b := setup()
	b.instance(1, true)
	for n := range 100 {
		i := b.Arrive(Arrival{ID: fmt.Sprint(n), Function: "fn", Source: SourceInvoke})
		i.Acquire(1, OnInstance{Provisioned: n < 50, Spill: n >= 50})
		i.Run()
		b.at = b.at.Add(time.Duration(n) * 10 * time.Microsecond)
		i.End(nil, StatusOK, "")
	}
	b.SampleQueue(QueueSample{Queue: "q", Visible: 3})
	if got := b.Series(0); len(got.Functions) != 0 || len(got.Queues) != 0 {
		t.Errorf("the second is not over: %+v", got)
	}
	b.pass(1000)
	got := b.Series(0)
	s := got.Functions[0]
	near := func(got, want float64) bool { return got >= want && got <= want*growth*growth }
	if s.Count != 100 || s.Spill != 50 || s.Busy != 1 || s.Provisioned != 1 || !near(s.Handler[0], 0.5) || !near(s.Handler[2], 0.98) || got.Queues[0].Visible != 3 {
		t.Errorf("%+v", got)
	}
	if got := b.Series(s.Time); len(got.Functions)+len(got.Queues) != 0 {
		t.Errorf("%+v", got)
	}
}

// BenchmarkInvocation is what recording adds to an invocation.
func BenchmarkInvocation(b *testing.B) {
	h := New()
	h.InstanceStarts(1, "fn", "1", true)
	h.InstanceIsReady(1, 1)
	event, response := []byte(`{"rawPath":"/"}`), []byte(`{"statusCode":200}`)
	b.ReportAllocs()
	for b.Loop() {
		i := h.Arrive(Arrival{ID: "r", Function: "fn", Source: SourceHTTP, Event: event})
		i.Acquire(1, OnInstance{Provisioned: true})
		i.Run()
		i.End(response, StatusOK, "")
	}
}
