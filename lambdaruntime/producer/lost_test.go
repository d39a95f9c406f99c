package producer

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// hasty makes a producer's client retry without a pause.
func hasty[T any](t *testing.T, p *Producer[T]) *Producer[T] {
	t.Helper()
	if _, _, err := p.connect(); err != nil {
		t.Fatal(err)
	}
	p.client = sqs.New(p.client.Options(), func(o *sqs.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			o.RateLimiter = ratelimit.None
		})
	})
	return p
}

// loseAnswers accepts the requests that lost selects, and sends no answer.
func (s *server) loseAnswers(t *testing.T, lost func(request int) bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupt = func(w http.ResponseWriter) bool {
		s.requests++
		if !lost(s.requests) {
			return false
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return false
		}
		_ = conn.Close()
		return true
	}
}

// takeBatches returns the server's batches since the last call. A request whose
// connection was closed may still be under way in the server.
func (s *server) takeBatches() [][]entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	batches := s.batches
	s.batches = nil
	return batches
}

// throttle refuses the requests that throttled selects.
func (s *server) throttle(throttled func(request int) bool) {
	s.refuseWith(func(request int) string {
		if throttled(request) {
			return "RequestThrottled"
		}
		return ""
	})
}

// refuseWith refuses requests with the error code that code returns, if any.
func (s *server) refuseWith(code func(request int) string) {
	s.refuse = func(w http.ResponseWriter) bool {
		s.requests++
		c := code(s.requests)
		if c == "" {
			return false
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"no"}`, c)
		return true
	}
}

func TestALostAnswer(t *testing.T) {
	t.Run("a standard queue", func(t *testing.T) {
		s := setup(t)
		s.loseAnswers(t, func(int) bool { return true })
		p := hasty(t, captures())
		if err := p.Send(t.Context(), capture{}); !errors.Is(err, ErrMaybeSent) || !strings.HasPrefix(err.Error(), `producer: send to queue "captures": may have been sent: `) {
			t.Errorf("got error %v", err)
		}
	})
	t.Run("of one of many requests", func(t *testing.T) {
		s := setup(t)
		s.loseAnswers(t, func(n int) bool { return n <= 3 }) // as often as the SDK tries
		p := hasty(t, captures())
		var messages []Message[capture]
		for i := range 25 {
			messages = append(messages, NewMessage(capture{URL: fmt.Sprint(i)}))
		}
		err := p.SendMany(t.Context(), messages...)
		var failed *SendError
		if !errors.As(err, &failed) || len(failed.Failed) != 10 || !errors.Is(failed.Failed[9].Err, ErrMaybeSent) {
			t.Fatalf("got error %v, want one of the first 10 messages", err)
		}
		want := `producer: send to queue "captures": 10 of 25 messages failed (10 of them may have been sent), the first at index 0: may have been sent: `
		if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error\n%v\nwant it to start with\n%s", err, want)
		}
		if sent := slices.Concat(s.takeBatches()[3:]...); len(sent) != 15 {
			t.Errorf("got %d messages in later requests, want 15", len(sent))
		}
	})
	t.Run("a FIFO queue", func(t *testing.T) {
		s := setup(t)
		s.loseAnswers(t, func(int) bool { return true })
		p := hasty(t, ledger())
		messages := []Message[string]{NewMessage("a", WithGroup("g")), NewMessage("b", WithGroup("g")), NewMessage("c", WithGroup("h"), WithDeduplication("mine"))}
		err := p.SendMany(t.Context(), messages...)
		var failed *SendError
		if !errors.As(err, &failed) || len(failed.Failed) != 3 {
			t.Fatalf("got error %v", err)
		}
		maybe := map[int]bool{}
		for _, f := range failed.Failed {
			maybe[f.Index] = errors.Is(f.Err, ErrMaybeSent)
		}
		if !maybe[0] || maybe[1] || !maybe[2] || failed.Failed[2].DeduplicationID != "mine" {
			t.Errorf("got %+v: b was never sent", failed.Failed)
		}
		first := s.takeBatches()
		s.loseAnswers(t, func(int) bool { return false })
		if err := p.SendMany(t.Context(), messages...); err != nil {
			t.Fatal(err)
		}
		ids := map[string]string{}
		for _, e := range slices.Concat(slices.Concat(first...), slices.Concat(s.takeBatches()...)) {
			if id, ok := ids[e.MessageBody]; ok && id != e.MessageDeduplicationID || e.MessageDeduplicationID == "" {
				t.Errorf("message %s was sent with the ids %q and %q", e.MessageBody, id, e.MessageDeduplicationID)
			}
			ids[e.MessageBody] = e.MessageDeduplicationID
		}
		if len(ids) != 3 || ids["a"] != failed.Failed[0].DeduplicationID {
			t.Errorf("got ids %q", ids)
		}
	})
	t.Run("before the request was made", func(t *testing.T) {
		setup(t)
		t.Setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")
		if err := hasty(t, captures()).Send(t.Context(), capture{}); err == nil || errors.Is(err, ErrMaybeSent) {
			t.Errorf("got error %v, want one that says that nothing was sent", err)
		}
	})
}

func TestAThrottledRequest(t *testing.T) {
	many := func(n int) (messages []Message[capture]) {
		for i := range n {
			messages = append(messages, NewMessage(capture{URL: fmt.Sprint(i)}))
		}
		return messages
	}
	t.Run("once", func(t *testing.T) {
		s := setup(t)
		s.throttle(func(n int) bool { return n >= 20 && n < 23 })
		if err := hasty(t, captures()).SendMany(t.Context(), many(1000)...); err != nil {
			t.Error(err)
		}
		bodies := map[string]bool{}
		for _, e := range slices.Concat(s.takeBatches()...) {
			if bodies[e.MessageBody] {
				t.Errorf("%s was sent twice", e.MessageBody)
			}
			bodies[e.MessageBody] = true
		}
		if len(bodies) != 1000 {
			t.Errorf("got %d messages, want 1000", len(bodies))
		}
	})
	t.Run("every one", func(t *testing.T) {
		s := setup(t)
		s.throttle(func(int) bool { return true })
		err := hasty(t, captures()).SendMany(t.Context(), many(1000)...)
		var failed *SendError
		if !errors.As(err, &failed) || len(failed.Failed) != 1000 || errors.Is(err, ErrMaybeSent) {
			t.Errorf("got error %v, want one of 1000 messages that were not sent", err)
		}
		if want := 3 * maxFailedRequests; s.requests > want {
			t.Errorf("got %d requests, want %d", s.requests, want)
		}
		if len(err.Error()) > 500 {
			t.Errorf("the error has %d characters", len(err.Error()))
		}
	})
	for name, tc := range map[string]struct {
		code             func(n int) string
		failed, requests int
	}{
		"one refused because of its messages": {func(n int) string { return map[int]string{1: "InvalidMessageContents"}[n] }, 10, 10},
		"some of them, and one throttled": {func(n int) string {
			return map[int]string{2: "RequestThrottled", 3: "BatchRequestTooLong", 5: "InvalidParameterValue"}[n]
		}, 20, 11},
		"all because of their messages": {func(int) string { return "InvalidParameterValue" }, 100, maxFailedRequests},
		"one refused among others":      {func(n int) string { return map[int]string{5: "KmsDisabled"}[n] }, 10, 10},
		"two refused in a row":          {func(n int) string { return map[int]string{5: "KmsDisabled", 6: "KmsDisabled"}[n] }, 60, 6},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup(t)
			s.refuseWith(tc.code)
			err := hasty(t, captures()).SendMany(t.Context(), many(100)...)
			var failed *SendError
			if !errors.As(err, &failed) || len(failed.Failed) != tc.failed || s.requests != tc.requests || errors.Is(err, ErrMaybeSent) {
				t.Errorf("got error %v after %d requests, want %d messages after %d", err, s.requests, tc.failed, tc.requests)
			}
			if sent := slices.Concat(s.takeBatches()...); len(sent) != 100-tc.failed {
				t.Errorf("%d messages were sent", len(sent))
			}
		})
	}
	t.Run("refused for good", func(t *testing.T) {
		s := setup(t)
		s.status = http.StatusBadRequest
		if err := hasty(t, captures()).SendMany(t.Context(), many(100)...); err == nil || s.tries != 1 {
			t.Errorf("got error %v after %d requests, want one request", err, s.tries)
		}
	})
}
