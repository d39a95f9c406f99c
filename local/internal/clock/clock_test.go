package clock

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
)

var start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestManualFiresInOrderAtTheirTimes(t *testing.T) {
	t.Parallel()
	c := NewManual(start)
	late, early, never, stopped := c.NewTimer(2*time.Second), c.NewTimer(time.Second), c.NewTimer(time.Minute), c.NewTimer(time.Second)
	if !stopped.Stop() || stopped.Stop() {
		t.Error("want the first Stop alone to report a pending timer")
	}
	c.Advance(3 * time.Second)
	if got := within.Receive(t, early.C()); !got.Equal(start.Add(time.Second)) {
		t.Errorf("early fired at %v", got)
	}
	if got := within.Receive(t, late.C()); !got.Equal(start.Add(2 * time.Second)) {
		t.Errorf("late fired at %v", got)
	}
	for _, timer := range []Timer{never, stopped} {
		select {
		case <-timer.C():
			t.Error("a timer fired that should not")
		default:
		}
	}
	if late.Stop() || c.Timers() != 1 || !c.Now().Equal(start.Add(3*time.Second)) {
		t.Errorf("%d timers at %v", c.Timers(), c.Now())
	}
}

func TestManualTimerThatIsDueFiresAtOnce(t *testing.T) {
	t.Parallel()
	c := NewManual(start)
	if got := within.Receive(t, c.NewTimer(0).C()); !got.Equal(start) {
		t.Errorf("got %v", got)
	}
	at := start.Add(time.Second)
	c.Advance(time.Second)
	if got := within.Receive(t, c.NewTimerAt(at).C()); !got.Equal(at) {
		t.Errorf("got %v", got)
	}
	later := c.NewTimerAt(at.Add(time.Second))
	c.Advance(time.Second)
	if got := within.Receive(t, later.C()); !got.Equal(at.Add(time.Second)) {
		t.Errorf("got %v", got)
	}
}

func TestAwaitTimersAndSleep(t *testing.T) {
	t.Parallel()
	c := NewManual(start)
	done := make(chan error)
	for range 2 {
		go func() { done <- Sleep(t.Context(), c, time.Hour) }()
	}
	if err := c.AwaitTimers(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Hour)
	for range 2 {
		if err := within.Receive(t, done); err != nil {
			t.Error(err)
		}
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := Sleep(ctx, c, time.Hour); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if err := Sleep(ctx, c, 0); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if err := c.AwaitTimers(ctx, 1); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if c.Timers() != 0 {
		t.Errorf("%d timers are left", c.Timers())
	}
}

func TestReal(t *testing.T) {
	t.Parallel()
	var c Clock = Real{}
	before := c.Now()
	if err := Sleep(t.Context(), c, time.Millisecond); err != nil || c.Now().Sub(before) < time.Millisecond {
		t.Errorf("slept %v, %v", c.Now().Sub(before), err)
	}
	within.Receive(t, c.NewTimerAt(before).C())
	if !c.NewTimer(time.Hour).Stop() {
		t.Error("the timer had fired")
	}
}

func TestShifted(t *testing.T) {
	t.Parallel()
	c := NewShifted()
	if !Runs(c) || !Runs(Real{}) || Runs(NewManual(start)) {
		t.Error("want a manual clock alone to stand still")
	}
	soon, hour, day, stopped := c.NewTimer(time.Millisecond), c.NewTimer(time.Hour), c.NewTimerAt(c.Now().Add(24*time.Hour)), c.NewTimer(time.Hour)
	within.Receive(t, soon.C()) // it runs by itself
	if !stopped.Stop() || stopped.Stop() || soon.Stop() {
		t.Error("want the first Stop of a pending timer alone to report it")
	}
	before := c.Now()
	c.Advance(time.Hour)
	c.Advance(-time.Hour) // it never goes back
	if got := within.Receive(t, hour.C()); got.Sub(before) < time.Hour || c.Now().Sub(before) < time.Hour {
		t.Errorf("fired at %v, after %v", got, before)
	}
	select {
	case <-day.C():
		t.Error("a timer fired that should not")
	case <-stopped.C():
		t.Error("a stopped timer fired")
	default:
	}
	c.Advance(23 * time.Hour)
	within.Receive(t, day.C())
	within.Receive(t, c.NewTimer(0).C())
	if len(c.pending) != 0 {
		t.Errorf("%d timers are left", len(c.pending))
	}
}
