package plan

import "math/rand/v2"

// The random streams of a seed. Arrivals and durations have separate streams, so two
// scenarios that differ only in their settings see the same requests.
const (
	streamArrivals = 1 + iota
	streamDurations
	streamInits
	streamQueues

	streamSchedules = 1 << 32 // above those of all queues
)

func stream(seed, n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
