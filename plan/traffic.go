package plan

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Traffic is a stream of arrivals. [Steady], [Curve], [Counts], [Diurnal], [Weekly],
// [TopOfTheHour], [Bursts] and [Trace] make one. It never changes after that.
type Traffic struct {
	kind string

	// Rates of a Poisson process, each for one step. Without repeat, the process ends.
	rates  []float64 // requests a second
	step   float64   // seconds; 0 is infinite
	repeat bool

	// Bursts: size requests arrive together, spread over spread seconds.
	size   int
	spread float64

	requests []Request // of a trace
}

// Request is a request of a trace.
type Request struct {
	// At is the time since the beginning of the trace.
	At time.Duration
	// Duration is the handler's duration. If it is negative, the simulator draws one from
	// [Scenario.Duration].
	Duration time.Duration
}

// Steady returns a Poisson process with a constant rate in requests a second.
func Steady(rate float64) *Traffic {
	return &Traffic{kind: "steady", rates: []float64{rate}, repeat: true, size: 1}
}

// Curve returns a Poisson process whose rate changes with each step of time. Rates are in
// requests a second. With repeat, the curve starts again at its end, such as a day or a
// week; otherwise the traffic ends there.
func Curve(step time.Duration, rates []float64, repeat bool) *Traffic {
	return &Traffic{kind: "curve", rates: slices.Clone(rates), step: step.Seconds(), repeat: repeat, size: 1}
}

// Counts is [Curve] with the mean number of requests in each step instead of rates. The
// simulated numbers vary, as in any Poisson process.
func Counts(step time.Duration, counts []float64, repeat bool) *Traffic {
	rates := make([]float64, len(counts))
	for i, n := range counts {
		rates[i] = n / step.Seconds()
	}
	return Curve(step, rates, repeat)
}

// Diurnal returns a daily sine curve in steps of a minute: lowest at 03:00, highest at
// 15:00, with the mean halfway between. Rates are in requests a second.
func Diurnal(lowest, highest float64) *Traffic {
	rates := make([]float64, 24*60)
	for i := range rates {
		hour := (float64(i) + 0.5) / 60
		rates[i] = lowest + (highest-lowest)*(1-math.Cos((hour-3)/24*2*math.Pi))/2
	}
	t := Curve(time.Minute, rates, true)
	t.kind = "diurnal"
	return t
}

// Weekly returns a week of a daily curve, from Monday on. Each day of the weekend has the
// share weekend of a weekday's requests. If day is not a day long, Weekly returns it
// unchanged.
func Weekly(day *Traffic, weekend float64) *Traffic {
	if day.length() != daySeconds || day.step == 0 {
		return day
	}
	week := *day
	week.kind, week.rates = "weekly", nil
	for weekday := range 7 {
		for _, rate := range day.rates {
			if weekday >= 5 {
				rate *= weekend
			}
			week.rates = append(week.rates, rate)
		}
	}
	return &week
}

// TopOfTheHour returns a steady rate with a rush in the first minute of each hour, as from
// scheduled clients. Rates are in requests a second.
func TopOfTheHour(rate, rush float64) *Traffic {
	rates := make([]float64, 60)
	for i := range rates {
		rates[i] = rate
	}
	rates[0] = rush
	t := Curve(time.Minute, rates, true)
	t.kind = "top of the hour"
	return t
}

// Bursts returns a steady rate whose requests arrive in bursts of a size. The bursts are a
// Poisson process. The requests of a burst are spread evenly over the time spread; with 0
// they arrive at once. A size of 1 is [Steady].
func Bursts(rate float64, size int, spread time.Duration) *Traffic {
	t := Steady(rate)
	t.kind, t.size, t.spread = "bursts", max(size, 1), spread.Seconds()
	return t
}

// Trace returns traffic from a list of requests, in any order. The caller must not change
// the list afterwards.
func Trace(requests []Request) *Traffic {
	sorted := slices.IsSortedFunc(requests, byTime)
	if !sorted {
		requests = slices.Clone(requests)
		slices.SortStableFunc(requests, byTime)
	}
	return &Traffic{kind: "trace", requests: requests, size: 1}
}

func byTime(a, b Request) int { return int(min(max(a.At-b.At, -1), 1)) }

// Scaled returns the same traffic with factor times the requests. It returns a trace
// unchanged.
func (t *Traffic) Scaled(factor float64) *Traffic {
	scaled := *t
	scaled.rates = slices.Clone(t.rates)
	for i := range scaled.rates {
		scaled.rates[i] *= factor
	}
	return &scaled
}

// Repeated returns the same traffic with repetition: a curve or counts start again at their
// end. It returns a trace unchanged.
func (t *Traffic) Repeated() *Traffic {
	repeated := *t
	repeated.repeat = t.requests == nil
	return &repeated
}

// Mean returns the mean rate in requests a second.
func (t *Traffic) Mean() float64 {
	if t.requests != nil {
		if length := t.length(); length > 0 {
			return float64(len(t.requests)) / length
		}
		return 0
	}
	sum := 0.0
	for _, r := range t.rates {
		sum += r
	}
	return sum / float64(max(len(t.rates), 1))
}

