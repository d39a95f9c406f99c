// Package databasetest holds the code that the tests of the databases' packages share.
package databasetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// Deadline is the longest that one step of a test may take.
const Deadline = 20 * time.Second

// Logs collects the records of slog's default logger.
type Logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Record is a log record of a database connection that an operation did not release.
type Record struct {
	Level, Msg, Taken, Cause string
}

// Take returns the records since the last Take that name the place of a connection.
func (l *Logs) Take() []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	var records []Record
	for line := range strings.Lines(l.b.String()) {
		var r Record
		if json.Unmarshal([]byte(line), &r) == nil && r.Taken != "" {
			records = append(records, r)
		}
	}
	l.b.Reset()
	return records
}

// CollectLogs makes slog's default logger write to the result until the test ends.
func CollectLogs(t *testing.T) *Logs {
	t.Helper()
	l := &Logs{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(l, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return l
}

// endings are the ways in which an operation's code ends.
var endings = map[string]func(release <-chan struct{}) error{
	"return":    func(<-chan struct{}) error { return nil },
	"error":     func(<-chan struct{}) error { return errors.New("early") },
	"panic":     func(<-chan struct{}) error { panic("on purpose") },
	"goexit":    func(<-chan struct{}) error { runtime.Goexit(); return nil },
	"abandoned": func(release <-chan struct{}) error { <-release; return nil },
}

const (
	request = `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"POST"}}}`
	batch   = `{"Records":[{"messageId":"m","body":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:%s"}]}`
)

// Left checks that no database resource outlives the operation that acquired it. Each way
// acquires one and does not release it, in requests, jobs and FIFO jobs, with each of the
// endings. use fails when it waits too long for a connection, or for the lock of an old
// transaction.
func Left(t *testing.T, ways map[string]func(ctx context.Context) error, use func(ctx context.Context) error) {
	t.Helper()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			logs := CollectLogs(t)
			for ending, finish := range endings {
				release := make(chan struct{})
				var running sync.WaitGroup
				end := func() { close(release); running.Wait() }
				defer func() { end() }()
				acquired := make(chan error, 1)
				code := func(ctx context.Context) error {
					running.Add(1)
					defer running.Done()
					err := way(ctx)
					acquired <- err
					if err != nil {
						return err
					}
					return finish(release)
				}
				job := func(ctx context.Context, _ *lambdaruntime.Job[string]) error { return code(ctx) }
				handler := func(limit time.Duration) lambda.Handler {
					h, err := lambdaruntime.NewHandler(&lambdaruntime.App{
						Logger:         slog.New(slog.DiscardHandler),
						RequestTimeout: limit,
						HTTP:           http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = code(r.Context()) }),
						Queues: []lambdaruntime.Consumer{
							lambdaruntime.Queue[string]{Name: "jobs", Timeout: limit}.Consume(job),
							lambdaruntime.Queue[string]{Name: "ledger", FIFO: true, Timeout: limit}.Consume(job),
						},
					})
					if err != nil {
						t.Fatal(err)
					}
					h.(interface{ SetPartialResponses(bool) }).SetPartialResponses(true)
					return h
				}
				limit := Deadline
				if ending == "abandoned" {
					limit = 300 * time.Millisecond
				}
				h := handler(limit)
				for operation, event := range map[string]string{
					"request": request, `job of queue "jobs"`: fmt.Sprintf(batch, "jobs"), `job of queue "ledger"`: fmt.Sprintf(batch, "ledger.fifo"),
				} {
					if ending == "abandoned" && operation == `job of queue "ledger"` {
						continue // which may end the process
					}
					at := operation + ", " + ending
					ctx, cancel := context.WithTimeout(t.Context(), Deadline)
					defer cancel()
					for {
						if _, err := h.Invoke(ctx, []byte(event)); err != nil {
							t.Fatalf("%s: %v", at, err)
						}
						var err error
						select {
						case err = <-acquired:
						case <-ctx.Done():
							t.Fatalf("%s: it still waits for a connection", at)
						}
						if err == nil {
							break
						}
						if limit *= 4; limit > Deadline || !errors.Is(err, context.DeadlineExceeded) {
							t.Fatalf("%s: %v", at, err)
						}
						logs.Take() // the machine was too slow for this limit
						h = handler(limit)
					}
					if err := use(ctx); err != nil {
						t.Fatalf("%s: afterwards: %v", at, err)
					}
					checkRecords(t, at, operation, ending == "abandoned", logs.Take())
				}
				end()
				end = func() {}
			}
		})
	}
}

// checkRecords checks that one record names the operation and the place. There is none
// when the driver itself ends the transaction of an abandoned operation, at the end of
// its context.
func checkRecords(t *testing.T, at, operation string, abandoned bool, records []Record) {
	t.Helper()
	if abandoned && len(records) == 0 {
		return
	}
	if len(records) != 1 {
		t.Errorf("%s: got log records %q, want one", at, records)
		return
	}
	r := records[0]
	level := "ERROR"
	if abandoned {
		level = "WARN"
	}
	file, _, _ := strings.Cut(path.Base(r.Taken), ":")
	if !strings.Contains(r.Msg, ": "+operation+" ") || !strings.HasSuffix(file, "_test.go") || r.Level != level || (r.Cause != "") != abandoned {
		t.Errorf("%s: got log record %q, want level %s, the operation's name and a place in the test", at, r, level)
	}
}

// NextLine returns the place of the line after the caller's, as file:line.
func NextLine() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, line+1)
}

// Together calls f from n goroutines, times each, and returns the first error of each.
func Together(n, times int, f func(i, j int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for j := range times {
				if errs[i] = f(i, j); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
