package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/sqs"

	"github.com/lambdahearth/hearth/internal/within"
)

// model is the simplest form of a queue's guarantees: a list of messages.
type model struct {
	fifo  bool
	now   time.Time
	list  []*modelMessage          // in the order they were sent
	dedup map[string]time.Time     // ids, to when they are forgotten
	held  map[string]*modelMessage // receipt handles
}

type modelMessage struct {
	id, group string
	hidden    time.Time // until when
	held      string    // the latest receipt handle
	deleted   bool
}

func (m *modelMessage) visible(now time.Time) bool { return !m.deleted && !m.hidden.After(now) }

// first returns the first message of a group that is not deleted.
func (m *model) first(group string) *modelMessage {
	for _, x := range m.list {
		if x.group == group && !x.deleted {
			return x
		}
	}
	return nil
}

// runModel does random operations on a queue and on the model, and compares.
func runModel(t *testing.T, seed uint64, fifo bool, steps int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	c := clock.NewManual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
	name, attributes := "jobs", map[string]string{"VisibilityTimeout": "20"}
	if fifo {
		name, attributes["FifoQueue"] = "jobs.fifo", "true"
	}
	q, err := sqs.New(sqs.Options{Clock: c}).CreateQueue(name, attributes, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &model{fifo: fifo, now: c.Now(), dedup: map[string]time.Time{}, held: map[string]*modelMessage{}}
	byID := map[string]*modelMessage{}
	fail := func(step int, format string, args ...any) {
		t.Helper()
		t.Fatalf("seed %d, step %d: %s", seed, step, fmt.Sprintf(format, args...))
	}
	var handles []string
	receive := func(step int) {
		visible, groupsOpen, hidden := 0, map[string]bool{}, map[*modelMessage]bool{}
		for _, x := range m.list {
			hidden[x] = x.hidden.After(m.now)
			if x.visible(m.now) {
				visible++
				groupsOpen[x.group] = true
			}
		}
		n := 1 + r.IntN(10)
		got, err := q.ReceiveMessages(context.Background(), sqs.ReceiveInput{Max: n})
		if err != nil {
			fail(step, "receive: %v", err)
		}
		for _, message := range got {
			x := byID[message.ID]
			switch {
			case x == nil:
				fail(step, "received %q, which was not sent or was a duplicate", message.Body)
			case x.deleted:
				fail(step, "received %s after it was deleted", message.Body)
			case !x.visible(m.now):
				fail(step, "received %s, which is hidden", message.Body)
			case fifo:
				for _, earlier := range m.list {
					if earlier == x {
						break
					}
					if earlier.group == x.group && !earlier.deleted && (hidden[earlier] || earlier.visible(m.now)) {
						fail(step, "received %s before an earlier message of its group", message.Body)
					}
				}
			}
			x.hidden, x.held = m.now.Add(20*time.Second), message.ReceiptHandle
			m.held[message.ReceiptHandle] = x
			handles = append(handles, message.ReceiptHandle)
		}
		if len(got) == n {
			return
		}
		// Whatever could be received must have been.
		for group := range groupsOpen {
			x := m.first(group)
			if !fifo && len(got) < visible || fifo && x != nil && x.visible(m.now) {
				fail(step, "received %d of %d visible messages, asked for %d", len(got), visible, n)
			}
		}
	}
	for step := range steps {
		switch op := r.IntN(100); {
		case op < 35:
			in := sqs.SendInput{Body: fmt.Sprint("m", step)}
			key := ""
			if fifo {
				in.GroupID = string(rune('a' + r.IntN(4)))
				key = fmt.Sprint("d", r.IntN(60))
				in.DeduplicationID = key
			}
			out, err := q.Send(in)
			if err != nil {
				fail(step, "send: %v", err)
			}
			until, known := m.dedup[key]
			if fifo && known && until.After(m.now) {
				if byID[out.MessageID] == nil {
					fail(step, "a duplicate was taken for a new message")
				}
				break
			}
			if byID[out.MessageID] != nil {
				fail(step, "a new message was taken for a duplicate")
			}
			x := &modelMessage{id: out.MessageID, group: in.GroupID}
			byID[x.id] = x
			m.list = append(m.list, x)
			m.dedup[key] = m.now.Add(5 * time.Minute)
		case op < 65:
			receive(step)
		case op < 85 && len(handles) > 0:
			handle := handles[r.IntN(len(handles))]
			x := m.held[handle]
			current := x.held == handle && !x.deleted
			inFlight := current && x.hidden.After(m.now)
			err := q.Delete(handle)
			if fifo && !x.deleted && !inFlight {
				if err == nil {
					fail(step, "deleted with an expired handle")
				}
				break
			}
			if err != nil {
				fail(step, "delete: %v", err)
			}
			if current {
				x.deleted = true
			}
		case op < 92 && len(handles) > 0:
			handle := handles[r.IntN(len(handles))]
			x := m.held[handle]
			d := time.Duration(r.IntN(30)) * time.Second
			err := q.ChangeVisibility(handle, d)
			inFlight := !x.deleted && x.hidden.After(m.now) && (!fifo || x.held == handle)
			if want := inFlight || !fifo && !x.deleted; (err == nil) != want {
				fail(step, "change visibility: %v, want success %t", err, want)
			}
			var api *sqs.Error
			if err != nil && !errors.As(err, &api) {
				fail(step, "untyped error %v", err)
			}
			if inFlight {
				x.hidden = m.now.Add(d)
			}
		default:
			d := time.Duration(r.IntN(40)) * time.Second
			c.Advance(d)
			m.now = m.now.Add(d)
		}
		visible, inFlight := 0, 0
		for _, x := range m.list {
			switch {
			case x.deleted:
			case x.visible(m.now):
				visible++
			default:
				inFlight++
			}
		}
		if got := q.Counters(); got.Visible != visible || got.InFlight != inFlight || got.Delayed != 0 {
			fail(step, "counters %+v, want %d visible and %d in flight", got, visible, inFlight)
		}
	}
	// Nothing is lost: in the end every message comes that was not deleted.
	for step := steps; ; step++ {
		c.Advance(43200 * time.Second / 1000)
		m.now = c.Now()
		left := 0
		for _, x := range m.list {
			if !x.deleted {
				left++
			}
		}
		if left == 0 {
			return
		}
		got, err := q.Receive(context.Background(), 10, 0)
		if err != nil || len(got) == 0 {
			fail(step, "%d messages are lost, %v", left, err)
		}
		for _, message := range got {
			if byID[message.ID].deleted {
				fail(step, "received %s after it was deleted", message.Body)
			}
			if err := q.Delete(message.ReceiptHandle); err != nil {
				fail(step, "delete: %v", err)
			}
			byID[message.ID].deleted = true
		}
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprint("fifo=", fifo), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(60) {
				runModel(t, seed, fifo, 300)
			}
		})
	}
}

