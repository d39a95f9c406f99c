package idempotency

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/internal/attempt"
)

const (
	// MaxResult is the largest result that the store keeps, in bytes: the JSON of a value
	// or a response with its headers. A DynamoDB item is at most 400 KB.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)
	MaxResult = 256 << 10

	defaultKeep = 24 * time.Hour
	// longestInvocation is the longest that Lambda lets an invocation take.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
	longestInvocation = 15 * time.Minute
	// leaseSlack is added to the time until the invocation's deadline, since the clocks
	// of two instances differ slightly.
	leaseSlack = time.Second
	// settleTimeout bounds storing a result or releasing a key; both go on after the
	// code's context has ended.
	settleTimeout = 5 * time.Second
	// waitMargin is the time that a waiting attempt reserves before its deadline, to
	// report that the key stayed in progress.
	waitMargin = 500 * time.Millisecond
	// firstPause and longestPause bound the pauses between a waiting attempt's checks.
	firstPause, longestPause = 25 * time.Millisecond, time.Second
	// maxErrorText is how many bytes of an error's text are stored.
	maxErrorText = 1 << 10
)

// Options configure a [Guard]. The zero value is right for most programs.
type Options struct {
	// Lease is how long an attempt holds a key without a result, because its process has
	// died or hangs. Then another attempt may begin. The context of the guarded code ends
	// with the lease at the latest. 0 means until a second after Lambda ends the
	// invocation, so no attempt begins while the code of another can run. Outside an
	// invocation, 0 means a second after the context's deadline, or 15 minutes without
	// one.
	Lease time.Duration

	// Keep is how long the store keeps a result. 0 means 24 hours. Repetitions must come
	// within it: SQS may deliver a message again until the queue's retention is over, 4
	// days by default.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html (2026-11)
	Keep time.Duration

	// Wait makes an attempt wait while another one is in progress, until shortly before
	// its context ends, instead of failing with [ErrInProgress] at once. It checks again
	// at least once a second.
	Wait bool
}

// Guard makes each key take effect once. It is safe for concurrent use.
type Guard struct {
	name  string
	store Store
	opts  Options
	pause func(round int) time.Duration
}

// New returns a guard with its own keys in the store: guards of different names, such as
// "charge" and "refund", never share a key, and guards of one name share all. It panics
// when name is empty, store is nil or a duration is negative.
func New(name string, store Store, opts Options) *Guard {
	switch {
	case name == "":
		panic("idempotency: New: name must not be empty; it tells the keys of guards apart")
	case store == nil:
		panic("idempotency: New: store must not be nil")
	case opts.Lease < 0:
		panic(fmt.Sprintf("idempotency: Options.Lease must be 0 or more, got %s", opts.Lease))
	case opts.Keep < 0:
		panic(fmt.Sprintf("idempotency: Options.Keep must be 0 or more, got %s", opts.Keep))
	}
	if opts.Keep == 0 {
		opts.Keep = defaultKeep
	}
	return &Guard{name: name, store: store, opts: opts, pause: pauseOf}
}

// pauseOf grows from firstPause to longestPause, less a random part of up to half.
func pauseOf(round int) time.Duration {
	d := min(firstPause<<min(round, 10), longestPause)
	return d - mathrand.N(d/2)
}

// lease returns how long an attempt that begins now holds the key.
func (g *Guard) lease(ctx context.Context) time.Duration {
	if g.opts.Lease > 0 {
		return g.opts.Lease
	}
	deadline, ok := ctx.Deadline()
	if e, inEvent := lambdaruntime.EventFromContext(ctx); inEvent && !e.Deadline.IsZero() {
		deadline, ok = e.Deadline, true
	}
	if !ok {
		return longestInvocation
	}
	return max(time.Until(deadline), 0) + leaseSlack
}

// digest returns the SHA-256 of texts, each with its length: no two lists share one.
func digest(texts ...string) string {
	h := sha256.New()
	for _, s := range texts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(s))) // never fails
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The first byte of a stored result is the kind of the rest.
const (
	storedValue   = '=' // an encoded result
	storedFailure = '!' // the text of a Drop
	storedNothing = '-' // the reason for a missing result
)

// pack makes the stored form of an encoded result.
func pack(data []byte, err error) []byte {
	if err == nil && len(data) > MaxResult {
		err = fmt.Errorf("it has %d bytes, over the limit of %d bytes", len(data), MaxResult)
	}
	if err != nil {
		return packText(storedNothing, err)
	}
	return append([]byte{storedValue}, data...)
}

