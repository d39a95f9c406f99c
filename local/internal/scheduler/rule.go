package scheduler

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Rule makes a [Schedule] the schedule of an EventBridge rule. Its target gets the rule's
// event, or the part or transformation that the target configures. No keywords are
// replaced.
//
// It differs from AWS in the same ways as a schedule. An input transformer's values are
// found only by paths of names, such as $.detail.id.
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
func (r *Rule) event(s *Schedule, at time.Time) []byte {
	event, _ := json.Marshal(map[string]any{ // strings always encode
		"version": "0", "id": uuid.NewString(), "detail-type": "Scheduled Event", "source": "aws.events", "account": s.Account,
		"time": at.UTC().Format(time.RFC3339), "region": s.Region, "resources": []string{r.ARN}, "detail": map[string]any{},
	})
	switch {
	case s.Input != "":
		return []byte(s.Input)
	case r.Template != "":
		return r.transform(event)
	case r.Path != "":
		part, _ := json.Marshal(valueAt(event, r.Path)) // it was decoded from JSON
		return part
	}
	return event
}

// transform replaces <name> in the template with the value at the name's path. Inside a
// JSON string it inserts text, elsewhere JSON.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html (2026-11)
func (r *Rule) transform(event []byte) []byte {
	var out bytes.Buffer
	inString := false
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
			if path, known := r.Paths[name]; ok && (known || name == "aws.events.event.json") {
				if !known {
					path = "$"
				}
				value := valueAt(event, path)
				text, isText := value.(string)
				data, _ := json.Marshal(value) // it was decoded from JSON
				switch {
				case inString && isText:
					data = data[1 : len(data)-1]
				case inString:
					quoted, _ := json.Marshal(string(data)) // strings always encode
					data = quoted[1 : len(quoted)-1]
				case isText && !strings.HasPrefix(strings.TrimSpace(r.Template), "{") && !strings.HasPrefix(strings.TrimSpace(r.Template), "["):
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
	return out.Bytes()
}

// valueAt returns the value at a path such as $.detail.id; nil if there is none.
func valueAt(event []byte, path string) any {
	var value any
	if json.Unmarshal(event, &value) != nil {
		return nil
	}
	for _, name := range strings.Split(strings.TrimPrefix(strings.TrimPrefix(path, "$"), "."), ".") {
		if name == "" {
			continue
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}
