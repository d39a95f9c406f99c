package plan

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// text is a value of a JSON log, which may be a string or a number there.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	*t = text(strings.Trim(string(data), `"`))
	return nil
}

func unmarshal(line string, into any) error { return json.Unmarshal([]byte(line), into) }

// report is a REPORT line. Times are in seconds; end is NaN if the line has no time.
type report struct {
	end, duration, init float64
	memory              int
}

// parseReport reads a line of a function's log. ok is false for any other kind of line.
func parseReport(line string) (r report, ok bool, err error) {
	r.end = math.NaN()
	if before, after, found := strings.Cut(line, "REPORT RequestId:"); found {
		return parseReportLine(strings.TrimSpace(before), after)
	}
	object := strings.IndexByte(line, '{')
	if object < 0 || !strings.Contains(line, `"platform.report"`) {
		return r, false, nil
	}
	var entry struct {
		Time   string
		Type   string
		Record struct {
			Metrics struct{ DurationMs, InitDurationMs, MemorySizeMB float64 }
		}
	}
	if err := unmarshal(line[object:], &entry); err != nil {
		return r, false, fmt.Errorf("must be a JSON object, got %w; export the log group as it is", err)
	}
	if entry.Type != "platform.report" {
		return r, false, nil
	}
	if at, err := parseTime(entry.Time); err == nil {
		r.end = at
	}
	m := entry.Record.Metrics
	if !(m.DurationMs >= 0 && m.DurationMs < 1e9 && m.InitDurationMs >= 0 && m.InitDurationMs < 1e9) {
		return r, false, fmt.Errorf("a platform.report must have a duration of 0 ms or more, got %g; export the log group as it is", m.DurationMs)
	}
	r.duration, r.init, r.memory = m.DurationMs/1000, m.InitDurationMs/1000, int(m.MemorySizeMB)
	return r, true, nil
}

// parseReportLine reads the text after REPORT RequestId:, such as
//
//	8f50… Duration: 12.34 ms Billed Duration: 13 ms Memory Size: 128 MB Max Memory Used: 40 MB Init Duration: 45.6 ms
//
// The text before it may be the time of the entry, as CloudWatch Logs exports it.
func parseReportLine(before, after string) (r report, ok bool, err error) {
	r.end = math.NaN()
	if fields := strings.Fields(strings.ReplaceAll(before, ",", " ")); len(fields) > 0 {
		for _, field := range fields {
			if at, err := parseTime(field); err == nil && at > earliestDate {
				r.end = at
				break
			}
		}
	}
	number := func(label string) (float64, bool) {
		at := 0
		for { // Billed Duration: and Init Duration: contain Duration: too
			i := strings.Index(after[at:], label)
			if i < 0 {
				return 0, false
			}
			at += i
			if label != "Duration:" || !strings.HasSuffix(after[:at], "Billed ") && !strings.HasSuffix(after[:at], "Init ") && !strings.HasSuffix(after[:at], "Restore ") {
				break
			}
			at += len(label)
		}
		fields := strings.Fields(after[at+len(label):])
		if len(fields) == 0 {
			return 0, false
		}
		v, err := strconv.ParseFloat(fields[0], 64)
		return v, err == nil && v >= 0 && v < 1e9
	}
	duration, ok := number("Duration:")
	if !ok {
		return r, false, fmt.Errorf("a REPORT line must have a Duration in ms, got %q; export the log group as it is", strings.TrimSpace(after))
	}
	r.duration = duration / 1000
	if init, ok := number("Init Duration:"); ok {
		r.init = init / 1000
	}
	if memory, ok := number("Memory Size:"); ok {
		r.memory = int(memory)
	}
	return r, true, nil
}
