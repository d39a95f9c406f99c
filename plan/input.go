package plan

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Recorded is recorded traffic that [Read] has read from a file.
type Recorded struct {
	// Traffic has the requests; nil if the file has no times.
	Traffic *Traffic
	// Start is the time at which the traffic begins; zero if the file has no dates.
	Start time.Time
	// Duration has the durations of the handler; nil if the file has none.
	Duration Distribution
	// Init has the durations of init phases; nil if the file has none.
	Init Distribution
	// Kind names the format of the file, such as "REPORT lines".
	Kind string
	// MemoryMB is the memory of the function; 0 if the file does not have it.
	MemoryMB int
	// Notes are sentences about figures that the file does not give exactly.
	Notes []string
}

// mostRequests is the maximum of requests in a file; they take 1.6 GB of memory.
const mostRequests = 100_000_000

// ReadFile is [Read] for a file. The path "-" is standard input.
func ReadFile(path, only string) (*Recorded, error) {
	if path == "-" {
		return Read("standard input", os.Stdin, only)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read traffic: %w", err)
	}
	defer f.Close() //nolint:errcheck // it is only read
	return Read(path, f, only)
}

// Read reads traffic in one of these formats, which it detects from the first lines:
//
//   - counts per minute as CSV: a number a line, or a time and a number, such as
//     2026-11-02T10:00:00Z,1834, with a header or without;
//   - arrivals with durations as CSV with the header app,func,end_timestamp,duration, in
//     seconds: the schema of the Azure Functions trace of 2021. If only is not "", Read
//     keeps only the rows of that func;
//   - Lambda's REPORT lines or platform.report records, as CloudWatch Logs exports them;
//   - an access log of the constructs: a JSON object a line with time, and integrationMs or
//     latencyMs.
//
// https://github.com/Azure/AzurePublicDataset/blob/master/AzureFunctionsInvocationTrace2021.md,
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html (2026-11)
func Read(name string, r io.Reader, only string) (*Recorded, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" { // as some spreadsheets write
		buffered.Discard(3) //nolint:errcheck // it was just read
	}
	head, err := buffered.Peek(1 << 14)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("read traffic %s: %w", name, err)
	}
	text := string(head)
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	var recorded *Recorded
	switch {
	case strings.Contains(text, "REPORT RequestId:") || strings.Contains(text, `"platform.report"`):
		recorded, err = readReports(buffered)
	case strings.Contains(first, "end_timestamp"):
		recorded, err = readInvocations(buffered, only)
	case strings.Contains(text, `"integrationMs"`) || strings.Contains(text, `"latencyMs"`):
		recorded, err = readAccessLog(buffered)
	case strings.TrimSpace(text) == "":
		err = errors.New("must have a line, got none; name a file of counts, arrivals or log lines")
	default:
		recorded, err = readCounts(buffered)
	}
	if err != nil {
		return nil, fmt.Errorf("read traffic %s: %w", name, err)
	}
	return recorded, nil
}

// lines calls a function with each line and its number, from 1 on. It skips blank lines.
func lines(r io.Reader, each func(n int, line string) error) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 1<<16), 1<<22)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" {
			continue
		}
		if err := each(n, line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return scanner.Err()
}