func packText(kind byte, err error) []byte {
	text := err.Error()
	return append([]byte{kind}, strings.ToValidUTF8(text[:min(len(text), maxErrorText)], "")...)
}

// unpack returns the encoded result, or the stored error.
func unpack(stored []byte) ([]byte, error) {
	if len(stored) > 0 {
		switch rest := stored[1:]; stored[0] {
		case storedValue:
			return rest, nil
		case storedFailure:
			return nil, lambdaruntime.Drop(errors.New(string(rest)))
		case storedNothing:
			return nil, fmt.Errorf("idempotency: %w: %s", ErrNotKept, rest)
		}
	}
	return nil, errors.New("idempotency: the store returned what no guard has stored")
}

// once runs do, unless the key has a result. If do ran, ran is true, data is nil, and the
// store keeps the result. Otherwise data is the encoded result of an earlier run.
func (g *Guard) once(ctx context.Context, key, fingerprint string, encode func(any) ([]byte, error), do func(ctx context.Context) (any, error)) (data []byte, ran bool, err error) {
	c := Claim{Key: digest(g.name, key), Owner: rand.Text(), Fingerprint: fingerprint}
	begun, out, err := g.begin(ctx, &c)
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("idempotency: begin: %w", err)
	case out.Status != Acquired && out.Fingerprint != fingerprint:
		return nil, false, fmt.Errorf("idempotency: %w", errMismatch)
	case out.Status == InProgress:
		return nil, false, &InProgressError{Lease: out.Lease}
	case out.Status == Done:
		data, err = unpack(out.Result)
		return data, false, err
	}
	a := &attempt.Attempt{Store: g.store, Key: c.Key, Owner: c.Owner, Keep: g.opts.Keep, Encode: func(result any) ([]byte, error) {
		return pack(encode(result)), nil
	}}
	work, cancel := context.WithDeadline(attempt.With(ctx, a), begun.Add(c.Lease))
	defer cancel()
	returned := false
	defer func() {
		if !returned { // a panic
			g.release(ctx, c)
		}
	}()
	result, err := do(work)
	returned = true
	switch {
	case err != nil && lambdaruntime.IsDrop(err):
		if lost := g.complete(ctx, c, packText(storedFailure, err)); lost != nil {
			return nil, true, lost
		}
		return nil, true, err
	case err != nil:
		g.release(ctx, c)
		return nil, true, err
	case a.Completed():
		return nil, true, nil
	}
	return nil, true, g.complete(ctx, c, pack(encode(result)))
}

// begin claims the key, and waits for it with Options.Wait. begun is just before the
// lease's begin.
func (g *Guard) begin(ctx context.Context, c *Claim) (begun time.Time, out Outcome, err error) {
	var end <-chan time.Time
	for round := 0; ; round++ {
		begun = time.Now()
		c.Lease = g.lease(ctx)
		out, err = g.store.Begin(ctx, *c)
		if err != nil || out.Status != InProgress || out.Fingerprint != c.Fingerprint || !g.opts.Wait {
			return begun, out, err
		}
		if deadline, ok := ctx.Deadline(); ok && end == nil {
			left := time.Until(deadline)
			end = time.After(left - min(waitMargin, left/4))
		}
		select {
		case <-ctx.Done():
			return begun, out, nil
		case <-end:
			return begun, out, nil
		case <-time.After(g.pause(round)):
		}
	}
}

// complete stores a result. It returns only ErrLost: after any other failure the caller
// must not repeat the finished code. It logs the failure, and others wait until the lease
// is over.
func (g *Guard) complete(ctx context.Context, c Claim, stored []byte) error {
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	err := g.store.Complete(settle, c, stored, g.opts.Keep)
	if errors.Is(err, ErrLost) {
		return fmt.Errorf("idempotency: %w", ErrLost)
	}
	if err != nil {
		slog.ErrorContext(ctx, "the result of an idempotency key was not remembered; a repetition may take effect again once the lease is over", "guard", g.name, "error", err.Error())
	}
	return nil
}

// release frees the key. If that fails, the next attempt waits until the lease is over.
func (g *Guard) release(ctx context.Context, c Claim) {
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if err := g.store.Release(settle, c); err != nil {
		slog.WarnContext(ctx, "an idempotency key was not released; the next attempt waits for the end of its lease", "guard", g.name, "error", err.Error())
	}
}
