package idempotency

import (
	"bytes"
	"context"
	"sync"
	"time"
)

// Memory is a [Store] in this process's memory, for tests. Instances of a Lambda function
// share no memory, so in a deployed program it does not prevent repetition.
type Memory struct {
	now func() time.Time

	mu      sync.Mutex
	entries map[string]entry
	swept   time.Time
}

type entry struct {
	owner, fingerprint string
	lease              time.Time // the end of the owner's lease
	result             []byte    // nil while there is none
	expires            time.Time // of the result
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store. A nil now is [time.Now].
func NewMemory(now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{now: now, entries: map[string]entry{}}
}

func (e *entry) free(now time.Time) bool {
	if e.result == nil {
		return !e.lease.After(now)
	}
	return !e.expires.After(now)
}

// Begin implements [Store].
func (m *Memory) Begin(ctx context.Context, c Claim) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.sweep(now)
	e, ok := m.entries[c.Key]
	switch {
	case !ok || e.free(now) || e.owner == c.Owner && e.result == nil:
		m.entries[c.Key] = entry{owner: c.Owner, fingerprint: c.Fingerprint, lease: now.Add(c.Lease)}
		return Outcome{Fingerprint: c.Fingerprint}, nil
	case e.result == nil:
		return Outcome{Status: InProgress, Fingerprint: e.fingerprint, Lease: e.lease.Sub(now)}, nil
	}
	return Outcome{Status: Done, Fingerprint: e.fingerprint, Result: bytes.Clone(e.result)}, nil
}

// Complete implements [Store].
func (m *Memory) Complete(ctx context.Context, c Claim, result []byte, keep time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[c.Key]
	if !ok || e.owner != c.Owner {
		return ErrLost
	}
	e.result, e.expires = bytes.Clone(result), m.now().Add(keep)
	m.entries[c.Key] = e
	return nil
}

// Release implements [Store].
func (m *Memory) Release(ctx context.Context, c Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[c.Key]; ok && e.owner == c.Owner && e.result == nil {
		delete(m.entries, c.Key)
	}
	return nil
}

// sweep deletes results that have expired, once a minute. A claim whose lease is over
// stays: its owner may still complete it.
func (m *Memory) sweep(now time.Time) {
	if now.Sub(m.swept) < time.Minute {
		return
	}
	m.swept = now
	for key, e := range m.entries {
		if e.result != nil && e.free(now) {
			delete(m.entries, key)
		}
	}
}
