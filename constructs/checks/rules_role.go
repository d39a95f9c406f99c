package checks

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	trustPage  = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-service.html"
	actionPage = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
	iamQuotas  = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
)

// assumed lists the properties that hold a role, with the service that must be able to
// assume the role.
var assumed = []struct {
	kind     string
	property []string
	service  string
}{
	{typeFunction, []string{"Role"}, "lambda.amazonaws.com"},
	{typeSchedule, []string{"Target", "RoleArn"}, "scheduler.amazonaws.com"},
	{"AWS::RDS::DBProxy", []string{"RoleArn"}, "rds.amazonaws.com"},
	{"AWS::ApiGateway::Account", []string{"CloudWatchRoleArn"}, "apigateway.amazonaws.com"},
	{"AWS::ApiGateway::Method", []string{"Integration", "Credentials"}, "apigateway.amazonaws.com"},
	{typeIntegration, []string{"CredentialsArn"}, "apigateway.amazonaws.com"},
	{"AWS::CodeDeploy::DeploymentGroup", []string{"ServiceRoleArn"}, "codedeploy.amazonaws.com"},
	{"AWS::EC2::FlowLog", []string{"DeliverLogsPermissionArn"}, "vpc-flow-logs.amazonaws.com"},
	{"AWS::StepFunctions::StateMachine", []string{"RoleArn"}, "states.amazonaws.com"},
	{"AWS::Pipes::Pipe", []string{"RoleArn"}, "pipes.amazonaws.com"},
}

func assumers() []string {
	var kinds []string
	for _, a := range assumed {
		if len(kinds) == 0 || kinds[len(kinds)-1] != a.kind {
			kinds = append(kinds, a.kind)
		}
	}
	return kinds
}

// actionsText has a line for each known service: its prefix, a colon, and its actions in
// lower case.
//
//go:embed actions.txt
var actionsText string

// knownActions has the actions of the services that a backend uses.
var knownActions = sync.OnceValue(func() map[string]map[string]bool {
	known := map[string]map[string]bool{}
	for line := range strings.Lines(actionsText) {
		prefix, actions, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		known[prefix] = map[string]bool{}
		for _, action := range strings.Fields(actions) {
			known[prefix][action] = true
		}
	}
	return known
})

// noAction reports whether a pattern of a known service matches none of its actions.
func noAction(pattern string) bool {
	prefix, action, ok := strings.Cut(strings.ToLower(pattern), ":")
	actions := knownActions()[prefix]
	if !ok || actions == nil || strings.Contains(pattern, tokenStart) || actions[action] {
		return false
	}
	if strings.ContainsAny(action, "*?") {
		for have := range actions {
			if glob(action, have) {
				return false
			}
		}
	}
	return true
}

// badPrefix describes what is wrong with the service of an action, or returns "". IAM refuses
// an action without a service. Only a name that is almost that of a known service is
// reported, because AWS adds services.
func badPrefix(action string) string {
	prefix, _, ok := strings.Cut(strings.ToLower(action), ":")
	switch {
	case strings.Contains(prefix, tokenStart) || action == "" || action == "*":
		return ""
	case !ok:
		return "must begin with a service and a colon, such as sqs:SendMessage"
	case len(prefix) < minMisspelledPrefix || knownActions()[prefix] != nil:
		return ""
	}
	for _, service := range slices.Sorted(maps.Keys(knownActions())) {
		if almost(prefix, service) {
			return "must begin with the name of a service, such as " + service
		}
	}
	return ""
}

// minMisspelledPrefix is the shortest prefix that is compared with the names of services.
// Shorter prefixes of other services differ from sqs, sns or kms in one letter.
const minMisspelledPrefix = 4

// almost reports whether texts differ in exactly one letter, which may be missing in one.
func almost(a, b string) bool {
	if len(a) < len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(b) && a[i] == b[i] {
		i++
	}
	if i == len(a) {
		return false
	}
	return a[i+1:] == b[i:] || i < len(b) && a[i+1:] == b[i+1:]
}

