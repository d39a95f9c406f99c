package plan

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// times returns the times of arrivals up to an end, in seconds.
func times(tr *Traffic, end float64) []float64 {
	var all []float64
	a := tr.begin(stream(5, streamArrivals))
	for {
		at, _ := a.next()
		if at >= end {
			return all
		}
		all = append(all, at)
	}
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	between := func(all []float64, from, to float64) float64 {
		n := 0.0
		for _, at := range all {
			if at >= from && at < to {
				n++
			}
		}
		return n / (to - from)
	}
	for name, c := range map[string]struct {
		traffic    *Traffic
		end        float64
		mean, peak float64
	}{
		"steady":      {Steady(20), 10_000, 20, 20},
		"diurnal":     {Diurnal(1, 9), 86400, 5, 9},
		"weekly":      {Weekly(Diurnal(1, 9), 0.3), 7 * 86400, (5 + 2*0.3) / 7 * 5, 9},
		"hours":       {TopOfTheHour(2, 62), 36_000, 3, 62},
		"bursts":      {Bursts(20, 10, 2*time.Second), 20_000, 20, 20},
		"curve":       {Curve(time.Hour, []float64{0, 6, 0, 0}, true), 4 * 3600 * 20, 1.5, 6},
		"counts":      {Counts(time.Minute, []float64{6000, 0, 12000}, false), 180, 100, 200},
		"scaled":      {Steady(2).Scaled(10), 10_000, 20, 20},
		"none at all": {Steady(0), 1000, 0, 0},
		"no steps":    {Curve(time.Second, []float64{0, 0}, true), 1000, 0, 0},
	} {
		all := times(c.traffic, c.end)
		if got := float64(len(all)) / c.end; math.Abs(got-c.mean) > 0.03*c.mean {
			t.Errorf("%s: %.3f requests/s, want %g", name, got, c.mean)
		}
		if math.Abs(c.traffic.Mean()-c.mean) > 1e-3*c.mean || math.Abs(c.traffic.Peak()-c.peak) > 1e-3*c.peak {
			t.Errorf("%s: mean %g, peak %g, want %g, %g", name, c.traffic.Mean(), c.traffic.Peak(), c.mean, c.peak)
		}
		for i := 1; i < len(all); i++ {
			if all[i] < all[i-1] {
				t.Fatalf("%s: arrival %d comes before the one ahead of it", name, i)
			}
		}
	}
	day := times(Diurnal(1, 9), 86400)
	near(t, "at 15", between(day, 14.5*3600, 15.5*3600), 9, 0.03)
	near(t, "at 3", between(day, 2.5*3600, 3.5*3600), 1, 0.08)
	if n := len(times(Counts(time.Minute, []float64{60}, false), 1e9)); n < 35 || n > 90 {
		t.Errorf("60 requests in a minute that is over came as %d", n)
	}
}

