package plan

import (
	"fmt"
	"strings"
	"time"
)

// lead is the time between an upward change and the load: Lambda must allocate the
// instances first.
const lead = 5 * time.Minute

// schedule makes a schedule with four levels of load: over the day, or over the hour if all
// hours are alike. It returns none if the traffic fits neither.
func (s *Scenario) schedule(goals Goals, most int) []Change {
	t := s.Traffic
	switch length := t.length(); {
	case t.step <= 0:
		return nil
	case length >= daySeconds:
		return s.changes(goals, most, 24, time.Hour)
	case length == 3600 && t.step <= 60:
		var day []Change
		hour := s.changes(goals, most, 60, time.Minute)
		for i := range 24 {
			for _, c := range hour {
				day = append(day, Change{At: time.Duration(i)*time.Hour + c.At, Min: c.Min})
			}
		}
		return day
	}
	return nil
}

// changes makes the changes for a period that has equal slots, such as the 24 hours of a
// day.
func (s *Scenario) changes(goals Goals, most, slots int, slot time.Duration) []Change {
	t := s.Traffic
	needs := make([]int, slots)
	begins := timeOfDay(s.Start).Seconds()
	for i, rate := range t.rates {
		n := int((float64(i)*t.step+begins)/slot.Seconds()) % slots
		needs[n] = max(needs[n], min(most, max(1, ServersFor(rate*s.meanDuration(), goals.ColdShare))))
	}
	quarter := func(need int) int { return min((need-1)*4/most, 3) }
	levels := [4]int{} // the highest need in each quarter of the way up
	for _, need := range needs {
		levels[quarter(max(need, 1))] = max(levels[quarter(max(need, 1))], need, 1)
	}
	level := func(n int) int { return levels[quarter(max(needs[(n+slots)%slots], 1))] }
	period := time.Duration(slots) * slot
	// With its lead, an upward change may come before a downward one.
	at := map[time.Duration]int{}
	for n := range slots {
		now, before := level(n), level(n-1)
		when := time.Duration(n) * slot
		if now > before {
			when = (when - lead + period) % period
		}
		if now != before {
			at[when] = max(at[when], now)
		}
	}
	var changes []Change
	for when := time.Duration(0); when < period; when += time.Minute {
		if n, ok := at[when]; ok {
			changes = append(changes, Change{At: when, Min: n})
		}
	}
	return changes
}

// hourly returns the changes of one hour, and reports whether all hours have the same.
func hourly(schedule []Change) ([]Change, bool) {
	n := len(schedule) / 24
	if n == 0 || len(schedule)%24 != 0 {
		return nil, false
	}
	for i, c := range schedule {
		first := schedule[i%n]
		if c.At != first.At+time.Duration(i/n)*time.Hour || c.Min != first.Min || c.Max != first.Max {
			return nil, false
		}
	}
	return schedule[:n], true
}

// describeSchedule describes a schedule in words.
func describeSchedule(schedule []Change) string {
	var parts []string
	if hour, ok := hourly(schedule); ok {
		for _, c := range hour {
			parts = append(parts, fmt.Sprintf("%d from minute %d", c.Min, int(c.At.Minutes())))
		}
		return strings.Join(parts, ", ") + " of each hour, scheduled"
	}
	for _, c := range schedule {
		parts = append(parts, fmt.Sprintf("%d from %s", c.Min, clock(c.At)))
	}
	return strings.Join(parts, ", ") + ", scheduled"
}
