package plan

import "math"

// A histogram counts durations in buckets whose width is less than 0.8% of their value,
// from a microsecond to 12 days. Other durations fall into the first or last bucket.
const (
	bucketBits     = 7 // buckets in each doubling, as a power of two
	lowestExponent = -20
	octaves        = 40
	bucketCount    = octaves<<bucketBits + 1 // the first one is below a microsecond
)

// bucket keeps the sums of its values, so its mean is exact: a constant duration stays
// the same.
type bucket struct {
	count            uint64
	total            float64 // seconds, all parts together
	waiting, initing float64 // seconds of these parts
}

// histogram is a distribution of durations and of their parts.
type histogram struct {
	buckets []bucket
	count   uint64
	low     int // the lowest bucket that is filled
	high    int
	largest float64
}

func newHistogram() *histogram {
	return &histogram{buckets: make([]bucket, bucketCount), low: bucketCount}
}

func bucketOf(seconds float64) int {
	const shift = 52 - bucketBits
	i := int(math.Float64bits(seconds)>>shift) - (1023+lowestExponent)<<bucketBits + 1
	return min(max(i, 0), bucketCount-1)
}

// add counts a duration; waiting and initing are its parts before the handler.
func (h *histogram) add(total, waiting, initing float64) {
	i := bucketOf(total)
	b := &h.buckets[i]
	b.count++
	b.total += total
	if waiting > 0 {
		b.waiting += waiting
	}
	if initing > 0 {
		b.initing += initing
	}
	h.count++
	h.low, h.high = min(h.low, i), max(h.high, i)
	h.largest = max(h.largest, total)
}

// Latency is a duration in seconds, with its parts.
type Latency struct {
	Total   float64 `json:"total"`
	Waiting float64 `json:"waiting"`
	Init    float64 `json:"init"`
	Handler float64 `json:"handler"`
}

// quantile returns the duration that a share of all durations does not exceed, with the
// mean parts of the durations in the same bucket.
func (h *histogram) quantile(share float64) Latency {
	rank := uint64(math.Ceil(share * float64(h.count)))
	seen := uint64(0)
	for i := h.low; i <= h.high; i++ {
		b := &h.buckets[i]
		if seen += b.count; seen >= rank && b.count > 0 {
			return b.mean()
		}
	}
	return Latency{}
}

func (b *bucket) mean() Latency {
	n := float64(b.count)
	if n == 0 {
		return Latency{}
	}
	l := Latency{Total: b.total / n, Waiting: b.waiting / n, Init: b.initing / n}
	l.Handler = max(0, l.Total-l.Waiting-l.Init)
	return l
}

// mean returns the mean duration and its mean parts.
func (h *histogram) mean() Latency {
	all := bucket{count: h.count}
	for i := h.low; i <= h.high; i++ {
		b := &h.buckets[i]
		all.total += b.total
		all.waiting += b.waiting
		all.initing += b.initing
	}
	return all.mean()
}

// Point is one point of a curve.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// curve returns the cumulative distribution: for each of about n durations, the share that
// does not exceed it.
func (h *histogram) curve(n int) []Point {
	var points []Point
	seen, last := uint64(0), -1.0
	for i := h.low; i <= h.high; i++ {
		b := &h.buckets[i]
		if b.count == 0 {
			continue
		}
		seen += b.count
		y := float64(seen) / float64(h.count)
		// Readers look at the tail, so the steps are even in its logarithm.
		if step := -math.Log10(max(1-y, 1e-6)); step-last >= 6/float64(n) || seen == h.count {
			points = append(points, Point{b.total / float64(b.count), y})
			last = step
		}
	}
	return points
}
