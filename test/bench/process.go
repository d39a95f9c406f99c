package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// sample has the measurements of one process of a program.
type sample struct {
	start time.Duration // from exec to the first request for an event
	first time.Duration // duration of the first invocation
	warm  time.Duration // median duration of the others
	cpu   time.Duration // processor time of one warm invocation
	rss   int64         // peak resident memory, in bytes
}

// processes measures whole programs. It builds them as for a deployment, starts them as
// processes, and sends them events through a Runtime API on loopback.
func processes(w io.Writer, rounds, invocations int) error {
	dir, err := os.MkdirTemp("", "hearth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	names := []string{"hearth", "hello"} // the second is the reference
	sizes := map[string]int64{}
	for _, name := range names {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=",
			"-o", filepath.Join(dir, name), "./programs/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		sizes[name] = info.Size()
	}
	samples := map[string][]sample{}
	for range rounds {
		for _, name := range names {
			s, err := live(filepath.Join(dir, name), httpEvent(), invocations)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			samples[name] = append(samples[name], s)
		}
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "process\thearth\taws-lambda-go hello\tratio\tbudget")
	row := func(what, unit string, budget float64, value func(name string) float64) {
		h, p := value("hearth"), value("hello")
		limit := ""
		if budget > 0 {
			limit = fmt.Sprintf("≤ %.2f ×: %s", budget, verdict(h/p <= budget))
		}
		fmt.Fprintf(table, "%s\t%.2f %s\t%.2f %s\t%.2f\t%s\n", what, h, unit, p, unit, h/p, limit)
	}
	median := func(pick func(sample) float64) func(string) float64 {
		return func(name string) float64 {
			var values []float64
			for _, s := range samples[name] {
				values = append(values, pick(s))
			}
			slices.Sort(values)
			return values[len(values)/2]
		}
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	row("size", "MiB", 0.8, func(name string) float64 { return float64(sizes[name]) / (1 << 20) })
	row("start to the first /next", "ms", 1.0, median(func(s sample) float64 { return ms(s.start) }))
	row("first invocation", "ms", 0, median(func(s sample) float64 { return ms(s.first) }))
	row("warm invocation", "ms", 0, median(func(s sample) float64 { return ms(s.warm) }))
	row("processor time of one warm invocation", "ms", 0.35, median(func(s sample) float64 { return ms(s.cpu) }))
	row("resident memory", "MiB", 0.9, median(func(s sample) float64 { return float64(s.rss) / (1 << 20) }))
	return table.Flush()
}

// live starts a program, sends it an event several times, and ends it.
func live(program string, event []byte, invocations int) (sample, error) {
	var s sample
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return s, err
	}
	asked, next, answered := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var once sync.Once
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked) })
		select {
		case <-next:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		w.Write(event)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/{outcome}", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		answered <- struct{}{}
	})
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	defer server.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return s, err
	}
	wait := func(c chan struct{}) error {
		select {
		case <-c:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", ctx.Err())
		}
	}
	if err := wait(asked); err != nil {
		return s, err
	}
	s.start = time.Since(began)
	var times []time.Duration
	before := cpuTime(cmd.Process.Pid)
	for n := range invocations {
		began := time.Now()
		next <- struct{}{}
		if err := wait(answered); err != nil {
			return s, err
		}
		if n == 0 {
			s.first = time.Since(began)
			before = cpuTime(cmd.Process.Pid)
		} else {
			times = append(times, time.Since(began))
		}
	}
	slices.Sort(times)
	s.warm = times[len(times)/2]
	s.cpu = (cpuTime(cmd.Process.Pid) - before) / time.Duration(len(times))
	s.rss = residentMemory(cmd.Process.Pid)
	cmd.Process.Kill()
	cmd.Wait() //nolint:errcheck // it was killed
	return s, nil
}

// residentMemory returns the peak resident memory of a process.
func residentMemory(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kb * 1024
		}
	}
	return 0
}

// cpuTime returns the CPU time of a process, in Linux's ticks of 10 ms.
func cpuTime(pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
