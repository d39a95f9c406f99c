package lambda

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/lambdaruntime"
)

// TestBesideEmulator sends the same events to programs in an instance and in AWS's own
// emulator, whose core is that of Lambda, and compares the answers. In an event, do and
// calls say what the program does; see TestMain and callsRuntimeAPI.
func TestBesideEmulator(t *testing.T) {
	t.Parallel()
	emulator, err := exec.LookPath("aws-lambda-rie")
	if err != nil {
		t.Skip("aws-lambda-rie is not installed: go install github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d")
	}
	const answer = `["POST","invocation/{id}/response","{}"]`
	for program, events := range map[string][]string{
		"echo":       {`{"a":1}`, `"ü"`, `{"do":"fail"}`, `{"do":"panic"}`, `{"a":2}`, `{"do":"exit"}`, `{"a":3}`, `{"do":"grow"}`, `{"a":4}`},
		"sleeps":     {`{"do":"sleep"}`, `{"a":1}`},
		"init error": {`{"a":1}`, `{"a":2}`},
		"hearth": {
			`{"httpMethod":"GET","path":"/a","headers":{}}`, `{"httpMethod":"GET","path":"/panic","headers":{}}`, `{"httpMethod":"GET","path":"/slow","headers":{}}`,
			stuckBatch, `{"httpMethod":"GET","path":"/a","headers":{}}`, `{"unknown":1}`, `{"httpMethod":"GET","path":"/exit","headers":{}}`, `{"httpMethod":"GET","path":"/a","headers":{}}`,
		},
		"calls": {
			`{"calls":[["POST","invocation/{id}/response","{\"a\":1}"]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/response",""]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/response","no JSON"]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/error","no JSON"]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/error","[1]"]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/error",""]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/error","{\"errorMessage\":\"no\",\"errorType\":\"Own\",\"more\":1}"]]}`, `{"report":true}`,
			`{"calls":[["GET","invocation/next",""],` + answer + `]}`, `{"report":true}`,
			`{"calls":[` + answer + `,` + answer + `]}`, `{"report":true}`,
			`{"calls":[` + answer + `,["POST","invocation/{id}/error","{}"]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/other/response","{}"],` + answer + `]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/other/error","{}"],` + answer + `]}`, `{"report":true}`,
			`{"calls":[["POST","init/error","{}"],` + answer + `]}`, `{"report":true}`,
			`{"calls":[["GET","nowhere",""],["POST","invocation/next",""],["GET","invocation/{id}/response",""],` + answer + `]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/response","8 MB"]]}`, `{"report":true}`,
			`{"calls":[["POST","invocation/{id}/response streaming","{\"a\":1}"]]}`, `{"report":true}`,
		},
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			timeout := within.Limit // for a busy machine
			if program == "sleeps" {
				timeout = 3 * time.Second
			}
			theirs := startEmulator(t, emulator, program, timeout)
			ours := startFunction(t, program, timeout)
			for _, event := range events {
				got, want := ours(event), theirs(event)
				if got != want {
					t.Errorf("%s:\ngot  %s\nwant %s", event, got, want)
				}
			}
		})
	}
}

// stuckBatch has two messages of a FIFO queue, of which the first never returns. So the
// process ends between its answer and the next event.
const stuckBatch = `{"Records":[
{"messageId":"1","body":"\"stuck\"","attributes":{"MessageGroupId":"a","ApproximateReceiveCount":"1","SentTimestamp":"1"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:ledger.fifo"},
{"messageId":"2","body":"\"done\"","attributes":{"MessageGroupId":"b","ApproximateReceiveCount":"1","SentTimestamp":"1"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:ledger.fifo"}]}`

