package gateway

import (
	"encoding/json"
	"errors"
	"fmt"

	kjson "sigs.k8s.io/json"
)

// Decision is the response of a Lambda authorizer that returns a policy.
type Decision struct {
	PrincipalID string
	Policy      *Policy
	Context     map[string]any
}

// ReadDecision reads the response of an authorizer.
func ReadDecision(response []byte) (*Decision, error) {
	var d struct {
		PrincipalID    string         `json:"principalId"`
		PolicyDocument *Policy        `json:"policyDocument"`
		Context        map[string]any `json:"context"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(response, &d); err != nil || d.PolicyDocument == nil {
		return nil, errors.New("the authorizer's response has no policy")
	}
	return &Decision{d.PrincipalID, d.PolicyDocument, d.Context}, nil
}

// SaysUnauthorized reports whether an authorizer failed with the exact message
// "Unauthorized". REST and WebSocket APIs then answer 401; any other failure gets 500.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html (2026-11)
//
// AWS does not document the same for HTTP APIs, and we found nobody who measured it.
func SaysUnauthorized(err error) bool {
	var failed interface{ ErrorMessage() string }
	return errors.As(err, &failed) && failed.ErrorMessage() == "Unauthorized"
}

// TextContext returns an authorizer's context as events have it: all values are strings.
// As on AWS, objects and lists are errors.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html (2026-11)
func (d *Decision) TextContext() (map[string]any, error) {
	context := make(map[string]any, len(d.Context)+1)
	for name, value := range d.Context {
		switch value.(type) {
		case map[string]any, []any:
			return nil, fmt.Errorf("context %q must be a string, number or boolean", name)
		}
		context[name] = Text(value)
	}
	context["principalId"] = d.PrincipalID
	return context, nil
}

// Policy is an IAM policy as Lambda authorizers return it.
type Policy struct {
	Statement []struct {
		Effect   string
		Action   list
		Resource list
	}
}

// list is a string or a list of strings.
type list []string

// UnmarshalJSON implements [json.Unmarshaler].
func (l *list) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// Effect is the outcome of a policy's evaluation.
type Effect int

// ImplicitDeny says that no statement matches, ExplicitDeny that one denies.
const (
	ImplicitDeny Effect = iota
	ExplicitDeny
	Allow
)

// Allows reports whether the policy allows to invoke the ARN.
func (p *Policy) Allows(arn string) bool { return p.Evaluate(arn) == Allow }

// Evaluate returns what the policy says about an invocation of the ARN. It ignores
// conditions.
func (p *Policy) Evaluate(arn string) Effect {
	effect := ImplicitDeny
	for _, s := range p.Statement {
		if !s.Action.match("execute-api:Invoke") || !s.Resource.match(arn) {
			continue
		}
		if s.Effect == "Deny" {
			return ExplicitDeny
		}
		if s.Effect == "Allow" {
			effect = Allow
		}
	}
	return effect
}

func (l list) match(s string) bool {
	for _, pattern := range l {
		if wildcard(pattern, s) {
			return true
		}
	}
	return false
}

// wildcard matches "*" and "?" in patterns as IAM does.
func wildcard(pattern, s string) bool {
	star, mark, i, j := -1, 0, 0, 0
	for i < len(s) {
		switch {
		case j < len(pattern) && pattern[j] == '*':
			star, mark = j, i
			j++
		case j < len(pattern) && (pattern[j] == '?' || pattern[j] == s[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(pattern) && pattern[j] == '*' {
		j++
	}
	return j == len(pattern)
}
