package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// seconds converts seconds to a duration.
func seconds(s float64) time.Duration {
	s = math.Min(s, 9e9) // near the longest duration
	return time.Duration(math.Round(s * float64(time.Second)))
}

// short formats a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= 100*time.Hour:
		return thousands(math.Round(d.Hours()/24)) + " days"
	case d >= 100*time.Minute:
		return strconv.FormatFloat(d.Hours(), 'g', 3, 64) + " h"
	case d >= 100*time.Second:
		return strconv.FormatFloat(d.Minutes(), 'g', 3, 64) + " min"
	case d >= time.Second-500*time.Microsecond: // 999.5 ms has three digits as 1 s
		return strconv.FormatFloat(d.Seconds(), 'g', 3, 64) + " s"
	case d == 0:
		return "0 ms"
	case d >= time.Millisecond-500*time.Nanosecond:
		return strconv.FormatFloat(float64(d)/1e6, 'g', 3, 64) + " ms"
	}
	return strconv.FormatFloat(float64(d)/1e3, 'g', 3, 64) + " µs"
}

// shortSeconds is [short] for seconds.
func shortSeconds(s float64) string { return short(seconds(s)) }

// share formats a share in percent, and a very small one as "1 in 20,000".
func share(x float64) string {
	switch {
	case x <= 0:
		return "0%"
	case x < 0.00095:
		return "1 in " + thousands(math.Round(1/x))
	}
	return strconv.FormatFloat(x*100, 'g', 3, 64) + "%"
}

// dollars formats an amount of money.
func dollars(x float64) string {
	if x >= 1000 {
		return "$" + thousands(math.Round(x))
	}
	return fmt.Sprintf("$%.2f", x)
}

// thousands formats a whole number with commas.
func thousands(x float64) string {
	digits := strconv.FormatFloat(math.Abs(x), 'f', 0, 64)
	var b strings.Builder
	if x < 0 {
		b.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(float64(n)) + " " + noun + "s"
}

func are(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// clock formats a time of day.
func clock(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}
