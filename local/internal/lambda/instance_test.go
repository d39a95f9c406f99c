package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	runtime "github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/lambdaruntime"
)

// TestMain makes the test binary a handler program when an instance starts it.
func TestMain(m *testing.M) {
	switch os.Getenv("TEST_PROGRAM") {
	case "":
		os.Exit(m.Run())
	case "exits":
		os.Exit(3)
	case "exits well":
		os.Exit(0)
	case "leaves":
		time.AfterFunc(20*time.Millisecond, func() { os.Exit(1) })
	case "leaves well":
		time.AfterFunc(20*time.Millisecond, func() { os.Exit(0) })
	case "init error":
		failInit()
	case "hearth":
		lambdaruntime.Start(stuckApp())
	case "calls":
		callsRuntimeAPI()
	case "hangs":
		time.Sleep(time.Hour)
	case "is slow":
		time.Sleep(time.Second)
	}
	runtime.Start(func(ctx context.Context, event map[string]any) (any, error) {
		switch event["do"] {
		case "fail":
			return nil, errors.New("no luck")
		case "panic":
			panic("oh")
		case "exit":
			os.Exit(4)
		case "last words":
			os.Stdout.WriteString("last words")
			os.Exit(5)
		case "exit later": // than the answer, on a busy machine too
			time.AfterFunc(500*time.Millisecond, func() { os.Exit(1) })
		case "sleep":
			time.Sleep(time.Hour)
		case "nap":
			time.Sleep(50 * time.Millisecond)
		case "grow":
			return strings.Repeat("a", maxPayloadBytes), nil
		case "env":
			return os.Environ(), nil
		case "start a session":
			child := exec.Command("setsid", "sleep", "1000")
			err := child.Start()
			return child.Process.Pid, err
		case "deadline":
			deadline, _ := ctx.Deadline()
			return time.Until(deadline).Seconds(), nil
		case "stream":
			parts, _ := event["parts"].([]any)
			return &events.LambdaFunctionURLStreamingResponse{Headers: map[string]string{"a": "b"}, Body: &partsReader{parts: parts}}, nil
		}
		return event, nil
	})
}

func start(t *testing.T, opts Options) *Instance {
	t.Helper()
	i, err := Start(t.Context(), with(t, "echo", opts))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Stop)
	return i
}

func with(t *testing.T, program string, opts Options) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	opts.Program = self
	if opts.Env == nil {
		opts.Env = map[string]string{}
	}
	opts.Env["TEST_PROGRAM"] = program
	return opts
}

func wantFunctionError(t *testing.T, err error, kind, message string) {
	t.Helper()
	var f *FunctionError
	if !errors.As(err, &f) || f.Type != kind || !strings.Contains(f.Message, message) {
		t.Errorf("got %v, want %s: %s", err, kind, message)
		return
	}
	var payload map[string]any
	if err := json.Unmarshal(f.Payload, &payload); err != nil || payload["errorType"] != kind || payload["errorMessage"] != f.Message {
		t.Errorf("payload %s, %v", f.Payload, err)
	}
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	i := start(t, Options{})
	for range 3 {
		out, err := i.Invoke(t.Context(), []byte(`{"a":1}`))
		if err != nil || string(out) != `{"a":1}` {
			t.Errorf("got %s, %v", out, err)
		}
	}
	_, err := i.Invoke(t.Context(), []byte(`{"do":"fail"}`))
	wantFunctionError(t, err, "errorString", "no luck")
	_, err = i.Invoke(t.Context(), []byte(`{"do":"grow"}`))
	wantFunctionError(t, err, "Function.ResponseSizeTooLarge", "6291556 bytes")
	if _, err = i.Invoke(t.Context(), make([]byte, maxPayloadBytes+1)); err == nil || err.Error() != "invoke: payload must be at most 6291556 bytes, got 6291557" {
		t.Errorf("got %v", err)
	}
}

