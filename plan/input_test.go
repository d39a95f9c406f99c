package plan

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestReadCounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]float64{
		"60\n120\n0\n":              {1, 2, 0},
		"count\n60\n\n# noon\n30\n": {1, 0.5},
		"time,count\n2026-11-02T10:00:00Z,60\n2026-11-02T10:02:30Z,120\n2026-11-02T10:02:59Z,60\n": {1, 0, 3},
		"1762077600;6\n1762077660;12":                                {0.1, 0.2},
		"\ufeff60\n120\n":                                            {1, 2},
		"\ufefftime,count\r\n2026-11-02T10:00:00Z,60\r\n":            {1},
		"\"timestamp\",\"count\"\n\"2026-11-02T10:00:00Z\",\"60\"\n": {1},
		"2026-11-02 10:01\t6\n2026-11-02 10:00\t12":                  {0.2, 0.1},
	} {
		got, err := Read("f", strings.NewReader(text), "")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if len(got.Traffic.rates) != len(want) || got.Traffic.step != 60 {
			t.Errorf("%q: got %v", text, got.Traffic)
			continue
		}
		for i, w := range want {
			if math.Abs(got.Traffic.rates[i]-w) > 1e-12 {
				t.Errorf("%q: got %v, want %v", text, got.Traffic.rates, want)
			}
		}
	}
}

// TestReadStart checks that traffic with dates begins at its first date.
func TestReadStart(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"60\n120\n": {},
		"2026-11-02T10:01:02Z,60\n2026-11-02T10:00:30Z,120\n":                                                  first,
		"app,func,end_timestamp,duration\na,f,10.5,0.5\n":                                                      {},
		"2026-11-02T10:00:02.000Z REPORT RequestId: 1\tDuration: 500.00 ms\tInit Duration: 1500.00 ms\tBilled": first,
	} {
		got, err := Read("f", strings.NewReader(text), "")
		if err != nil || !got.Start.Equal(want) {
			t.Errorf("%q: begins at %v, %v; want %v", text, got.Start, err, want)
		}
	}
}

func TestReadInvocations(t *testing.T) {
	t.Parallel()
	text := "app,func,end_timestamp,duration\na,f,10.5,0.5\na,g,11,2\na,f,12,0.25\n"
	all, err := Read("f", strings.NewReader(text), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := all.Traffic.requests; len(got) != 3 || got[0] != (Request{0, 2 * time.Second}) || got[1] != (Request{time.Second, 500 * time.Millisecond}) {
		t.Errorf("got %v", got)
	}
	one, err := Read("f", strings.NewReader(text), "f")
	if err != nil || len(one.Traffic.requests) != 2 || one.Duration.Mean() != 0.375 {
		t.Errorf("got %v, %v", one, err)
	}
}

func TestReadReports(t *testing.T) {
	t.Parallel()
	tail := "\tBilled Duration: 13 ms\tMemory Size: 512 MB\tMax Memory Used: 40 MB\t"
	text := "2026-11-02T10:00:01.000Z START RequestId: 1 Version: 3\n" +
		"2026-11-02T10:00:02.000Z REPORT RequestId: 1\tDuration: 500.00 ms" + tail + "Init Duration: 100.00 ms\t\n" +
		"2026-11-02T10:00:03.000Z\tREPORT RequestId: 2\tDuration: 250.00 ms" + tail + "\n"
	r, err := Read("f", strings.NewReader(text), "")
	if err != nil {
		t.Fatal(err)
	}
	if r.MemoryMB != 512 || r.Init.Mean() != 0.1 || r.Duration.Mean() != 0.375 || len(r.Traffic.requests) != 2 || r.Traffic.requests[1].At.Round(time.Millisecond) != 1350*time.Millisecond {
		t.Errorf("got %+v, %v", r, r.Traffic.requests)
	}
	r, err = Read("f", strings.NewReader("REPORT RequestId: 2\tDuration: 250.00 ms"+tail), "")
	if err != nil || r.Traffic != nil || r.Duration.Mean() != 0.25 || len(r.Notes) != 1 || r.Init != nil {
		t.Errorf("got %+v, %v", r, err)
	}
	record := `{"time":"2026-11-02T10:00:00.500Z","type":"platform.report","record":{"requestId":"1","metrics":{"durationMs":500,"billedDurationMs":600,"memorySizeMB":256,"maxMemoryUsedMB":40,"initDurationMs":90}}}`
	r, err = Read("f", strings.NewReader(`{"time":"x","type":"platform.start"}`+"\n"+record+"\n"), "")
	if err != nil || r.Duration.Mean() != 0.5 || r.Init.Mean() != 0.09 || r.MemoryMB != 256 || len(r.Traffic.requests) != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestReadAccessLog(t *testing.T) {
	t.Parallel()
	text := `{"requestId":"1","time":"26/Nov/2026:07:16:47 +0000","ip":"192.0.2.1","method":"GET","path":"/","status":"200","responseBytes":"5","latencyMs":"14","integrationMs":"12"}
2026-11-26T07:16:50.000Z {"requestId":"2","time":"26/Nov/2026:07:16:49 +0000","status":"429","latencyMs":"-","integrationMs":"-"}
{"requestId":"3","time":"26/Nov/2026:07:17:47 +0000","status":"200","latencyMs":"20","integrationMs":"18"}
`
	r, err := Read("f", strings.NewReader(text), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Traffic.requests) != 2 || math.Abs(r.Duration.Mean()-0.015) > 1e-12 || len(r.Notes) != 2 {
		t.Errorf("got %+v, %v", r, r.Traffic.requests)
	}
	if at := r.Traffic.requests[1].At; at < 59*time.Second || at > 61*time.Second {
		t.Errorf("the second request is at %s", at)
	}
}

func TestReadMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                    "must have a line, got none; name a file of counts, arrivals or log lines",
		"count\n":                             "must have a number of requests, got none; write one a minute",
		"5\n-1\n":                             `line 2: number of requests must be 0 to 600,000,000 a minute, got "-1"; correct it`,
		"1,2,3\n":                             `line 1: must be a number of requests, or a time and a number, got "1,2,3"; write 2026-11-02T10:00:00Z,1834`,
		"5\nnow,5\n":                          `line 2: time must be as in 2026-11-02T10:00:00Z, or seconds since 1970, got "now"; correct it`,
		"5\n1762077600,5\n":                   "all lines must have a time, or none, got some of each; add the times",
		"0,5\n1762077600,5\n":                 "times must lie within a year, got 20394 days; correct them",
		"app,end_timestamp,duration\na,1,1\n": `line 1: must have the column func, got "app,end_timestamp,duration"; use the header app,func,end_timestamp,duration`,
		"app,func,end_timestamp,duration\na,f,x,1\n":            `line 2: end_timestamp must be seconds, got "x"; correct it`,
		"app,func,end_timestamp,duration\na,f,1,-1\n":           `line 2: duration must be 0 to 1,000,000 seconds, got "-1"; correct it`,
		"app,func,end_timestamp,duration\na,g,1,1\n":            `must have an invocation of the func "f", got none; name another one`,
		"app,func,end_timestamp,duration\n":                     `must have an invocation of the func "f", got none; name another one`,
		"REPORT RequestId: 1 nothing\n":                         `line 1: a REPORT line must have a Duration in ms, got "1 nothing"; export the log group as it is`,
		`{"time":"yesterday","integrationMs":"5"}`:              `line 1: time must be as in 26/Nov/2026:07:16:47 +0000, got "yesterday"; export the log group as it is`,
		`{"requestId":"1","integrationMs":"5","latencyMs":"6"}`: "must have a request, got none; name another file",
	} {
		if _, err := Read("f", strings.NewReader(text), "f"); err == nil || err.Error() != "read traffic f: "+want {
			t.Errorf("%q:\ngot  %v\nwant read traffic f: %s", text, err, want)
		}
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none"), ""); err == nil || !strings.HasPrefix(err.Error(), "read traffic: open ") {
		t.Errorf("got %v", err)
	}
}

