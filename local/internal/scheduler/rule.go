package scheduler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Rule makes a [Schedule] the schedule of an EventBridge rule. Its target gets the rule's
// event, or the part or transformation that the target configures. No keywords are
// replaced.
//
// It differs from AWS in the same ways as a schedule. Paths select by names and indexes
// alone, such as $.detail.id and $.resources[0].
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html (2026-11)
type Rule struct {
	// ARN is the rule's ARN; a rule with several targets has one schedule for each.
	ARN string
	// Path selects the part of the event that the target gets, such as $.detail.
	Path string
	// Template and Paths are an input transformer; "" means no transformer.
	Template string
	Paths    map[string]string
}

// event returns the rule's event for one time.
func (r *Rule) event(s *Schedule, at time.Time) ([]byte, error) {
	event, _ := json.Marshal(map[string]any{ // strings always encode
		"version": "0", "id": uuid.NewString(), "detail-type": "Scheduled Event", "source": "aws.events", "account": s.Account,
		"time": at.UTC().Format(time.RFC3339), "region": s.Region, "resources": []string{r.ARN}, "detail": map[string]any{},
	})
	switch {
	case s.Input != "":
		return []byte(s.Input), nil
	case r.Template != "":
		return r.transform(event)
	case r.Path != "":
		part, _ := json.Marshal(valueAt(event, r.Path)) // it was decoded from JSON
		return part, nil
	}
	return event, nil
}

// transform replaces <name> in the template with the value at the name's path, or with a
// value that EventBridge defines. Inside a JSON string it inserts text, elsewhere JSON. A
// path to nothing gives the empty string. An object or list in a string loses its quotes
// if the template is text. In a template of JSON they end the string, and EventBridge drops
// an event that is not JSON then.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html (2026-11)
// LocalStack's captures of AWS, 2026-03
func (r *Rule) transform(event []byte) ([]byte, error) {
	var out bytes.Buffer
	inString := false
	start := strings.TrimSpace(r.Template)
	isJSON := strings.HasPrefix(start, "{") || strings.HasPrefix(start, "[")
	for rest := r.Template; rest != ""; {
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			out.WriteString(rest[:2])
			rest = rest[2:]
			continue
		case rest[0] == '"':
			inString = !inString
		case rest[0] == '<':
			name, after, ok := strings.Cut(rest[1:], ">")
			if value, known := r.variable(name, event); ok && known {
				if value == nil {
					value = ""
				}
				text, isText := value.(string)
				data, _ := json.Marshal(value) // it was decoded from JSON
				switch {
				case inString && isText:
					data = data[1 : len(data)-1]
				case inString && !isJSON:
					data = bytes.ReplaceAll(data, []byte(`"`), nil)
				case isText && !inString && !isJSON:
					data = []byte(text)
				}
				out.Write(data)
				rest = after
				continue
			}
		}
		out.WriteByte(rest[0])
		rest = rest[1:]
	}
	if isJSON && !json.Valid(out.Bytes()) {
		return nil, fmt.Errorf("the input transformer made no JSON, and EventBridge drops the event: %s", out.Bytes())
	}
	return out.Bytes(), nil
}

// variable returns the value of a name in an input transformer's template. The names that
// begin with "aws.events." are EventBridge's own.
func (r *Rule) variable(name string, event []byte) (value any, known bool) {
	if path, ok := r.Paths[name]; ok {
		return valueAt(event, path), true
	}
	switch name {
	case "aws.events.rule-arn":
		return r.ARN, true
	case "aws.events.rule-name":
		_, name, _ := strings.Cut(r.ARN, "/")
		return name, true
	case "aws.events.event.ingestion-time":
		return valueAt(event, "$.time"), true
	case "aws.events.event.json":
		return valueAt(event, "$"), true
	case "aws.events.event":
		whole, _ := valueAt(event, "$").(map[string]any)
		whole["detailType"] = whole["detail-type"] // LocalStack's captures of AWS, 2026-03
		delete(whole, "detail-type")
		delete(whole, "detail")
		return whole, true
	}
	return nil, false
}

// step matches one step of a path, such as .detail, [0] or ['detail'].
var step = regexp.MustCompile(`^(?:\.([^.\[]+)|\['([^']*)'\]|\[(\d+)\])`)

// valueAt returns the value at a path such as $.detail.id; nil if there is none.
func valueAt(event []byte, path string) any {
	var value any
	if json.Unmarshal(event, &value) != nil {
		return nil
	}
	for rest := strings.TrimPrefix(path, "$"); rest != ""; {
		found := step.FindStringSubmatch(rest)
		if found == nil {
			return nil
		}
		rest = rest[len(found[0]):]
		if found[3] != "" {
			list, _ := value.([]any)
			i, err := strconv.Atoi(found[3])
			if err != nil || i >= len(list) {
				return nil
			}
			value = list[i]
			continue
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[found[1]+found[2]]
	}
	return value
}
