package plan

import "math/rand/v2"

// The streams of a seed. Arrivals and durations have a stream each, so that two scenarios
// that differ in their settings alone see the same requests.
const (
	streamArrivals = 1 + iota
	streamDurations
	streamInits
	streamQueues
)

func stream(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
