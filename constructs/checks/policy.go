package checks

import (
	"path"
	"slices"
	"strings"
)

const typeRole = "AWS::IAM::Role"

// policyTypes are the resources that add a policy to roles.
var policyTypes = []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}

// receiveActions are what Lambda needs to receive from a queue.
var receiveActions = []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}

// interfaceActions are what Lambda needs to place a function in a VPC.
var interfaceActions = []string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"}

// managedActions are the managed policies of AWS that functions commonly have, and what
// they allow of the actions that the rules ask for. Any other may allow everything.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html (2026-11)
var managedActions = map[string][]string{
	"AWSLambdaBasicExecutionRole":                     nil,
	"AWSLambdaVPCAccessExecutionRole":                 interfaceActions,
	"AWSLambdaENIManagementAccess":                    interfaceActions,
	"AWSXRayDaemonWriteAccess":                        nil,
	"CloudWatchLambdaInsightsExecutionRolePolicy":     nil,
	"CloudWatchLambdaApplicationSignalsExecutionRole": nil,
	"AWSLambdaSQSQueueExecutionRole":                  receiveActions,
}

// policyDocuments are the policies of a role in the app; known is false if there may be
// more of them.
func (role *resource) policyDocuments() (documents []value, known bool) {
	a := role.stack.app
	inline, known := role.get("Policies").list()
	known = known && !a.open
	for _, p := range inline {
		documents = append(documents, p.get("PolicyDocument"))
	}
	attached, ok := role.get("ManagedPolicyArns").list()
	known = known && ok
	for _, arn := range attached {
		text := arn.text()
		if p := arn.resource("AWS::IAM::ManagedPolicy"); p != nil {
			documents = append(documents, p.get("PolicyDocument"))
		} else if actions, common := managedActions[path.Base(text)]; common {
			for _, action := range actions {
				statement := map[string]any{"Effect": "Allow", "Action": action, "Resource": "*"}
				documents = append(documents, value{role.stack, map[string]any{"Statement": statement}})
			}
		} else {
			known = false
		}
	}
	for _, p := range a.ofType(policyTypes...) {
		roles, ok := p.get("Roles").list()
		if name := p.get("RoleName"); name.has() {
			roles = append(roles, name)
		}
		known = known && ok
		for _, name := range roles {
			if name.resource(typeRole) == role {
				documents = append(documents, p.get("PolicyDocument"))
			} else if literal, is := role.get("RoleName").literal(); a.unknownText(name.text()) || is && literal == name.text() {
				known = false
			}
		}
	}
	return documents, known
}

// lacks are those of some actions that no policy of the role allows on a resource, whose
// ARN is given with tokens, and whose name may be unknown. It is empty if anything about
// the role is unknown, and for a nil role.
func (role *resource) lacks(actions []string, arn string, name value) []string {
	if role == nil {
		return nil
	}
	documents, known := role.policyDocuments()
	if !known {
		return nil
	}
	var missing []string
	for _, action := range actions {
		if !slices.ContainsFunc(documents, func(d value) bool { return d.allows(action, arn, name) }) {
			missing = append(missing, action)
		}
	}
	return missing
}

// allows says whether a policy may allow an action. Conditions and denials are not looked
// at, as they depend on the request.
func (v value) allows(action, arn string, name value) bool {
	statements, known := v.get("Statement").list()
	for _, s := range statements {
		if s.get("Effect").text() == "Deny" {
			continue
		}
		if s.get("NotAction").has() || s.get("NotResource").has() || s.unknown() {
			return true
		}
		resources, ok := s.get("Resource").list()
		if s.get("Action").matches(action) && (!ok || slices.ContainsFunc(resources, func(r value) bool {
			return r.stack.app.covers(r.text(), arn, name)
		})) {
			return true
		}
	}
	return !known
}

