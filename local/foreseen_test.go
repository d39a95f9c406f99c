package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/plan"
)

// envSleeper makes the test binary a program that takes as long for an event as that says.
const envSleeper = "TEST_SLEEPER"

func init() {
	if os.Getenv(envSleeper) == "" {
		return
	}
	lambda.Start(func(event struct{ Milliseconds int }) (string, error) {
		time.Sleep(time.Duration(event.Milliseconds) * time.Millisecond)
		return "done", nil
	})
}

// The function of the traces: two instances are provisioned, three more may run, and a new
// one takes at least so long.
const (
	sleepersWarm     = 2
	sleepersReserved = 5
	sleepersInit     = 600 * time.Millisecond
)

func sleepersTemplate() map[string]any {
	resource := func(kind string, properties map[string]any) any {
		return map[string]any{"Type": kind, "Properties": properties}
	}
	ref := func(id string) any { return map[string]any{"Ref": id} }
	return map[string]any{"Resources": map[string]any{
		"Sleeper": resource("AWS::Lambda::Function", map[string]any{
			"Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 30, "ReservedConcurrentExecutions": sleepersReserved,
			"Code": map[string]any{"S3Bucket": "b", "S3Key": "k"},
		}),
		"Version": resource("AWS::Lambda::Version", map[string]any{"FunctionName": ref("Sleeper")}),
		"Live": resource("AWS::Lambda::Alias", map[string]any{
			"FunctionName": ref("Sleeper"), "FunctionVersion": map[string]any{"Fn::GetAtt": []any{"Version", "Version"}}, "Name": "live",
			"ProvisionedConcurrencyConfig": map[string]any{"ProvisionedConcurrentExecutions": sleepersWarm},
		}),
	}}
}

// counts are the counters that the planner and the engine have in common.
type counts struct{ Requests, Cold, Spilled, Throttled int }

// foresee returns the planner's forecast for a trace.
func foresee(t *testing.T, trace []plan.Request) counts {
	t.Helper()
	reserved := sleepersReserved
	r, err := plan.Run(plan.Scenario{
		Traffic: plan.Trace(trace), Init: plan.Constant(sleepersInit + 50*time.Millisecond), // and a process's own start
		Idle: plan.Band{Min: time.Minute}, Provisioned: plan.Provisioned{Min: sleepersWarm}, Reserved: &reserved,
	})
	if err != nil {
		t.Fatal(err)
	}
	number := func(share float64) int { return int(share*float64(r.Requests) + 0.5) }
	return counts{int(r.Requests), number(r.ColdShare), number(r.SpillShare), number(r.ThrottledShare)}
}

// tooLate is a delay of requests with which the counts say nothing.
const tooLate = 50 * time.Millisecond

// replay runs a trace through real processes. late is how long the machine kept one request
// of ten back, at least: in the beginning, or longer than its time with an idle instance.
func replay(t *testing.T, trace []plan.Request) (got counts, late time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e, err := local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Sleepers", sleepersTemplate()), ColdStart: sleepersInit,
		Programs: map[string]string{"Sleeper": self}, Env: map[string]string{envSleeper: "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	eventually(t, "the provisioned instances are there", func() bool {
		idle := 0
		for _, i := range e.State().Functions[0].Instances {
			if i.State == "idle" {
				idle++
			}
		}
		return idle == sleepersWarm
	})
	var wg sync.WaitGroup
	delays := make([]time.Duration, len(trace))
	began := time.Now()
	for i, r := range trace {
		time.Sleep(time.Until(began.Add(r.At)))
		wg.Go(func() {
			event, _ := json.Marshal(map[string]int64{"Milliseconds": r.Duration.Milliseconds()})
			delays[i] = time.Since(began.Add(r.At))
			invoked := time.Now()
			var throttled *local.ThrottleError
			switch _, err := e.Invoke(context.WithoutCancel(t.Context()), "Sleeper", event); {
			case errors.As(err, &throttled):
			case err != nil:
				t.Error(err)
			default:
				if over := time.Since(invoked) - r.Duration; over < sleepersInit { // it was not cold
					delays[i] += over
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(delays)
	c := e.State().Functions[0].Counters
	return counts{len(trace), c.ColdStarts, c.Spillover, c.Throttles}, delays[len(delays)*9/10]
}

// TestForeseen holds the planner against this engine: a trace in which nothing depends on
// less than 400 ms gives the same counts, request by request.
func TestForeseen(t *testing.T) {
	t.Parallel()
	at := func(ms, duration int) plan.Request {
		return plan.Request{At: time.Duration(ms) * time.Millisecond, Duration: time.Duration(duration) * time.Millisecond}
	}
	trace := []plan.Request{
		at(0, 3000), at(50, 3000), // take the provisioned instances
		at(100, 1500), at(150, 1500), at(200, 1500), // spill over, cold: until about 2,300
		at(700, 100), at(800, 100), // throttled
		at(4000, 1000), at(4010, 1000), at(4020, 1000), at(4030, 1000), // spill over, warm
		at(4400, 1000), at(4410, 100), // the last instance, and none
		at(6000, 100), // all are idle
	}
	want := counts{Requests: 14, Cold: 3, Spilled: 6, Throttled: 3}
	if got := foresee(t, trace); got != want {
		t.Errorf("the planner says %+v, want %+v", got, want)
	}
	if got, late := replay(t, trace); got != want {
		if late > tooLate {
			t.Skipf("skipped: this machine is too busy, a tenth of the requests was over %v late", late)
		}
		t.Errorf("the engine counts %+v, want %+v", got, want)
	}
}

// TestForeseenRoughly has requests at random. A process starts when the machine lets it,
// so that some of the requests fall on the other side of an end: the counts agree within a
// tenth of the requests.
func TestForeseenRoughly(t *testing.T) {
	t.Parallel()
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	var trace []plan.Request
	for at := 0.0; at < 5; at += random.ExpFloat64() / 12 {
		trace = append(trace, plan.Request{At: time.Duration(at * float64(time.Second)), Duration: time.Duration(100+random.IntN(500)) * time.Millisecond})
	}
	want := foresee(t, trace)
	got, late := replay(t, trace)
	t.Logf("seed %d: the planner %+v, the engine %+v, a tenth of the requests over %v late", seed, want, got, late)
	noise := len(trace) / 10
	for what, pair := range map[string][2]int{"cold": {want.Cold, got.Cold}, "spilled": {want.Spilled, got.Spilled}, "throttled": {want.Throttled, got.Throttled}} {
		if d := pair[0] - pair[1]; d > noise || d < -noise {
			if late > tooLate {
				t.Skip("skipped: this machine is too busy")
			}
			t.Errorf("%s: the planner says %d, the engine counts %d, want within %d", what, pair[0], pair[1], noise)
		}
	}
	if want.Cold != 3 || want.Throttled < 5 || want.Spilled < 10 {
		t.Errorf("the trace shows too little: %+v", want)
	}
}
