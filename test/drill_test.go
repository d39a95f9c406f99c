package test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/lambdahearth/hearth/local"
)

// notDrilled are the alarms that no part of the drill meets, each with a reason.
var notDrilled = map[string]string{
	"BackendQueuejobsOldestMessageAlarm":   "the engine does not tell the age of messages",
	"BackendQueueledgerOldestMessageAlarm": "the engine does not tell the age of messages",
	"AlarmsBackendHandlerEventAge":         "the engine does not tell the age of events",
	"AlarmsBackendSchedulefailsTargetErrors": "the engine delivers to a function that is there whenever the program runs at all; " +
		"a missing role or function is not simulated",
	"AlarmsBackendSchedulefailsRunsDropped": "as TargetErrors",
}

var drillProgram = build("./test/testdata/drill/handler")

// TestDrill makes each part of a program fail completely in the local engine, and shows
// which alarms of the template would go off. What the alarms look at comes from what has
// happened: the metrics that the program wrote, its log, and the engine's counters under
// the names that AWS gives them.
func TestDrill(t *testing.T) {
	t.Parallel()
	assembly := synth(t, "drill", "..", nil, "CDK_VALIDATION=false")
	program, err := drillProgram()
	if err != nil {
		t.Fatal(err)
	}
	every := func(n int, do func(i int)) {
		for i := range n {
			do(i)
		}
	}
	drilled := map[string]bool{}
	for _, c := range []struct {
		name   string
		env    map[string]string
		do     func(d *drill)
		alarms []string // without the hash at the end of a logical id
	}{
		{"nothing fails", nil, func(d *drill) {
			every(3, func(int) { d.get(d.api(), "/work") })
			every(3, func(int) { d.get(d.url(), "/work") })
			every(3, func(int) { d.get(d.rest(), "/work") })
			d.talk("work", "work", "work")
			d.send("jobs", "work", "")
			d.settle("jobs")
			d.send("ledger", "work", "a")
			d.settle("ledger")
			d.trigger("works")
		}, nil},
		{"every HTTP request panics", nil, func(d *drill) { every(3, func(int) { d.get(d.api(), "/panic") }) }, []string{"AlarmsBackendHttpServerErrors"}},
		{"every request of a function URL panics", nil, func(d *drill) { every(3, func(int) { d.get(d.url(), "/panic") }) }, []string{"AlarmsUrlServerErrors"}},
		{"every request of a REST API panics", nil, func(d *drill) { every(3, func(int) { d.get(d.rest(), "/panic") }) }, []string{"AlarmsRestServerErrors"}},
		{"every request of a REST API takes too long", nil, func(d *drill) { every(3, func(int) { d.get(d.rest(), "/wait") }) },
			[]string{"AlarmsRestServerErrors", "AlarmsBackendHandlerTimeouts"}},
		{"every HTTP request takes too long", nil, func(d *drill) { every(3, func(int) { d.get(d.api(), "/wait") }) },
			[]string{"AlarmsBackendHttpServerErrors", "AlarmsBackendHandlerTimeouts"}},
		{"no HTTP request returns", nil, func(d *drill) { every(25, func(int) { d.get(d.api(), "/stick") }) },
			[]string{"AlarmsBackendHttpServerErrors", "AlarmsBackendHandlerTimeouts", "AlarmsBackendHandlerHealed"}},
		{"every WebSocket message fails", nil, func(d *drill) { d.talk("fail", "fail", "fail") }, []string{"AlarmsBackendWebSocketSocketErrors"}},
		{"every WebSocket message panics", nil, func(d *drill) { d.talk("panic", "panic", "panic") }, []string{"AlarmsBackendWebSocketSocketErrors"}},
		{"every WebSocket message takes too long", nil, func(d *drill) { d.talk("wait", "wait") },
			[]string{"AlarmsBackendWebSocketSocketErrors", "AlarmsBackendHandlerTimeouts"}},
		{"every job fails", nil, func(d *drill) { every(3, func(int) { d.send("jobs", "fail", "") }) },
			[]string{"AlarmsBackendQueuejobsJobsFailed", "BackendQueuejobsDeadLettersAlarm"}},
		{"every FIFO job panics", nil, func(d *drill) { every(3, func(i int) { d.send("ledger", "panic", fmt.Sprint(i)) }) },
			[]string{"AlarmsBackendQueueledgerJobsFailed", "BackendQueueledgerDeadLettersAlarm"}},
		{"no FIFO job returns", nil, func(d *drill) { every(3, func(i int) { d.send("ledger", "stick", fmt.Sprint(i)) }) },
			[]string{"AlarmsBackendQueueledgerJobsFailed", "AlarmsBackendHandlerTimeouts", "AlarmsBackendHandlerHealed"}},
		{"a schedule fails", nil, func(d *drill) { d.trigger("fails") }, []string{"AlarmsBackendHandlerErrors", "AlarmsBackendHandlerEventsDropped", "AlarmsBackendLostRuns"}},
		{"no instance starts", map[string]string{"DRILL_WARM": "fail"}, func(d *drill) { d.get(d.api(), "/work") },
			[]string{"AlarmsBackendHandlerInitErrors", "AlarmsBackendHttpServerErrors"}},
		{"more requests than instances", nil, func(d *drill) {
			var all sync.WaitGroup
			every(30, func(int) { all.Go(func() { d.get(d.api(), "/wait") }) })
			all.Wait()
		}, []string{"AlarmsBackendHandlerThrottles", "AlarmsBackendHandlerSpillover", "AlarmsBackendHttpServerErrors"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := startDrill(t, assembly, program, c.env)
			c.do(d)
			met := d.await(c.alarms)
			for _, alarm := range met {
				drilled[alarm] = true
			}
			if len(c.alarms) == 0 && len(met) > 0 {
				t.Errorf("alarms would go off: %v\n%s", met, d.log)
			}
		})
	}
	for _, alarm := range readAlarms(t, assembly) {
		if why := notDrilled[alarm.name]; drilled[alarm.name] == (why != "") {
			t.Errorf("%s is met by the drill: %t; reason why it is not: %q", alarm.name, drilled[alarm.name], why)
		}
	}
}