// readCounts reads a number of requests for each minute.
func readCounts(r io.Reader) (*Recorded, error) {
	var counts []float64
	byMinute := map[int64]float64{}
	var start time.Time
	err := lines(r, func(n int, line string) error {
		if strings.HasPrefix(line, "#") {
			return nil
		}
		fields := strings.FieldsFunc(line, func(c rune) bool { return c == ',' || c == ';' || c == '\t' })
		if len(fields) == 0 || len(fields) > 2 {
			return fmt.Errorf("must be a number of requests, or a time and a number, got %q; write 2026-11-02T10:00:00Z,1834", line)
		}
		count, err := strconv.ParseFloat(strings.Trim(fields[len(fields)-1], ` "`), 64)
		if err != nil || !(count >= 0 && count <= 6e8) {
			if n == 1 && err != nil {
				return nil // a header
			}
			return fmt.Errorf("number of requests must be 0 to 600,000,000 a minute, got %q; correct it", fields[len(fields)-1])
		}
		if len(fields) == 1 {
			counts = append(counts, count)
			return nil
		}
		at, err := parseTime(strings.TrimSpace(fields[0]))
		if err != nil {
			return err
		}
		byMinute[int64(math.Floor(at/60))] += count
		return nil
	})
	if err != nil {
		return nil, err
	}
	switch {
	case len(counts) > 0 && len(byMinute) > 0:
		return nil, errors.New("all lines must have a time, or none, got some of each; add the times")
	case len(byMinute) > 0:
		first, last := int64(math.MaxInt64), int64(math.MinInt64)
		for minute := range byMinute {
			first, last = min(first, minute), max(last, minute)
		}
		if last-first > 366*24*60 {
			return nil, fmt.Errorf("times must lie within a year, got %d days; correct them", (last-first)/1440)
		}
		start = time.Unix(first*60, 0).UTC()
		counts = make([]float64, last-first+1)
		for minute, count := range byMinute {
			counts[minute-first] = count
		}
	case len(counts) == 0:
		return nil, errors.New("must have a number of requests, got none; write one a minute")
	}
	return &Recorded{Traffic: Counts(time.Minute, counts, false), Start: start, Kind: "counts per minute"}, nil
}

// parseTime reads a time in RFC 3339, or in seconds or milliseconds since 1970. A space may
// stand for the T, and a time without a zone is UTC.
func parseTime(text string) (float64, error) {
	text = strings.Trim(text, `"`)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.UnixNano()) / 1e9, nil
		}
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 && s < 1e14 {
		if s > 1e11 {
			s /= 1000
		}
		return s, nil
	}
	return 0, fmt.Errorf("time must be as in 2026-11-02T10:00:00Z, or seconds since 1970, got %q; correct it", text)
}

// readInvocations reads the ends and durations of invocations.
func readInvocations(r io.Reader, only string) (*Recorded, error) {
	table := csv.NewReader(r)
	table.ReuseRecord = true
	header, err := table.Read()
	if err != nil {
		return nil, err
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.TrimSpace(strings.ToLower(name))] = i
	}
	for _, name := range []string{"func", "end_timestamp", "duration"} {
		if _, ok := columns[name]; !ok {
			return nil, fmt.Errorf("line 1: must have the column %s, got %q; use the header app,func,end_timestamp,duration", name, strings.Join(header, ","))
		}
	}
	var list []arrival
	for {
		record, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line, _ := table.FieldPos(0)
		if only != "" && record[columns["func"]] != only {
			continue
		}
		end, err := strconv.ParseFloat(record[columns["end_timestamp"]], 64)
		if err != nil || !(math.Abs(end) < 1e12) {
			return nil, fmt.Errorf("line %d: end_timestamp must be seconds, got %q; correct it", line, record[columns["end_timestamp"]])
		}
		duration, err := strconv.ParseFloat(record[columns["duration"]], 64)
		if err != nil || !(duration >= 0 && duration < 1e6) {
			return nil, fmt.Errorf("line %d: duration must be 0 to 1,000,000 seconds, got %q; correct it", line, record[columns["duration"]])
		}
		if list = append(list, arrival{end - duration, duration}); len(list) > mostRequests {
			return nil, tooMany()
		}
	}
	if len(list) == 0 && only != "" {
		return nil, fmt.Errorf("must have an invocation of the func %q, got none; name another one", only)
	}
	return recordedOf("invocations", list)
}

func tooMany() error {
	return fmt.Errorf("must have at most %d requests, got more; cut the file, or give counts per minute", mostRequests)
}

// earliestDate is a time in seconds since 1970, in 1973. An earlier time counts from the
// beginning of a trace.
const earliestDate = 1e8

