package test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBootstrapWithSeveralInvocationsAtOnce runs the program as Lambda does where one
// execution environment takes several invocations: the Runtime API here hands out an
// event to whoever asks, and does so only when four ask at the same time.
func TestBootstrapWithSeveralInvocationsAtOnce(t *testing.T) {
	t.Parallel()
	const atOnce, total = 4, 80
	log := &output{}
	var mu sync.Mutex
	answers := map[string]string{}
	waiting, handed := 0, 0
	together := sync.NewCond(&mu)
	done := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		waiting++
		together.Broadcast()
		for handed == 0 && waiting < atOnce { // at first, all must be there
			together.Wait()
		}
		n := handed
		handed++
		waiting--
		together.Broadcast()
		mu.Unlock()
		if n >= total {
			<-r.Context().Done()
			return
		}
		var event []byte
		switch n % 4 {
		case 0:
			event = http2("GET", "/panic")
		case 1:
			event = sqsEvent("ledger.fifo", fmt.Sprintf("g%d ok", n), fmt.Sprintf("g%d fail", n), fmt.Sprintf("h%d ok", n))
		default:
			event = http2("GET", fmt.Sprintf("/request/%d", n))
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", strconv.Itoa(n))
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		w.Write(event)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{outcome}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
		mu.Lock()
		defer mu.Unlock()
		if _, twice := answers[r.PathValue("id")]; twice || r.PathValue("outcome") != "response" {
			t.Errorf("invocation %s, %s: %s", r.PathValue("id"), r.PathValue("outcome"), body)
		}
		if answers[r.PathValue("id")] = string(body); len(answers) == total {
			close(done)
		}
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, everythingProgram(t))
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(srv.URL, "http://"), fmt.Sprintf("AWS_LAMBDA_MAX_CONCURRENCY=%d", atOnce), "HEARTH_PARTIAL_RESPONSES=ledger"}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		mu.Lock()
		defer mu.Unlock()
		handed += total // lets go of what still waits
		together.Broadcast()
		t.Fatalf("%d of %d invocations were answered, %d handed out\n%s", len(answers), total, handed, log)
	}
	for n := range total {
		got := answers[strconv.Itoa(n)]
		var want string
		switch n % 4 {
		case 0:
			want = `{"statusCode":500`
		case 1:
			want = `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`
		default:
			want = fmt.Sprintf("GET /request/%d?", n)
		}
		if !strings.Contains(got, want) {
			t.Errorf("invocation %d: got %s, want %s", n, got, want)
		}
	}
}
