package local_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	runtime "github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
)

// envLedger makes the test binary a handler program that writes each message it
// handles to a file.
const envLedger = "TEST_LEDGER"

// envChaos makes that program crash, panic, hang and fail now and then.
const envChaos = "TEST_CHAOS"

func init() {
	if path := os.Getenv(envLedger); path != "" {
		runtime.Start(func(_ context.Context, event json.RawMessage) (any, error) { return keepLedger(path, event) })
	}
}

func keepLedger(path string, event json.RawMessage) (any, error) {
	if os.Getenv("TEST_PRINT_ENV") != "" {
		if bytes.Contains(event, []byte(`"resourceId"`)) { // a REST API takes no other shape
			env, err := json.Marshal(os.Environ())
			return map[string]any{"statusCode": 200, "body": string(env)}, err
		}
		return os.Environ(), nil
	}
	var batch events.SQSEvent
	if err := json.Unmarshal(event, &batch); err != nil || len(batch.Records) == 0 {
		return event, err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	bodies := make([]string, len(batch.Records))
	for i, r := range batch.Records {
		bodies[i] = r.Body
	}
	if _, err := fmt.Fprintf(file, "batch\t%s\n", strings.Join(bodies, "\t")); err != nil {
		return nil, err
	}
	for i, r := range batch.Records {
		time.Sleep(time.Millisecond) // work, to be killed in
		if gate, ok := strings.CutPrefix(r.Body, "await "); ok {
			for deadline := time.Now().Add(within.Limit / 2); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
				if _, err := os.Stat(gate); err == nil {
					break
				}
			}
		}
		if os.Getenv(envChaos) != "" {
			switch rand.IntN(120) {
			case 0:
				os.Exit(3)
			case 1:
				panic("chaos")
			case 2:
				time.Sleep(time.Hour) // until the function's timeout
			case 3:
				failed := events.SQSEventResponse{}
				for _, rest := range batch.Records[i:] {
					failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: rest.MessageId})
				}
				return failed, nil
			}
		}
		if _, err := fmt.Fprintf(file, "%s\n", r.Body); err != nil {
			return nil, err
		}
	}
	return events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}, nil
}

// ledgerTemplate is an app of one function and two queues, in plain CloudFormation.
func ledgerTemplate() map[string]any {
	ref := func(id string) any { return map[string]any{"Ref": id} }
	arn := func(id string) any { return map[string]any{"Fn::GetAtt": []any{id, "Arn"}} }
	mapping := func(queue string) any {
		return map[string]any{"Type": "AWS::Lambda::EventSourceMapping", "Properties": map[string]any{
			"EventSourceArn": arn(queue), "FunctionName": ref("Live"), "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		}}
	}
	return map[string]any{"Resources": map[string]any{
		"Ledger": map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]any{
			"Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 20, "ReservedConcurrentExecutions": 8,
			"Code": map[string]any{"S3Bucket": "b", "S3Key": "k"},
		}},
		"Version": map[string]any{"Type": "AWS::Lambda::Version", "Properties": map[string]any{"FunctionName": ref("Ledger")}},
		"Live": map[string]any{"Type": "AWS::Lambda::Alias", "Properties": map[string]any{
			"FunctionName": ref("Ledger"), "FunctionVersion": map[string]any{"Fn::GetAtt": []any{"Version", "Version"}}, "Name": "live",
			"ProvisionedConcurrencyConfig": map[string]any{"ProvisionedConcurrentExecutions": 2},
		}},
		"Orders":      map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"FifoQueue": true, "VisibilityTimeout": 120}},
		"Mails":       map[string]any{"Type": "AWS::SQS::Queue", "Properties": map[string]any{"VisibilityTimeout": "120"}},
		"OrdersEvent": mapping("Orders"),
		"MailsEvent":  mapping("Mails"),
	}}
}

