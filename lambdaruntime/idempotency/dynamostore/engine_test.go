package dynamostore

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency/internal/storetest"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
	"github.com/lambdahearth/hearth/local"
)

// envProgram makes the test binary a program that writes its effects to this file.
const envProgram = "HEARTH_TEST_ONCE"

func init() {
	if path := os.Getenv(envProgram); path != "" {
		lambdaruntime.Start(chargingApp(path))
	}
}

// charge is a job. The process that runs it first dies at the step Dies.
type charge struct {
	Order string
	Dies  string
}

func chargingApp(path string) *lambdaruntime.App {
	once := idempotency.New("charge", New(), idempotency.Options{})
	effect := func(order string) error {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = fmt.Fprintln(f, order)
		return err
	}
	do := func(_ context.Context, job *lambdaruntime.Job[charge]) error {
		dies := func(when string) bool { return job.Payload.Dies == when && job.ReceiveCount == 1 }
		if dies("before") {
			storetest.Die()
		}
		err := effect(job.Payload.Order)
		if dies("after") {
			storetest.Die()
		}
		return err
	}
	order := func(job *lambdaruntime.Job[charge]) string { return job.Payload.Order }
	return &lambdaruntime.App{
		Visibility: producer.Visibility,
		Queues:     []lambdaruntime.Consumer{lambdaruntime.Queue[charge]{Name: "charges"}.Consume(idempotency.Job(once, order, do))},
		HTTP: idempotency.HTTP(once, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := effect(r.URL.Path); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, "by process ", os.Getpid())
		}), idempotency.HTTPOptions{}),
	}
}

// program is the program on the engine of hearth dev, in as many processes as it needs.
type program struct {
	*testing.T
	*local.Engine
	clock   *local.ManualClock
	effects string
	log     *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func startProgram(t *testing.T) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{T: t, clock: local.NewManualClock(time.Now()), effects: filepath.Join(t.TempDir(), "effects"), log: &lockedBuffer{}}
	ref := func(id string) any { return map[string]any{"Ref": id} }
	arn := func(id string) any { return map[string]any{"Fn::GetAtt": []any{id, "Arn"}} }
	p.Engine = startEngine(t, local.Options{
		Clock: p.clock, Output: p.log, Programs: map[string]string{"Fn": self}, Env: map[string]string{envProgram: p.effects},
	}, map[string]any{
		"Once": tableResource(),
		"Fn": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 2, "ReservedConcurrentExecutions": 8,
			"Code": map[string]any{"S3Bucket": "b", "S3Key": "k"},
			"Environment": map[string]any{"Variables": map[string]any{
				EnvTable: ref("Once"), "HEARTH_QUEUES": map[string]any{"Fn::Sub": "charges=${Charges}"}, "HEARTH_PARTIAL_RESPONSES": "charges",
			}},
		}},
		"Charges": map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"VisibilityTimeout": 12}},
		"Mapping": map[string]any{"Type": "AWS::Lambda::EventSourceMapping", "Properties": map[string]any{
			"EventSourceArn": arn("Charges"), "FunctionName": ref("Fn"), "FunctionResponseTypes": []any{"ReportBatchItemFailures"}, "BatchSize": 1,
		}},
		"Api": map[string]any{"Type": "AWS::ApiGatewayV2::Api", "Properties": map[string]any{"Name": "Api", "ProtocolType": "HTTP"}},
		"Int": map[string]any{"Type": "AWS::ApiGatewayV2::Integration", "Properties": map[string]any{
			"ApiId": ref("Api"), "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "IntegrationUri": arn("Fn"),
		}},
		"Route": map[string]any{"Type": "AWS::ApiGatewayV2::Route", "Properties": map[string]any{
			"ApiId": ref("Api"), "RouteKey": "$default", "Target": map[string]any{"Fn::Sub": "integrations/${Int}"},
		}},
		"Stage": map[string]any{"Type": "AWS::ApiGatewayV2::Stage", "Properties": map[string]any{"ApiId": ref("Api"), "StageName": "$default"}},
	})
	return p
}

// settle lets the queue's clock run until the given number of messages is deleted, and
// returns the effects. The clock stands while an instance starts or works: a message must
// not come again because the machine is slow.
func (p *program) settle(deleted int) []string {
	p.Helper()
	quiet := 0
	for deadline := time.Now().Add(storetest.Deadline); p.State().Queues[0].Counters.Deleted < deleted; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.log.mu.Lock()
			defer p.log.mu.Unlock()
			p.Fatalf("messages are left: %+v\n%s", p.State().Queues[0].Counters, &p.log.b)
		}
		quiet++
		for _, i := range p.State().Functions[0].Instances {
			if i.State == "starting" || i.State == "busy" {
				quiet = 0
			}
		}
		if quiet > 2 {
			p.clock.Advance(time.Second)
		}
	}
	data, err := os.ReadFile(p.effects)
	if err != nil {
		p.Fatal(err)
	}
	return strings.Fields(string(data))
}

func (p *program) send(c charge, times int) {
	p.Helper()
	for range times {
		if err := p.Send("Charges", lambdatest.JSON(c), ""); err != nil {
			p.Fatal(err)
		}
	}
}

// TestOnTheEngine runs a program in many processes at once, with messages that are sent
// more than once, processes that die, and repeated requests.
func TestOnTheEngine(t *testing.T) {
	t.Run("messages that were sent again", func(t *testing.T) {
		p := startProgram(t)
		p.send(charge{Order: "a"}, 5)
		if got := p.settle(5); fmt.Sprint(got) != "[a]" {
			t.Errorf("got the effects %q", got)
		}
	})
	t.Run("a process that dies before it takes effect", func(t *testing.T) {
		p := startProgram(t)
		p.send(charge{Order: "a", Dies: "before"}, 1)
		if got := p.settle(1); fmt.Sprint(got) != "[a]" {
			t.Errorf("got the effects %q", got)
		}
	})
	t.Run("a process that dies between the effect and the result", func(t *testing.T) {
		p := startProgram(t)
		p.send(charge{Order: "a", Dies: "after"}, 1)
		if got := p.settle(1); fmt.Sprint(got) != "[a a]" { // the one gap
			t.Errorf("got the effects %q", got)
		}
		p.send(charge{Order: "a"}, 2)
		if got := p.settle(3); fmt.Sprint(got) != "[a a]" {
			t.Errorf("later: got the effects %q", got)
		}
	})
	t.Run("requests that are repeated", func(t *testing.T) {
		p := startProgram(t)
		post := func() (int, string) {
			ctx, cancel := context.WithTimeout(t.Context(), storetest.Deadline)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.HTTPURL()+"/orders", strings.NewReader("tea"))
			if err != nil {
				t.Error(err)
				return 0, ""
			}
			req.Header.Set("Idempotency-Key", `"8e03978e-40d5-43dd-bc93-6894a57f9324"`)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return 0, ""
			}
			defer resp.Body.Close()
			var body bytes.Buffer
			if _, err := body.ReadFrom(resp.Body); err != nil {
				t.Error(err)
			}
			return resp.StatusCode, body.String()
		}
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if status, body := post(); status != 201 && status != 409 {
					t.Errorf("got %d: %s", status, body)
				}
			})
		}
		wg.Wait()
		status, first := post()
		if _, again := post(); status != 201 || !strings.HasPrefix(first, "by process ") || again != first {
			t.Errorf("got %d: %s and %s", status, first, again)
		}
		if got := p.settle(0); fmt.Sprint(got) != "[/orders]" {
			t.Errorf("got the effects %q", got)
		}
	})
}
