package checks

import (
	"maps"
	"slices"
	"strings"
)

const (
	stackQuotas = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
	namesPage   = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"
	exportsPage = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"

	maxResources     = 500
	maxOutputs       = 200
	maxParameters    = 200
	maxTemplateBytes = 1_000_000
)

// names has the properties that together name a resource in an account and region.
var names = map[string][]string{
	typeFunction:                       {"FunctionName"},
	typeAlias:                          {"FunctionName", "Name"},
	typeQueue:                          {"QueueName"},
	"AWS::SNS::Topic":                  {"TopicName"},
	"AWS::DynamoDB::Table":             {"TableName"},
	"AWS::Logs::LogGroup":              {"LogGroupName"},
	"AWS::CloudWatch::Alarm":           {"AlarmName"},
	"AWS::CloudWatch::Dashboard":       {"DashboardName"},
	"AWS::Events::Rule":                {"EventBusName", "Name"},
	typeSchedule:                       {"GroupName", "Name"},
	"AWS::Scheduler::ScheduleGroup":    {"Name"},
	typeRole:                           {"RoleName"},
	"AWS::IAM::ManagedPolicy":          {"ManagedPolicyName"},
	"AWS::RDS::DBProxy":                {"DBProxyName"},
	"AWS::RDS::DBCluster":              {"DBClusterIdentifier"},
	"AWS::RDS::DBInstance":             {"DBInstanceIdentifier"},
	"AWS::SecretsManager::Secret":      {"Name"},
	"AWS::SSM::Parameter":              {"Name"},
	typeDomain:                         {"DomainName"},
	typeRESTDomain:                     {"DomainName"},
	typeStage:                          {"ApiId", "StageName"},
	"AWS::CodeDeploy::Application":     {"ApplicationName"},
	typeRESTStage:                      {"RestApiId", "StageName"},
	typeMethod:                         {"RestApiId", "ResourceId", "HttpMethod"},
	typeRESTAuth:                       {"RestApiId", "Name"},
	typeScalableTarget:                 {"ServiceNamespace", "ScalableDimension", "ResourceId"},
	typeInvokeConfig:                   {"FunctionName", "Qualifier"},
	typeStream:                         {"Name"},
	typeBucket:                         {"BucketName"},
	"AWS::Events::EventBus":            {"Name"},
	"AWS::KMS::Alias":                  {"AliasName"},
	"AWS::StepFunctions::StateMachine": {"StateMachineName"},
}

// name returns the name of a resource. known is false if CloudFormation chooses the name, or
// if a part of it is unknown.
func (r *resource) name() (name string, known bool) {
	properties := names[r.kind]
	for _, property := range properties {
		v := r.get(property)
		if r.stack.app.unknownText(v.text()) || v.absent() && property == properties[len(properties)-1] {
			return "", false
		}
		name += "\n" + v.text()
	}
	return name, true
}

