package checks

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

const typeRole = "AWS::IAM::Role"

// policyTypes are the types of resources that add a policy to roles.
var policyTypes = []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}

// receiveActions are the actions that Lambda needs to receive from a queue.
var receiveActions = []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}

// streamActions are the actions that Lambda needs to read a stream, by the type of resource.
var streamActions = map[string][]string{
	typeTable:  {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
	typeStream: {"kinesis:GetRecords", "kinesis:GetShardIterator"},
}

// interfaceActions are the actions that Lambda needs to place a function in a VPC.
var interfaceActions = []string{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"}

// managedActions has AWS's managed policies that functions commonly have. For each it lists
// the allowed actions among those that the rules check. Any other managed policy may allow
// every action.
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

// policyDocument is a policy of a role.
type policyDocument struct {
	value
	// conditional says that the role may not have it.
	conditional bool
}

// policyDocuments returns the policies of a role in the app. known is false if the role may
// have more policies.
func (role *resource) policyDocuments() (documents []policyDocument, known bool) {
	a := role.stack.app
	inline, known := role.get("Policies").list()
	known = known && !a.open
	for _, p := range inline {
		documents = append(documents, policyDocument{p.get("PolicyDocument"), false})
	}
	attached, ok := role.get("ManagedPolicyArns").list()
	known = known && ok
	for _, arn := range attached {
		text := arn.text()
		if p := arn.resource("AWS::IAM::ManagedPolicy"); p != nil {
			documents = append(documents, policyDocument{p.get("PolicyDocument"), p.conditional})
		} else if actions, common := managedActions[path.Base(text)]; common {
			for _, action := range actions {
				statement := map[string]any{"Effect": "Allow", "Action": action, "Resource": "*"}
				documents = append(documents, policyDocument{value{role.stack, map[string]any{"Statement": statement}}, false})
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
				documents = append(documents, policyDocument{p.get("PolicyDocument"), p.conditional})
			} else if literal, is := role.get("RoleName").literal(); a.unknownText(name.text()) || is && literal == name.text() {
				known = false
			}
		}
	}
	return documents, known
}

// lacks returns the actions that a policy of the role denies on a resource, or that none
// allows. The ARN of the resource has tokens, and its name may be unknown. The result has
// only denied actions if anything about the role is unknown, and is empty for a nil role.
func (role *resource) lacks(actions []string, arn string, name value) []string {
	if role == nil {
		return nil
	}
	documents, known := role.policyDocuments()
	var missing []string
	for _, action := range actions {
		denied := slices.ContainsFunc(documents, func(d policyDocument) bool { return !d.conditional && d.denies(action, arn, "") })
		if denied || known && !slices.ContainsFunc(documents, func(d policyDocument) bool { return d.allows(action, arn, name) }) {
			missing = append(missing, action)
		}
	}
	return missing
}

// cannotSend reports whether neither the role nor the policy of a queue allows the role to
// send to it. It is false for a nil role.
func (role *resource) cannotSend(q *resource) bool {
	return !q.policyAllows("sqs:SendMessage", "") && len(role.lacks([]string{"sqs:SendMessage"}, tokenOf(q, "Arn"), q.get("QueueName"))) > 0
}

// denies reports whether a policy certainly denies an action to a service, or with service
// "" to the owner of the policy. A statement with a condition denies nothing certainly.
func (v value) denies(action, arn, service string) bool {
	statements, _ := v.get("Statement").list()
	for _, s := range statements {
		actions, _ := s.get("Action").list()
		resources, _ := s.get("Resource").list()
		// The policy that says who may assume a role has no Resource.
		if s.get("Effect").text() == "Deny" && s.get("Condition").absent() && s.get("NotPrincipal").absent() && s.get("NotResource").absent() &&
			slices.ContainsFunc(actions, func(p value) bool {
				return glob(strings.ToLower(p.text()), strings.ToLower(action))
			}) &&
			(s.get("Resource").absent() || slices.ContainsFunc(resources, func(p value) bool { return glob(p.text(), arn) && !v.stack.app.unknownText(arn) })) &&
			(service == "" || s.names(service)) {
			return true
		}
	}
	return false
}

// names reports whether the principal of a statement is certainly everybody or a service.
func (v value) names(service string) bool {
	if text, is := v.get("Principal").literal(); is && text == "*" {
		return true
	}
	services, _ := v.get("Principal", "Service").list()
	return slices.ContainsFunc(services, func(s value) bool { return s.text() == service || s.text() == "*" })
}

// allows reports whether a policy may allow an action. It ignores conditions and denials.
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

// matches reports whether one of the actions of a statement may match action.
func (v value) matches(action string) bool {
	patterns, known := v.list()
	return !known || slices.ContainsFunc(patterns, func(p value) bool {
		return strings.Contains(p.text(), tokenStart) || glob(strings.ToLower(p.text()), strings.ToLower(action))
	})
}

// covers reports whether the resource pattern of a statement may match an ARN.
func (a *app) covers(pattern, arn string, name value) bool {
	if pattern == "*" || a.unknownText(pattern+arn) || glob(pattern, arn) {
		return true
	}
	tokens := token.FindAllStringSubmatch(pattern, -1)
	own := token.FindStringSubmatch(arn)
	if own == nil {
		return true // the ARN names no resource of the app
	}
	r, _ := a.resourceOf(own[1])
	pseudo := true
	for _, m := range tokens {
		other, _ := a.resourceOf(m[1])
		pseudo = pseudo && other == nil
		// The pattern is an ARN built from the name of the resource.
		if other == r && m[1] != own[1] {
			return true
		}
	}
	if !pseudo {
		return false
	}
	// The pattern is handwritten: arn:{partition}:{service}:{region}:{account}:{name}.
	parts := strings.SplitN(token.ReplaceAllString(pattern, "*"), ":", 6)
	if len(parts) < 6 {
		return strings.Contains(pattern, "*")
	}
	services, prefix := "sqs", ""
	switch r.kind {
	case typeFunction:
		services, prefix = "lambda", "function:"
	case "AWS::SecretsManager::Secret":
		return glob(parts[2], "secretsmanager") // AWS adds random letters to the name
	case typeTable:
		return glob(parts[2], "dynamodb") // the ARN of a stream has its time
	case typeStream:
		return glob(parts[2], "kinesis")
	}
	literal, known := name.literal()
	if !glob(parts[2], services) || !known { // CloudFormation or a parameter sets the name
		return glob(parts[2], services)
	}
	_, qualifier, _ := strings.Cut(arn, tokenEnd)
	return glob(parts[5], prefix+literal+qualifier)
}

// queuePolicyTypes are the types of resources that give a queue a policy.
var queuePolicyTypes = []string{"AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy"}

// policyDenies reports whether a policy of the queue certainly denies an action to a
// service, or with service "*" to everybody.
func (q *resource) policyDenies(action, service string) bool {
	return slices.ContainsFunc(q.stack.app.ofType(queuePolicyTypes...), func(p *resource) bool {
		queues, _ := p.get("Queues").list()
		queues = append(queues, p.get("Queue"))
		return !p.conditional && slices.ContainsFunc(queues, func(v value) bool { return v.resource(typeQueue) == q }) &&
			p.get("PolicyDocument").denies(action, tokenOf(q, "Arn"), service)
	})
}

// policyAllows reports whether a policy of the queue may allow an action for a service, or
// with service "" for anybody.
func (q *resource) policyAllows(action, service string) bool {
	a := q.stack.app
	if q.policyDenies(action, cmp.Or(service, "*")) {
		return false
	}
	if a.open {
		return true
	}
	for _, p := range a.ofType(queuePolicyTypes...) {
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

// trusts reports whether a service may assume a role.
func (role *resource) trusts(service string) bool {
	statements, known := role.get("AssumeRolePolicyDocument", "Statement").list()
	if role.get("AssumeRolePolicyDocument").denies("sts:AssumeRole", "", service) {
		return false
	}
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

// admits reports whether the principal of a statement may be a service.
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

// glob matches IAM's patterns: * stands for any text and ? for one character.
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

// list joins names for a message.
func list(names []string) string { return strings.Join(names, ", ") }