// TestChaos kills instances and swaps all of them while messages are handled, by a
// program that crashes, panics, hangs and fails now and then. No message is lost, no
// message of a FIFO group is handled before those sent earlier, and none that was
// acknowledged comes back.
func TestChaos(t *testing.T) {
	t.Parallel()
	const groups, each, kills, swaps = 12, 25, 40, 5
	template := ledgerTemplate()
	template["Resources"].(map[string]any)["Ledger"].(map[string]any)["Properties"].(map[string]any)["Timeout"] = 1
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ledger := filepath.Join(t.TempDir(), "ledger")
	clock := local.NewManualClock(startOfTests)
	e, err := local.Start(t.Context(), local.Options{
		Assembly: writeAssembly(t, t.TempDir(), "Chaos", template), Clock: clock,
		Programs: map[string]string{"Ledger": self}, Env: map[string]string{envLedger: ledger, envChaos: "1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()

	for n := range each {
		for g := range groups {
			if err := e.Send("Orders", fmt.Sprintf("order %d %d", g, n), fmt.Sprint(g)); err != nil {
				t.Fatal(err)
			}
			if err := e.Send("Mails", fmt.Sprintf("mail %d %d", g, n), ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	killed, swapped, quiet, total := 0, 0, 0, 2*groups*each
	deadline := time.Now().Add(time.Minute)
	for {
		s := e.State()
		left, starts, busy := 0, false, []int{}
		for _, q := range s.Queues {
			left += q.Counters.Visible + q.Counters.InFlight + q.Counters.Delayed
		}
		for _, i := range s.Functions[0].Instances {
			switch i.State {
			case "busy":
				busy = append(busy, i.PID)
			case "starting":
				starts = true
			}
		}
		if left == 0 {
			break
		}
		switch {
		case time.Now().After(deadline):
			t.Fatalf("%d messages are left: %+v", left, s.Queues)
		case len(busy) > 0 && killed < kills:
			if pid := busy[rand.IntN(len(busy))]; process.Alive(pid) {
				process.Kill(pid)
				killed++
			}
			if killed%(kills/swaps) == 0 && swapped < swaps {
				swapped++ // another environment takes other instances
				e.SetEnv(map[string]string{envLedger: ledger, envChaos: "1", "SWAP": fmt.Sprint(swapped)}, nil)
				if err := e.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		case len(busy) > 0 || starts: // a batch waits for an instance that starts
			quiet = 0
		case quiet < 5:
			quiet++
		default:
			// Nothing happens except that time passes. A step is shorter than the
			// visibility timeout of a message received at this moment.
			clock.Advance(20 * time.Second)
			quiet = 0
		}
		time.Sleep(3 * time.Millisecond)
	}

	handled, deliveries := map[string]bool{}, 0
	next := map[string]int{}  // by FIFO group: the message that is due
	acked := map[string]int{} // by FIFO group: those before it were acknowledged
	file, err := os.Open(ledger)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if batch, ok := strings.CutPrefix(lines.Text(), "batch\t"); ok {
			first := map[string]int{}
			for body := range strings.SplitSeq(batch, "\t") {
				var group string
				var n int
				if _, err := fmt.Sscanf(body, "order %s %d", &group, &n); err != nil {
					continue // of the standard queue
				}
				if n < acked[group] {
					t.Errorf("group %s: message %d came back after it was acknowledged", group, n)
				}
				if _, ok := first[group]; !ok {
					first[group] = n
				}
			}
			for group, n := range first { // a batch begins with what is not acknowledged
				acked[group] = max(acked[group], n)
			}
			continue
		}
		deliveries++
		handled[lines.Text()] = true
		var group string
		var n int
		if strings.HasPrefix(lines.Text(), "order") {
			if _, err := fmt.Sscanf(lines.Text(), "order %s %d", &group, &n); err != nil {
				t.Fatal(err)
			}
			if n > next[group] {
				t.Errorf("group %s: message %d came before message %d", group, n, next[group])
			}
			next[group] = max(next[group], n+1)
		}
	}
	c := e.State().Functions[0].Counters
	t.Logf("%d messages, %d deliveries, %d kills, %d swaps, counters %+v", total, deliveries, killed, swapped, c)
	for _, q := range e.State().Queues {
		if q.Counters.Deleted != groups*each {
			t.Errorf("%s: %d messages were acknowledged, want each of %d once", q.Name, q.Counters.Deleted, groups*each)
		}
	}
	if len(handled) != total {
		t.Errorf("%d of %d messages were handled", len(handled), total)
	}
	if killed < kills/2 || c.Crashes == 0 {
		t.Errorf("only %d instances were killed, %d crashes were seen", killed, c.Crashes)
	}
}
