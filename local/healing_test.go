package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
	"github.com/lambdahearth/hearth/local"

	"github.com/lambdahearth/hearth/internal/within"
)

// envHealing makes the test binary a Hearth program whose code does not always return.
// It writes each job that it does to that file.
const envHealing = "TEST_HEALING"

// envUnderLambdaGo has that program run by aws-lambda-go's loop.
const envUnderLambdaGo = "TEST_UNDER_LAMBDA_GO"

func init() {
	path := os.Getenv(envHealing)
	switch {
	case path == "":
	case os.Getenv(envUnderLambdaGo) != "":
		h, err := lambdaruntime.NewHandler(stubbornApp(path))
		if err != nil {
			panic(err)
		}
		runtime.Start(h)
	default:
		lambdaruntime.Start(stubbornApp(path))
	}
}

func stubbornApp(path string) *lambdaruntime.App {
	do := func(ctx context.Context, job *lambdaruntime.Job[string]) error {
		switch {
		case job.Payload == "stuck":
			select {}
		case job.Payload == "later" && job.ReceiveCount == 1:
			return lambdaruntime.RetryAfter(errors.New("not yet"), 5*time.Second)
		case job.Payload == "old": // computes on for long after its time is over, and writes
			for end := time.Now().Add(3 * time.Second); time.Now().Before(end); {
			}
		}
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = fmt.Fprintln(file, job.Payload)
		return err
	}
	var lock sync.Mutex
	mux := http.NewServeMux()
	mux.HandleFunc("/keep", func(http.ResponseWriter, *http.Request) {
		lock.Lock() // and never unlocks
		panic("with the lock")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		fmt.Fprint(w, os.Getpid())
	})
	return &lambdaruntime.App{
		HTTP: mux, RequestTimeout: 100 * time.Millisecond, Visibility: producer.Visibility,
		Shutdown: func(ctx context.Context) {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) > 0 {
				_ = os.WriteFile(path+".shutdown", []byte("flushed"), 0o644)
			}
		},
		Queues: []lambdaruntime.Consumer{
			lambdaruntime.Queue[string]{Name: "ledger", FIFO: true, Timeout: 200 * time.Millisecond}.Consume(do),
			lambdaruntime.Queue[string]{Name: "jobs", Concurrency: 2, Timeout: 200 * time.Millisecond}.Consume(do),
			lambdaruntime.Queue[string]{Name: "patient"}.Consume(do),
		},
	}
}

// stubbornTemplate has two queues with dead-letter queues and a function URL in front
// of two instances.
func stubbornTemplate(batch int) map[string]any {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	att := func(id, name string) any { return map[string]any{"Fn::GetAtt": []any{id, name}} }
	resources := map[string]any{
		"Worker": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 6, "ReservedConcurrentExecutions": 2,
			"Code": map[string]any{"S3Bucket": "b", "S3Key": "k"},
			"Environment": map[string]any{"Variables": map[string]any{
				"HEARTH_QUEUES":            map[string]any{"Fn::Join": []any{"", []any{"ledger=", ref("Ledger"), ",jobs=", ref("Jobs"), ",patient=", ref("Patient")}}},
				"HEARTH_PARTIAL_RESPONSES": "ledger,jobs,patient",
			}},
		}},
		"Url": map[string]any{"Type": "AWS::Lambda::Url", "Properties": map[string]any{"AuthType": "NONE", "TargetFunctionArn": att("Worker", "Arn")}},
	}
	for id, receives := range map[string]int{"Ledger": 5, "Jobs": 5, "Patient": 10} {
		fifo := id == "Ledger"
		dead, queue := map[string]any{}, map[string]any{
			"VisibilityTimeout": 40, "RedrivePolicy": map[string]any{"deadLetterTargetArn": att(id+"Dead", "Arn"), "maxReceiveCount": receives},
		}
		if fifo {
			dead["FifoQueue"], queue["FifoQueue"] = true, true
		}
		resources[id+"Dead"] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": dead}
		resources[id] = map[string]any{"Type": "AWS::SQS::Queue", "Properties": queue}
		resources[id+"Mapping"] = map[string]any{"Type": "AWS::Lambda::EventSourceMapping", "Properties": map[string]any{
			"EventSourceArn": att(id, "Arn"), "FunctionName": ref("Worker"), "FunctionResponseTypes": []any{"ReportBatchItemFailures"}, "BatchSize": batch,
		}}
	}
	return map[string]any{"Resources": resources}
}

