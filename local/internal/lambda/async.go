package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/lambdahearth/hearth/local/internal/clock"
)

// Asynchronous invocation.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html (2026-11)
const (
	defaultAsyncRetries = 2
	defaultAsyncAge     = 6 * time.Hour
	asyncRetryPause     = time.Minute // before the first retry; the second waits twice as long
	throttlePause       = time.Second // doubles up to throttleMaxPause
	throttleMaxPause    = 5 * time.Minute
)

// Async configures what Lambda does with an asynchronous invocation that fails.
type Async struct {
	// Retries is how often Lambda retries an event after the function failed. Nil means
	// 2.
	Retries *int
	// MaxAge is the longest time that an event may wait. 0 means 6 hours.
	MaxAge time.Duration
	// OnFailure and OnSuccess get the record of a finished event, in the shape that
	// destinations get. Nil drops the record.
	OnFailure, OnSuccess func(ctx context.Context, record []byte)
	// DeadLetter gets the event itself when Lambda discards it. Nil drops the event.
	DeadLetter func(ctx context.Context, event []byte, requestID string, failure *FunctionError)
}

// InvokeAsync queues an event for a version or alias and returns at once; it fails with
// [ErrNoQualifier] if there is none. The function is
// invoked until it succeeds, the retries are used up or the event is too old. Throttling
// uses up no retries.
//
// It differs from AWS in that it never delivers an event twice by itself, and that the
// queue is lost when the function stops.
func (f *Function) InvokeAsync(qualifier string, event Invocation) error {
	if len(event.Payload) > maxAsyncBytes {
		return errors.New("RequestEntityTooLargeException: an asynchronous event must be at most 1 MB")
	}
	if event.RequestID == "" {
		event.RequestID = NewRequestID()
	}
	event.Queued = time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return ErrStopped
	}
	if _, err := f.versionOf(qualifier); err != nil {
		return err
	}
	f.tasks.Go(func() { f.deliver(qualifier, event) })
	return nil
}

// maxAsyncBytes is the size limit of an asynchronous event.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const maxAsyncBytes = 1024 * 1024

func (f *Function) deliver(qualifier string, event Invocation) {
	clk := f.host.Clock
	queued := clk.Now()
	failures := 0
	for throttled := throttlePause; ; {
		response, err := f.Invoke(f.ctx, qualifier, event)
		if f.ctx.Err() != nil {
			return
		}
		async := f.Config().Async
		retries, maxAge := defaultAsyncRetries, defaultAsyncAge
		if async.Retries != nil {
			retries = *async.Retries
		}
		if async.MaxAge > 0 {
			maxAge = async.MaxAge
		}
		var failure *FunctionError
		pause, condition := time.Duration(0), ""
		switch {
		case err == nil:
			if async.OnSuccess != nil {
				async.OnSuccess(f.ctx, f.record(event, qualifier, "Success", failures+1, response, nil))
			}
			return
		case errors.As(err, &failure):
			failures++
			pause, condition = asyncRetryPause*time.Duration(failures), "RetriesExhausted"
			if failures <= retries {
				condition = ""
			}
		case errors.Is(err, ErrNoQualifier): // it was removed since
			condition = "RetriesExhausted"
		case f.disabled():
			condition = "ZeroReservedConcurrency"
		default: // throttled
			pause, throttled = throttled, min(2*throttled, throttleMaxPause)
		}
		if condition == "" && clk.Now().Add(pause).Sub(queued) > maxAge {
			condition = "EventAgeExceeded"
		}
		if condition != "" {
			f.mu.Lock()
			f.counters.AsyncDropped++
			f.mu.Unlock()
			f.host.logf("%s: RequestId: %s: an asynchronous event is given up (%s): %v", f.Config().Name, event.RequestID, condition, err)
			if async.OnFailure != nil {
				async.OnFailure(f.ctx, f.record(event, qualifier, condition, failures, nil, failure))
			}
			if async.DeadLetter != nil {
				async.DeadLetter(f.ctx, event.Payload, event.RequestID, failure)
			}
			return
		}
		f.mu.Lock()
		f.counters.AsyncRetries++
		f.mu.Unlock()
		if clock.Sleep(f.ctx, clk, pause) != nil {
			return
		}
	}
}

