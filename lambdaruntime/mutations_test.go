package lambdaruntime

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

var (
	mutations    = flag.Int("mutations", 20_000, "how many mutated events TestMutations sends")
	mutationSeed = flag.Uint64("mutation-seed", 0, "the seed of TestMutations; 0 takes one from the clock")
)

// TestMutations sends events with bytes changed, moved, cut out and put in to a program
// that serves everything: each gives JSON or an error, in time. With
// -mutations=10000000 it takes some minutes.
func TestMutations(t *testing.T) {
	t.Parallel()
	seed := *mutationSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-mutation-seed=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	files, err := filepath.Glob("testdata/events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no events: %v", err)
	}
	var events [][]byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, data)
	}
	h, err := NewHandler(&App{
		Logger:    slog.New(slog.DiscardHandler),
		HTTP:      http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body); CallerFromContext(r.Context()) }),
		WebSocket: funcSocket{message: func(_ context.Context, m *WebSocketMessage) error { m.Reply(m.Data); return nil }},
		Queues: []Consumer{
			Queue[capture]{Name: "captures"}.Consume(func(context.Context, *Job[capture]) error { return errors.New("no") }),
			Queue[entry]{Name: "ledger", FIFO: true, Envelopes: []Envelope{EnvelopeSNS}}.Consume(func(context.Context, *Job[entry]) error { return nil }),
		},
		Schedules: []Schedule{{Name: "nightly", Expression: "rate(1 day)", Run: func(context.Context, time.Time) error { return nil }}},
		Events:    map[Kind]lambda.Handler{KindSNS: lambda.NewHandler(func(json.RawMessage) error { return nil })},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.(*router).SetPartialResponses(true)
	for range *mutations {
		event := mutate(rng, events)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		out, err := h.Invoke(ctx, event)
		if ctx.Err() != nil {
			t.Fatalf("no answer in time to %q", event)
		}
		cancel()
		if err == nil && !json.Valid(out) {
			t.Fatalf("answer %q to %q", out, event)
		}
	}
}

// mutate changes an event a few times.
func mutate(rng *rand.Rand, events [][]byte) []byte {
	const bytesThatMatter = "{}[]\":,\\/0-9aeun.+ \n\x00\x7f\xff"
	event := append([]byte(nil), events[rng.IntN(len(events))]...)
	for range 1 + rng.IntN(4) {
		if len(event) == 0 {
			break
		}
		at := rng.IntN(len(event))
		to := min(len(event), at+rng.IntN(40))
		switch rng.IntN(6) {
		case 0:
			event[at] = bytesThatMatter[rng.IntN(len(bytesThatMatter))]
		case 1:
			event[at] = byte(rng.IntN(256))
		case 2: // cut out
			event = append(event[:at], event[to:]...)
		case 3: // cut off
			event = event[:at]
		case 4: // twice
			event = append(event[:to:to], event[at:]...)
		case 5: // part of another
			other := events[rng.IntN(len(events))]
			from := rng.IntN(len(other))
			event = append(event[:at:at], append(other[from:min(len(other), from+rng.IntN(200))], event[to:]...)...)
		}
	}
	return event
}