type stubborn struct {
	*local.Engine
	clock *local.ManualClock
	done  string // the file of jobs that were done
	log   *lockedLog
}

// lockedLog collects the programs' output.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func startStubborn(t *testing.T, batch int, env ...string) *stubborn {
	t.Helper()
	variables := map[string]string{}
	for _, name := range env {
		variables[name] = "1"
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &stubborn{clock: local.NewManualClock(startOfTests), done: filepath.Join(t.TempDir(), "done"), log: &lockedLog{}}
	variables[envHealing] = s.done
	s.Engine, err = local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Stubborn", stubbornTemplate(batch)), Clock: s.clock, Output: s.log,
		Programs: map[string]string{"Worker": self}, Env: variables,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop() })
	return s
}

// settle lets the clock run until the named queue is empty, and returns the jobs that
// were done, in their order, and how many messages lie in its dead-letter queue.
func (s *stubborn) settle(t *testing.T, queue string) (done []string, dead int) {
	t.Helper()
	for deadline, quiet := time.Now().Add(time.Minute), 0; ; time.Sleep(3 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("messages are left: %+v\n%s", s.State().Queues, s.log)
		}
		state, left, busy := s.State(), 0, false
		for _, q := range state.Queues {
			switch q.LogicalID {
			case queue + "Dead":
				dead = q.Counters.Visible
			case queue:
				left = q.Counters.Visible + q.Counters.InFlight + q.Counters.Delayed
			}
		}
		for _, i := range state.Functions[0].Instances {
			busy = busy || i.State != "idle"
		}
		switch {
		case busy:
			quiet = 0
		case quiet < 5:
			quiet++
		case left == 0:
			data, err := os.ReadFile(s.done)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			return strings.Fields(string(data)), dead
		default:
			s.clock.Advance(10 * time.Second)
			quiet = 0
		}
	}
}

// TestStuckJobsCostNoOthers sends one message whose job never returns and fifteen
// healthy ones to two instances: all fifteen are done, and only the stuck one ends in
// the dead-letter queue.
func TestStuckJobsCostNoOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		queue        string
		stuck, batch int
	}{{"Ledger", 1, 1}, {"Ledger", 1, 10}, {"Jobs", 2, 1}, {"Jobs", 2, 10}} {
		t.Run(fmt.Sprintf("%s, batches of %d", c.queue, c.batch), func(t *testing.T) {
			t.Parallel()
			s := startStubborn(t, c.batch)
			var want []string
			for n := range 15 {
				if n < c.stuck {
					if err := s.Send(c.queue, "stuck", fmt.Sprint("stuck", n)); err != nil {
						t.Fatal(err)
					}
				}
				body := fmt.Sprintf("healthy-%02d", n)
				want = append(want, body)
				if err := s.Send(c.queue, body, fmt.Sprint("group", n)); err != nil {
					t.Fatal(err)
				}
			}
			done, dead := s.settle(t, c.queue)
			if slices.Sort(done); !slices.Equal(slices.Compact(done), want) || dead != c.stuck {
				t.Errorf("done: %v, %d in the dead-letter queue\n%s", done, dead, s.log)
			}
			if !strings.Contains(s.log.String(), "was abandoned and still runs") {
				t.Errorf("the log does not say what was abandoned:\n%s", s.log)
			}
		})
	}
}