// TestPeakedness compares Peakedness with a run that has unlimited instances.
func TestPeakedness(t *testing.T) {
	t.Parallel()
	for _, traffic := range []*Traffic{Steady(20), Bursts(20, 5, 0), Bursts(20, 5, time.Second)} {
		m := newSimulator((&Scenario{Traffic: traffic, Duration: Exponential(time.Second), RequestsPerUnit: -1}).defaults())
		m.runRequests(500_000)
		mean, square, all := 0.0, 0.0, 0.0
		for n, at := range m.occupancy {
			mean += float64(n) * at
			square += float64(n) * float64(n) * at
			all += at
		}
		mean, square = mean/all, square/all
		near(t, traffic.kind, (square-mean*mean)/mean, traffic.Peakedness(1), 0.05)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	r := run(t, Scenario{Init: Constant(100 * time.Millisecond), Idle: Band{Min: time.Minute}, Traffic: Trace([]Request{
		{At: 5 * time.Second, Duration: time.Second}, // out of order
		{At: 0, Duration: time.Second},
		{At: 500 * time.Millisecond, Duration: time.Second},
		{At: 10 * time.Minute, Duration: 2 * time.Second}, // after both have ended
	})})
	if r.Requests != 4 || math.Abs(r.ColdShare-0.75) > 1e-9 || r.PeakBusy != 2 {
		t.Errorf("got %d requests, %g cold, %d at once", r.Requests, r.ColdShare, r.PeakBusy)
	}
	near(t, "longest", r.Latency.Max, 2.1, 1e-9)
	near(t, "mean", r.Latency.Mean, (1.1+1.1+1+2.1)/4, 1e-9)
	near(t, "billed", r.OnDemandSeconds, 1.1+1.1+1+2.1, 1e-9)
}

func TestDistributions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"250ms": 0.25, "constant:1s": 1, "exponential:2s": 2, "lognormal:1s,0.5": math.Exp(0.125), "uniform:1s-3s": 2, "0s": 0,
	} {
		d, err := ParseDistribution(text, "exponential")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		near(t, text, d.Mean(), want, 1e-9)
		random, sum := rand.New(rand.NewPCG(1, 1)), 0.0
		for range 100_000 {
			sum += d.sample(random)
		}
		near(t, "samples of "+text, sum/100_000, want, 0.02)
		if again, err := ParseDistribution(d.String(), ""); err != nil || again != d {
			t.Errorf("%s: %q is read as %v, %v", text, d, again, err)
		}
	}
	for text, want := range map[string]string{
		"250":             `"250" is no number with a unit`,
		"gamma:1s":        `there is no kind "gamma"`,
		"lognormal:1s":    "the sigma is missing",
		"lognormal:1s,9":  "sigma must be 0 to 5, got 9",
		"constant:-1s":    "it must be 0 or more",
		"uniform:3s-1s":   "the second duration must be at least the first (3s)",
		"lognormal:1s,x":  `strconv.ParseFloat: parsing "x": invalid syntax`,
		"exponential:nix": `"nix" is no number with a unit`,
	} {
		start := "must be a duration such as 250ms, or constant:250ms, exponential:250ms, lognormal:200ms,0.6 or uniform:100ms-400ms, got \"" + text + "\": "
		if _, err := ParseDistribution(text, "exponential"); err == nil || err.Error() != start+want {
			t.Errorf("got  %v\nwant %s%s", err, start, want)
		}
	}
	if b, err := ParseBand("5m-15m"); err != nil || b != (Band{5 * time.Minute, 15 * time.Minute}) {
		t.Errorf("got %v, %v", b, err)
	}
	if _, err := ParseBand("x"); err == nil || err.Error() != `must be a duration such as 10m or a band such as 5m-15m, got "x": "x" is no number with a unit` {
		t.Errorf("got %v", err)
	}
}

// TestHistogram checks that percentiles are right within the width of a bucket, and that
// equal durations stay exact.
func TestHistogram(t *testing.T) {
	t.Parallel()
	h := newHistogram()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		h.add(random.ExpFloat64(), 0, 0)
	}
	for share, want := range map[float64]float64{0.5: math.Ln2, 0.9: math.Log(10), 0.99: math.Log(100)} {
		near(t, "quantile", h.quantile(share).Total, want, 0.02)
	}
	one := newHistogram()
	for range 1000 {
		one.add(0.123, 0.02, 0.003)
	}
	for _, l := range []Latency{one.quantile(0.01), one.quantile(0.999), one.mean()} {
		near(t, "total", l.Total, 0.123, 1e-9)
		near(t, "waiting", l.Waiting, 0.02, 1e-9)
		near(t, "init", l.Init, 0.003, 1e-9)
		near(t, "handler", l.Handler, 0.1, 1e-9)
	}
	edges := newHistogram()
	for _, v := range []float64{0, 1e-9, 1e9} {
		edges.add(v, 0, 0)
	}
	if edges.count != 3 || edges.quantile(1).Total != 1e9 {
		t.Errorf("got %+v", edges.quantile(1))
	}
	if (newHistogram()).percentiles().P99 != 0 {
		t.Error("an empty histogram has percentiles")
	}
}