// FuzzRead checks that the simulator can run all traffic that Read accepts.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"60\n120\n", "time,count\n2026-11-02T10:00:00Z,60\n", "app,func,end_timestamp,duration\na,f,1,0.5\n",
		"2026-11-02T10:00:02.000Z REPORT RequestId: 1\tDuration: 5.00 ms\tBilled Duration: 6 ms\tMemory Size: 512 MB\tInit Duration: 1.00 ms\n",
		`{"time":"2026-11-02T10:00:00.500Z","type":"platform.report","record":{"metrics":{"durationMs":5}}}`,
		`{"requestId":"1","time":"26/Nov/2026:07:16:47 +0000","latencyMs":"14","integrationMs":"12"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Read("f", strings.NewReader(text), "")
		if err != nil || r.Traffic == nil {
			return
		}
		s := Scenario{Traffic: r.Traffic, Duration: r.Duration, Init: r.Init, Length: time.Minute}
		if s.Duration == nil {
			s.Duration = Constant(time.Millisecond)
		}
		if s.Traffic.Peak() > 1000 || s.Check() != nil {
			return
		}
		run(t, s)
	})
}

func TestPrices(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "prices.json")
	write := func(text string) string {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	p, err := ReadPrices(write(`{"region": "eu-central-1", "date": "2026-10", "requestsPerMillion": 0.3}`))
	if err != nil || p.Requests != 0.3 || p.Region != "eu-central-1" || p.SQS != 0.40 {
		t.Errorf("got %+v, %v", p, err)
	}
	for text, want := range map[string]string{
		`{"requests": 1}`:     `must be a JSON object of prices, got json: unknown field "requests"; see docs/planning.md`,
		`{"date": "2026-10"}`: `region and date must be set, got "" and "2026-10"; say where and when these prices hold`,
	} {
		if _, err := ReadPrices(write(text)); err == nil || err.Error() != "read prices "+file+": "+want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	// One request a second, which takes 100 ms at 1 GB, on demand and provisioned.
	s := Scenario{Traffic: Curve(time.Hour, []float64{1}, true), Duration: Constant(100 * time.Millisecond), Length: time.Hour, Seed: 1}
	bill := func() Cost { return DefaultPrices().Month(&s, run(t, s), Billing{MemoryMB: 1024, API: RESTAPI}) }
	requests := 730 * 3600.0
	near(t, "on demand", bill().Total, requests/1e6*(0.20+3.50)+requests*0.1*0.0000133334, 0.05)
	s.Provisioned.Min = 2
	near(t, "provisioned", bill().Total, requests/1e6*(0.20+3.50)+requests*0.1*0.0000077778+2*requests*0.0000033334, 0.05)
	q := Scenario{Queues: []Queue{{Name: "jobs", Traffic: Curve(time.Hour, []float64{10}, true), Duration: Constant(time.Millisecond), BatchSize: 1, MinPollers: 2, MaxPollers: 4}}, Length: time.Hour}
	c := DefaultPrices().Month(&q, run(t, q), Billing{})
	near(t, "calls of a queue", c.Lines[2].Cost, 3*10*requests/1e6*0.40, 0.05)
	near(t, "pollers", c.Lines[3].Cost, 2*730*0.00925, 1e-9)
}