// stuckApp is a program on Hearth's own runtime.
func stuckApp() *lambdaruntime.App {
	os.Setenv("HEARTH_PARTIAL_RESPONSES", "ledger")
	mux := http.NewServeMux()
	mux.HandleFunc("/a", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a") })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("oh") })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(6) })
	return &lambdaruntime.App{
		HTTP: mux, RequestTimeout: time.Second,
		Queues: []lambdaruntime.Consumer{
			lambdaruntime.Queue[string]{Name: "ledger", FIFO: true, Timeout: time.Second}.Consume(func(_ context.Context, job *lambdaruntime.Job[string]) error {
				if job.Payload == "\"stuck\"" {
					select {}
				}
				return nil
			}),
		},
	}
}

// startFunction runs a program in instances of a function.
func startFunction(t *testing.T, program string, timeout time.Duration) func(event string) string {
	t.Helper()
	opts := with(t, program, Options{})
	f := NewFunction(&Host{}, Config{Name: "test_function", Program: opts.Program, Env: opts.Env, Timeout: timeout})
	t.Cleanup(f.Stop)
	return func(event string) string {
		out, err := f.Invoke(within.Context(t), "", Invocation{Payload: []byte(event)})
		var failure *FunctionError
		switch {
		case errors.As(err, &failure):
			out = failure.Payload
		case err != nil:
			t.Fatal(err)
		}
		return comparable(out)
	}
}

// startEmulator runs a program in the emulator.
func startEmulator(t *testing.T, emulator, program string, timeout time.Duration) func(event string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The emulator wants addresses that are free. On 127.0.0.1, a connection of somebody
	// else may take the port before the emulator listens.
	address := func() string {
		l, err := net.Listen("tcp", "127.77.0.1:0")
		if err != nil { // not on Linux
			l, err = net.Listen("tcp", "127.0.0.1:0")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	front := address()
	cmd := exec.Command(emulator, "--runtime-interface-emulator-address", front, "--runtime-api-address", address(), self)
	cmd.Env = []string{"TEST_PROGRAM=" + program, fmt.Sprint("AWS_LAMBDA_FUNCTION_TIMEOUT=", timeout.Seconds()), "PATH=" + os.Getenv("PATH")}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it ends its program with itself
		cmd.Wait()                       //nolint:errcheck // its status says nothing
		if t.Failed() {
			t.Logf("%s", log.Bytes())
		}
	})
	return func(event string) string {
		url := "http://" + front + "/2015-03-31/functions/function/invocations"
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			resp, err := within.Client.Post(url, "application/json", strings.NewReader(event))
			if err != nil && time.Now().Before(deadline) {
				continue // it does not listen yet
			}
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return comparable(body)
		}
	}
}

var ids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// comparable returns an answer without what differs each time. Of a time-out the emulator
// tells the last words only; Lambda tells the type too.
func comparable(answer []byte) string {
	var v any
	if json.Unmarshal(answer, &v) == nil {
		if m, ok := v.(map[string]any); ok {
			delete(m, "stackTrace")
			if message, _ := m["errorMessage"].(string); m["errorType"] == "Sandbox.Timedout" {
				return message[strings.Index(message, "Task"):]
			}
		}
		answer, _ = json.Marshal(v)
	}
	return ids.ReplaceAllString(string(answer), "{id}")
}

// callsRuntimeAPI is a runtime that makes the calls of each event, and tells their results
// when an event asks for a report.
func callsRuntimeAPI() {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"
	call := func(method, path, body string) (*http.Response, []byte) {
		path, mode, _ := strings.Cut(path, " ")
		switch body {
		case "8 MB":
			body = strings.Repeat("a", 8<<20)
		case "late":
			time.Sleep(3 * time.Second) // longer than the timeout
		}
		req, err := http.NewRequest(method, base+path, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		if mode != "" {
			req.Header.Set("Lambda-Runtime-Function-Response-Mode", mode)
		}
		resp, err := within.Client.Do(req)
		if err != nil {
			return &http.Response{Status: err.Error(), Header: http.Header{}}, nil
		}
		defer resp.Body.Close()
		data, _ := io.ReadAll(resp.Body)
		return resp, data
	}
	var report []string
	for {
		resp, data := call("GET", "invocation/next", "")
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		var event struct {
			Calls  [][3]string
			Report bool
		}
		if err := json.Unmarshal(data, &event); err != nil {
			panic(fmt.Sprintf("%s: %s: %v", resp.Status, data, err))
		}
		if event.Report {
			answer, _ := json.Marshal(report)
			call("POST", "invocation/"+id+"/response", string(answer))
			continue
		}
		report = nil
		for _, c := range event.Calls {
			resp, data := call(c[0], strings.ReplaceAll(c[1], "{id}", id), c[2])
			var failure struct{ ErrorType string }
			json.Unmarshal(data, &failure) //nolint:errcheck // it need not be an error
			report = append(report, cmp.Or(strings.TrimSpace(resp.Status+" "+failure.ErrorType), "none"))
		}
	}
}

// failInit is a program that reports an error of its init phase.
func failInit() {
	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
	resp, err := within.Client.Post(url, "application/json", strings.NewReader(`{"errorMessage":"no","errorType":"Own"}`))
	if err == nil {
		resp.Body.Close()
	}
	os.Exit(1)
}
