package checks

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	referencePage   = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ref.html"
	queuePolicyType = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queuepolicy.html"
)

// unnamed are types whose Ref is a name, an id or a URL, but not an ARN.
var unnamed = []string{
	typeFunction, typeQueue, typeRole, typeBucket, typeTable, typeStream, typeEventRule, typeAPI, typeRESTAPI, typeUserPool,
	"AWS::Logs::LogGroup", "AWS::Events::EventBus", "AWS::KinesisFirehose::DeliveryStream", "AWS::KMS::Key",
}

// nameAttributes are attributes of these types that are not an ARN.
var nameAttributes = []string{"", "QueueName", "QueueUrl", "RoleId", "DomainName"}

// arnProperties are the properties that accept only an ARN. A [] stands for all items of a list.
var arnProperties = map[string][]string{
	typeFunction:                       {"Role", "DeadLetterConfig.TargetArn"},
	typeMapping:                        {"EventSourceArn"},
	typeQueue:                          {"RedrivePolicy.deadLetterTargetArn"},
	typeSchedule:                       {"Target.Arn", "Target.RoleArn", "Target.DeadLetterConfig.Arn"},
	typeEventRule:                      {"Targets.[].Arn", "Targets.[].RoleArn", "Targets.[].DeadLetterConfig.Arn"},
	typeInvokeConfig:                   {"DestinationConfig.OnFailure.Destination", "DestinationConfig.OnSuccess.Destination"},
	typeBucket:                         {"NotificationConfiguration.LambdaConfigurations.[].Function", "NotificationConfiguration.QueueConfigurations.[].Queue"},
	typeLogFilter:                      {"DestinationArn", "RoleArn"},
	typePermission:                     {"SourceArn"},
	typeIntegration:                    {"CredentialsArn"},
	typeMethod:                         {"Integration.Credentials"},
	"AWS::RDS::DBProxy":                {"RoleArn"},
	"AWS::StepFunctions::StateMachine": {"RoleArn"},
}

// at returns the values at a path of arnProperties.
func (v value) at(path string) []value {
	name, rest, more := strings.Cut(path, ".")
	if name == "[]" {
		var all []value
		items, _ := v.list()
		for _, item := range items {
			all = append(all, item.at(rest)...)
		}
		return all
	}
	if !more {
		return []value{v.get(name)}
	}
	return v.get(name).at(rest)
}

// noARN returns the resource that a value gives by name instead of by ARN, or nil.
func (v value) noARN() *resource {
	r := v.resource(unnamed...)
	if r == nil {
		return nil
	}
	m := token.FindStringSubmatch(v.text())
	if _, attribute := r.stack.app.resourceOf(m[1]); !slices.Contains(nameAttributes, attribute) {
		return nil
	}
	return r
}

var referenceRules = []Rule{
	{
		ID: "reference-arn", Severity: Error, Page: referencePage,
		Fault: "A name or URL where AWS accepts only an ARN, such as the Ref of a queue or a role; AWS refuses it.",
		types: append([]string{typeSubscriber, "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}, slices.Sorted(maps.Keys(arnProperties))...),
		each: func(r *resource, report reporter) {
			const message = "%s must be an ARN, got the name of %s; use Fn::GetAtt with Arn"
			own := value{r.stack, r.raw.Properties}
			for _, property := range arnProperties[r.kind] {
				for _, v := range own.at(property) {
					if named := v.noARN(); named != nil {
						report(message, strings.ReplaceAll(property, ".[]", "[]"), named.id)
					}
				}
			}
			if protocol := r.get("Protocol").text(); r.kind == typeSubscriber && (protocol == "sqs" || protocol == "lambda") {
				if named := r.get("Endpoint").noARN(); named != nil {
					report(message, "Endpoint", named.id)
				}
			}
			for _, d := range documentsIn(r) {
				statements, _ := d.get("Statement").list()
				for i, s := range statements {
					resources, _ := s.get("Resource").list()
					for _, v := range resources {
						if named := v.noARN(); named != nil {
							report(message, fmt.Sprintf("Resource of statement %d", i), named.id)
						}
					}
				}
			}
		},
	},
	{
		ID: "reference-name", Severity: Error, Page: referencePage,
		Fault: "The ARN of a role or queue where AWS accepts only its name or URL; AWS refuses it.",
		types: []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::SQS::QueuePolicy"},
		each: func(r *resource, report reporter) {
			for property, kind := range map[string]string{"Roles": typeRole, "Queues": typeQueue} {
				items, _ := r.get(property).list()
				for _, v := range items {
					if named := v.resource(kind); named != nil && v.text() == tokenOf(named, "Arn") {
						report("%s must have the Ref of %s, got its ARN; use Ref", property, named.id)
					}
				}
			}
		},
	},
	{
		ID: "queue-policy-duplicate", Severity: Error, Page: queuePolicyType,
		Fault: "Two policies of one queue; a queue has only one, so the policy that CloudFormation creates last replaces the other.",
		types: []string{"AWS::SQS::QueuePolicy"},
		each: func(r *resource, report reporter) {
			queues, _ := r.get("Queues").list()
			for _, other := range r.earlier() {
				taken, _ := other.get("Queues").list()
				for _, v := range queues {
					q := v.resource(typeQueue)
					if q != nil && slices.ContainsFunc(taken, func(t value) bool { return t.resource(typeQueue) == q }) {
						report("Queues must have only queues without another policy, got %s, which already has policy %s; merge their statements", q.id, other.id)
					}
				}
			}
		},
	},
}
