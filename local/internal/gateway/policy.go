package gateway

import (
	"encoding/json"
	"errors"

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

// Allows reports whether the policy allows to invoke the ARN: a statement allows it, and
// none denies it. It ignores conditions.
func (p *Policy) Allows(arn string) bool {
	allowed := false
	for _, s := range p.Statement {
		if !s.Action.match("execute-api:Invoke") || !s.Resource.match(arn) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed
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
