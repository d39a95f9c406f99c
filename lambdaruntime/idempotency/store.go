package idempotency

import (
	"context"
	"errors"
	"time"
)

// Store keeps, for each key, its owner and the first result. It is safe for concurrent
// use, also by many processes if they share it. Packages dynamostore and pgstore have one
// each; [NewMemory] is for tests.
//
// Each method is atomic. If its answer was lost, it can be repeated with the same claim,
// and then has the same result.
type Store interface {
	// Begin claims a key, unless another owner holds it. A key is free when it has no
	// owner, when its owner's lease is over without a result, and when its result has
	// expired.
	Begin(ctx context.Context, c Claim) (Outcome, error)

	// Complete stores the result of a claim for keep: 1 to [MaxResult]+1 bytes. It also
	// succeeds after the lease, unless another attempt has begun; then it returns
	// [ErrLost].
	Complete(ctx context.Context, c Claim, result []byte, keep time.Duration) error

	// Release frees the key of a claim without a result. It does nothing if the claim has
	// a result, or if another owner holds the key by then.
	Release(ctx context.Context, c Claim) error
}

// Claim is one attempt at a key.
type Claim struct {
	// Key is the hash of a key: 64 hexadecimal digits, made by the [Guard].
	Key string
	// Owner identifies this attempt at the key: 26 letters and digits.
	Owner string
	// Fingerprint distinguishes requests with the same key: "" or 64 hexadecimal digits.
	Fingerprint string
	// Lease is how long no other attempt may begin.
	Lease time.Duration
}

// Status is the state of a key when Begin was called.
type Status int

// The three states of a key.
const (
	// Acquired means that the claim now holds the key.
	Acquired Status = iota
	// InProgress means that another owner holds the key, without a result yet.
	InProgress
	// Done means that the key has a result.
	Done
)

// Outcome is the result of Begin.
type Outcome struct {
	Status Status
	// Fingerprint is that of the claim that holds the key.
	Fingerprint string
	// Result is the result if the key is Done.
	Result []byte
	// Lease is the rest of the other owner's lease if the key is InProgress.
	Lease time.Duration
}

var (
	// ErrInProgress is the error while another attempt at the same key is under way.
	// It is an [InProgressError].
	ErrInProgress = errors.New("the same key is in progress")
	// ErrLost means that the lease was over and another attempt has begun since. The
	// store keeps the other attempt's result instead.
	ErrLost = errors.New("the lease was over and another attempt at the same key has begun")
	// ErrNotKept means that the key was done, but the store has no result: it was over
	// [MaxResult] or could not be encoded. The code is not run again.
	ErrNotKept = errors.New("done before, but the first result was not kept")
)

// errMismatch is the error for a key that was used with another request.
var errMismatch = errors.New("the same key was used with another request")

// InProgressError is an [ErrInProgress].
type InProgressError struct {
	// Lease is the rest of the other attempt's lease: after it the next attempt may
	// begin.
	Lease time.Duration
}

func (e *InProgressError) Error() string {
	return "idempotency: " + ErrInProgress.Error() + ", for " + e.Lease.Round(time.Millisecond).String() + " at most"
}

// Is makes it an [ErrInProgress].
func (e *InProgressError) Is(target error) bool { return target == ErrInProgress }
