package plan

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*math.Abs(want) || math.IsNaN(got) {
		t.Errorf("%s: got %.6g, want %.6g within %g%%", what, got, want, tolerance*100)
	}
}

// TestErlangB compares ErlangB with values of published tables, and with the formula.
func TestErlangB(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ servers, load, want float64 }{
		{1, 1, 0.5}, {2, 1, 0.2}, {8, 5, 0.0700479}, {10, 4.4612, 0.01}, {100, 84.064, 0.01},
		{0, 3, 1}, {5, 0, 0}, {4000, 1, 0},
	} {
		got := ErlangB(c.servers, c.load)
		if c.want == 0 && got > 1e-300 || c.want > 0 && math.Abs(got/c.want-1) > 1e-4 {
			t.Errorf("%g servers, load %g: got %g, want %g", c.servers, c.load, got, c.want)
		}
	}
	// Between whole numbers, the same recursion holds.
	for _, load := range []float64{0.3, 2, 40} {
		b, next := ErlangB(2.25, load), ErlangB(3.25, load)
		near(t, "recursion", next, load*b/(3.25+load*b), 1e-9)
		if low, high := ErlangB(3, load), ErlangB(4, load); !(next < low && next > high) {
			t.Errorf("load %g: %g is not between %g and %g", load, next, low, high)
		}
		near(t, "no part", ErlangB(1e-9, load), 1, 1e-6)
	}
}

// TestLargeErlangB compares ErlangB with the recursion that defines it, and checks that
// huge numbers take no time.
func TestLargeErlangB(t *testing.T) {
	t.Parallel()
	for _, load := range []float64{900, 990, 1000, 1010, 2000} {
		b := 1.0
		for s := 1.0; s <= 1000; s++ {
			b = load * b / (s + load*b)
		}
		near(t, "1,000 servers", ErlangB(1000, load), b, 1e-12)
	}
	// As the number of servers grows, B at a load equal to it becomes √(2/(π·servers)).
	for _, servers := range []float64{1e6, 2e9} {
		near(t, "as many servers as the load", ErlangB(servers, servers), math.Sqrt(2/math.Pi/servers), 1e-3)
	}
	if b := ErlangB(2e9, 5); b != 0 {
		t.Errorf("2,000 million servers for a load of 5 block %g", b)
	}
	near(t, "an overload", ErlangB(1e9, 1e12), 0.999, 1e-6)
}

func TestServersFor(t *testing.T) {
	t.Parallel()
	for _, load := range []float64{0.01, 1, 5, 123.4, 5000} {
		for _, share := range []float64{0.2, 0.01, 1e-6} {
			n := ServersFor(load, share)
			if ErlangB(float64(n), load) > share || n > 0 && ErlangB(float64(n-1), load) <= share {
				t.Errorf("load %g, share %g: got %d", load, share, n)
			}
		}
	}
	if n := ServersFor(0, 0.01); n != 0 {
		t.Errorf("no load needs %d", n)
	}
	if plain, bursts := ServersFor(20, 0.001), ServersForBursts(20, 0.001, 4); bursts <= plain {
		t.Errorf("bursts need %d, more than %d", bursts, plain)
	}
}

// TestBreakEven checks that the last of the instances is busy for at least 60% of the time,
// and the next one for less.
func TestBreakEven(t *testing.T) {
	t.Parallel()
	for _, load := range []float64{0, 0.5, 1.5, 2, 5, 20, 300} {
		n := BreakEven(load)
		used := func(k int) float64 { return load * (ErlangB(float64(k-1), load) - ErlangB(float64(k), load)) }
		if n > 0 && used(n) < breakEven || used(n+1) >= breakEven {
			t.Errorf("load %g: %d instances, the last one busy %.3f, the next one %.3f", load, n, used(n), used(n+1))
		}
	}
	// The prices give the same share, on both architectures.
	p := DefaultPrices()
	near(t, "arm64", p.ProvisionedARM/(p.DurationARM-p.ProvisionedDurationARM), breakEven, 1e-3)
	near(t, "x86_64", p.ProvisionedX86/(p.DurationX86-p.ProvisionedDurationX86), breakEven, 1e-3)
}
