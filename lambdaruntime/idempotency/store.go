package idempotency

import (
	"context"
	"errors"
	"time"
)

// Store remembers, for each key, who has claimed it and the first result. It is safe
// for concurrent use, also by many processes where it is shared by them. Packages
// dynamostore and pgstore have one each; [NewMemory] is for tests.
//
// Each method is atomic. Each can be repeated with the same claim, for when its answer
// was lost, and then has the same result.
type Store interface {
	// Begin claims a key, unless another owner has. A key is free when nobody has
	// claimed it, when the lease of its owner is over without a result, and when its
	// result has expired.
	Begin(ctx context.Context, c Claim) (Outcome, error)

	// Complete remembers the result of a claim, at least one byte and at most
	// [MaxResult] and one, for the time of keep. It succeeds after the lease as long
	// as nobody else has begun, and returns [ErrLost] otherwise.
	Complete(ctx context.Context, c Claim, result []byte, keep time.Duration) error

	// Release frees the key of a claim that has no result. It does nothing when the
	// claim has one, or when the key is another owner's by now.
	Release(ctx context.Context, c Claim) error
}

// Claim is one attempt at a key.
type Claim struct {
	// Key is what takes effect once: 64 hexadecimal digits, made by the [Guard].
	Key string
	// Owner tells this attempt from all others at the key: 26 letters and digits.
	Owner string
	// Fingerprint tells requests apart that have the same key: "" or 64 hexadecimal
	// digits.
	Fingerprint string
	// Lease is how long nobody else may begin.
	Lease time.Duration
}

// Status is what Begin has found.
type Status int

// The three states of a key.
const (
	// Acquired means that the key is the claim's.
	Acquired Status = iota
	// InProgress means that another owner has the key and no result yet.
	InProgress
	// Done means that the key has a result.
	Done
)

// Outcome is what Begin has found.
type Outcome struct {
	Status Status
	// Fingerprint is that of the claim which has the key.
	Fingerprint string
	// Result is the result where the key is Done.
	Result []byte
	// Lease is what is left of the other owner's lease where the key is InProgress.
	Lease time.Duration
}

var (
	// ErrInProgress is the error while another attempt at the same key is under way.
	// It is an [InProgressError].
	ErrInProgress = errors.New("the same key is in progress")
	// ErrLost means that the lease was over and another attempt has begun since. The
	// result is not remembered; that of the other attempt is.
	ErrLost = errors.New("the lease was over and another attempt at the same key has begun")
	// ErrNotKept means that the key was done, and that its first result is not known:
	// it was over [MaxResult] or could not be encoded. The code is not run again.
	ErrNotKept = errors.New("done before, but the first result was not kept")
)

// errMismatch is the error for a key that another request has.
var errMismatch = errors.New("the same key was used with another request")

// InProgressError is an [ErrInProgress].
type InProgressError struct {
	// Lease is what is left of the other attempt's lease: when that is over, the next
	// attempt may begin.
	Lease time.Duration
}

func (e *InProgressError) Error() string {
	return "idempotency: " + ErrInProgress.Error() + ", for " + e.Lease.Round(time.Millisecond).String() + " at most"
}

// Is makes it an [ErrInProgress].
func (e *InProgressError) Is(target error) bool { return target == ErrInProgress }
