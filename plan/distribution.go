package plan

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Distribution is a distribution of durations. [Constant], [Exponential], [LogNormal],
// [Uniform] and [Samples] make one; [ParseDistribution] reads one.
type Distribution interface {
	// Mean returns the mean in seconds.
	Mean() float64
	// String returns the text that [ParseDistribution] reads, except for samples.
	String() string

	sample(r *rand.Rand) float64 // seconds
}

type constant float64

// Constant returns a distribution with the single value d.
func Constant(d time.Duration) Distribution { return constant(d.Seconds()) }

func (c constant) Mean() float64             { return float64(c) }
func (c constant) String() string            { return "constant:" + format(float64(c)) }
func (c constant) sample(*rand.Rand) float64 { return float64(c) }

type exponential float64

// Exponential returns an exponential distribution: its mean and its standard deviation are
// d. Published simulators of Lambda assume it.
func Exponential(d time.Duration) Distribution { return exponential(d.Seconds()) }

func (e exponential) Mean() float64               { return float64(e) }
func (e exponential) String() string              { return "exponential:" + format(float64(e)) }
func (e exponential) sample(r *rand.Rand) float64 { return float64(e) * r.ExpFloat64() }

type logNormal struct{ median, sigma float64 }

// LogNormal returns a log-normal distribution; sigma is the standard deviation of the
// logarithm. It fits the durations of most real functions, with sigma from 0.3 (steady) to
// 1.5 (a long tail).
func LogNormal(median time.Duration, sigma float64) Distribution {
	return logNormal{median.Seconds(), sigma}
}

func (l logNormal) Mean() float64 { return l.median * math.Exp(l.sigma*l.sigma/2) }
func (l logNormal) String() string {
	return "lognormal:" + format(l.median) + "," + strconv.FormatFloat(l.sigma, 'g', -1, 64)
}
func (l logNormal) sample(r *rand.Rand) float64 { return l.median * math.Exp(l.sigma*r.NormFloat64()) }

type uniform struct{ low, high float64 }

// Uniform returns a uniform distribution between two durations.
func Uniform(low, high time.Duration) Distribution { return uniform{low.Seconds(), high.Seconds()} }

func (u uniform) Mean() float64               { return (u.low + u.high) / 2 }
func (u uniform) String() string              { return "uniform:" + format(u.low) + "-" + format(u.high) }
func (u uniform) sample(r *rand.Rand) float64 { return u.low + (u.high-u.low)*r.Float64() }

type samples struct {
	values []float64 // sorted
	mean   float64
}

// Samples returns a distribution that draws from measured durations. It never draws any
// other value, so a 99.9th percentile needs at least a thousand of them. Without durations
// it is a constant of 0.
func Samples(durations ...time.Duration) Distribution {
	seconds := make([]float64, len(durations))
	for i, d := range durations {
		seconds[i] = d.Seconds()
	}
	return samplesOf(seconds)
}

func samplesOf(seconds []float64) Distribution {
	if len(seconds) == 0 {
		return constant(0)
	}
	slices.Sort(seconds)
	sum := 0.0
	for _, s := range seconds {
		sum += s
	}
	return samples{seconds, sum / float64(len(seconds))}
}

func (s samples) Mean() float64 { return s.mean }
func (s samples) String() string {
	return fmt.Sprintf("%d samples, median %s", len(s.values), format(s.values[len(s.values)/2]))
}
func (s samples) sample(r *rand.Rand) float64 { return s.values[r.IntN(len(s.values))] }

// format writes seconds as Go writes a duration.
func format(seconds float64) string {
	return time.Duration(math.Round(seconds * float64(time.Second))).String()
}

// ParseDistribution reads a distribution: "constant:250ms", "exponential:250ms",
// "lognormal:200ms,0.6" (median and sigma) or "uniform:100ms-400ms". A duration alone,
// such as "250ms", has the kind byDefault: "constant" or "exponential".
func ParseDistribution(text, byDefault string) (Distribution, error) {
	kind, value, ok := strings.Cut(text, ":")
	if !ok {
		kind, value = byDefault, text
	}
	fail := func(err error) (Distribution, error) {
		return nil, fmt.Errorf(`must be a duration such as 250ms, or constant:250ms, exponential:250ms, lognormal:200ms,0.6 or uniform:100ms-400ms, got %q: %w`, text, err)
	}
	var first, second time.Duration
	var sigma float64
	var err error
	switch kind {
	case "constant", "exponential":
		first, err = parsePositive(value)
	case "lognormal":
		median, shape, ok := strings.Cut(value, ",")
		if !ok {
			return fail(errors.New("the sigma is missing"))
		}
		if first, err = parsePositive(median); err == nil {
			sigma, err = strconv.ParseFloat(shape, 64)
		}
		if err == nil && !(sigma >= 0 && sigma <= 5) {
			err = fmt.Errorf("sigma must be 0 to 5, got %s", shape)
		}
	case "uniform":
		first, second, err = parseBand(value)
	default:
		err = fmt.Errorf("there is no kind %q", kind)
	}
	if err != nil {
		return fail(err)
	}
	switch kind {
	case "constant":
		return Constant(first), nil
	case "exponential":
		return Exponential(first), nil
	case "lognormal":
		return LogNormal(first, sigma), nil
	}
	return Uniform(first, second), nil
}

// parsePositive reads a duration that is not negative.
func parsePositive(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no number with a unit", text)
	case d < 0:
		return 0, errors.New("it must be 0 or more")
	}
	return d, nil
}

// parseBand reads "5m-15m", or one duration for both.
func parseBand(text string) (low, high time.Duration, err error) {
	from, to, ok := strings.Cut(text, "-")
	if !ok {
		to = from
	}
	if low, err = parsePositive(from); err == nil {
		high, err = parsePositive(to)
	}
	if err == nil && high < low {
		err = fmt.Errorf("the second duration must be at least the first (%s)", low)
	}
	return low, high, err
}

// Band is a range of durations. A Max of 0 means Min.
type Band struct{ Min, Max time.Duration }

// ParseBand reads a band, such as "5m-15m" or "10m".
func ParseBand(text string) (Band, error) {
	low, high, err := parseBand(text)
	if err != nil {
		return Band{}, fmt.Errorf("must be a duration such as 10m or a band such as 5m-15m, got %q: %w", text, err)
	}
	return Band{low, high}, nil
}
