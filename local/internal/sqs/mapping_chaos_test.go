package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local/internal/clock"
	"github.com/lambdahearth/hearth/local/internal/sqs"
)

// TestMappingLosesNothing has a function that fails, reports and is throttled at
// random: in the end every message has succeeded once, those of a group in order.
func TestMappingLosesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"jobs", "ledger.fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clock.NewManual(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC))
			s := sqs.New(sqs.Options{Clock: c})
			if err := s.Define([]sqs.Definition{{Name: name}}); err != nil {
				t.Fatal(err)
			}
			q := s.Queue(name)
			var mu sync.Mutex
			var calls int
			var inside atomic.Int32 // the function
			done, order, busy := map[string]int{}, map[string]string{}, map[string]bool{}
			mapping, err := q.Map(sqs.MappingOptions{ReportBatchItemFailures: true, BatchSize: 3, MaxConcurrency: 4, Function: invokerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
				inside.Add(1)
				defer inside.Add(-1)
				var event struct {
					Records []struct {
						MessageID, Body string
						Attributes      map[string]string
					}
				}
				if err := json.Unmarshal(payload, &event); err != nil {
					return nil, err
				}
				groups := map[string]bool{}
				mu.Lock()
				calls++
				n := calls
				for _, r := range event.Records {
					groups[r.Attributes["MessageGroupId"]] = true
				}
				if q.FIFO() {
					for g := range groups {
						if busy[g] {
							t.Errorf("group %s is with the function twice", g)
						}
						busy[g] = true
					}
				}
				mu.Unlock()
				time.Sleep(50 * time.Microsecond) // so that batches overlap
				mu.Lock()
				defer mu.Unlock()
				for g := range groups {
					delete(busy, g)
				}
				switch n % 7 {
				case 1:
					return nil, sqs.ErrThrottled
				case 3:
					return nil, errors.New("oh")
				}
				var failed []string
				failedGroups := map[string]bool{}
				for i, r := range event.Records {
					g := r.Attributes["MessageGroupId"]
					if (n+i)%5 == 0 || q.FIFO() && failedGroups[g] {
						failed = append(failed, fmt.Sprintf(`{"itemIdentifier":%q}`, r.MessageID))
						failedGroups[g] = true
						continue
					}
					done[r.Body]++
					if q.FIFO() && r.Body <= order[g] {
						t.Errorf("%s after %s", r.Body, order[g])
					}
					order[g] = r.Body
				}
				return []byte(`{"batchItemFailures":[` + strings.Join(failed, ",") + `]}`), nil
			})})
			if err != nil {
				t.Fatal(err)
			}
			const count = 200
			for i := range count {
				in := sqs.SendInput{Body: fmt.Sprintf("%04d", i), GroupID: fmt.Sprint(i % 5)}
				if q.FIFO() {
					in.DeduplicationID = in.Body
				}
				if _, err := q.Send(in); err != nil {
					t.Fatal(err)
				}
			}
			deadline := time.Now().Add(30 * time.Second)
			for left := 1; left > 0; {
				counters := q.Counters()
				left = counters.Visible + counters.InFlight
				if time.Now().After(deadline) {
					t.Fatalf("counters %+v, stats %+v", counters, mapping.Stats())
				}
				// Time passes while everything waits for it: batches in their backoff,
				// and the poller.
				if counters.InFlight > 0 && inside.Load() == 0 && c.Timers() > mapping.Stats().Running { // the poller has one too
					c.Advance(time.Second)
				}
				time.Sleep(20 * time.Microsecond)
			}
			mapping.Stop(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if len(done) != count || slices.Max(slices.Collect(maps.Values(done))) > 1 && q.FIFO() {
				t.Errorf("%d of %d messages, at most %d times", len(done), count, slices.Max(slices.Collect(maps.Values(done))))
			}
		})
	}
}