var stackRules = []Rule{
	{
		ID: "name-duplicate", Severity: Error, Page: namesPage,
		Fault: "Two resources of one type with the same name in a template, such as two queues with one QueueName; AWS refuses the second.",
		types: slices.Sorted(maps.Keys(names)),
		each: func(r *resource, report reporter) {
			name, known := r.name()
			if !known {
				return
			}
			for _, other := range r.earlier() {
				if same, known := other.name(); known && same == name {
					properties := names[r.kind]
					report("%s must be unique, got %q, which %s has too; rename one of them", strings.Join(properties, " and "), strings.ReplaceAll(strings.Trim(name, "\n"), "\n", ", "), other.id)
				}
			}
		},
	},
	{
		ID: "export-duplicate", Severity: Error, Page: exportsPage,
		Fault: "Two outputs of a template with the same export name; CloudFormation refuses the stack.",
		whole: func(s *stack, report reporter) {
			first := map[string]string{}
			for _, id := range slices.Sorted(maps.Keys(s.template.Outputs)) {
				output := s.template.Outputs[id]
				if output.Export == nil || output.Condition != "" {
					continue
				}
				name := s.followText(output.Export.Name, 0)
				if other := first[name]; other != "" && !s.app.unknownText(name) {
					report("Export.Name of output %s must be unique, got %q, which output %s has too; rename one of them", id, name, other)
				}
				first[name] = id
			}
		},
	},
	{
		ID: "export-own", Severity: Error, Page: exportsPage,
		Fault: "A template that imports a value that only the template itself exports; the value does not exist yet, so CloudFormation refuses the stack.",
		whole: func(s *stack, report reporter) {
			own := map[string]string{}
			for _, id := range slices.Sorted(maps.Keys(s.template.Outputs)) {
				if output := s.template.Outputs[id]; output.Export != nil {
					own[s.followText(output.Export.Name, 0)] = id
				}
			}
			if len(own) == 0 {
				return
			}
			for _, id := range slices.Sorted(maps.Keys(s.resources)) {
				for _, name := range imports(s, s.resources[id].raw.Properties) {
					if output := own[name]; output != "" && !s.app.unknownText(name) && !s.exportedElsewhere(name) {
						report("Fn::ImportValue of %s must be the export of another stack, got %q, which output %s of this template exports; refer to the resource", id, name, output)
					}
				}
			}
		},
	},
	{
		ID: "nested-parameters", Severity: Error,
		Page:  "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html",
		Fault: "A nested stack with a parameter that its template does not declare, or without one that has no default; CloudFormation refuses it.",
		types: []string{"AWS::CloudFormation::Stack"},
		each: func(r *resource, report reporter) {
			given := r.get("Parameters")
			if r.children == nil || given.unknown() || r.children.template.Transform != nil {
				return
			}
			declared := r.children.template.Parameters
			for _, name := range slices.Sorted(maps.Keys(given.keys())) {
				if declared[name] == nil && given.get(name).has() && !strings.HasPrefix(name, loopPrefix) {
					report("Parameters must be parameters of the nested template, got %q, which it does not declare; remove it", name)
				}
			}
			for _, name := range slices.Sorted(maps.Keys(declared)) {
				parameter, _ := declared[name].(map[string]any)
				if _, has := parameter["Default"]; !has && given.get(name).absent() {
					report("Parameters must have %s, which has no default in the nested template, got none; set it", name)
				}
			}
		},
	},
	{
		ID: "stack-size", Severity: Error, Page: stackQuotas,
		Fault: "More resources, outputs, parameters or bytes in a template than CloudFormation accepts; it refuses the stack.",
		whole: func(s *stack, report reporter) {
			for _, quota := range []struct {
				what      string
				most, got int
				remedy    string
			}{
				{"resources", maxResources, len(s.resources), "move some to another stack"},
				{"outputs", maxOutputs, len(s.template.Outputs), "move some to another stack"},
				{"parameters", maxParameters, len(s.template.Parameters), "combine some into lists"},
				{"bytes", maxTemplateBytes, s.size, "move resources to another stack"},
			} {
				if quota.got > quota.most {
					report("the template must have at most %d %s, got %d; %s", quota.most, quota.what, quota.got, quota.remedy)
				}
			}
		},
	},
}

// imports returns the names that a value imports.
func imports(s *stack, v any) []string {
	var names []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			names = append(names, imports(s, item)...)
		}
	case map[string]any:
		for key, item := range v {
			if key == "Fn::ImportValue" {
				names = append(names, s.followText(item, 0))
			} else {
				names = append(names, imports(s, item)...)
			}
		}
	}
	return names
}

// exportedElsewhere reports whether another stack of the app exports a name.
func (s *stack) exportedElsewhere(name string) bool {
	for _, other := range s.app.stacks {
		for _, output := range other.template.Outputs {
			if other != s && output.Export != nil && other.followText(output.Export.Name, 0) == name {
				return true
			}
		}
	}
	return false
}