func TestInvokeOneAtATime(t *testing.T) {
	t.Parallel()
	i := start(t, Options{})
	results := make(chan error)
	for n := range 8 {
		go func() {
			want := fmt.Sprintf(`{"do":"nap","n":%d}`, n)
			out, err := i.Invoke(t.Context(), []byte(want))
			if err == nil && string(out) != want {
				err = fmt.Errorf("got %s, want %s", out, want)
			}
			results <- err
		}()
	}
	for range 8 {
		if err := within.Receive(t, results); err != nil {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 0, errors.New("impatient"))
	defer cancel()
	if _, err := i.Invoke(ctx, []byte(`{"do":"nap"}`)); err == nil || err.Error() != "impatient" {
		t.Errorf("got %v", err)
	}
}

func TestInvokeThatEndsTheProcess(t *testing.T) {
	t.Parallel()
	for do, want := range map[string][2]string{
		"panic": {"string", "oh"},
		"exit":  {"Runtime.ExitError", "Runtime exited with error: exit status 4"},
		"sleep": {"Sandbox.Timedout", "Task timed out after 0.20 seconds"},
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			opts := Options{}
			if do == "sleep" {
				opts.Timeout = 200 * time.Millisecond
			}
			i := start(t, opts)
			_, err := i.Invoke(t.Context(), []byte(`{"do":"`+do+`"}`))
			wantFunctionError(t, err, want[0], want[1])
			within.Receive(t, i.Exited())
			if _, err := i.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, ErrStopped) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestInitFailures(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), with(t, "exits", Options{}))
	wantFunctionError(t, err, "Runtime.ExitError", "Runtime exited with error: exit status 3")
	_, err = Start(t.Context(), with(t, "exits well", Options{}))
	wantFunctionError(t, err, "Runtime.ExitError", "Runtime exited without providing a reason")
	_, err = Start(t.Context(), with(t, "hangs", Options{InitTimeout: 200 * time.Millisecond}))
	wantFunctionError(t, err, "Sandbox.Timedout", "the init phase timed out after 0.20 seconds")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("impatient"))
	if _, err = Start(ctx, with(t, "hangs", Options{})); err == nil || err.Error() != "impatient" {
		t.Errorf("got %v", err)
	}
	_, err = Start(t.Context(), Options{Program: "testdata/none"})
	wantFunctionError(t, err, "Runtime.InvalidEntrypoint", "fork/exec ")
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THIS_PROCESS", "1")
	i := start(t, Options{FunctionName: "fn", MemoryMB: 1024, Provisioned: true, Timeout: 30 * time.Second, Env: map[string]string{"A": "b", "AWS_REGION": "eu-central-1"}})
	out, err := i.Invoke(t.Context(), []byte(`{"do":"env"}`))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, kv := range list {
		k, v, _ := strings.Cut(kv, "=")
		env[k] = v
	}
	for k, want := range map[string]string{
		"A": "b", "AWS_REGION": "eu-central-1", "AWS_LAMBDA_FUNCTION_NAME": "fn", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency", "_HANDLER": "bootstrap", "SECRET_OF_THIS_PROCESS": "",
	} {
		if env[k] != want {
			t.Errorf("%s: got %q, want %q", k, env[k], want)
		}
	}
	if env["AWS_SESSION_TOKEN"] != "local" {
		t.Errorf("session token %q", env["AWS_SESSION_TOKEN"])
	}
	for _, variable := range environment(Options{Env: map[string]string{"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "s"}}, "", "") {
		if strings.HasPrefix(variable, "AWS_SESSION_TOKEN") {
			t.Errorf("the user's own key with %s", variable)
		}
	}
	out, err = i.Invoke(t.Context(), []byte(`{"do":"deadline"}`))
	var left float64
	if json.Unmarshal(out, &left); err != nil || left <= 0 || left > 30 {
		t.Errorf("deadline in %s s, %v", out, err)
	}
}

// TestNextWhileAnInvocationRuns: a runtime that asks again gets the same event again, and
// one that is still sending its response gets an error.
func TestNextWhileAnInvocationRuns(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(Options{FunctionName: "fn"})
	srv := httptest.NewServer(api.handler())
	defer srv.Close()
	invoked := make(chan *invocation, 1)
	go func() {
		inv := &invocation{id: "id-1", payload: []byte(`{"a":1}`), done: make(chan struct{})}
		api.next <- inv
		invoked <- inv
	}()
	next := func() string {
		t.Helper()
		resp, err := within.Client.Get(srv.URL + "/2018-06-01/runtime/invocation/next")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(resp.StatusCode, resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), string(body))
	}
	for range 2 {
		if got := next(); got != `200id-1{"a":1}` {
			t.Errorf("got %s", got)
		}
	}
	body, response := io.Pipe()
	answered := make(chan error, 1)
	go func() {
		resp, err := within.Client.Post(srv.URL+"/2018-06-01/runtime/invocation/id-1/response", "", body)
		if err == nil {
			resp.Body.Close()
		}
		answered <- err
	}()
	response.Write([]byte("1")) //nolint:errcheck // the client reads it
	await(t, func() bool {
		return next() == `403{"errorMessage":"State transition from InvocationResponse to Ready failed for runtime. Error: State transition is not allowed","errorType":"InvalidStateTransition"}`
	})
	response.Close()
	if err := within.Receive(t, answered); err != nil {
		t.Fatal(err)
	}
	within.Receive(t, within.Receive(t, invoked).done)
}

// TestRuntimeAPIIsForItsProcess: a web page can neither take the next event nor answer
// in the program's place.
func TestRuntimeAPIIsForItsProcess(t *testing.T) {
	t.Parallel()
	i := start(t, Options{})
	addr := ""
	for _, variable := range i.cmd.Env {
		if value, ok := strings.CutPrefix(variable, "AWS_LAMBDA_RUNTIME_API="); ok {
			addr = value
		}
	}
	for _, c := range []struct{ host, origin string }{{"evil.example", ""}, {"localhost", ""}, {addr, "http://evil.example"}, {addr, "http://" + addr}} {
		for _, path := range []string{"/2018-06-01/runtime/invocation/next", "/2018-06-01/runtime/init/error", "/2020-01-01/extension/register"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			resp, err := within.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 403 {
				t.Errorf("%+v %s: %s", c, path, resp.Status)
			}
		}
	}
	if out, err := i.Invoke(t.Context(), []byte(`{"a":1}`)); err != nil || string(out) != `{"a":1}` {
		t.Errorf("the program itself: %s, %v", out, err)
	}
}