// drill is an engine that runs the program.
type drill struct {
	*local.Engine
	t         *testing.T
	clock     *local.ManualClock
	log       *output
	alarms    []*alarm
	resources map[string]resource
}

func startDrill(t *testing.T, assembly, program string, env map[string]string) *drill {
	t.Helper()
	d := &drill{t: t, clock: local.NewManualClock(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)), log: &output{}, alarms: readAlarms(t, assembly)}
	d.resources = readResources(t, assembly)
	programs := map[string]string{}
	for id, r := range d.resources {
		if r.Type == "AWS::Lambda::Function" {
			programs[id] = program
		}
	}
	var err error
	d.Engine, err = local.Start(t.Context(), local.Options{Assembly: assembly, Dir: "..", Clock: d.clock, Env: env, Output: d.log, Programs: programs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Stop)
	return d
}

// await lets the clock run until the alarms would go off, and returns all that would.
// Without an alarm to wait for, it stops the engine first, so that all is counted.
func (d *drill) await(wanted []string) []string {
	d.t.Helper()
	if len(wanted) == 0 {
		d.Stop()
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		metrics := d.metrics()
		var met, missing []string
		for _, a := range d.alarms {
			if a.goesOff(metrics) {
				met = append(met, a.name)
			}
		}
		for _, alarm := range wanted {
			if !slices.Contains(met, alarm) {
				missing = append(missing, alarm)
			}
		}
		if len(missing) == 0 {
			for _, a := range d.alarms {
				if slices.Contains(wanted, a.name) && a.delay() > 10*time.Minute {
					d.t.Errorf("%s goes off after %s, which is too late", a.name, a.delay())
				}
			}
			return met
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("no alarm %v, only %v; the metrics:\n%s\n%s", missing, met, metrics, d.log)
		}
		d.clock.Advance(5 * time.Second) // messages and events come again
	}
}

func (d *drill) api() string  { return d.address("AWS::ApiGatewayV2::Api") }
func (d *drill) rest() string { return d.address("AWS::ApiGateway::RestApi") }
func (d *drill) url() string  { return d.address("AWS::Lambda::Url") }

func (d *drill) address(kind string) string {
	for _, api := range d.State().HTTPAPIs {
		if d.resources[api.LogicalID].Type == kind {
			return strings.TrimSuffix(api.URL, "/")
		}
	}
	d.t.Fatalf("there is no %s in %+v", kind, d.State().HTTPAPIs)
	return ""
}

// get makes a request, whatever the answer.
func (d *drill) get(url, path string) {
	client := http.Client{Timeout: 20 * time.Second}
	response, err := client.Get(url + path)
	if err != nil {
		d.t.Error(err)
		return
	}
	response.Body.Close()
}

// talk sends messages over a WebSocket, and waits for an answer to each.
func (d *drill) talk(messages ...string) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, d.WebSocketURL(), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	defer c.CloseNow()
	for _, m := range messages {
		if err := c.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			d.t.Fatal(err)
		}
		if _, _, err := c.Read(ctx); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *drill) send(queue, order, group string) {
	if err := d.Send(queue, order, group); err != nil {
		d.t.Fatal(err)
	}
}

// settle waits until a queue is empty.
func (d *drill) settle(queue string) {
	d.until(func(s *local.State) bool {
		return slices.ContainsFunc(s.Queues, func(q local.QueueState) bool { return q.Alias == queue && q.Counters.Deleted > 0 })
	})
}

