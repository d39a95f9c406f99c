package lambdaruntime

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/lambdahearth/hearth/internal/wire"
)

// responseStream reads the variable that says whether Function URLs stream.
func responseStream(value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, fmt.Errorf("lambdaruntime: %s must be true or false, got %q", wire.EnvResponseStream, value)
}

// startStream is the router as aws-lambda-go takes it where responses may stream: a
// [lambda.Handler] gives bytes, but a function may return a reader. aws-lambda-go
// then decodes the event and encodes the response, which the types here make as
// short as they can; a function without a streaming URL pays nothing.
func (r *router) startStream(ctx context.Context, event rawEvent) (io.Reader, error) {
	response, err := r.invokeStream(ctx, string(event))
	if err != nil {
		return nil, err
	}
	if s, ok := response.(streamReader); ok {
		return postedStream{s}, nil
	}
	return posted{response}, nil
}

// rawEvent is an event as it came.
type rawEvent string

// UnmarshalJSON implements [encoding/json.Unmarshaler].
func (e *rawEvent) UnmarshalJSON(data []byte) error {
	*e = rawEvent(data)
	return nil
}

// posted is a response that aws-lambda-go sends to the Runtime API as it is.
type posted struct{ io.ReadCloser }

var errNotJSON = errors.New("a response that is sent as it is")

// MarshalJSON implements [encoding/json.Marshaler]: aws-lambda-go reads only what
// has no JSON.
func (posted) MarshalJSON() ([]byte, error) { return nil, errNotJSON }

// postedStream is a response in the streaming form. aws-lambda-go sends the error of
// a Read as trailers, which is how Lambda learns that the response is not whole.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming (2026-11)
type postedStream struct{ streamReader }

// MarshalJSON implements [encoding/json.Marshaler].
func (postedStream) MarshalJSON() ([]byte, error) { return nil, errNotJSON }

// Read implements [io.Reader].
func (p postedStream) Read(b []byte) (int, error) {
	n, err := p.streamReader.Read(b)
	var failed *streamError
	if errors.As(err, &failed) {
		err = messages.InvokeResponse_Error{Type: failed.kind, Message: failed.Error()}
	}
	return n, err
}
