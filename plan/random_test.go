package plan

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestRandomScenarios runs scenarios of all parts at once, and checks what holds in each:
// nothing is lost, no limit is exceeded, and the same seed gives the same figures.
func TestRandomScenarios(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		chance := func(p float64) bool { return r.Float64() < p }
		within := func(low, high int) int { return low + r.IntN(high-low+1) }
		s := Scenario{
			Seed: seed, Length: time.Duration(within(10, 120)) * time.Minute, Init: Constant(time.Duration(within(0, 5000)) * time.Millisecond),
			Timeout: time.Duration(within(1, 30)) * time.Second, Idle: Band{Min: time.Duration(within(1, 600)) * time.Second},
		}
		if chance(0.8) {
			s.Traffic, s.Duration = Bursts(float64(within(1, 20)), within(1, 5), time.Second), Exponential(time.Duration(within(10, 2000))*time.Millisecond)
		}
		if chance(0.5) {
			s.Reserved = new(within(7, 40))
		}
		if chance(0.4) {
			s.Provisioned.Min = within(1, 3)
			if chance(0.5) {
				s.Provisioned.Max = s.Provisioned.Min + within(1, 4)
			}
		}
		for range within(0, 2) {
			s.Queues = append(s.Queues, Queue{
				Name: "q", FIFO: chance(0.5), Groups: within(1, 9), Traffic: Steady(float64(within(1, 5))), Backlog: within(0, 200), Duration: Exponential(time.Second),
				Jobs: within(1, 6), BatchSize: within(1, 10), Failure: r.Float64() / 2, WholeBatch: chance(0.5), Visibility: 30 * time.Second, MaxReceives: within(1, 5),
				Window: time.Duration(within(0, 3)) * time.Second,
			})
		}
		for range within(0, 2) {
			s.Schedules = append(s.Schedules, Schedule{Name: "s", Next: every(time.Duration(within(1, 10)) * time.Minute), Window: time.Duration(within(0, 90)) * time.Second, Duration: Constant(time.Second)})
		}
		for range within(0, 3) {
			s.Deployments = append(s.Deployments, time.Duration(within(0, 100))*time.Minute)
		}
		if chance(0.7) {
			s.Database = &Database{Connections: within(1, 30), Proxy: chance(0.5), Borrow: time.Duration(within(0, 20)) * time.Second, Held: r.Float64()}
		}
		if s.Traffic == nil && len(s.Queues)+len(s.Schedules) == 0 {
			continue
		}
		got := run(t, s)
		if got.PeakBusy > s.defaultCeiling() {
			t.Errorf("seed %d: %d busy, more than %d", seed, got.PeakBusy, s.defaultCeiling())
		}
		for i, q := range got.Queues {
			left := q.Messages - q.Done - q.Dead
			if uint64(q.Left) > left || left > uint64(q.Left)+uint64(q.PeakConcurrency*10) {
				t.Errorf("seed %d: queue %d: %d messages, %d done, %d dead, %d left", seed, i, q.Messages, q.Done, q.Dead, q.Left)
			}
		}
		if d := got.Database; d != nil && (d.PeakInUse > s.Database.Connections || d.MeanInUse < 0 || d.WaitShare < 0 || d.WaitShare+d.FailShare > 2) {
			t.Errorf("seed %d: %+v of %d", seed, d, s.Database.Connections)
		}
		if again := run(t, s); again.Invocations != got.Invocations || again.OnDemandSeconds != got.OnDemandSeconds {
			t.Errorf("seed %d: another result", seed)
		}
	}
}

// defaultCeiling is the maximum of concurrent invocations.
func (s *Scenario) defaultCeiling() int {
	c := s.defaults()
	return c.ceiling()
}