// trigger runs a schedule, and waits until it has run.
func (d *drill) trigger(schedule string) {
	before := d.State().Functions[0].Counters.Invocations
	if err := d.Trigger(schedule); err != nil {
		d.t.Fatal(err)
	}
	d.until(func(s *local.State) bool {
		return s.Functions[0].Counters.Invocations > before && !slices.ContainsFunc(s.Functions[0].Instances, func(i local.InstanceState) bool { return i.State != "idle" })
	})
}

func (d *drill) until(happened func(s *local.State) bool) {
	d.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(d.State()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.t.Fatalf("it does not happen: %+v\n%s", d.State(), d.log)
		}
	}
}

// metrics are what CloudWatch would have of the last minutes, which are one period here:
// a failure that goes on has the same numbers in each period.
func (d *drill) metrics() metrics {
	m := metrics{}
	state := d.State()
	for _, f := range state.Functions {
		c := f.Counters
		// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (2026-11)
		for _, dimensions := range []map[string]string{{"FunctionName": f.Name}, {"FunctionName": f.Name, "Resource": f.Name + ":live"}} {
			m.add("AWS/Lambda", "Invocations", dimensions, float64(c.Invocations))
			m.add("AWS/Lambda", "Errors", dimensions, float64(c.Errors))
			m.add("AWS/Lambda", "Throttles", dimensions, float64(c.Throttles))
			m.add("AWS/Lambda", "ProvisionedConcurrencySpilloverInvocations", dimensions, float64(c.Spillover))
			m.add("AWS/Lambda", "AsyncEventsDropped", dimensions, float64(c.AsyncDropped))
		}
		// Lambda writes this record into the function's log, and the engine counts.
		// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html (2026-11)
		for range c.InitErrors {
			m.addRecord(d.resources, []byte(`{"type":"platform.initRuntimeDone","record":{"status":"error"}}`))
		}
	}
	for _, api := range state.HTTPAPIs {
		r := d.resources[api.LogicalID]
		switch r.Type {
		case "AWS::ApiGateway::RestApi":
			// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html (2026-11)
			dimensions := map[string]string{"ApiName": r.Properties["Name"].(string)}
			m.add("AWS/ApiGateway", "Count", dimensions, float64(api.Counters.Requests))
			m.add("AWS/ApiGateway", "5XXError", dimensions, float64(api.Counters.ServerErrors))
			continue
		case "AWS::Lambda::Url":
			// https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html (2026-11)
			dimensions := map[string]string{"FunctionName": state.Functions[0].Name}
			m.add("AWS/Lambda", "UrlRequestCount", dimensions, float64(api.Counters.Requests))
			m.add("AWS/Lambda", "Url5xxCount", dimensions, float64(api.Counters.ServerErrors))
			continue
		}
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html (2026-11)
		dimensions := map[string]string{"ApiId": api.ID}
		m.add("AWS/ApiGateway", "Count", dimensions, float64(api.Counters.Requests))
		m.add("AWS/ApiGateway", "5xx", dimensions, float64(api.Counters.ServerErrors))
	}
	for _, api := range state.WebSocketAPIs {
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html (2026-11)
		dimensions := map[string]string{"ApiId": api.ID}
		m.add("AWS/ApiGateway", "ConnectCount", dimensions, float64(api.Counters.Connects+api.Counters.Refused))
		m.add("AWS/ApiGateway", "MessageCount", dimensions, float64(api.Counters.MessagesIn+api.Counters.MessagesOut))
		m.add("AWS/ApiGateway", "IntegrationError", dimensions, float64(api.Counters.Refused))
		m.add("AWS/ApiGateway", "ExecutionError", dimensions, float64(api.Counters.Errors))
	}
	for _, q := range state.Queues {
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html (2026-11)
		m.add("AWS/SQS", "ApproximateNumberOfMessagesVisible", map[string]string{"QueueName": q.Name}, float64(q.Counters.Visible))
	}
	for line := range strings.Lines(d.log.String()) {
		m.addRecord(d.resources, []byte(line))
		m.addEmbedded([]byte(line))
	}
	return m.named(state)
}

// readResources returns the resources of the only template in an assembly.
func readResources(t *testing.T, assembly string) map[string]resource {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(assembly, "Drill.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &template{}
	if err := json.Unmarshal(data, tmpl); err != nil {
		t.Fatal(err)
	}
	return tmpl.Resources
}

// readAlarms returns the alarms of a template, in the order of their names.
func readAlarms(t *testing.T, assembly string) []*alarm {
	t.Helper()
	resources := readResources(t, assembly)
	var alarms []*alarm
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if resources[id].Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		a, err := newAlarm(id, resources[id].Properties)
		if err != nil {
			t.Fatal(err)
		}
		alarms = append(alarms, a)
	}
	return alarms
}
