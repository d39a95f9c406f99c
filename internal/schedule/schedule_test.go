package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04:05"
	for _, c := range []struct{ expression, zone, after, want string }{
		{"cron(0 3 * * ? *)", "", "2026-11-23 02:59:59", "2026-11-23 03:00:00"},
		{"cron(0 3 * * ? *)", "", "2026-11-23 03:00:00", "2026-11-24 03:00:00"},
		{"cron(*/15 8-17 ? * MON-FRI *)", "", "2026-11-20 17:45:00", "2026-11-23 08:00:00"},
		{"cron(5/20 * * * ? *)", "", "2026-11-23 10:05:00", "2026-11-23 10:25:00"},
		{"cron(0 0 L * ? *)", "", "2028-02-01 00:00:00", "2028-02-29 00:00:00"},
		{"cron(0 0 15W * ? *)", "", "2026-11-01 00:00:00", "2026-11-16 00:00:00"}, // the 15th is a Sunday
		{"cron(0 0 1W * ? *)", "", "2026-07-31 12:00:00", "2026-08-03 00:00:00"},  // the 1st is a Saturday
		{"cron(0 0 ? * 6L *)", "", "2026-11-01 00:00:00", "2026-11-27 00:00:00"},  // the last Friday
		{"cron(0 0 ? * TUE#2 *)", "", "2026-11-01 00:00:00", "2026-11-10 00:00:00"},
		{"cron(0 0 ? * SAT-MON *)", "", "2026-11-23 00:00:00", "2026-11-28 00:00:00"},
		{"cron(0 12 1 JAN,JUL ? 2027-2028)", "", "2026-01-01 00:00:00", "2027-01-01 12:00:00"},
		{"cron(0 12 1 1 ? 2020)", "", "2026-01-01 00:00:00", ""},
		{"cron(0 0 30 2 ? *)", "", "2026-01-01 00:00:00", ""},
		// In Berlin, 2:30 does not exist on 2026-03-29 and comes twice on 2026-10-25.
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28 02:30:00", "2026-03-30 02:30:00"},
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25 02:30:00", "2026-10-26 02:30:00"},
		{"rate(5 minutes)", "", "2026-11-23 00:07:00", "2026-11-23 00:10:00"},
		{"rate(1 day)", "Europe/Berlin", "2026-11-23 12:00:00", "2026-11-24 01:00:00"}, // from the start, midnight UTC
		{"at(2026-12-01T08:00:00)", "Asia/Tokyo", "2026-11-23 00:00:00", "2026-12-01 08:00:00"},
		{"at(2026-12-01T08:00:00)", "", "2026-12-01 08:00:00", ""},
	} {
		e, err := Parse(c.expression, c.zone)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		after, err := time.ParseInLocation(layout, c.after, e.zone)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if next := e.Next(after, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); !next.IsZero() {
			got = next.In(e.zone).Format(layout)
		}
		if got != c.want {
			t.Errorf("%s in %q after %s: got %q, want %q", c.expression, c.zone, c.after, got, c.want)
		}
	}
}

