package scheduler

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/internal/within"
)

// TestRuleEvents: what the target of a rule gets.
func TestRuleEvents(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	s := &Schedule{ARN: "arn:rule/nightly/Target0", Account: "123456789012", Region: "eu-central-1"}
	rule := func(change func(*Rule)) string {
		r := &Rule{ARN: "arn:rule/nightly"}
		if change != nil {
			change(r)
		}
		event, err := r.event(s, at)
		if err != nil {
			return err.Error()
		}
		return string(event)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(rule(nil)), &got); err != nil || got["id"] == "" {
		t.Fatal(err)
	}
	delete(got, "id")
	want := map[string]any{
		"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012", "time": "2026-11-23T03:00:00Z",
		"region": "eu-central-1", "resources": []any{"arn:rule/nightly"}, "detail": map[string]any{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	paths := map[string]string{"time": "$.time", "detail": "$.detail", "none": "$.detail.none", "list": "$.resources", "first": "$.resources[0]", "second": "$.resources[1]", "type": "$['detail-type']"}
	for template, want := range map[string]string{
		`{"at":<time>,"text":"at <time>","detail":<detail>,"none":<none>,"other":"<other>"}`: `{"at":"2026-11-23T03:00:00Z","text":"at 2026-11-23T03:00:00Z","detail":{},"none":"","other":"<other>"}`,
		`"at <time> with <detail>"`:            `"at 2026-11-23T03:00:00Z with {}"`,
		`"of <list> and <none>!"`:              `"of [arn:rule/nightly] and !"`,
		"\"<list> first\"\n\"<first> second\"": "\"[arn:rule/nightly] first\"\n\"arn:rule/nightly second\"",
		`{"list":[<first>,"x"],"all":<list>}`:  `{"list":["arn:rule/nightly","x"],"all":["arn:rule/nightly"]}`,
		`{"list":"<list>"}`:                    `the input transformer made no JSON, and EventBridge drops the event: {"list":"["arn:rule/nightly"]"}`,
		`{"first":<first>,"text":"of <first>","second":<second>,"type":<type>}`: `{"first":"arn:rule/nightly","text":"of arn:rule/nightly","second":"","type":"Scheduled Event"}`,
		`{"arn":<aws.events.rule-arn>,"name":"<aws.events.rule-name>"}`:         `{"arn":"arn:rule/nightly","name":"nightly"}`,
		`"<aws.events.rule-name> at <aws.events.event.ingestion-time>"`:         `"nightly at 2026-11-23T03:00:00Z"`,
		`{"mine":"<aws.events.else>"}`:                                          `{"mine":"<aws.events.else>"}`,
		`{"a":"quoted \"<time>\""}`:                                             `{"a":"quoted \"2026-11-23T03:00:00Z\""}`,
	} {
		if got := rule(func(r *Rule) { r.Template, r.Paths = template, paths }); got != want {
			t.Errorf("%s:\n got %s\nwant %s", template, got, want)
		}
	}
	for path, want := range map[string]string{"$.resources": `["arn:rule/nightly"]`, "$.resources[0]": `"arn:rule/nightly"`, "$.resources[1]": "null", "$.": "null", "$.time.x": "null"} {
		if got := rule(func(r *Rule) { r.Path = path }); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	for template, detail := range map[string]bool{`{"e":<aws.events.event>}`: false, `{"e":<aws.events.event.json>}`: true} {
		var got struct{ E map[string]any }
		if err := json.Unmarshal([]byte(rule(func(r *Rule) { r.Template = template })), &got); err != nil || got.E["source"] != "aws.events" || (got.E["detail"] != nil) != detail || (got.E["detail-type"] != nil) != detail || (got.E["detailType"] != nil) == detail {
			t.Errorf("%s: %v, %v", template, got, err)
		}
	}
	s.Input = `{"mine":"<aws.scheduler.scheduled-time>"}`
	if got := rule(nil); got != s.Input {
		t.Errorf("an input: %s", got)
	}
}

// TestAttempts: each attempt of a schedule is an execution of its own, while a rule's
// event stays the same.
func TestAttempts(t *testing.T) {
	t.Parallel()
	for name, sc := range map[string]Schedule{
		"schedule": {Input: `<aws.scheduler.execution-id> <aws.scheduler.attempt-number>`}, "rule": {Rule: &Rule{ARN: "arn:r"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sc.Name, sc.ARN, sc.Expression, sc.TargetARN, sc.Disabled = "s", "arn:s", "rate(1 hour)", "arn:f", true
			s, c, target := setup(t, sc)
			target.fail <- errors.New("busy")
			if err := s.Trigger("s"); err != nil {
				t.Fatal(err)
			}
			first := within.Receive(t, target.got)
			if err := c.AwaitTimers(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			c.Advance(firstPause)
			second := within.Receive(t, target.got)
			if same := first == second; same != (name == "rule") {
				t.Errorf("%s, then %s", first, second)
			}
			if name == "schedule" && (strings.Fields(first)[1] == strings.Fields(second)[1] || strings.Fields(second)[2] != "2") {
				t.Errorf("%s, then %s", first, second)
			}
		})
	}
}