// matches says whether one of the actions of a statement may be action.
func (v value) matches(action string) bool {
	patterns, known := v.list()
	return !known || slices.ContainsFunc(patterns, func(p value) bool {
		return strings.Contains(p.text(), tokenStart) || glob(strings.ToLower(p.text()), strings.ToLower(action))
	})
}

// covers says whether the resource of a statement may be the one with an ARN.
func (a *app) covers(pattern, arn string, name value) bool {
	if pattern == "*" || a.unknownText(pattern+arn) || glob(pattern, arn) {
		return true
	}
	tokens := token.FindAllStringSubmatch(pattern, -1)
	own := token.FindStringSubmatch(arn)
	if own == nil {
		return true // the resource does not matter
	}
	r, _ := a.resourceOf(own[1])
	pseudo := true
	for _, m := range tokens {
		other, _ := a.resourceOf(m[1])
		pseudo = pseudo && other == nil
		// An ARN that is put together from the resource's own name.
		if other == r && m[1] != own[1] {
			return true
		}
	}
	if !pseudo {
		return false
	}
	// The pattern is written by hand: arn:{partition}:{service}:{region}:{account}:{name}.
	parts := strings.SplitN(token.ReplaceAllString(pattern, "*"), ":", 6)
	if len(parts) < 6 {
		return strings.Contains(pattern, "*")
	}
	services, prefix := "sqs", ""
	switch r.kind {
	case typeFunction:
		services, prefix = "lambda", "function:"
	case "AWS::SecretsManager::Secret":
		return glob(parts[2], "secretsmanager") // the name ends in letters that AWS chooses
	}
	literal, known := name.literal()
	if !glob(parts[2], services) || !known { // a name that CloudFormation or a parameter chooses
		return glob(parts[2], services)
	}
	_, qualifier, _ := strings.Cut(arn, tokenEnd)
	return glob(parts[5], prefix+literal+qualifier)
}

// policyAllows says whether a policy of the queue may allow an action, to a service if one
// is given, and otherwise to anybody.
func (q *resource) policyAllows(action, service string) bool {
	a := q.stack.app
	if a.open {
		return true
	}
	for _, p := range a.ofType("AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy") {
		queues, known := p.get("Queues").list()
		if one := p.get("Queue"); one.has() {
			queues = append(queues, one)
		}
		applies := !known || slices.ContainsFunc(queues, func(v value) bool {
			return v.resource(typeQueue) == q || a.unknownText(v.text())
		})
		if !applies {
			continue
		}
		statements, known := p.get("PolicyDocument", "Statement").list()
		if !known || slices.ContainsFunc(statements, func(s value) bool {
			statement := value{s.stack, map[string]any{"Statement": s.resolved}}
			return (service == "" || s.admits(service)) && statement.allows(action, tokenOf(q, "Arn"), q.get("QueueName"))
		}) {
			return true
		}
	}
	return false
}

// trusts says whether a role may be assumed by a service.
func (role *resource) trusts(service string) bool {
	statements, known := role.get("AssumeRolePolicyDocument", "Statement").list()
	if !known || role.get("AssumeRolePolicyDocument").unknown() {
		return true
	}
	return slices.ContainsFunc(statements, func(s value) bool {
		if s.get("Effect").text() == "Deny" {
			return false
		}
		return s.unknown() || s.get("Action").matches("sts:AssumeRole") && s.admits(service)
	})
}

// admits says whether the principal of a statement may be a service.
func (v value) admits(service string) bool {
	principal := v.get("Principal")
	if v.unknown() || v.get("NotPrincipal").has() || principal.unknown() {
		return true
	}
	if text, is := principal.literal(); is && text == "*" || principal.get("AWS").text() == "*" {
		return true
	}
	services, known := principal.get("Service").list()
	return !known || slices.ContainsFunc(services, func(s value) bool {
		return strings.Contains(s.text(), tokenStart) || s.text() == service
	})
}

// glob matches IAM's patterns, in which * stands for any text and ? for a character.
func glob(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// list writes names for a message.
func list(names []string) string { return strings.Join(names, ", ") }