func FuzzModel(f *testing.F) {
	f.Add(uint64(1), true)
	f.Add(uint64(2), false)
	f.Fuzz(func(t *testing.T, seed uint64, fifo bool) { runModel(t, seed, fifo, 200) })
}

// TestConcurrentConsumers has producers and consumers at work at once: every
// message is handled once, in order within its group, and never by two at a time.
func TestConcurrentConsumers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"jobs", "jobs.fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const producers, each, consumers = 4, 100, 6
			service := sqs.New(sqs.Options{})
			attributes := map[string]string{}
			if name == "jobs.fifo" {
				attributes["FifoQueue"] = "true"
			}
			q, err := service.CreateQueue(name, attributes, nil)
			if err != nil {
				t.Fatal(err)
			}
			for p := range producers {
				go func() {
					for i := range each {
						in := sqs.SendInput{Body: fmt.Sprintf("%04d", i), GroupID: fmt.Sprint(p)}
						if q.FIFO() {
							in.DeduplicationID = fmt.Sprint(p, "-", i)
						}
						if _, err := q.Send(in); err != nil {
							t.Error(err)
						}
					}
				}()
			}
			type handled struct{ group, body string }
			done := make(chan handled)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for range consumers {
				go func() {
					for ctx.Err() == nil {
						messages, err := q.Receive(ctx, 3, 20*time.Second)
						if err != nil && ctx.Err() == nil {
							t.Error(err)
						}
						for _, m := range messages {
							select {
							case done <- handled{m.System["MessageGroupId"], m.Body}:
							case <-ctx.Done():
								return
							}
							if err := q.Delete(m.ReceiptHandle); err != nil {
								t.Error(err)
							}
						}
					}
				}()
			}
			last, seen := map[string]string{}, map[handled]bool{}
			for range producers * each {
				h := within.Receive(t, done)
				if seen[h] || q.FIFO() && h.body <= last[h.group] {
					t.Errorf("%v again, or after %s", h, last[h.group])
				}
				seen[h], last[h.group] = true, h.body
			}
		})
	}
}
