package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// cron is a cron expression of EventBridge Scheduler:
//
//	cron(minutes hours day-of-month month day-of-week year)
//
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based (2026-11)
type cron struct {
	minutes, hours, months uint64
	years                  map[int]bool // nil means every year
	days                   func(year int, month time.Month, day int) bool
}

const (
	minYear = 1970
	maxYear = 2199
)

var (
	monthNames = map[string]int{"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
	dayNames   = map[string]int{"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
)

func parseCron(text string) (*cron, error) {
	fields := strings.Fields(text)
	if len(fields) != 6 {
		return nil, fmt.Errorf("cron must have 6 fields: minutes, hours, day of month, month, day of week, year; got %d", len(fields))
	}
	c := &cron{}
	var err error
	if c.minutes, err = parseSet("minutes", fields[0], 0, 59, nil); err != nil {
		return nil, err
	}
	if c.hours, err = parseSet("hours", fields[1], 0, 23, nil); err != nil {
		return nil, err
	}
	if c.months, err = parseSet("month", fields[3], 1, 12, monthNames); err != nil {
		return nil, err
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, fmt.Errorf("one of day of month and day of week must be ?, and only one; got %q and %q", fields[2], fields[4])
	}
	if fields[4] == "?" {
		c.days, err = parseDayOfMonth(fields[2])
	} else {
		c.days, err = parseDayOfWeek(strings.ToUpper(fields[4]))
	}
	if err != nil {
		return nil, err
	}
	if fields[5] != "*" {
		c.years = map[int]bool{}
		err = eachPart("year", fields[5], minYear, maxYear, nil, func(y int) { c.years[y] = true })
	}
	return c, err
}

// parseSet reads a field whose values fit in 64 bits.
func parseSet(name, field string, low, high int, names map[string]int) (set uint64, err error) {
	err = eachPart(name, field, low, high, names, func(v int) { set |= 1 << v })
	return set, err
}

// eachPart calls add for all values of a field: "*", "1,2", "1-5", "*/15", "3/4".
func eachPart(name, field string, low, high int, names map[string]int, add func(int)) error {
	invalid := func(part string) error {
		return fmt.Errorf("%s must be values from %d to %d, got %q", name, low, high, part)
	}
	value := func(s string) (int, bool) {
		if n, ok := names[strings.ToUpper(s)]; ok {
			return n, true
		}
		n, err := strconv.Atoi(s)
		return n, err == nil && n >= low && n <= high
	}
	for _, part := range strings.Split(field, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 {
				return invalid(part)
			}
			step = n
		}
		from, to := low, high
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			var ok bool
			if from, ok = value(first); !ok {
				return invalid(part)
			}
			switch {
			case ranged:
				if to, ok = value(last); !ok {
					return invalid(part)
				}
			case !stepped:
				to = from
			}
		}
		if from <= to {
			for v := from; v <= to; v += step {
				add(v)
			}
			continue
		}
		if low == minYear {
			return invalid(part)
		}
		size := high - low + 1 // a range over the end, such as SAT-MON
		for v := from; v <= to+size; v += step {
			add((v-low)%size + low)
		}
	}
	return nil
}

func lastDay(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func weekday(year int, month time.Month, day int) int { // 1 is Sunday
	return int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()) + 1
}

func parseDayOfMonth(field string) (func(int, time.Month, int) bool, error) {
	upper := strings.ToUpper(field)
	switch {
	case upper == "L":
		return func(y int, m time.Month, d int) bool { return d == lastDay(y, m) }, nil
	case upper == "LW":
		return func(y int, m time.Month, d int) bool { return d == nearestWeekday(y, m, lastDay(y, m)) }, nil
	case strings.HasSuffix(upper, "W"):
		n, err := strconv.Atoi(strings.TrimSuffix(upper, "W"))
		if err != nil || n < 1 || n > 31 {
			return nil, fmt.Errorf("day of month must be a day from 1 to 31 before W, got %q", field)
		}
		return func(y int, m time.Month, d int) bool { return n <= lastDay(y, m) && d == nearestWeekday(y, m, n) }, nil
	}
	set, err := parseSet("day of month", field, 1, 31, nil)
	return func(_ int, _ time.Month, d int) bool { return set&(1<<d) != 0 }, err
}

// nearestWeekday returns the day from Monday to Friday nearest to a day, in its month.
func nearestWeekday(year int, month time.Month, day int) int {
	switch weekday(year, month, day) {
	case 7: // Saturday
		if day == 1 {
			return 3
		}
		return day - 1
	case 1: // Sunday
		if day == lastDay(year, month) {
			return day - 2
		}
		return day + 1
	}
	return day
}

func parseDayOfWeek(field string) (func(int, time.Month, int) bool, error) {
	day := func(s string) (int, error) {
		if n, ok := dayNames[s]; ok {
			return n, nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 7 {
			return 0, fmt.Errorf("day of week must be 1 to 7 or SUN to SAT, got %q", s)
		}
		return n, nil
	}
	if name, nth, ok := strings.Cut(field, "#"); ok {
		want, err := day(name)
		n, err2 := strconv.Atoi(nth)
		if err != nil || err2 != nil || n < 1 || n > 5 {
			return nil, fmt.Errorf("day of week must be a day, # and a number from 1 to 5, got %q", field)
		}
		return func(y int, m time.Month, d int) bool { return weekday(y, m, d) == want && (d-1)/7+1 == n }, nil
	}
	if field == "L" { // the last day of the week
		return func(y int, m time.Month, d int) bool { return weekday(y, m, d) == 7 }, nil
	}
	if name, ok := strings.CutSuffix(field, "L"); ok {
		want, err := day(name)
		if err != nil {
			return nil, err
		}
		return func(y int, m time.Month, d int) bool { return weekday(y, m, d) == want && d+7 > lastDay(y, m) }, nil
	}
	set, err := parseSet("day of week", field, 1, 7, dayNames)
	return func(y int, m time.Month, d int) bool { return set&(1<<weekday(y, m, d)) != 0 }, err
}

// first returns the first of the two times with the same wall clock, when daylight saving
// time repeats an hour: time.Date returns either, depending on the location.
func first(at time.Time) time.Time {
	_, offset := at.Zone()
	_, before := at.Add(-3 * time.Hour).Zone() // no clock goes back by more
	earlier := at.Add(time.Duration(offset-before) * time.Second)
	if earlier.Before(at) && earlier.Hour() == at.Hour() && earlier.Minute() == at.Minute() {
		return earlier
	}
	return at
}

// next returns the first time after t, in t's location, or the zero time for none. A time
// that daylight saving time skips does not run. A repeated time runs once, the first
// time.
func (c *cron) next(t time.Time) time.Time {
	loc := t.Location()
	year, month, day := t.Date()
	for date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC); date.Year() <= maxYear; date = date.AddDate(0, 0, 1) {
		y, m, d := date.Date()
		if c.years != nil && !c.years[y] {
			date = time.Date(y, time.December, 31, 0, 0, 0, 0, time.UTC)
			continue
		}
		if c.months&(1<<m) == 0 {
			date = time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC)
			continue
		}
		if !c.days(y, m, d) {
			continue
		}
		for hours := c.hours; hours != 0; hours &= hours - 1 {
			hour := bits.TrailingZeros64(hours)
			for minutes := c.minutes; minutes != 0; minutes &= minutes - 1 {
				minute := bits.TrailingZeros64(minutes)
				at := first(time.Date(y, m, d, hour, minute, 0, 0, loc))
				if at.After(t) && at.Hour() == hour && at.Minute() == minute {
					return at
				}
			}
		}
	}
	return time.Time{}
}