// disabled reports whether reserved concurrency refuses all invocations. Lambda then gives
// up an asynchronous event at once. Source: LocalStack's captures of AWS, 2026-03.
func (f *Function) disabled() bool {
	reserved := f.Config().Reserved
	return reserved != nil && *reserved == 0
}

// record returns the JSON record that a destination gets. An event that no instance has
// handled has no response. Source of details that AWS does not document: LocalStack's
// captures of AWS, 2026-03.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (2026-11)
func (f *Function) record(event Invocation, qualifier, condition string, count int, response []byte, failure *FunctionError) []byte {
	type requestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
		Count       int    `json:"approximateInvokeCount"`
	}
	type responseContext struct {
		Status  int    `json:"statusCode"`
		Version string `json:"executedVersion"`
		Error   string `json:"functionError,omitempty"`
	}
	r := struct {
		Version         string           `json:"version"`
		Timestamp       string           `json:"timestamp"`
		RequestContext  requestContext   `json:"requestContext"`
		RequestPayload  json.RawMessage  `json:"requestPayload"`
		ResponseContext *responseContext `json:"responseContext,omitempty"`
		ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
	}{
		Version: "1.0", Timestamp: f.host.Clock.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{event.RequestID, f.ARN(cmp.Or(qualifier, Latest)), condition, count},
		RequestPayload: rawJSON(event.Payload),
	}
	switch version := f.executed(qualifier); {
	case failure != nil:
		r.ResponseContext, r.ResponsePayload = &responseContext{200, version, "Unhandled"}, rawJSON(failure.Payload)
	case condition == "Success":
		r.ResponseContext, r.ResponsePayload = &responseContext{200, version, ""}, rawJSON(response)
	}
	data, _ := json.Marshal(r) // its raw parts are valid
	return data
}

// executed returns the version that an invocation with a qualifier runs.
func (f *Function) executed(qualifier string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	version, err := f.versionOf(qualifier)
	if err != nil {
		return qualifier
	}
	return version
}

func rawJSON(data []byte) json.RawMessage {
	if len(data) == 0 || !json.Valid(data) {
		return json.RawMessage("null")
	}
	return data
}

// lineWriter passes on whole lines, so that lines of several instances do not mix.
type lineWriter struct {
	to  io.Writer
	mu  sync.Mutex
	buf []byte
}

// maxLine is the length in bytes at which a line is cut in two, as CloudWatch Logs cuts
// an event of this size.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html (2026-11)
const maxLine = 1 << 20

func newLineWriter(to io.Writer) io.Writer {
	if to == nil {
		return nil
	}
	return &lineWriter{to: to}
}

// Write implements [io.Writer].
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, p...)
	rest := w.buf
	for len(rest) > 0 {
		n := bytes.IndexByte(rest[:min(len(rest), maxLine+1)], '\n') + 1
		if n == 0 && len(rest) <= maxLine {
			break
		}
		if n == 0 {
			n = maxLine
			for n > maxLine-utf8.UTFMax && !utf8.RuneStart(rest[n]) {
				n--
			}
		}
		if err := w.pass(rest[:n]); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	w.buf = append(w.buf[:0], rest...)
	return len(p), nil
}

// pass passes on one line; it ends the line if the program did not.
func (w *lineWriter) pass(line []byte) error {
	if line[len(line)-1] != '\n' {
		line = append(bytes.Clone(line), '\n')
	}
	_, err := w.to.Write(line)
	return err
}

// flush passes on the last line of a program that did not end it.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.buf) > 0 {
		w.pass(w.buf) //nolint:errcheck // as with any output of the program
		w.buf = nil
	}
}