// Peak returns the highest rate of a step, or for a trace the rate of its busiest minute,
// in requests a second.
func (t *Traffic) Peak() float64 {
	if t.requests == nil {
		return slices.Max(append([]float64{0}, t.rates...))
	}
	most, first := 0, 0
	for i, r := range t.requests {
		for r.At-t.requests[first].At >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	return float64(most) / 60
}

// Peakedness returns the ratio of variance to mean of the number of busy instances, with
// unlimited instances: 1 for Poisson arrivals, more for bursts. duration is the mean
// duration in seconds. The ratio is exact for bursts that arrive at once and exponential
// durations. For a trace it is 1, as for Poisson arrivals.
func (t *Traffic) Peakedness(duration float64) float64 {
	if t.size <= 1 || duration <= 0 {
		return 1
	}
	// Two requests of one burst, d apart, overlap with probability e^(-d/duration).
	together := 0.0
	for i := 1; i < t.size; i++ {
		apart := t.spread * float64(i) / float64(t.size)
		together += 2 * float64(t.size-i) / float64(t.size) * math.Exp(-apart/duration)
	}
	return 1 + together/2
}

// steady reports whether the process is the same at all times.
func (t *Traffic) steady() bool {
	return t != nil && t.requests == nil && len(t.rates) == 1 && t.repeat
}

// length returns the time after which the traffic ends or repeats, in seconds; 0 if it is
// steady.
func (t *Traffic) length() float64 {
	switch {
	case t.requests != nil && len(t.requests) == 0:
		return 0
	case t.requests != nil:
		return t.requests[len(t.requests)-1].At.Seconds()
	}
	return t.step * float64(len(t.rates))
}

// mostInBurst is the maximum of requests in a burst.
const mostInBurst = 1_000_000

func (t *Traffic) check() error {
	if t.requests != nil {
		return nil
	}
	if len(t.rates) == 0 {
		return errors.New("traffic: must have a rate or requests, got none; give a rate in requests a second")
	}
	for i, r := range t.rates {
		if !(r >= 0 && r <= 1e7) {
			return fmt.Errorf("traffic: rate %d must be 0 to 10,000,000 requests a second, got %g; correct it", i+1, r)
		}
	}
	if t.size > mostInBurst || !(t.spread >= 0) {
		return fmt.Errorf("traffic: a burst must have 1 to 1,000,000 requests, got %d; correct it", t.size)
	}
	if t.step < 0 || t.step == 0 && len(t.rates) > 1 {
		return fmt.Errorf("traffic: step must be above 0 seconds, got %g; say how long each rate lasts", t.step)
	}
	return nil
}

// arrivals draws the arrivals of a [Traffic], one after the other.
type arrivals struct {
	*Traffic
	random *rand.Rand

	at    float64 // of the last draw from the Poisson process
	index int     // of the step that at is in, or of the next request of a trace
	end   float64 // of that step
	over  bool    // the process has ended

	epoch  float64 // of the burst that begins next
	active []burst // bursts that have begun
}

// burst is a burst that has begun: at is its next request, left the number of requests.
type burst struct {
	at   float64
	left int
}

func (t *Traffic) begin(random *rand.Rand) *arrivals {
	a := &arrivals{Traffic: t, random: random, end: t.step, over: t.requests == nil && t.Mean() == 0}
	if t.step == 0 {
		a.end = math.Inf(1)
	}
	if t.size > 1 {
		a.epoch = a.draw()
	}
	return a
}

// next returns the time of the next arrival in seconds, and its duration. A negative
// duration means that the caller draws one. After the last arrival, the time is infinite.
func (a *arrivals) next() (at, duration float64) {
	switch {
	case a.requests != nil:
		if a.index == len(a.requests) {
			return math.Inf(1), 0
		}
		r := a.requests[a.index]
		a.index++
		return r.At.Seconds(), r.Duration.Seconds()
	case a.size > 1:
		return a.nextOfBursts(), -1
	}
	return a.draw(), -1
}

// nextOfBursts returns the time of the earliest request of all bursts, which may overlap.
func (a *arrivals) nextOfBursts() float64 {
	first := -1
	for i, b := range a.active {
		if first < 0 || b.at < a.active[first].at {
			first = i
		}
	}
	if first < 0 || a.epoch < a.active[first].at {
		if math.IsInf(a.epoch, 1) {
			return a.epoch
		}
		a.active = append(a.active, burst{a.epoch, a.size})
		first = len(a.active) - 1
		a.epoch = a.draw()
	}
	b := &a.active[first]
	at := b.at
	b.at += a.spread / float64(a.size)
	if b.left--; b.left == 0 {
		a.active = slices.Delete(a.active, first, first+1)
	}
	return at
}

// draw returns the next time of the Poisson process: the time at which the integral of the
// rate has grown by an exponential random number.
func (a *arrivals) draw() float64 {
	left := a.random.ExpFloat64() * float64(a.size)
	for !a.over {
		rate := a.rates[a.index]
		gain := rate * (a.end - a.at)
		if left < gain {
			a.at += left / rate
			return a.at
		}
		left -= gain
		a.at = a.end
		a.end += a.step
		if a.index++; a.index == len(a.rates) {
			a.index, a.over = 0, !a.repeat
		}
	}
	return math.Inf(1)
}
