package hearth

import (
	"fmt"
	"strings"

	"github.com/lambdahearth/hearth/internal/wire"
)

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const maxEnvironmentBytes = 4096

const (
	// fewQueues is a number of queues whose names always fit.
	fewQueues = 15

	// The maximum length of a queue's generated name: stack, logical id and a random
	// part.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html (2026-11)
	maxGeneratedName  = 80
	randomNameLetters = 14

	// The text around the name of a queue in its URL, with a long region.
	queueURLLetters = len("https://sqs.ap-southeast-1.amazonaws.com/123456789012/")

	// unknownLetters is the assumed length of a value that only CloudFormation knows.
	unknownLetters = 64
)

// variables returns the environment variables of the function as in the template, whatever
// code added them. From CDK 2.276 on, Environment of the resource is a value that the CDK does
// not resolve.
func (h *Handler) variables() map[string]any {
	properties := propertiesIn(h.app.stackOf(h), h.resource)
	environment, _ := properties["Environment"].(map[string]any)
	variables, _ := environment["Variables"].(map[string]any)
	return variables
}

// checkEnvironmentSize refuses variables that Lambda would refuse: with values whose plain
// text alone is too long, or with so many queues that their names may be too long together.
func (h *Handler) checkEnvironmentSize(variables map[string]any) []string {
	least, longest, most := 0, "", 0
	for _, name := range sortedKeys(variables) {
		letters := len(name) + plainLetters(variables[name])
		least += letters
		if letters > most {
			longest, most = name, letters
		}
	}
	if least > maxEnvironmentBytes {
		return []string{fmt.Sprintf("the environment variables of %s must be at most %d bytes, got at least %d, of which %s has %d; shorten them, or move long values to a file of HandlerProps.Files or to a parameter",
			pathOf(h), maxEnvironmentBytes, least, longest, most)}
	}
	e := h.app.environments[h.Function]
	if e == nil || len(e.queues) <= fewQueues {
		return nil
	}
	size := sizer{stack: unknownLetters}
	if name := textOf(h.app.stackOf(h).StackName()); name.known {
		size.stack = len(name.value)
	}
	sum, queues := 0, 0
	for name, value := range variables {
		letters := len(name) + size.of(value)
		sum += letters
		if name == wire.EnvQueues {
			queues = letters
		}
	}
	if sum <= maxEnvironmentBytes {
		return nil
	}
	return []string{fmt.Sprintf("the environment variables of %s must be at most %d bytes, got about %d, of which %s has %d for %d queues; shorten the names of the stack and the queues, set QueueName, or consume some of them in another program",
		pathOf(h), maxEnvironmentBytes, sum, wire.EnvQueues, queues, len(e.queues))}
}

// plainLetters returns the length of the text in a value that is known before CloudFormation
// puts the other parts in.
func plainLetters(v any) int {
	if text, plain := v.(string); plain {
		return len(text)
	}
	sum := 0
	joined, _ := v.(map[string]any)
	if arguments, ok := joined["Fn::Join"].([]any); ok && len(arguments) == 2 {
		parts, _ := arguments[1].([]any)
		for _, part := range parts {
			sum += plainLetters(part)
		}
	}
	return sum
}

// sizer estimates how long values will be.
type sizer struct{ stack int }

func (s sizer) of(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case map[string]any:
		if join, ok := v["Fn::Join"].([]any); ok && len(join) == 2 {
			if split, ok := join[1].(map[string]any); ok { // see environment.shorten
				return s.ofShortened(split)
			}
			sum := 0
			parts, _ := join[1].([]any)
			for _, part := range parts {
				sum += s.of(part)
			}
			return sum
		}
		if id, ok := referenceIn(v); ok {
			return s.ofReference(id, v)
		}
	}
	return unknownLetters
}

// ofShortened is the length of names without their common prefix, when CloudFormation
// does not cut that off.
func (s sizer) ofShortened(v map[string]any) int {
	split, _ := v["Fn::Split"].([]any)
	if len(split) != 2 {
		return unknownLetters
	}
	prefix, _ := split[0].(string)
	sum := s.of(split[1])
	join, _ := split[1].(map[string]any)
	arguments, _ := join["Fn::Join"].([]any)
	if len(arguments) != 2 {
		return sum
	}
	parts, _ := arguments[1].([]any)
	for _, part := range parts {
		if id, ok := referenceIn(part); ok && s.stack+1+len(id)+randomNameLetters <= maxGeneratedName && strings.HasPrefix(id, prefix[s.stack+1:]) {
			sum -= len(prefix) - len(wire.QueuesPrefix)
		}
	}
	return sum
}

// ofReference treats a reference to a resource as one to a queue, which has the longest
// value.
func (s sizer) ofReference(id string, v map[string]any) int {
	switch id {
	case "AWS::Region", "AWS::AccountId", "AWS::URLSuffix", "AWS::Partition":
		return len("ap-southeast-1")
	}
	letters := min(s.stack+1+len(id)+randomNameLetters, maxGeneratedName)
	if _, isRef := v["Ref"]; isRef {
		letters += queueURLLetters
	}
	return letters
}