// arrival is a recorded request; times are in seconds.
type arrival struct{ at, duration float64 }

// recordedOf makes a trace of arrivals.
func recordedOf(kind string, list []arrival) (*Recorded, error) {
	if len(list) == 0 {
		return nil, errors.New("must have a request, got none; name another file")
	}
	first := list[0].at
	for _, a := range list {
		first = min(first, a.at)
	}
	requests := make([]Request, len(list))
	durations := make([]float64, 0, min(len(list), 1_000_000))
	every := (len(list) + 999_999) / 1_000_000
	for i, a := range list {
		requests[i] = Request{At: seconds(a.at - first), Duration: seconds(a.duration)}
		if i%every == 0 {
			durations = append(durations, a.duration)
		}
	}
	recorded := &Recorded{Kind: kind, Traffic: Trace(requests), Duration: samplesOf(durations)}
	if first > earliestDate {
		recorded.Start = time.Unix(0, int64(first*1e9)).UTC()
	}
	return recorded, nil
}

// readAccessLog reads the access log of an API: a JSON object a line.
func readAccessLog(r io.Reader) (*Recorded, error) {
	var list []arrival
	random := rand.New(rand.NewPCG(1, 1))
	err := lines(r, func(_ int, line string) error {
		object := strings.IndexByte(line, '{') // an export puts the time of the entry before it
		if object < 0 {
			return nil
		}
		var entry struct{ Time, IntegrationMs, LatencyMs text }
		if err := unmarshal(line[object:], &entry); err != nil {
			return fmt.Errorf("must be a JSON object, got %w; export the log group as it is", err)
		}
		if entry.Time == "" {
			return nil // a line of another kind
		}
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", string(entry.Time))
		if err != nil {
			return fmt.Errorf("time must be as in 26/Nov/2026:07:16:47 +0000, got %q; export the log group as it is", entry.Time)
		}
		took := entry.IntegrationMs
		if took == "" || took == "-" {
			took = entry.LatencyMs
		}
		ms, err := strconv.ParseFloat(string(took), 64)
		if err != nil || !(ms >= 0 && ms < 1e9) {
			return nil // the API answered without the function
		}
		// The log has whole seconds, so spread the requests within the second.
		if list = append(list, arrival{float64(at.Unix()) + random.Float64(), ms / 1000}); len(list) > mostRequests {
			return tooMany()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	recorded, err := recordedOf("access log", list)
	if err == nil {
		recorded.Notes = []string{
			"An access log has times in whole seconds: requests are spread over their second.",
			"Its durations are those of the integration, cold starts and some milliseconds of the way included.",
		}
	}
	return recorded, err
}

// readReports reads the records that Lambda logs for each invocation.
func readReports(r io.Reader) (*Recorded, error) {
	var list []arrival
	var durations, inits []float64
	memory := 0
	err := lines(r, func(_ int, line string) error {
		report, ok, err := parseReport(line)
		if err != nil || !ok {
			return err
		}
		durations = append(durations, report.duration)
		if report.init > 0 {
			inits = append(inits, report.init)
		}
		memory = max(memory, report.memory)
		if !math.IsNaN(report.end) {
			list = append(list, arrival{report.end - report.duration - report.init, report.duration})
		}
		if len(durations) > mostRequests {
			return tooMany()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(durations) == 0 {
		return nil, errors.New("must have a report of an invocation, got none; export the function's log group")
	}
	recorded := &Recorded{Kind: "REPORT lines"}
	if len(list) == len(durations) {
		if recorded, err = recordedOf("REPORT lines", list); err != nil {
			return nil, err
		}
	} else {
		recorded.Duration = samplesOf(durations)
		recorded.Notes = append(recorded.Notes, "The REPORT lines have no times, so that they say durations alone: export them with their timestamps.")
	}
	if slices.Sort(inits); len(inits) > 0 {
		recorded.Init = samplesOf(inits)
	}
	recorded.MemoryMB = memory
	return recorded, nil
}
