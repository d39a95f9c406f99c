package assembly

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestPartsCostThemselves: a part of a template that cannot be read is left out, with a
// reason, and what refers to it is unknown. The rest of the template is there.
func TestPartsCostThemselves(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"S": `{
		"Parameters": {"P": {"Type": ["String"]}},
		"Mappings": {"Fn::Transform": {"Name": "AWS::Include"}, "M": {"a": "b"}},
		"Conditions": {"C": true, "Fn::ForEach::More": ["X", {"Ref": "Nobody"}, {"Is${X}": true}]},
		"Resources": {
			"Module": {"Type": {"Own::Module": "queue.yml"}},
			"List": ["AWS::SQS::Queue"],
			"Odd": {"Type": "AWS::SQS::Queue", "Condition": "C"},
			"Lost": {"Type": "AWS::SQS::Queue", "Condition": "Gone"},
			"Fn::ForEach::Queues": ["Name", {"Ref": "Nobody"}, {"${Name}": {"Type": "AWS::SQS::Queue"}}],
			"Fn::ForEach::None": "none",
			"Fn::Transform": {"Name": "AWS::Include"},
			"Fine": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Module"}, "Color": {"Ref": "Nothing"}}}
		},
		"Outputs": {"O": [1], "Fine": [2], "Url": {"Value": {"Ref": "Fine"}}}}`}, nil)
	if diff := cmp.Diff([]string{
		"S/Conditions.Fn::ForEach::More: Ref \"Nobody\": the template has no such resource, so that AWS refuses it",
		"S/Fn::ForEach::None: a loop takes an identifier, a list and an object",
		"S/Fn::ForEach::Queues: Ref \"Nobody\": the template has no such resource, so that AWS refuses it",
		"S/Fn::Transform: AWS puts it together from another file (AWS::Include), which is not read here",
		"S/List: it must be an object, got a list",
		"S/Lost: the template has no condition \"Gone\"",
		"S/Mappings.Fn::Transform: AWS puts it together from another file (AWS::Include), which is not read here",
		"S/Mappings.M: it must be an object, got a string",
		"S/Module: Type must be a string, got an object",
		"S/Odd: condition C: a condition must be one function",
		"S/Outputs.Fine: it must be an object, got a list",
		"S/Outputs.O: it must be an object, got a list",
		"S/Parameters.P: Type must be a string, got a list",
	}, app.Undecided()); diff != "" {
		t.Error(diff)
	}
	queues := app.OfType("AWS::SQS::Queue")
	if len(queues) != 1 || queues[0].ID != "Fine" {
		t.Fatalf("got queues %v", queues)
	}
	unknown, err := app.Loosely(func() error { return queues[0].Decode(&struct{ QueueName, Color string }{}) })
	if diff := cmp.Diff([]string{`Ref "Module": Type must be a string, got an object`, `Ref "Nothing": the template has no such resource, so that AWS refuses it`}, unknown); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if diff := cmp.Diff([]Output{{"S", "Url", "http://sqs/Fine"}}, app.Outputs()); diff != "" {
		t.Error(diff)
	}
}

// TestLoops expands the loops of AWS::LanguageExtensions, also nested ones, in resources,
// properties, conditions and outputs.
func TestLoops(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"S": `{
		"Transform": "AWS::LanguageExtensions",
		"Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "Orders, Mails"}},
		"Conditions": {"Fn::ForEach::Wanted": ["Name", ["Orders", "Mails"], {"Has${Name}": {"Fn::Equals": ["${Name}", "Orders"]}}]},
		"Resources": {
			"Fn::ForEach::Queues": ["Name", {"Ref": "Names"}, {
				"${Name}Queue": {"Type": "AWS::SQS::Queue", "Properties": {
					"QueueName": {"Fn::Sub": "${AWS::StackName}-${Name}"}, "Color": {"Ref": "Name"},
					"Fn::ForEach::Limits": ["Limit", ["Low", "High"], {"${Limit}": "${Name}${Limit}"}]}},
				"Fn::ForEach::Parts": ["Part", ["a.b"], {"${Name}&{Part}": {"Type": "Part", "Condition": "Has${Name}", "Properties": {"Is": "${Part}"}}}]
			}]
		},
		"Outputs": {"Fn::ForEach::Urls": ["Name", {"Ref": "Names"}, {"${Name}Url": {"Value": {"Fn::GetAtt": [{"Fn::Sub": "${Name}Queue"}, "Arn"]}}}]}}`}, nil)
	if left := app.Undecided(); left != nil {
		t.Error(left)
	}
	type queue struct{ QueueName, Color, Low, High string }
	got := map[string]queue{}
	for _, r := range app.OfType("AWS::SQS::Queue") {
		var q queue
		if err := r.Decode(&q); err != nil {
			t.Error(err)
		}
		got[r.ID] = q
	}
	if diff := cmp.Diff(map[string]queue{
		"OrdersQueue": {"S-Orders", "Orders", "OrdersLow", "OrdersHigh"},
		"MailsQueue":  {"S-Mails", "Mails", "MailsLow", "MailsHigh"},
	}, got); diff != "" {
		t.Error(diff)
	}
	parts := app.OfType("Part")
	if len(parts) != 1 || parts[0].ID != "Ordersab" || parts[0].Properties["Is"] != "a.b" {
		t.Errorf("got parts %+v", parts)
	}
	if diff := cmp.Diff([]Output{{"S", "MailsUrl", "MailsQueue#Arn"}, {"S", "OrdersUrl", "OrdersQueue#Arn"}}, app.Outputs()); diff != "" {
		t.Error(diff)
	}
}

// TestDecodeErrors name the property.
func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	app := load(t, map[string]string{"S": `{"Resources": {"R": {"Type": "T"}}}`}, nil)
	for text, want := range map[string]string{
		`{"Delay": "1.5"}`:               `S/R: Delay: must be a whole number, got "1.5"`,
		`{"On": "perhaps"}`:              `S/R: On: must be true or false, got "perhaps"`,
		`{"Start": "tomorrow"}`:          `S/R: Start: must be a date as in 2026-11-30T00:00:00Z, got "tomorrow"`,
		`{"Name": ["a"]}`:                `S/R: Name must be a string, got a list`,
		`{"Target": "a"}`:                `S/R: Target must be an object, got a string`,
		`{"Target": {"Filters": {}}}`:    `S/R: Target.Filters must be a list, got an object`,
		`{"Target": {"Filters": [[1]]}}`: `S/R: Target.Filters must be a string, got a list`,
	} {
		var into struct {
			Name   string
			Delay  Int
			On     Bool
			Start  Date
			Target struct{ Filters []string }
		}
		r := app.OfType("T")[0]
		if err := json.Unmarshal([]byte(text), &r.Properties); err != nil {
			t.Fatal(err)
		}
		if err := r.Decode(&into); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
		r.Properties = nil
	}
	var into struct{ Start, End Date }
	if err := Decode(map[string]any{"Start": "2026-11-26T10:00:00", "end": "2026-11-26T10:00:00+02:00"}, &into); err != nil || into.Start.Sub(into.End.Time) != 2*time.Hour {
		t.Errorf("dates without and with an offset: got %v, %v", into, err)
	}
}
