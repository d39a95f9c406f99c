package sqs_test

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/sqs"

	"github.com/lambdahearth/hearth/internal/within"
)

// TestPause: a paused mapping does not poll, and returns its gathered messages to the
// queue.
func TestPause(t *testing.T) {
	t.Parallel()
	s := sqs.New(sqs.Options{})
	defer s.Stop()
	if err := s.Define([]sqs.Definition{{Name: "jobs"}}); err != nil {
		t.Fatal(err)
	}
	q := s.Queue("jobs")
	got := make(chan string, 10)
	m, err := q.Map(sqs.MappingOptions{Function: invokerFunc(func(_ context.Context, payload []byte) ([]byte, error) { got <- string(payload); return nil, nil }), Window: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop(t.Context())
	q.Send(sqs.SendInput{Body: "gathered"})
	for q.Counters().InFlight == 0 {
		runtime.Gosched()
	}
	m.Pause(true)
	for q.Counters().Visible == 0 {
		runtime.Gosched()
	}
	if !m.Stats().Paused || len(got) != 0 {
		t.Errorf("%+v, %d events", m.Stats(), len(got))
	}
	m.Pause(false)
	if event := within.Receive(t, got); !strings.Contains(event, "gathered") {
		t.Errorf("got %s", event)
	}
}

// TestDuplicate: a message comes again although its batch succeeded.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	s := sqs.New(sqs.Options{})
	defer s.Stop()
	if err := s.Define([]sqs.Definition{{Name: "jobs"}}); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	got := make(chan string, 10)
	m, err := s.Queue("jobs").Map(sqs.MappingOptions{
		Function:  invokerFunc(func(_ context.Context, payload []byte) ([]byte, error) { got <- string(payload); return nil, nil }),
		Duplicate: func() bool { return asked.Add(1) == 1 },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop(t.Context())
	s.Queue("jobs").Send(sqs.SendInput{Body: "twice"})
	for _, count := range []string{"1", "2"} {
		if event := within.Receive(t, got); !strings.Contains(event, `"ApproximateReceiveCount":"`+count+`"`) {
			t.Errorf("got %s, want it received %s times", event, count)
		}
	}
}