// TestNewHandlerUnderLambdaGo has the same on aws-lambda-go's loop, where the process can
// only end with the next event, which then comes again: the five deliveries of a stuck
// message cost healthy ones at most five of theirs.
func TestNewHandlerUnderLambdaGo(t *testing.T) {
	t.Parallel()
	s := startStubborn(t, 1, envUnderLambdaGo)
	if err := s.Send("Ledger", "stuck", "g"); err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range 15 {
		want = append(want, fmt.Sprintf("healthy-%02d", n))
		if err := s.Send("Patient", want[n], ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, dead := s.settle(t, "Ledger"); dead != 1 {
		t.Errorf("%d in the dead-letter queue\n%s", dead, s.log)
	}
	done, dead := s.settle(t, "Patient")
	if slices.Sort(done); !slices.Equal(slices.Compact(done), want) || dead != 0 {
		t.Errorf("done: %v, %d in the dead-letter queue\n%s", done, dead, s.log)
	}
}

// TestAbandonedJobsDoNotWrite has a job that computes past its time and then writes: its
// process has ended by then, so that nothing comes after its successor.
func TestAbandonedJobsDoNotWrite(t *testing.T) {
	t.Parallel()
	s := startStubborn(t, 1)
	for _, body := range []string{"old", "new"} {
		if err := s.Send("Ledger", body, "balance"); err != nil {
			t.Fatal(err)
		}
	}
	if done, dead := s.settle(t, "Ledger"); !slices.Equal(done, []string{"new"}) || dead != 1 {
		t.Errorf("done: %v, %d in the dead-letter queue\n%s", done, dead, s.log)
	}
}

// TestKeptLocksHeal has a request that panics with a lock: of the requests after it,
// which wait for the lock, a bounded number fails.
func TestKeptLocksHeal(t *testing.T) {
	t.Parallel()
	s := startStubborn(t, 10)
	url := s.State().HTTPAPIs[0].URL
	if url == "" {
		t.Fatalf("no function URL: %+v", s.State())
	}
	get := func(path string) int {
		client := http.Client{Timeout: 20 * time.Second}
		resp, err := client.Get(strings.TrimSuffix(url, "/") + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := get("/keep"); got != 500 {
		t.Fatalf("got %d", got)
	}
	failed := 0
	for get("/") != 200 {
		if failed++; failed > 5 {
			t.Fatalf("%d requests failed\n%s", failed, s.log)
		}
	}
	if failed != 5 {
		t.Errorf("%d requests failed, want the five that the lock abandons", failed)
	}
}

// TestRetryAfter has a job that wants to come again in five seconds, on a queue whose
// visibility timeout is forty.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := startStubborn(t, 1)
	if err := s.Send("Jobs", "later", ""); err != nil {
		t.Fatal(err)
	}
	wait := func(what string, until func(q local.SQSCounters) bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			for _, q := range s.State().Queues {
				if q.LogicalID == "Jobs" && until(q.Counters) {
					return
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %+v\n%s", what, s.State().Queues, s.log)
			}
		}
	}
	for { // until the job has failed, and its answer has been taken
		if strings.Contains(s.log.String(), `"JobsFailed":1`) && s.State().Functions[0].Instances[0].State == "idle" {
			break
		}
		wait("not tried", func(q local.SQSCounters) bool { return q.InFlight+q.Visible > 0 })
		time.Sleep(5 * time.Millisecond)
	}
	s.clock.Advance(4 * time.Second)
	wait("visible too early", func(q local.SQSCounters) bool { return q.InFlight == 1 && q.Visible == 0 })
	s.clock.Advance(2 * time.Second)
	wait("not done", func(q local.SQSCounters) bool { return q.Deleted == 1 })
	if data, err := os.ReadFile(s.done); string(data) != "later\n" || strings.Contains(s.log.String(), "comes again after the visibility timeout") {
		t.Errorf("done: %q, %v\n%s", data, err, s.log)
	}
}

// TestShutdown ends an instance that has nothing to do: its program is told before.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := startStubborn(t, 10)
	if resp, err := within.Client.Get(s.State().HTTPAPIs[0].URL); err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v", resp, err)
	}
	s.Stop()
	if data, err := os.ReadFile(s.done + ".shutdown"); string(data) != "flushed" {
		t.Errorf("got %q, %v\n%s", data, err, s.log)
	}
}

// TestInitDuration counts from the start of the process, which takes longer than the few
// lines from main to Start.
func TestInitDuration(t *testing.T) {
	t.Parallel()
	s := startStubborn(t, 10)
	began := time.Now()
	if resp, err := within.Client.Get(s.State().HTTPAPIs[0].URL); err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v", resp, err)
	}
	took := time.Since(began)
	var metric struct{ InitDuration *float64 }
	// What the program prints may come later than its answer.
	eventually(t, "there is a metric", func() bool {
		for line := range strings.Lines(s.log.String()) {
			if json.Unmarshal([]byte(line), &metric) == nil && metric.InitDuration != nil {
				return true
			}
		}
		return false
	})
	if ms := *metric.InitDuration; ms < 1 || ms > took.Seconds()*1000 {
		t.Errorf("init took %.3f ms, of %s in all", ms, took)
	}
}