// TestRepeatedHour: what daylight saving time repeats runs once, the first time, in every
// zone.
func TestRepeatedHour(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expression, zone, after, want, next string }{ // instants
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"},
		{"cron(45 1 * * ? *)", "Australia/Lord_Howe", "2026-04-04T01:00:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}, // by half an hour
		{"cron(30 3 * * ? *)", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00Z", "2026-10-26T02:30:00Z"},
		{"at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z", "0001-01-01T00:00:00Z"},
		{"at(2026-11-01T01:30:00)", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T05:30:00Z", "0001-01-01T00:00:00Z"},
		{"at(2026-04-05T01:45:00)", "Australia/Lord_Howe", "2026-04-04T01:00:00Z", "2026-04-04T14:45:00Z", "0001-01-01T00:00:00Z"},
		{"at(2027-03-28T02:30:00)", "Europe/Berlin", "2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z", "0001-01-01T00:00:00Z"}, // skipped
		{"at(2027-03-14T02:30:00)", "America/New_York", "2027-03-13T12:00:00Z", "2027-03-14T07:30:00Z", "0001-01-01T00:00:00Z"},
	} {
		e, err := Parse(c.expression, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{c.want, c.next} {
			if at = e.Next(at, at); at.UTC().Format(time.RFC3339) != want {
				t.Errorf("%s in %s: got %s, want %s", c.expression, c.zone, at.UTC().Format(time.RFC3339), want)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"daily":                "must be cron(…), rate(…) or at(…)",
		"cron(0 3 * * ?)":      "cron must have 6 fields: minutes, hours, day of month, month, day of week, year; got 5",
		"cron(0 3 * * * *)":    `one of day of month and day of week must be ?, and only one; got "*" and "*"`,
		"cron(0 3 ? * ? *)":    `one of day of month and day of week must be ?, and only one; got "?" and "?"`,
		"cron(60 3 * * ? *)":   `minutes must be values from 0 to 59, got "60"`,
		"cron(0 3 32 * ? *)":   `day of month must be values from 1 to 31, got "32"`,
		"cron(0 3 ? * 8 *)":    `day of week must be values from 1 to 7, got "8"`,
		"cron(0 3 ? * 2#6 *)":  `day of week must be a day, # and a number from 1 to 5, got "2#6"`,
		"cron(0 3 * * ? 1969)": `year must be values from 1970 to 2199, got "1969"`,
		"cron(*/0 3 * * ? *)":  `minutes must be values from 0 to 59, got "*/0"`,
		"rate(0 minutes)":      `rate must be a number from 1 and minutes, hours or days, got "0 minutes"`,
		"rate(5 weeks)":        `rate must be a number from 1 and minutes, hours or days, got "5 weeks"`,
		"at(tomorrow)":         `at must hold a time such as 2027-01-31T08:00:00, got "tomorrow"`,
	} {
		if _, err := Parse(text, ""); err == nil || err.Error() != fmt.Sprintf("schedule expression %q: %s", text, want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
	for _, zone := range []string{"Mars/Olympus", "Local", "localtime", "posix/Europe/Berlin", "europe/berlin"} {
		if _, err := Parse("rate(1 day)", zone); err == nil || !strings.Contains(err.Error(), "IANA name") {
			t.Errorf("%s: got %v", zone, err)
		}
	}
}

func TestNeverDue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"cron(0 0 31 2 ? *)": true, "cron(0 0 31 4,6,9,11 ? *)": true, "cron(0 0 29 2 ? 2027)": true,
		"cron(0 0 29 2 ? *)": false, "cron(0 0 1 1 ? 2020)": false, "rate(5 minutes)": false, "Rate(5 minutes)": false, "at(1999-01-31T08:00:00)": false,
	} {
		e, err := Parse(text, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := e.NeverDue(); got != want {
			t.Errorf("%s: never due is %t, want %t", text, got, want)
		}
	}
}

// TestCheckRule: what EventBridge Scheduler may take, and a rule does not.
func TestCheckRule(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rate(1 minute)": "", "rate(5 minutes)": "", "rate(10 hours)": "", "rate(1 day)": "", "cron(0 3 * * ? *)": "",
		"rate(1 minutes)":         `schedule expression "rate(1 minutes)": the unit of 1 must be "minute"`,
		"rate(5 hour)":            `schedule expression "rate(5 hour)": the unit must be "hours"`,
		"Rate(5 minutes)":         `schedule expression "Rate(5 minutes)": a rule takes cron(…) and rate(…) alone`,
		"at(2027-01-31T08:00:00)": `schedule expression "at(2027-01-31T08:00:00)": a rule takes cron(…) and rate(…) alone`,
	} {
		e, err := Parse(text, "")
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := e.CheckRule(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
