package test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// TestBootstrapStreams sends events to the built program as a function with a
// streaming Function URL runs it.
func TestBootstrapStreams(t *testing.T) {
	t.Parallel()
	program := everythingProgram(t)
	start := func(stream string) (*local.Instance, error) {
		return local.StartInstance(t.Context(), local.InstanceOptions{Program: program, Env: map[string]string{
			"HEARTH_RESPONSE_STREAM": stream, "HEARTH_QUEUES": "jobs=https://sqs.eu-central-1.amazonaws.com/123456789012/captures",
		}})
	}
	streams, err := start("true")
	if err != nil {
		t.Fatal(err)
	}
	defer streams.Stop()
	whole, err := start("false")
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Stop()

	url := lambdaEvent(t, "function-url-get")
	at := func(pathAndQuery string) []byte {
		path, query, _ := bytes.Cut([]byte(pathAndQuery), []byte("?"))
		e := bytes.Replace(url, []byte(`"rawPath": "/"`), []byte(`"rawPath": "`+string(path)+`"`), 1)
		return bytes.Replace(e, []byte(`"rawQueryString": ""`), []byte(`"rawQueryString": "`+string(query)+`"`), 1)
	}
	const prelude = `{"statusCode":200,"headers":{"Content-Type":"text/plain; charset=utf-8"}}` + "\x00\x00\x00\x00\x00\x00\x00\x00"
	for _, c := range []struct {
		event []byte
		want  string
		fails string
	}{
		{at("/stream"), prelude + "first last", ""},
		{at("/stream?panic"), prelude + "first ", "Hearth.RequestPanicked"},
		{at("/slow"), `{"statusCode":504,"headers":{"Content-Type":"application/json"}}` + "\x00\x00\x00\x00\x00\x00\x00\x00" + `{"message":"request: timed out after 300ms"}`, ""},
		{at("/stream"), prelude + "first last", ""},
	} {
		s, err := streams.InvokeStream(t.Context(), c.event)
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(s)
		var failure *local.FunctionError
		if string(out) != c.want || (c.fails == "") != (err == nil) || c.fails != "" && (!errors.As(err, &failure) || failure.Type != c.fails) {
			t.Errorf("got %q, %v", out, err)
		}
		if s.ContentType != "application/vnd.awslambda.http-integration-response" {
			t.Errorf("Content-Type %s", s.ContentType)
		}
	}

	// Everything else is as it is on other functions.
	for _, name := range []string{"http-v2-get", "http-v2-post-binary", "http-v1-rest", "alb-get", "websocket-connect", "websocket-message", "sqs-standard", "schedule-scheduler", "sns-notification", "kinesis-record"} {
		want, wantErr := whole.Invoke(t.Context(), lambdaEvent(t, name))
		got, err := streams.Invoke(t.Context(), lambdaEvent(t, name))
		if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("%s: got %s, %v; want %s, %v", name, got, err, want, wantErr)
		}
	}

	_, err = start("yes")
	var failure *local.FunctionError
	if !errors.As(err, &failure) || failure.Type != "Hearth.InvalidApp" || failure.Message != `lambdaruntime: HEARTH_RESPONSE_STREAM must be true or false, got "yes"` {
		t.Errorf("got %v", err)
	}
}
