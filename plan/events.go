package plan

// event is the end of an invocation, or a timer.
type event struct {
	at    float64
	batch int32  // of a queue, or -1
	epoch uint16 // of the version that runs it
	kind  uint8
}

// The kinds of events.
const (
	onDemand     = iota // an invocation on an on-demand instance ends
	ended               // and the instance with it
	provisioned         // one on a provisioned instance
	minuteEnds          // Application Auto Scaling reads the metric
	allocated           // provisioned instances are ready
	rescheduled         // a schedule changes the number of provisioned instances
	deployed            // a deployment begins
	shifted             // the deployed version takes all invocations
	wakesQueue          // a queue may dispatch; batch is the queue's number
	retriesBatch        // a throttled batch is invoked again
	sampled             // a bucket of the time series ends
	scheduleDue         // a schedule's time has come; batch is the schedule's number
	connects            // a new instance asks for database connections; batch is the call's number
	givesUp             // a call gives up its wait for connections
	givesBack           // a handler gives back connections; batch is how many
	scheduleRuns        // a run of a schedule begins, or is retried; batch is its number
)

// events is a heap with four children per node, the earliest event first.
type events []event

func (h *events) push(e event) {
	a := append(*h, e)
	i := len(a) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if a[parent].at <= e.at {
			break
		}
		a[i] = a[parent]
		i = parent
	}
	a[i] = e
	*h = a
}

func (h *events) pop() event {
	a := *h
	first := a[0]
	n := len(a) - 1
	last := a[n]
	a = a[:n]
	*h = a
	if n == 0 {
		return first
	}
	i := 0
	for {
		child := 4*i + 1
		if child >= n {
			break
		}
		least, at := child, a[child].at
		for c := child + 1; c < min(child+4, n); c++ {
			if a[c].at < at {
				least, at = c, a[c].at
			}
		}
		if last.at <= at {
			break
		}
		a[i] = a[least]
		i = least
	}
	a[i] = last
	return first
}

// stack holds the time from which each instance is idle. The instance that was used last
// is on top; the one that expires next is at the bottom.
type stack struct {
	since []float64 // a ring whose length is a power of two
	first int
	n     int
}

func (s *stack) push(since float64) {
	if s.n == len(s.since) {
		grown := make([]float64, max(16, 2*s.n))
		for i := range s.n {
			grown[i] = s.since[(s.first+i)&(len(s.since)-1)]
		}
		s.since, s.first = grown, 0
	}
	s.since[(s.first+s.n)&(len(s.since)-1)] = since
	s.n++
}

func (s *stack) dropNewest()     { s.n-- }
func (s *stack) dropOldest()     { s.first, s.n = (s.first+1)&(len(s.since)-1), s.n-1 }
func (s *stack) oldest() float64 { return s.since[s.first] }

// bucketOfTokens is a token bucket: it gains rate tokens a second and holds most at most.
type bucketOfTokens struct {
	rate, most float64
	tokens     float64
	at         float64
}

func newTokens(rate, most float64) bucketOfTokens {
	return bucketOfTokens{rate: rate, most: most, tokens: most}
}

func (b *bucketOfTokens) take(now float64) bool {
	b.tokens = min(b.most, b.tokens+(now-b.at)*b.rate)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// resize changes the limits.
func (b *bucketOfTokens) resize(now, rate, most float64) {
	b.tokens = min(b.most, b.tokens+(now-b.at)*b.rate) + max(0, most-b.most)
	b.rate, b.most, b.at = rate, most, now
	b.tokens = min(b.tokens, most)
}
