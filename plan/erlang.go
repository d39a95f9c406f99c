package plan

import "math"

// ErlangB returns the share of Poisson arrivals that are blocked, because all servers are
// busy. The number of servers is 0 or more and need not be whole. The load is the arrival
// rate times the mean duration. The formula holds for every distribution of durations.
//
// For provisioned concurrency, it is exactly the share of requests that spill over to
// on-demand instances. For reserved concurrency alone, it is the share of throttled
// requests.
func ErlangB(servers, load float64) float64 {
	switch {
	case load <= 0:
		return 0
	case servers <= 0:
		return 1
	}
	// 1/B(s) = 1 + s/load/B(s-1), written out from the highest s on: the terms rise while s
	// is above the load, and fall after that. A few times √load of them are enough.
	whole := int(math.Min(math.Floor(servers+1e-9), math.MaxInt32))
	if whole == 0 {
		return erlangBelowOne(servers, load)
	}
	inverse, term := 1.0, 1.0
	for i := range whole {
		factor := (servers - float64(i)) / load
		if term *= factor; i == whole-1 {
			break
		}
		if inverse += term; math.IsInf(inverse, 1) {
			return 0
		}
		if factor < 1 && term < inverse*1e-17*(1-factor) {
			return 1 / inverse
		}
	}
	if rest := servers - float64(whole); rest > 1e-9 {
		term /= erlangBelowOne(rest, load)
	}
	return 1 / (inverse + term)
}

// erlangBelowOne computes Erlang B for 0 to 1 servers, by its integral:
// 1/B = load · ∫ e^(-load·t) (1+t)^servers dt. With u = load·t the integrand falls as e^-u.
func erlangBelowOne(servers, load float64) float64 {
	const steps, end = 4000, 40.0
	h := end / steps
	f := func(u float64) float64 { return math.Exp(-u) * math.Pow(1+u/load, servers) }
	sum := f(0) + f(end)
	for i := 1; i < steps; i++ {
		sum += f(float64(i)*h) * float64(2+2*(i%2)) // Simpson's rule
	}
	return 1 / (sum * h / 3)
}

// Hayward approximates Erlang B for arrivals in bursts. Their peakedness is the ratio of
// variance to mean of the number of busy servers, with unlimited servers: 1 for Poisson
// arrivals, more for bursts. The result is right within a factor of 1.5 for shares of 0.3%
// and more.
//
// A. A. Fredericks, "Congestion in blocking systems – a simple approximation technique",
// Bell System Technical Journal 59 (1980).
func Hayward(servers, load, peakedness float64) float64 {
	if peakedness <= 0 {
		return 0
	}
	return ErlangB(servers/peakedness, load/peakedness)
}

// ServersFor returns the smallest whole number of servers that blocks at most share of the
// arrivals. share is above 0.
func ServersFor(load, share float64) int {
	return ServersForBursts(load, share, 1)
}

// ServersForBursts is [ServersFor] for arrivals with a peakedness; see [Hayward].
func ServersForBursts(load, share, peakedness float64) int {
	if load <= 0 || share >= 1 || share <= 0 {
		return 0
	}
	low, high := 0, 1
	for Hayward(float64(high), load, peakedness) > share {
		low, high = high, high*2
	}
	for high-low > 1 { // the share falls as the number of servers grows
		if middle := (low + high) / 2; Hayward(float64(middle), load, peakedness) > share {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// breakEven is the utilization from which a provisioned instance costs less than the same
// invocations on demand. It follows from the prices: on demand 1, provisioned 0.25 of that
// for the allocated time and 0.58333 for running, so u = 0.25/(1-0.58333) = 0.6.
const breakEven = 0.6

// BreakEven returns the number of provisioned instances that pay for themselves: each of
// them is busy for at least 60% of the time. It is exact for Poisson arrivals, and 0 for a
// load under 1.5.
func BreakEven(load float64) int {
	n := 0
	for before := 1.0; ; n++ {
		// The first free instance of a row takes each request. So the n-th carries the load
		// that the n-1 before it block, minus the load that n instances block.
		after := 1 / (1 + float64(n+1)/load/before)
		if load <= 0 || load*(before-after) < breakEven {
			return n
		}
		before = after
	}
}