// documentsIn returns the policies in the properties of a resource.
func documentsIn(r *resource) []value {
	documents := []value{r.get("PolicyDocument"), r.get("AssumeRolePolicyDocument")}
	inline, _ := r.get("Policies").list()
	for _, p := range inline {
		documents = append(documents, p.get("PolicyDocument"))
	}
	return documents
}

// The quotas of policies in characters. White space does not count.
const (
	maxInlinePolicyCharacters  = 10_240
	maxManagedPolicyCharacters = 6_144
)

var policyHolders = append([]string{typeRole, "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"}, policyTypes...)

var roleRules = []Rule{
	{
		ID: "role-trust", Severity: Error, Page: trustPage,
		Fault: "A role that does not trust the service that uses it, such as a schedule's role that trusts Lambda. The service refuses the role, or never runs.",
		types: assumers(),
		each: func(r *resource, report reporter) {
			for _, a := range assumed {
				if r.kind != a.kind {
					continue
				}
				if role := r.get(a.property...).resource(typeRole); role != nil && !role.trusts(a.service) {
					report("%s must be a role that trusts %s, got %s, which does not trust it; add the service to its AssumeRolePolicyDocument", strings.Join(a.property, "."), a.service, role.id)
				}
			}
		},
	},
	{
		ID: "policy-action", Severity: Error, Page: actionPage,
		Fault: "An action that does not exist, such as sqs:Foo, or one of a service that does not exist; IAM refuses the policy, or the statement allows nothing.",
		types: policyHolders,
		each: func(r *resource, report reporter) {
			for _, d := range documentsIn(r) {
				statements, _ := d.get("Statement").list()
				for _, s := range statements {
					actions, _ := s.get("Action").list()
					for _, action := range actions {
						if bad := badPrefix(action.text()); bad != "" && strings.HasPrefix(r.kind, "AWS::IAM::") {
							report("Action %s, got %q; correct it", bad, action.text())
						}
						if noAction(action.text()) {
							prefix, _, _ := strings.Cut(action.text(), ":")
							report("Action must be an action of %s, got %q, which does not exist; correct the name", prefix, action.text())
						}
					}
				}
			}
		},
	},
	{
		ID: "policy-size", Severity: Error, Page: iamQuotas,
		Fault: "A role's inline policies, or a managed policy, whose known parts are longer than IAM accepts; IAM refuses them.",
		types: []string{typeRole, "AWS::IAM::ManagedPolicy"},
		each: func(r *resource, report reporter) {
			if r.kind != typeRole {
				if size := r.get("PolicyDocument").size(); size > maxManagedPolicyCharacters {
					report("PolicyDocument must be at most %d characters, got at least %d; divide it into several policies", maxManagedPolicyCharacters, size)
				}
				return
			}
			size := 0
			inline, _ := r.get("Policies").list()
			for _, p := range inline {
				size += p.get("PolicyDocument").size()
			}
			for _, p := range r.stack.byType["AWS::IAM::Policy"] {
				roles, _ := p.get("Roles").list()
				for _, name := range roles {
					if name.resource(typeRole) == r && !p.conditional {
						size += p.get("PolicyDocument").size()
					}
				}
			}
			if size > maxInlinePolicyCharacters {
				report("the inline policies must be at most %d characters together, got at least %d; use wildcards, or an AWS::IAM::ManagedPolicy", maxInlinePolicyCharacters, size)
			}
		},
	},
}

// size returns the minimum number of characters of a value in JSON. White space and tokens
// do not count.
func (v value) size() int {
	v = v.document()
	switch t := v.resolved.(type) {
	case map[string]any:
		size := len("{}")
		for name := range t {
			size += len(name) + len(`"":,`) + v.get(name).size()
		}
		return size - min(len(t), 1) // the last item has no comma
	case []any:
		items, _ := v.list()
		size := len("[]")
		for _, item := range items {
			size += item.size() + len(",")
		}
		return size - min(len(items), 1)
	case string:
		return len(`""`) + len(token.ReplaceAllString(t, ""))
	case float64, bool:
		return len(scalar(t))
	}
	return 0
}
