package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxStreamBytes is the size limit of a streamed response: 200 MB.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html (2026-11)
const maxStreamBytes = 200 * 1024 * 1024

// Trailers with which a runtime marks a response as incomplete.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming (2026-11)
const (
	trailerErrorType = "Lambda-Runtime-Function-Error-Type"
	trailerErrorBody = "Lambda-Runtime-Function-Error-Body"
)

// exitGrace is how long to wait for the end of a process after the end of its connection.
const exitGrace = time.Second

// Stream is the response of an invocation, which the caller reads while the function
// writes it, as with AWS's InvokeWithResponseStream. A Read fails with a [*FunctionError]
// if the function fails after the response has begun.
//
// As in AWS the caller decides that a response is streamed, not the header
// Lambda-Runtime-Function-Response-Mode, which aws-lambda-go does not send. A function
// that has lost its reader is not interrupted. It differs from AWS in that the bandwidth
// is unlimited, and that a slow reader slows the function down at once.
type Stream struct {
	// ContentType is the type of the response that the runtime sent.
	ContentType string

	begun  chan struct{} // closed when the response begins
	reader *io.PipeReader
	writer *io.PipeWriter
}

func newStream() *Stream {
	s := &Stream{begun: make(chan struct{})}
	s.reader, s.writer = io.Pipe()
	return s
}

// Read implements [io.Reader].
func (s *Stream) Read(p []byte) (int, error) { return s.reader.Read(p) }

// Close lets the function continue without a reader.
func (s *Stream) Close() error { return s.reader.Close() }

// follow runs an invocation, and returns when its response begins or it fails before
// that. If ctx ends first, follow returns its cause.
func (s *Stream) follow(ctx context.Context, run func() error) error {
	done := make(chan error, 1)
	go func() {
		err := run()
		s.writer.CloseWithError(err) //nolint:errcheck // it never fails
		done <- err
	}()
	var err error
	select {
	case <-s.begun:
	case err = <-done:
		select {
		case <-s.begun:
			err = nil
		default:
		}
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // also where the response began at the same moment
		s.Close() //nolint:errcheck // it never fails
		return context.Cause(ctx)
	}
	return err
}

// InvokeStream is [Instance.Invoke], but returns when the response begins. The instance
// takes its next event when the response has ended.
func (i *Instance) InvokeStream(ctx context.Context, payload []byte) (*Stream, error) {
	s := newStream()
	turn, giveUp := context.WithCancelCause(context.Background())
	defer context.AfterFunc(ctx, func() { giveUp(context.Cause(ctx)) })()
	err := s.follow(ctx, func() error {
		_, err := i.Do(turn, Invocation{Payload: payload, stream: s})
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// InvokeStream is [Function.Invoke], but returns when the response begins.
func (f *Function) InvokeStream(ctx context.Context, qualifier string, event Invocation) (*Stream, error) {
	if event.ARN == "" {
		event.ARN = f.ARN(qualifier)
	}
	if event.RequestID == "" {
		event.RequestID = NewRequestID()
	}
	watch := f.arrived(&event)
	for {
		env, onDemand, err := f.acquire(qualifier)
		if err != nil {
			watch.Ended(nil, err)
			return nil, err
		}
		watch.Acquired(env.id, env.use(onDemand))
		s := newStream()
		event.stream = s
		err = s.follow(ctx, func() error {
			defer f.tasks.Done()
			_, err := f.run(env, onDemand, event, watch)
			return err
		})
		switch {
		case err == nil:
			return s, nil
		case !errors.Is(err, ErrStopped) || f.ctx.Err() != nil:
			return nil, err
		}
		// The instance ended while it was idle, and has not seen the event.
	}
}

// receive passes a response on while the runtime sends it.
func (a *runtimeAPI) receive(w http.ResponseWriter, r *http.Request, inv *invocation) {
	s := inv.stream
	s.ContentType = r.Header.Get("Content-Type")
	close(s.begun)
	defer close(inv.done)
	buffer := make([]byte, 32*1024)
	for left := a.maxStream; ; {
		n, err := r.Body.Read(buffer)
		fits := min(int64(n), left)
		left -= fits
		if fits > 0 {
			s.writer.Write(buffer[:fits]) //nolint:errcheck // the function goes on without a reader
		}
		if fits < int64(n) {
			message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", a.maxStream)
			inv.failure = newFunctionError("Function.ResponseSizeTooLarge", message)
			writeStatus(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", message)
			return
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			inv.failure, inv.cutOff = newFunctionError("Runtime.TruncatedResponse", "the runtime did not send the whole response"), true
			return
		}
	}
	inv.failure = failureIn(r.Trailer)
	w.WriteHeader(http.StatusAccepted)
}

// failureIn reads the error in a response's trailers; nil means that the response is
// whole.
func failureIn(trailer http.Header) *FunctionError {
	kind := trailer.Get(trailerErrorType)
	if kind == "" {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(trailer.Get(trailerErrorBody))
	var e struct {
		Message string `json:"errorMessage"`
	}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil {
		return newFunctionError(kind, "")
	}
	return &FunctionError{Type: kind, Message: e.Message, Payload: body}
}

// whyCutOff finds out why a response was cut off. Usually the process has ended, and the
// instance notices that a little later.
func (i *Instance) whyCutOff(inv *invocation, timeout <-chan time.Time) error {
	grace := time.NewTimer(exitGrace)
	defer grace.Stop()
	select {
	case <-i.exited:
		return i.exitError("RequestId: " + inv.id + " Error: ")
	case <-timeout:
		return i.timedOut(inv)
	case <-grace.C:
		i.Stop()
		return inv.failure
	}
}
