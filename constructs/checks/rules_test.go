package checks

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the tests compare with")

// ruleCase is the smallest template with a fault. VALUE is replaced by a value that breaks
// the rule, by a value just inside the bound, and by an unknown value.
type ruleCase struct {
	rule string
	// template has a line for each resource: its id, its type without AWS::, and its
	// properties.
	template                string
	faulty, inside, unknown string
}

const parameter = `{"Ref": "Parameter"}`

// role is a role with one action.
const role = `Role IAM::Role {"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}}, "Policies": [{"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": VALUE, "Resource": "*"}}}]}`

// templateOf makes a template from its lines.
func templateOf(t *testing.T, lines, value string) []byte {
	t.Helper()
	resources := map[string]any{}
	for line := range strings.Lines(strings.ReplaceAll(lines, "VALUE", value)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		id, rest, _ := strings.Cut(line, " ")
		kind, properties, _ := strings.Cut(rest, " ")
		if !json.Valid([]byte(properties)) {
			t.Fatalf("no JSON: %s", properties)
		}
		resources[id] = map[string]any{"Type": "AWS::" + kind, "Properties": json.RawMessage(properties), "Metadata": map[string]any{"aws:cdk:path": "Test/" + id}}
	}
	data, err := json.Marshal(map[string]any{"Resources": resources, "Parameters": map[string]any{"Parameter": map[string]any{"Type": "String"}}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func many(n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line+"\n", i)
	}
	return b.String()
}

func ruleCases() []ruleCase {
	letters := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	return []ruleCase{
		{"function-timeout", `Fn Lambda::Function {"Timeout": VALUE}`, "901", "900", parameter},
		{"function-timeout", `Fn Lambda::Function {"Timeout": VALUE}`, "0", "1", `{"Fn::If": ["Here", 0, 1]}`},
		{"function-memory", `Fn Lambda::Function {"MemorySize": VALUE}`, "10241", `"10240"`, parameter},
		{"function-storage", `Fn Lambda::Function {"EphemeralStorage": {"Size": VALUE}}`, "511", "512", parameter},
		{"function-environment", `Fn Lambda::Function {"Environment": {"Variables": {"A": VALUE}}}`, letters(4096), letters(4095), parameter},
		{"function-environment-name", `Fn Lambda::Function {"Environment": {"Variables": {VALUE: "x"}}}`, `"AWS_SESSION_TOKEN"`, `"AWS_TOKEN"`, `"Ref"`},
		{"function-snapstart", `Fn Lambda::Function {"SnapStart": {"ApplyOn": "PublishedVersions"}, "Runtime": VALUE}`, `"provided.al2023"`, `"java21"`, parameter},
		{"function-snapstart", `Fn Lambda::Function {"SnapStart": {"ApplyOn": "PublishedVersions"}, "EphemeralStorage": {"Size": VALUE}}`, "513", "512", parameter},
		{"function-snapstart", `Fn Lambda::Function {"SnapStart": {"ApplyOn": "PublishedVersions"}, "PackageType": VALUE}`, `"Image"`, `"Zip"`, parameter},
		{"function-snapstart", "Fn Lambda::Function {\"SnapStart\": {\"ApplyOn\": VALUE}}\nVer Lambda::Version {\"FunctionName\": {\"Ref\": \"Fn\"}, \"ProvisionedConcurrencyConfig\": {\"ProvisionedConcurrentExecutions\": 1}}", `"PublishedVersions"`, `"None"`, parameter},

		{"account-concurrency", "A Lambda::Function {\"ReservedConcurrentExecutions\": 800}\nB Lambda::Function {\"ReservedConcurrentExecutions\": VALUE}", "101", "100", parameter},
		{"provisioned-latest", `Al Lambda::Alias {"Name": "live", "FunctionVersion": VALUE, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}`, `"$LATEST"`, `"1"`, parameter},
		{"provisioned-weights", `Al Lambda::Alias {"Name": "live", "RoutingConfig": {"AdditionalVersionWeights": VALUE}, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}`, `[{"FunctionWeight": 0.1}]`, `[]`, parameter},
		{"provisioned-reserved", "Fn Lambda::Function {\"ReservedConcurrentExecutions\": 5}\nA Lambda::Alias {\"Name\": \"a\", \"FunctionName\": {\"Ref\": \"Fn\"}, \"ProvisionedConcurrencyConfig\": {\"ProvisionedConcurrentExecutions\": 3}}\nB Lambda::Alias {\"Name\": \"b\", \"FunctionName\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}, \"ProvisionedConcurrencyConfig\": {\"ProvisionedConcurrentExecutions\": VALUE}}", "3", "2", parameter},
		{"provisioned-bypassed", "Fn Lambda::Function {}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"Fn\"}, \"ProvisionedConcurrencyConfig\": {\"ProvisionedConcurrentExecutions\": 1}}\nMap Lambda::EventSourceMapping {\"FunctionName\": VALUE}", `{"Ref": "Fn"}`, `{"Ref": "Al"}`, parameter},
		{"scaling-reserved", "Fn Lambda::Function {\"ReservedConcurrentExecutions\": 5}\nSc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ResourceId\": {\"Fn::Sub\": \"function:${Fn}:1\"}, \"MaxCapacity\": VALUE}", "6", "5", parameter},
		{"scaling-capacity", `Sc ApplicationAutoScaling::ScalableTarget {"MinCapacity": VALUE, "MaxCapacity": 2}`, "3", "2", parameter},
		{"scaling-resource", "Fn Lambda::Function {}\nSc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ResourceId\": VALUE}", `{"Fn::Sub": "function:${Fn}:$LATEST"}`, `{"Fn::Sub": "function:${Fn}:1"}`, parameter},
		{"scaling-order", "Fn Lambda::Function {}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"Fn\"}}\nSc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ResourceId\": VALUE}", `{"Fn::Sub": "function:${Fn}:live"}`, `{"Fn::Join": [":", ["function", {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": "Al"}]}]}, "live"]]}`, parameter},
		{"scaling-reserved", "Fn Lambda::Function {\"ReservedConcurrentExecutions\": 5}\nSc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ResourceId\": {\"Fn::Sub\": \"function:${Fn}:1\"}, \"MaxCapacity\": 5, \"ScheduledActions\": [{\"ScalableTargetAction\": {\"MinCapacity\": VALUE}}]}", "6", "5", parameter},
		{"scaling-capacity", `Sc ApplicationAutoScaling::ScalableTarget {"ScheduledActions": [{"ScalableTargetAction": {"MinCapacity": VALUE, "MaxCapacity": 2}}]}`, "3", "2", parameter},
		{"scaling-dimension", `Sc ApplicationAutoScaling::ScalableTarget {"ResourceId": "function:shop:live", "ScalableDimension": VALUE}`, `"lambda:function:Concurrency"`, `"lambda:function:ProvisionedConcurrency"`, parameter},
		{"scaling-dimension", `Sc ApplicationAutoScaling::ScalableTarget {"ResourceId": "function:shop:live", "ServiceNamespace": VALUE}`, `"ecs"`, `"lambda"`, parameter},
		{"scaling-dimension", `Sc ApplicationAutoScaling::ScalableTarget {"ResourceId": "table/items", "ServiceNamespace": "dynamodb", "ScalableDimension": VALUE}`, `"ecs:service:DesiredCount"`, `"dynamodb:table:ReadCapacityUnits"`, parameter},
		{"scaling-schedule", `Sc ApplicationAutoScaling::ScalableTarget {"ScheduledActions": [{"Schedule": VALUE}]}`, `"cron(0 8 * *)"`, `"cron(0 8 ? * MON-FRI)"`, parameter},
		{"scaling-schedule", `Sc ApplicationAutoScaling::ScalableTarget {"ScheduledActions": [{"Schedule": VALUE}]}`, `"cron(0 8 * * * *)"`, `"cron(0 8 * * ? *)"`, parameter},
		{"scaling-schedule", `Sc ApplicationAutoScaling::ScalableTarget {"ScheduledActions": [{"Schedule": VALUE}]}`, `"cron(0 8 ? * ? *)"`, `"cron(0 0 8 * * ? *)"`, parameter},
		{"scaling-schedule", `Sc ApplicationAutoScaling::ScalableTarget {"ScheduledActions": [{"Schedule": VALUE}]}`, `"at(2027-01-31)"`, `"at(2027-01-31T09:00:00)"`, parameter},
		{"scaling-schedule", `Sc ApplicationAutoScaling::ScalableTarget {"ScheduledActions": [{"Schedule": VALUE}]}`, `"every day"`, `"rate(1 day)"`, parameter},
		{"scaling-schedule", `Sc ApplicationAutoScaling::ScalableTarget {"ScheduledActions": [{"Timezone": VALUE}]}`, `"Berlin"`, `"Europe/Berlin"`, parameter},
		{"scaling-policy", "Sc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ScalableDimension\": \"lambda:function:ProvisionedConcurrency\", \"ResourceId\": \"function:shop:live\"}\nP ApplicationAutoScaling::ScalingPolicy {\"ScalingTargetId\": {\"Ref\": \"Sc\"}, \"PolicyType\": VALUE}", `"StepScaling"`, `"TargetTrackingScaling"`, parameter},
		{"scaling-policy", "Sc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ScalableDimension\": \"lambda:function:ProvisionedConcurrency\", \"ResourceId\": \"function:shop:live\"}\nP ApplicationAutoScaling::ScalingPolicy {\"ScalingTargetId\": {\"Ref\": \"Sc\"}, \"TargetTrackingScalingPolicyConfiguration\": {\"PredefinedMetricSpecification\": {\"PredefinedMetricType\": VALUE}}}", `"ECSServiceAverageCPUUtilization"`, `"LambdaProvisionedConcurrencyUtilization"`, parameter},
		{"scaling-utilization", "Sc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ScalableDimension\": \"lambda:function:ProvisionedConcurrency\", \"ResourceId\": \"function:shop:live\"}\nP ApplicationAutoScaling::ScalingPolicy {\"ScalingTargetId\": {\"Ref\": \"Sc\"}, \"TargetTrackingScalingPolicyConfiguration\": {\"TargetValue\": VALUE, \"PredefinedMetricSpecification\": {\"PredefinedMetricType\": \"LambdaProvisionedConcurrencyUtilization\"}}}", "0.91", "0.9", parameter},
		{"scaling-utilization", "Sc ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ScalableDimension\": \"lambda:function:ProvisionedConcurrency\", \"ResourceId\": \"function:shop:live\"}\nP ApplicationAutoScaling::ScalingPolicy {\"ScalingTargetId\": {\"Ref\": \"Sc\"}, \"TargetTrackingScalingPolicyConfiguration\": {\"TargetValue\": VALUE, \"PredefinedMetricSpecification\": {\"PredefinedMetricType\": \"LambdaProvisionedConcurrencyUtilization\"}}}", "0.09", "0.1", parameter},
		{"alias-missing", "Fn Lambda::Function {}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"Fn\"}}\nMap Lambda::EventSourceMapping {\"FunctionName\": VALUE}", `{"Fn::Sub": "${Fn.Arn}:prod"}`, `{"Fn::Sub": "${Fn.Arn}:live"}`, `{"Fn::Sub": "${Fn.Arn}:${Parameter}"}`},
		{"function-key", `Fn Lambda::Function {"KmsKeyArn": VALUE}`, `"alias/programs"`, `"arn:aws:kms:eu-west-1:123456789012:alias/programs"`, parameter},
		{"function-key", "Key KMS::Key {}\nFn Lambda::Function {\"KmsKeyArn\": VALUE}", `{"Ref": "Key"}`, `{"Fn::GetAtt": ["Key", "Arn"]}`, parameter},
		{"function-logging", `Fn Lambda::Function {"LoggingConfig": {"LogFormat": VALUE, "ApplicationLogLevel": "DEBUG"}}`, `"Text"`, `"JSON"`, parameter},
		{"function-logging", `Fn Lambda::Function {"LoggingConfig": {"SystemLogLevel": VALUE}}`, `"DEBUG"`, `{"Ref": "AWS::NoValue"}`, parameter},

		{"provisioned-range", `Al Lambda::Alias {"Name": "live", "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": VALUE}}`, "0", "1", parameter},
		{"alias-missing", "Fn Lambda::Function {}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"Fn\"}}\nCfg Lambda::EventInvokeConfig {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Qualifier\": VALUE}", `"prod"`, `"live"`, parameter},
		{"alias-version", "A Lambda::Function {}\nB Lambda::Function {}\nVA Lambda::Version {\"FunctionName\": {\"Ref\": \"A\"}}\nVB Lambda::Version {\"FunctionName\": {\"Ref\": \"B\"}}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"A\"}, \"FunctionVersion\": VALUE}", `{"Fn::GetAtt": ["VB", "Version"]}`, `{"Fn::GetAtt": ["VA", "Version"]}`, parameter},
		{"alias-version", "A Lambda::Function {}\nB Lambda::Function {}\nVA Lambda::Version {\"FunctionName\": {\"Ref\": \"A\"}}\nVB Lambda::Version {\"FunctionName\": {\"Ref\": \"B\"}}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"A\"}, \"FunctionVersion\": \"1\", \"RoutingConfig\": {\"AdditionalVersionWeights\": [{\"FunctionVersion\": VALUE, \"FunctionWeight\": 0.1}]}}", `{"Fn::GetAtt": ["VB", "Version"]}`, `{"Fn::GetAtt": ["VA", "Version"]}`, parameter},
		{"alias-version", "A Lambda::Function {}\nB Lambda::Function {}\nVA Lambda::Version {\"FunctionName\": {\"Ref\": \"A\"}}\nVB Lambda::Version {\"FunctionName\": {\"Ref\": \"B\"}}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"A\"}, \"FunctionVersion\": \"1\", \"RoutingConfig\": {\"AdditionalVersionWeights\": [{\"FunctionVersion\": VALUE, \"FunctionWeight\": 0.1}, {\"FunctionVersion\": \"2\", \"FunctionWeight\": 0.1}]}}", `{"Fn::GetAtt": ["VB", "Version"]}`, `{"Fn::GetAtt": ["VA", "Version"]}`, parameter},
		{"alias-weights", `Al Lambda::Alias {"Name": "live", "FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": VALUE}]}}`, "1.5", "1", parameter},
		{"alias-weights", `Al Lambda::Alias {"Name": "live", "FunctionVersion": VALUE, "RoutingConfig": {"AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.1}]}}`, `"$LATEST"`, `"2"`, parameter},
		{"alias-weights", `Al Lambda::Alias {"Name": "live", "FunctionVersion": "3", "RoutingConfig": {"AdditionalVersionWeights": [VALUE]}}`, `{"FunctionVersion": "1", "FunctionWeight": 0.1}, {"FunctionVersion": "2", "FunctionWeight": 0.1}`, `{"FunctionVersion": "1", "FunctionWeight": 0.1}`, parameter},
		{"version-duplicate", "Fn Lambda::Function {}\nA Lambda::Version {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Description\": \"x\"}\nB Lambda::Version {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Description\": VALUE}", `"x"`, `"y"`, parameter},
		{"url-version", "Fn Lambda::Function {}\nV Lambda::Version {\"FunctionName\": {\"Ref\": \"Fn\"}}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"Fn\"}}\nU Lambda::Url {\"TargetFunctionArn\": VALUE, \"AuthType\": \"AWS_IAM\"}", `{"Ref": "V"}`, `{"Ref": "Al"}`, parameter},
		{"url-version", "Fn Lambda::Function {}\nU Lambda::Url {\"TargetFunctionArn\": {\"Ref\": \"Fn\"}, \"Qualifier\": VALUE, \"AuthType\": \"AWS_IAM\"}", `"3"`, `"v3"`, parameter},

		{"mapping-concurrency", `Map Lambda::EventSourceMapping {"ScalingConfig": {"MaximumConcurrency": VALUE}}`, "1", "2", parameter},
		{"mapping-concurrency", "Fn Lambda::Function {\"ReservedConcurrentExecutions\": 5}\nMap Lambda::EventSourceMapping {\"FunctionName\": {\"Ref\": \"Fn\"}, \"ScalingConfig\": {\"MaximumConcurrency\": VALUE}}", "6", "5", parameter},
		{"mapping-concurrency-sum", "Fn Lambda::Function {\"ReservedConcurrentExecutions\": 5}\nA Lambda::EventSourceMapping {\"FunctionName\": {\"Ref\": \"Fn\"}, \"ScalingConfig\": {\"MaximumConcurrency\": VALUE}}\nB Lambda::EventSourceMapping {\"FunctionName\": {\"Ref\": \"Fn\"}, \"ScalingConfig\": {\"MaximumConcurrency\": 2}}", "4", "3", parameter},
		{"mapping-pollers", `Map Lambda::EventSourceMapping {"ScalingConfig": {"MaximumConcurrency": VALUE}, "ProvisionedPollerConfig": {"MinimumPollers": 2}}`, "2", `{"Ref": "AWS::NoValue"}`, parameter},
		{"mapping-pollers", `Map Lambda::EventSourceMapping {"ProvisionedPollerConfig": {"MinimumPollers": VALUE, "MaximumPollers": 2}}`, "3", "2", parameter},
		{"mapping-source", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"StartingPosition\": VALUE}", `"LATEST"`, `{"Ref": "AWS::NoValue"}`, parameter},
		{"mapping-source", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"BisectBatchOnFunctionError\": VALUE}", `true`, `false`, parameter},
		{"mapping-source", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"MaximumRetryAttempts\": VALUE}", `3`, `-1`, parameter},
		{"mapping-source", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"ParallelizationFactor\": VALUE}", `2`, `1`, parameter},
		{"mapping-source", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"DestinationConfig\": VALUE}", `{"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:dead"}}`, `{"Ref": "AWS::NoValue"}`, parameter},
		{"mapping-source", "St Kinesis::Stream {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"St\", \"Arn\"]}, \"StartingPosition\": \"LATEST\", \"ScalingConfig\": VALUE}", `{"MaximumConcurrency": 2}`, `{"Ref": "AWS::NoValue"}`, parameter},
		{"mapping-position", "St Kinesis::Stream {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"St\", \"Arn\"]}, \"StartingPosition\": VALUE}", `"AT_TIMESTAMP"`, `"TRIM_HORIZON"`, parameter},
		{"mapping-position", "T DynamoDB::Table {\"StreamSpecification\": {\"StreamViewType\": \"KEYS_ONLY\"}}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"T\", \"StreamArn\"]}, \"StartingPosition\": VALUE}", `"AT_TIMESTAMP"`, `"LATEST"`, parameter},
		{"mapping-filter", `Map Lambda::EventSourceMapping {"FilterCriteria": {"Filters": [{"Pattern": VALUE}]}}`, `"{body:"`, `"{\"body\": {\"a\": [1]}}"`, `{"Fn::Sub": "{\"body\": ${Parameter}}"}`},
		{"mapping-filter", `Map Lambda::EventSourceMapping {"FilterCriteria": {"Filters": [{"Pattern": VALUE}]}}`, `"{\"body\": {\"a\": 1}}"`, `"{\"body\": [{\"anything-but\": {\"prefix\": [\"a\", \"b\"]}}]}"`, `{"Fn::Sub": "{\"body\": ${Parameter}}"}`},
		{"mapping-filter", `Map Lambda::EventSourceMapping {"FilterCriteria": {"Filters": [{"Pattern": VALUE}]}}`, `"{\"a\": [{\"begins\": \"x\"}]}"`, `"{}"`, `{"Fn::Sub": "{\"body\": ${Parameter}}"}`},
		{"mapping-pollers", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"ProvisionedPollerConfig\": {\"MinimumPollers\": VALUE}}", "1", "2", parameter},
		{"mapping-pollers", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"ProvisionedPollerConfig\": {\"MinimumPollers\": VALUE}}", "201", "200", parameter},
		{"mapping-pollers", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"ProvisionedPollerConfig\": {\"MaximumPollers\": VALUE}}", "10001", "10000", parameter},
		{"mapping-batch", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"BatchSize\": VALUE}", "11", "10", parameter},
		{"mapping-batch", "Q SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"BatchSize\": VALUE, \"MaximumBatchingWindowInSeconds\": 1}", "10001", "10000", parameter},
		{"mapping-batch", "Q SQS::Queue {\"FifoQueue\": true}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"BatchSize\": VALUE}", "11", "10", parameter},
		{"mapping-batch", "Q SQS::Queue {\"FifoQueue\": true}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"MaximumBatchingWindowInSeconds\": VALUE}", "1", "0", parameter},
		{"mapping-batch", `Map Lambda::EventSourceMapping {"MaximumBatchingWindowInSeconds": VALUE}`, "301", "300", parameter},
		{"mapping-visibility", "Fn Lambda::Function {\"Timeout\": 5}\nVer Lambda::Version {\"FunctionName\": {\"Ref\": \"Fn\"}}\nQ SQS::Queue {\"VisibilityTimeout\": VALUE}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"Ver\"}}", "4", "5", parameter},
		// As the CDK writes the alias of a mapping.
		{"mapping-visibility", "Fn Lambda::Function {\"Timeout\": 5}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"Fn\"}}\nQ SQS::Queue {\"VisibilityTimeout\": VALUE}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Fn::Join\": [\"\", [{\"Fn::Select\": [6, {\"Fn::Split\": [\":\", {\"Ref\": \"Al\"}]}]}, \":live\"]]}}", "4", "5", parameter},
		{"mapping-visibility-retries", "Fn Lambda::Function {\"Timeout\": 5}\nQ SQS::Queue {\"VisibilityTimeout\": VALUE}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"Fn\"}, \"MaximumBatchingWindowInSeconds\": 2}", "31", "32", parameter},
		{"mapping-role", role + "\nFn Lambda::Function {\"Role\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}\nQ SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"Fn\"}}", `["sqs:Receive*", "sqs:GetQueueAttributes"]`, `["sqs:Receive*", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]`, parameter},
		{"mapping-role", role + "\nFn Lambda::Function {\"Role\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}\nSt Kinesis::Stream {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"St\", \"Arn\"]}, \"StartingPosition\": \"LATEST\", \"FunctionName\": {\"Ref\": \"Fn\"}}", `"kinesis:GetRecords"`, `"kinesis:Get*"`, parameter},
		{"mapping-role", `Role IAM::Role {"Policies": [{"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "dynamodb:*", "Resource": VALUE}}}]}` + "\nFn Lambda::Function {\"Role\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}\nT DynamoDB::Table {\"StreamSpecification\": {\"StreamViewType\": \"KEYS_ONLY\"}}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"T\", \"StreamArn\"]}, \"StartingPosition\": \"LATEST\", \"FunctionName\": {\"Ref\": \"Fn\"}}", `"arn:aws:sqs:eu-west-1:123456789012:x"`, `{"Fn::Sub": "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/*"}`, parameter},
		{"mapping-shared", "F Lambda::Function {}\nG Lambda::Function {}\nQ SQS::Queue {}\nA Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"F\"}}\nB Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": VALUE}", `{"Ref": "G"}`, `{"Fn::Sub": "${F.Arn}:1"}`, parameter},
		{"mapping-shared", "F Lambda::Function {}\nG Lambda::Function {}\nQ SQS::Queue {}\nA Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"F\"}}\nB Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"G\"}, \"Enabled\": VALUE}", "true", "false", parameter},
		{"mapping-duplicate", "Fn Lambda::Function {}\nQ SQS::Queue {}\nA Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"Fn\"}}\nB Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": VALUE}", `{"Fn::GetAtt": ["Fn", "Arn"]}`, `{"Fn::Sub": "${Fn.Arn}:1"}`, parameter},

		{"queue-range", `Q SQS::Queue {"VisibilityTimeout": VALUE}`, "43201", "43200", parameter},
		{"queue-range", `Q SQS::Queue {"MessageRetentionPeriod": VALUE}`, "59", "60", parameter},
		{"queue-range", `Q SQS::Queue {"DelaySeconds": VALUE}`, "901", "900", parameter},
		{"queue-range", `Q SQS::Queue {"ReceiveMessageWaitTimeSeconds": VALUE}`, "21", "20", parameter},
		{"queue-range", `Q SQS::Queue {"MaximumMessageSize": VALUE}`, "1048577", "1048576", parameter},
		{"queue-receive-count", `Q SQS::Queue {"RedrivePolicy": {"maxReceiveCount": VALUE}}`, "0", "1", parameter},
		{"queue-receive-count", `Q SQS::Queue {"RedrivePolicy": {"maxReceiveCount": VALUE}}`, "1001", "1000", parameter},
		{"queue-receive-count", `Q SQS::Queue {"RedrivePolicy": VALUE}`, `"{\"maxReceiveCount\": 0}"`, `"{\"maxReceiveCount\": 1}"`, `{"Fn::Sub": "{\"maxReceiveCount\": ${Parameter}}"}`},
		{"queue-redrive", `Q SQS::Queue {"RedrivePolicy": {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead", "maxReceiveCount": VALUE}}`, `{"Ref": "AWS::NoValue"}`, "1", parameter},
		{"queue-redrive", `Q SQS::Queue {"RedrivePolicy": {"deadLetterTargetArn": VALUE, "maxReceiveCount": 1}}`, `{"Ref": "AWS::NoValue"}`, `"arn:aws:sqs:eu-west-1:123456789012:dead"`, parameter},
		{"queue-redrive", `Q SQS::Queue {"RedrivePolicy": VALUE}`, `"{\"maxReceiveCount\": 1}"`, `{"Fn::Sub": "{\"maxReceiveCount\": 1, \"deadLetterTargetArn\": \"${Parameter}\"}"}`, parameter},
		{"queue-redrive", `Q SQS::Queue {"RedriveAllowPolicy": {"redrivePermission": VALUE}}`, `{"Ref": "AWS::NoValue"}`, `"denyAll"`, parameter},
		{"queue-redrive", `Q SQS::Queue {"RedriveAllowPolicy": {"redrivePermission": "byQueue", "sourceQueueArns": [VALUE]}}`, `"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"`, `"1"`, parameter},
		{"queue-redrive", `Q SQS::Queue {"RedriveAllowPolicy": {"redrivePermission": VALUE, "sourceQueueArns": ["arn:aws:sqs:eu-west-1:123456789012:jobs"]}}`, `"allowAll"`, `"byQueue"`, parameter},
		{"queue-encryption", `Q SQS::Queue {"KmsMasterKeyId": "alias/aws/sqs", "SqsManagedSseEnabled": VALUE}`, "true", "false", parameter},
		{"queue-dead-letter-retention", "Dead SQS::Queue {\"MessageRetentionPeriod\": VALUE}\nQ SQS::Queue {\"RedrivePolicy\": {\"deadLetterTargetArn\": {\"Fn::GetAtt\": [\"Dead\", \"Arn\"]}}}", "345599", "345600", parameter},
		{"queue-dead-letter-kind", "Dead SQS::Queue {\"FifoQueue\": VALUE}\nQ SQS::Queue {\"FifoQueue\": true, \"RedrivePolicy\": {\"deadLetterTargetArn\": {\"Fn::GetAtt\": [\"Dead\", \"Arn\"]}}}", "false", "true", parameter},
		{"queue-redrive-allowed", "Dead SQS::Queue {\"RedriveAllowPolicy\": VALUE}\nQ SQS::Queue {\"RedrivePolicy\": {\"deadLetterTargetArn\": {\"Fn::GetAtt\": [\"Dead\", \"Arn\"]}}}", `{"redrivePermission": "denyAll"}`, `{"redrivePermission": "allowAll"}`, parameter},
		{"queue-redrive-allowed", "Dead SQS::Queue {\"RedriveAllowPolicy\": {\"redrivePermission\": \"byQueue\", \"sourceQueueArns\": [VALUE]}}\nOther SQS::Queue {}\nQ SQS::Queue {\"RedrivePolicy\": {\"deadLetterTargetArn\": {\"Fn::GetAtt\": [\"Dead\", \"Arn\"]}}}", `{"Fn::GetAtt": ["Other", "Arn"]}`, `{"Fn::GetAtt": ["Q", "Arn"]}`, parameter},
		{"queue-name", `Q SQS::Queue {"QueueName": VALUE}`, `"jobs.fifo"`, `"jobs"`, parameter},
		{"queue-name", `Q SQS::Queue {"QueueName": VALUE}`, letters(81), letters(80), `{"Fn::Sub": "${AWS::StackName}.jobs"}`},
		{"queue-fifo-settings", `Q SQS::Queue {"ContentBasedDeduplication": VALUE}`, "true", "false", parameter},
		{"queue-fifo-settings", `Q SQS::Queue {"FifoQueue": true, "FifoThroughputLimit": "perMessageGroupId", "DeduplicationScope": VALUE}`, `"queue"`, `"messageGroup"`, parameter},

		{"api-integration-timeout", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nInt ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Api\"}, \"TimeoutInMillis\": VALUE}", "30001", "30000", parameter},
		{"api-integration-timeout", "Api ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"$request.body.action\"}\nInt ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Api\"}, \"TimeoutInMillis\": VALUE}", "29001", "29000", parameter},
		{"api-rest-timeout", `Get ApiGateway::Method {"Integration": {"TimeoutInMillis": VALUE}}`, "29001", "29000", parameter},
		{"api-payload-format", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nInt ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Api\"}, \"IntegrationType\": \"AWS_PROXY\", \"PayloadFormatVersion\": VALUE}", `"3.0"`, `"1.0"`, parameter},
		{"api-websocket-selection", `Api ApiGatewayV2::Api {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": VALUE}`, `{"Ref": "AWS::NoValue"}`, `"$request.body.action"`, parameter},
		{"api-cors", `Api ApiGatewayV2::Api {"ProtocolType": "HTTP", "CorsConfiguration": {"AllowCredentials": true, "AllowOrigins": [VALUE]}}`, `"*"`, `"https://example.com"`, parameter},
		{"api-cors", `Api ApiGatewayV2::Api {"ProtocolType": VALUE, "RouteSelectionExpression": "x", "CorsConfiguration": {"AllowMethods": ["GET"]}}`, `"WEBSOCKET"`, `"HTTP"`, parameter},
		{"api-route-target", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nOther ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nA ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Api\"}}\nB ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Other\"}}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"Target\": {\"Fn::Join\": [\"/\", [\"integrations\", VALUE]]}}", `{"Ref": "B"}`, `{"Ref": "A"}`, parameter},
		{"api-route-key", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": VALUE}", `"GET items"`, `"GET /items/{id}"`, parameter},
		{"api-cors", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\", \"CorsConfiguration\": {\"MaxAge\": VALUE}}", "86401", "86400", parameter},
		{"api-cors", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\", \"CorsConfiguration\": {\"MaxAge\": VALUE}}", "-2", "-1", parameter},
		{"api-cors", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\", \"CorsConfiguration\": {\"AllowMethods\": [VALUE]}}", `"FETCH"`, `"get"`, parameter},
		{"api-cors", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\", \"CorsConfiguration\": {\"AllowOrigins\": [VALUE]}}", `"example.com"`, `"http://localhost:3000"`, parameter},
		{"api-cors", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\", \"CorsConfiguration\": {\"AllowOrigins\": [VALUE]}}", `"https://example.com/"`, `"https://*.example.com"`, parameter},
		{"api-route-key", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": VALUE}", `"GET /x/{a"`, `"GET /x/{a}"`, parameter},
		{"api-route-key", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": VALUE}", `"GET /{a}{b}"`, `"GET /{a}/{b}"`, parameter},
		{"api-route-key", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": VALUE}", `"GET /{id}.json"`, `"GET /{a-b}"`, parameter},
		{"api-route-key", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": VALUE}", `"GET /{}"`, `"GET /"`, parameter},
		{"api-route-key", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": VALUE}", `"GET /x?y"`, `"GET /x.y@z"`, parameter},
		{"api-integration-type", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nInt ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Api\"}, \"IntegrationMethod\": \"ANY\", \"IntegrationType\": VALUE}", `"AWS"`, `"HTTP_PROXY"`, parameter},
		{"api-integration-type", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nInt ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Api\"}, \"IntegrationType\": \"HTTP_PROXY\", \"IntegrationMethod\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"ANY"`, parameter},
		{"api-integration-type", "Int ApiGatewayV2::Integration {\"ConnectionType\": \"VPC_LINK\", \"ConnectionId\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"abc123"`, parameter},
		{"api-rest-lambda-method", "Get ApiGateway::Method {\"Integration\": {\"Type\": \"AWS_PROXY\", \"IntegrationHttpMethod\": VALUE, \"Uri\": \"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations\"}}", `"GET"`, `"POST"`, parameter},
		{"api-rest-path", "A ApiGateway::Resource {\"ParentId\": \"root\", \"PathPart\": VALUE}", `"a b"`, `"{proxy+}"`, parameter},
		{"api-rest-path", "A ApiGateway::Resource {\"ParentId\": \"root\", \"PathPart\": \"{id}\"}\nB ApiGateway::Resource {\"ParentId\": \"root\", \"PathPart\": VALUE}", `"{proxy+}"`, `"id"`, parameter},
		{"api-rest-path", "Api ApiGateway::RestApi {}\nA ApiGateway::Resource {\"ParentId\": {\"Fn::GetAtt\": [\"Api\", \"RootResourceId\"]}, \"PathPart\": \"items\"}\nB ApiGateway::Resource {\"ParentId\": VALUE, \"PathPart\": \"items\"}", `{"Fn::GetAtt": ["Api", "RootResourceId"]}`, `{"Ref": "A"}`, parameter},
		{"api-payload-format", "Api ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"$request.body.action\"}\nInt ApiGatewayV2::Integration {\"ApiId\": {\"Ref\": \"Api\"}, \"IntegrationType\": \"AWS_PROXY\", \"PayloadFormatVersion\": VALUE}", `"2.0"`, `"1.0"`, parameter},
		{"api-websocket-selection", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\", \"RouteSelectionExpression\": VALUE}", `"$request.body.action"`, `"${request.method} ${request.path}"`, parameter},
		{"api-stage", "Api ApiGateway::RestApi {}\nGet ApiGateway::Method {\"RestApiId\": {\"Ref\": \"Api\"}}\nD ApiGateway::Deployment {\"RestApiId\": {\"Ref\": \"Api\"}, \"Description\": {\"Ref\": \"Get\"}, \"StageName\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"live"`, parameter},
		{"api-route-duplicate", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}\nA ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\"}\nB ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": VALUE}", `"GET /"`, `"GET /b"`, parameter},
		{"api-stage", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nOther ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\"}\nSt ApiGatewayV2::Stage {\"ApiId\": VALUE}", `{"Ref": "Other"}`, `{"Ref": "Api"}`, parameter},

		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"JWT\", \"IdentitySource\": [\"$request.header.Authorization\"], \"JwtConfiguration\": {\"Issuer\": VALUE, \"Audience\": [\"shop\"]}}", `"http://example.com"`, `"https://example.com"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"JWT\", \"IdentitySource\": [\"$request.header.Authorization\"], \"JwtConfiguration\": {\"Issuer\": \"https://example.com\", \"Audience\": VALUE}}", `[]`, `["shop"]`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"JWT\", \"IdentitySource\": VALUE, \"JwtConfiguration\": {\"Issuer\": \"https://example.com\", \"Audience\": [\"shop\"]}}", `[]`, `"$request.querystring.token"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"JWT\", \"IdentitySource\": [VALUE], \"JwtConfiguration\": {\"Issuer\": \"https://example.com\", \"Audience\": [\"shop\"]}}", `"method.request.header.Authorization"`, `"$request.header.Authorization"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"$request.body.action\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": VALUE, \"AuthorizerUri\": \"x\"}", `"JWT"`, `"REQUEST"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"REQUEST\", \"AuthorizerUri\": \"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations\", \"AuthorizerPayloadFormatVersion\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"1.0"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"REQUEST\", \"AuthorizerUri\": \"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations\", \"AuthorizerPayloadFormatVersion\": VALUE, \"EnableSimpleResponses\": true}", `"1.0"`, `"2.0"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"REQUEST\", \"AuthorizerPayloadFormatVersion\": \"2.0\", \"AuthorizerUri\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"arn:aws:lambda:eu-west-1:123456789012:function:x"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"REQUEST\", \"AuthorizerUri\": \"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations\", \"AuthorizerPayloadFormatVersion\": \"2.0\", \"IdentitySource\": [\"$request.header.Auth\"], \"AuthorizerResultTtlInSeconds\": VALUE}", "3601", "3600", parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"REQUEST\", \"AuthorizerUri\": \"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations\", \"AuthorizerPayloadFormatVersion\": \"2.0\", \"AuthorizerResultTtlInSeconds\": VALUE}", "1", "0", parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"REQUEST\", \"AuthorizerUri\": \"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations\", \"AuthorizerPayloadFormatVersion\": \"2.0\", \"IdentitySource\": [VALUE]}", `"route.request.header.Auth"`, `"$request.header.Auth"`, parameter},
		{"api-authorizer", "Api ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"$request.body.action\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"REQUEST\", \"AuthorizerUri\": \"arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations\", \"IdentitySource\": [VALUE]}", `"$request.header.Auth"`, `"route.request.header.Auth"`, parameter},
		{"api-rest-authorizer", "Auth ApiGateway::Authorizer {\"Type\": \"TOKEN\", \"AuthorizerUri\": \"x\", \"IdentitySource\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"method.request.header.Auth"`, parameter},
		{"api-rest-authorizer", "Auth ApiGateway::Authorizer {\"Type\": \"REQUEST\", \"AuthorizerUri\": \"x\", \"AuthorizerResultTtlInSeconds\": VALUE}", "1", "0", parameter},
		{"api-rest-authorizer", "Auth ApiGateway::Authorizer {\"Type\": \"COGNITO_USER_POOLS\", \"IdentitySource\": \"x\", \"ProviderARNs\": VALUE}", `{"Ref": "AWS::NoValue"}`, `["arn:aws:cognito-idp:eu-west-1:123456789012:userpool/x"]`, parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\", \"AuthorizationType\": VALUE}", `"JWT"`, `"AWS_IAM"`, parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"JWT\", \"IdentitySource\": [\"$request.header.Authorization\"], \"JwtConfiguration\": {\"Issuer\": \"https://example.com\", \"Audience\": [\"shop\"]}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\", \"AuthorizationType\": VALUE, \"AuthorizerId\": {\"Ref\": \"Auth\"}}", `"CUSTOM"`, `"JWT"`, parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerType\": \"JWT\", \"IdentitySource\": [\"$request.header.Authorization\"], \"JwtConfiguration\": {\"Issuer\": \"https://example.com\", \"Audience\": [\"shop\"]}}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\", \"AuthorizationType\": VALUE, \"AuthorizerId\": {\"Ref\": \"Auth\"}}", `"NONE"`, `"JWT"`, parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nOther ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": VALUE, \"AuthorizerType\": \"JWT\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\", \"AuthorizationType\": \"JWT\", \"AuthorizerId\": {\"Ref\": \"Auth\"}}", `{"Ref": "Other"}`, `{"Ref": "Api"}`, parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\", \"AuthorizationType\": VALUE, \"AuthorizerId\": \"abc123\", \"AuthorizationScopes\": [\"read\"]}", `"AWS_IAM"`, `"JWT"`, parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\", \"ApiKeyRequired\": VALUE}", "true", "false", parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"$request.body.action\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizationType\": \"AWS_IAM\", \"RouteKey\": VALUE}", `"$default"`, `"$connect"`, parameter},
		{"api-authorization", "Api ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"$request.body.action\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"$connect\", \"AuthorizerId\": \"abc123\", \"AuthorizationType\": VALUE}", `"JWT"`, `"CUSTOM"`, parameter},
		{"api-authorization", "Get ApiGateway::Method {\"AuthorizationType\": VALUE}", `"COGNITO_USER_POOLS"`, `"AWS_IAM"`, parameter},
		{"api-authorization", "Auth ApiGateway::Authorizer {\"Type\": \"TOKEN\", \"AuthorizerUri\": \"x\", \"IdentitySource\": \"x\"}\nGet ApiGateway::Method {\"AuthorizerId\": {\"Ref\": \"Auth\"}, \"AuthorizationType\": VALUE}", `"COGNITO_USER_POOLS"`, `"CUSTOM"`, parameter},

		{"api-stage-name", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": true, \"StageName\": VALUE}", `"a/b"`, `"$default"`, parameter},
		{"api-stage-name", "St ApiGateway::Stage {\"StageName\": VALUE}", letters(129), letters(128), parameter},
		{"api-stage-name", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": true, \"StageVariables\": {VALUE: \"x\"}}", `"a-b"`, `"a_b"`, `"Fn::Transform"`},
		{"api-stage-name", "St ApiGateway::Stage {\"Variables\": {\"a\": VALUE}}", `"a|b"`, `"https://example.com/?a=b, c"`, parameter},
		{"api-stage-logs", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": true, \"AccessLogSettings\": {\"Format\": VALUE}}", `"$context.status"`, `"$context.status $context.extendedRequestId"`, parameter},
		{"api-stage-logs", "Role IAM::Role {}\nLogs Logs::LogGroup {}\nSt ApiGateway::Stage {\"AccessLogSetting\": {\"DestinationArn\": {\"Fn::GetAtt\": [VALUE, \"Arn\"]}}}", `"Role"`, `"Logs"`, `"Elsewhere"`},
		{"api-stage-logs", "Table DynamoDB::Table {}\nStream KinesisFirehose::DeliveryStream {}\nLookup CloudFormation::CustomResource {}\nSt ApiGateway::Stage {\"AccessLogSetting\": {\"DestinationArn\": {\"Fn::GetAtt\": [VALUE, \"Arn\"]}}}", `"Table"`, `"Stream"`, `"Lookup"`},
		{"api-stage-logs", "Stream KinesisFirehose::DeliveryStream {}\nLogs Logs::LogGroup {}\nName SSM::Parameter {}\nSt ApiGatewayV2::Stage {\"AccessLogSettings\": {\"DestinationArn\": {\"Fn::GetAtt\": VALUE}}}", `["Stream", "Arn"]`, `["Logs", "Arn"]`, `["Name", "Value"]`},
		{"api-stage-routes", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": true, \"StageName\": {\"Ref\": \"Get\"}, \"RouteSettings\": {VALUE: {\"ThrottlingRateLimit\": 1}}}", `"GET /a"`, `"GET /"`, `"Fn::If"`},
		{"api-stage-routes", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": true, \"StageName\": VALUE, \"RouteSettings\": {\"GET /\": {\"ThrottlingRateLimit\": 1}}}", `"live"`, `{"Ref": "Get"}`, `{"Fn::Sub": "${Get}${Parameter}"}`},
		{"api-stage-deployment", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": VALUE}", "false", "true", parameter},
		{"api-stage-deployment", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\"}\nD ApiGatewayV2::Deployment {\"ApiId\": {\"Ref\": \"Api\"}, \"StageName\": VALUE}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}}", `{"Ref": "AWS::NoValue"}`, `"live"`, parameter},
		{"api-deployment", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nGet ApiGatewayV2::Route {\"ApiId\": {\"Ref\": \"Api\"}, \"RouteKey\": \"GET /\"}\nD ApiGatewayV2::Deployment {\"ApiId\": {\"Ref\": \"Api\"}, \"Description\": VALUE}", `"v1"`, `{"Fn::Sub": "v1 ${Get}"}`, `{"Fn::Join": ["", [{"Ref": "Get"}, {"Ref": "Parameter"}]]}`},

		{"domain-mixed", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nChat ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"x\"}\nA ApiGatewayV2::ApiMapping {\"ApiId\": {\"Ref\": \"Api\"}, \"Stage\": \"x\", \"DomainName\": \"api.example.com\", \"ApiMappingKey\": \"a\"}\nB ApiGatewayV2::ApiMapping {\"ApiId\": {\"Ref\": \"Chat\"}, \"Stage\": \"x\", \"DomainName\": VALUE}", `"api.example.com"`, `"chat.example.com"`, parameter},
		{"domain-mixed", "Api ApiGateway::RestApi {}\nD ApiGateway::DomainName {\"DomainName\": \"api.example.com\"}\nE ApiGateway::DomainName {\"DomainName\": \"chat.example.com\"}\nChat ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\", \"RouteSelectionExpression\": \"x\"}\nA ApiGateway::BasePathMapping {\"RestApiId\": {\"Ref\": \"Api\"}, \"DomainName\": {\"Ref\": \"D\"}, \"BasePath\": \"a\"}\nB ApiGatewayV2::ApiMapping {\"ApiId\": {\"Ref\": \"Chat\"}, \"Stage\": \"x\", \"DomainName\": VALUE}", `{"Ref": "D"}`, `{"Ref": "E"}`, parameter},
		{"domain-stage", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": true, \"StageName\": \"live\"}\nM ApiGatewayV2::ApiMapping {\"DomainName\": \"api.example.com\", \"ApiId\": {\"Ref\": \"Api\"}, \"ApiMappingKey\": {\"Ref\": \"St\"}, \"Stage\": VALUE}", `"test"`, `"live"`, parameter},
		{"domain-stage", "Api ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nSt ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"Api\"}, \"AutoDeploy\": true, \"StageName\": \"live\"}\nM ApiGatewayV2::ApiMapping {\"DomainName\": \"api.example.com\", \"ApiId\": {\"Ref\": \"Api\"}, \"ApiMappingKey\": VALUE, \"Stage\": \"live\"}", `"v1"`, `{"Ref": "St"}`, `{"Fn::Sub": "${St}${Parameter}"}`},
		{"domain-stage", "Api ApiGateway::RestApi {}\nSt ApiGateway::Stage {\"RestApiId\": {\"Ref\": \"Api\"}, \"StageName\": \"live\"}\nP ApiGateway::UsagePlan {\"Description\": {\"Ref\": \"St\"}, \"ApiStages\": [{\"ApiId\": {\"Ref\": \"Api\"}, \"Stage\": VALUE}]}", `"test"`, `"live"`, parameter},
		{"api-key-plan", "Api ApiGateway::RestApi {}\nO ApiGateway::RestApi {}\nGet ApiGateway::Method {\"RestApiId\": {\"Ref\": \"Api\"}, \"ApiKeyRequired\": true}\nP ApiGateway::UsagePlan {\"ApiStages\": [{\"ApiId\": VALUE}]}", `{"Ref": "O"}`, `{"Ref": "Api"}`, parameter},
		{"domain-path", `A ApiGatewayV2::ApiMapping {"ApiId": "x", "Stage": "x", "DomainName": "api.example.com", "ApiMappingKey": VALUE}`, `"a b"`, `"orders/v1-$_.+!*'()"`, parameter},
		{"domain-path", `A ApiGatewayV2::ApiMapping {"ApiId": "x", "Stage": "x", "DomainName": "api.example.com", "ApiMappingKey": VALUE}`, letters(301), letters(300), parameter},
		{"domain-path", "A ApiGatewayV2::ApiMapping {\"ApiId\": \"x\", \"Stage\": \"x\", \"DomainName\": \"api.example.com\"}\nB ApiGatewayV2::ApiMapping {\"ApiId\": \"y\", \"Stage\": \"x\", \"DomainName\": \"api.example.com\", \"ApiMappingKey\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"v1"`, parameter},
		{"domain-path", "A ApiGatewayV2::ApiMapping {\"ApiId\": \"x\", \"Stage\": \"x\", \"DomainName\": VALUE}\nB ApiGatewayV2::ApiMapping {\"ApiId\": \"x\", \"Stage\": \"x\", \"DomainName\": VALUE}", `"api.example.com"`, `{"Ref": "AWS::NoValue"}`, parameter},
		{"domain-path", "D ApiGatewayV2::DomainName {\"DomainName\": \"api.example.com\"}\nA ApiGatewayV2::ApiMapping {\"ApiId\": \"x\", \"Stage\": \"x\", \"DomainName\": {\"Ref\": \"D\"}}\nB ApiGatewayV2::ApiMapping {\"ApiId\": \"x\", \"Stage\": \"x\", \"DomainName\": VALUE}", `"api.example.com"`, `"b.example.com"`, parameter},
		{"domain-path", "A ApiGateway::BasePathMapping {\"RestApiId\": \"x\", \"DomainName\": \"api.example.com\", \"BasePath\": VALUE}\nB ApiGatewayV2::ApiMapping {\"ApiId\": \"x\", \"Stage\": \"x\", \"DomainName\": \"api.example.com\"}", `"(none)"`, `"v1"`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nApi ApiGateway::RestApi {}\nGet ApiGateway::Method {\"RestApiId\": {\"Ref\": \"Api\"}, \"Integration\": {\"Uri\": {\"Fn::Sub\": \"arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations\"}}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": VALUE}", `"events.amazonaws.com"`, `"apigateway.amazonaws.com"`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nApi ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nAuth ApiGatewayV2::Authorizer {\"ApiId\": {\"Ref\": \"Api\"}, \"AuthorizerUri\": {\"Fn::Sub\": \"arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations\"}}\nPerm Lambda::Permission {\"FunctionName\": VALUE, \"Principal\": \"apigateway.amazonaws.com\"}", `{"Fn::Sub": "${Fn.Arn}:1"}`, `{"Fn::GetAtt": ["Fn", "Arn"]}`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nRule Events::Rule {\"Targets\": [{\"Arn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}]}\nOther Events::Rule {\"Targets\": []}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": \"events.amazonaws.com\", \"SourceArn\": VALUE}", `{"Fn::GetAtt": ["Other", "Arn"]}`, `{"Fn::GetAtt": ["Rule", "Arn"]}`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nTopic SNS::Topic {}\nSub SNS::Subscription {\"Protocol\": \"lambda\", \"TopicArn\": {\"Ref\": \"Topic\"}, \"Endpoint\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": VALUE, \"SourceArn\": {\"Ref\": \"Topic\"}}", `"sqs.amazonaws.com"`, `"sns.amazonaws.com"`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nF Logs::SubscriptionFilter {\"DestinationArn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": VALUE}", `"logs.example.com"`, `"logs.eu-west-1.amazonaws.com"`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nPool Cognito::UserPool {\"LambdaConfig\": {\"PreSignUp\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": VALUE}", `"cognito.amazonaws.com"`, `"cognito-idp.amazonaws.com"`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nGroup ElasticLoadBalancingV2::TargetGroup {\"TargetType\": \"lambda\", \"Targets\": [{\"Id\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}]}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": VALUE}", `"apigateway.amazonaws.com"`, `"elasticloadbalancing.amazonaws.com"`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nS SecretsManager::Secret {}\nR SecretsManager::RotationSchedule {\"SecretId\": {\"Ref\": \"S\"}, \"RotationLambdaARN\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": VALUE}", `"rds.amazonaws.com"`, `"secretsmanager.amazonaws.com"`, parameter},
		{"invoke-permission", "Fn Lambda::Function {}\nB S3::Bucket {\"NotificationConfiguration\": {\"LambdaConfigurations\": [{\"Function\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}]}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": \"s3.amazonaws.com\", \"SourceArn\": VALUE}", `"arn:aws:sns:eu-west-1:123456789012:topic"`, `"arn:aws:s3:::bucket"`, parameter},
		{"api-rest-deployment", "Api ApiGateway::RestApi {}\nGet ApiGateway::Method {\"RestApiId\": {\"Ref\": \"Api\"}}\nDep ApiGateway::Deployment {\"RestApiId\": {\"Ref\": \"Api\"}, \"Description\": VALUE}", `"v1"`, `{"Fn::Sub": "v1 ${Get}"}`, `{"Fn::Join": ["", [{"Ref": "Get"}, {"Ref": "Parameter"}]]}`},
		{"url-permission", "Fn Lambda::Function {}\nUrl Lambda::Url {\"TargetFunctionArn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}, \"AuthType\": \"NONE\"}\nA Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Action\": \"lambda:InvokeFunction\", \"Principal\": \"*\"}\nB Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Action\": \"lambda:InvokeFunctionUrl\", \"Principal\": VALUE}", `"123456789012"`, `"*"`, parameter},
		{"url-permission", "Fn Lambda::Function {}\nUrl Lambda::Url {\"TargetFunctionArn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}, \"AuthType\": \"NONE\"}\nA Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Action\": \"lambda:InvokeFunctionUrl\", \"Principal\": \"*\"}\nB Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Action\": VALUE, \"Principal\": \"*\"}", `"lambda:GetFunction"`, `"lambda:InvokeFunction"`, parameter},
		{"url-duplicate", "Fn Lambda::Function {}\nAl Lambda::Alias {\"Name\": \"live\", \"FunctionName\": {\"Ref\": \"Fn\"}}\nA Lambda::Url {\"TargetFunctionArn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}, \"Qualifier\": \"live\", \"AuthType\": \"AWS_IAM\"}\nB Lambda::Url {\"TargetFunctionArn\": VALUE, \"AuthType\": \"AWS_IAM\"}", `{"Ref": "Al"}`, `{"Ref": "Fn"}`, parameter},

		{"schedule-expression", `Sch Scheduler::Schedule {"ScheduleExpression": VALUE}`, `"rate(5 minuets)"`, `"rate(5 minutes)"`, parameter},
		{"schedule-expression", `Sch Scheduler::Schedule {"ScheduleExpression": "at(2027-01-31T09:00:00)", "ScheduleExpressionTimezone": VALUE}`, `"CET/Berlin"`, `"Europe/Berlin"`, parameter},
		{"event-rule-expression", `Rule Events::Rule {"ScheduleExpression": VALUE}`, `"rate(1 hours)"`, `"rate(1 hour)"`, parameter},
		{"event-rule-expression", `Rule Events::Rule {"ScheduleExpression": VALUE}`, `"at(2027-01-31T09:00:00)"`, `"cron(0 3 * * ? *)"`, parameter},
		{"schedule-range", `Sch Scheduler::Schedule {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": VALUE}}`, "1441", "1440", parameter},
		{"schedule-range", `Sch Scheduler::Schedule {"FlexibleTimeWindow": {"Mode": VALUE}}`, `"FLEXIBLE"`, `"OFF"`, parameter},
		{"schedule-range", `Sch Scheduler::Schedule {"Target": {"RetryPolicy": {"MaximumRetryAttempts": VALUE}}}`, "186", "185", parameter},
		{"schedule-range", `Sch Scheduler::Schedule {"Target": {"RetryPolicy": {"MaximumEventAgeInSeconds": VALUE}}}`, "59", "60", parameter},
		{"schedule-role", role + "\nFn Lambda::Function {}\nSch Scheduler::Schedule {\"Target\": {\"Arn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}, \"RoleArn\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}}", `"lambda:InvokeAsync"`, `"lambda:InvokeFunction"`, parameter},
		{"schedule-dead-letter", role + "\nQ SQS::Queue {}\nSch Scheduler::Schedule {\"Target\": {\"DeadLetterConfig\": {\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}, \"RoleArn\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}}", `"sqs:ReceiveMessage"`, `"sqs:SendMessage"`, parameter},
		{"schedule-dead-letter", "Q SQS::Queue {\"FifoQueue\": VALUE}\nSch Scheduler::Schedule {\"Target\": {\"DeadLetterConfig\": {\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}}}", "true", "false", parameter},
		{"schedule-expression", "Sch Scheduler::Schedule {\"ScheduleExpression\": VALUE}", `"cron(0 3 31 2 ? *)"`, `"cron(0 3 29 2 ? *)"`, parameter},
		{"schedule-expression", "Sch Scheduler::Schedule {\"ScheduleExpression\": VALUE}", `"every(5 minutes)"`, `"Rate(5 minutes)"`, parameter},
		{"schedule-range", "Sch Scheduler::Schedule {\"FlexibleTimeWindow\": {\"MaximumWindowInMinutes\": 5, \"Mode\": VALUE}}", `"OFF"`, `"FLEXIBLE"`, parameter},
		{"schedule-dates", "Sch Scheduler::Schedule {\"StartDate\": \"2027-01-01T00:00:00.000Z\", \"EndDate\": VALUE}", `"2027-01-01T00:00:00.000Z"`, `"2027-01-01T00:00:01.000Z"`, parameter},
		{"schedule-date-format", "Sch Scheduler::Schedule {\"StartDate\": VALUE}", `"2027-01-01T00:00:00Z"`, `"2027-01-01T00:00:00.000Z"`, parameter},
		{"schedule-target", "Fn Lambda::Function {}\nSch Scheduler::Schedule {\"Target\": {\"Arn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}, \"Input\": VALUE}}", `"not json"`, `"7"`, parameter},
		{"schedule-target", "Fn Lambda::Function {}\nSch Scheduler::Schedule {\"Target\": {\"Arn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}, \"SqsParameters\": VALUE}}", `{"MessageGroupId": "a"}`, `{"Ref": "AWS::NoValue"}`, parameter},
		{"schedule-target", "Q SQS::Queue {\"FifoQueue\": true, \"ContentBasedDeduplication\": true}\nSch Scheduler::Schedule {\"Target\": {\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"SqsParameters\": VALUE}}", `{"Ref": "AWS::NoValue"}`, `{"MessageGroupId": "a"}`, parameter},
		{"schedule-target", "Q SQS::Queue {\"FifoQueue\": true, \"ContentBasedDeduplication\": VALUE}\nSch Scheduler::Schedule {\"Target\": {\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"SqsParameters\": {\"MessageGroupId\": \"a\"}}}", `false`, `true`, parameter},
		{"schedule-role", role + "\nQ SQS::Queue {}\nSch Scheduler::Schedule {\"Target\": {\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"RoleArn\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}}", `"sqs:ReceiveMessage"`, `"sqs:SendMessage"`, parameter},
		{"event-rule-expression", "Rule Events::Rule {\"ScheduleExpression\": VALUE}", `"cron(0 3 30 2 ? *)"`, `"cron(0 3 30 4 ? *)"`, parameter},
		{"event-rule-expression", "Bus Events::EventBus {}\nRule Events::Rule {\"ScheduleExpression\": \"rate(1 hour)\", \"EventBusName\": VALUE}", `{"Ref": "Bus"}`, `"default"`, parameter},
		{"event-rule-pattern", "Rule Events::Rule {\"EventPattern\": {\"source\": VALUE}}", `"aws.ec2"`, `["aws.ec2", {"prefix": "x"}]`, parameter},
		{"event-rule-pattern", "Rule Events::Rule {\"EventPattern\": {\"detail\": {\"a\": [{\"numeric\": VALUE}]}}}", `[">", "1"]`, `[">", 0.5, "<=", 1]`, parameter},
		{"event-rule-pattern", "Rule Events::Rule {\"EventPattern\": {\"source\": [{\"wildcard\": VALUE}]}}", `"a**"`, `"a\\**"`, parameter},
		{"event-rule-pattern", "Rule Events::Rule {\"EventPattern\": VALUE}", `"{\"source\": []}"`, `"{\"source\": [\"x\"]}"`, parameter},
		{"event-rule-target", "Rule Events::Rule {\"Targets\": [{\"Id\": \"a\", \"Arn\": \"arn:aws:lambda:eu-west-1:123456789012:function:x\", \"Input\": VALUE}]}", `"hello"`, `"\"hello\""`, parameter},
		{"event-rule-target", "Rule Events::Rule {\"Targets\": [{\"Id\": \"a\", \"Arn\": \"arn:aws:lambda:eu-west-1:123456789012:function:x\", \"InputPath\": \"$.detail\", \"Input\": VALUE}]}", `"{}"`, `{"Ref": "AWS::NoValue"}`, parameter},
		{"event-rule-target", "Rule Events::Rule {\"Targets\": [{\"Id\": \"a\", \"Arn\": \"x\", \"InputTransformer\": {\"InputPathsMap\": {\"time\": \"$.time\"}, \"InputTemplate\": VALUE}}]}", `"\"at <tme>\""`, `"\"at <time> of <aws.events.rule-name>\""`, parameter},
		{"event-rule-target", "Rule Events::Rule {\"Targets\": [{\"Id\": \"a\", \"Arn\": \"x\"}, {\"Id\": VALUE, \"Arn\": \"y\"}]}", `"a"`, `"b"`, parameter},
		{"event-rule-target", "M StepFunctions::StateMachine {}\nRule Events::Rule {\"Targets\": [{\"Arn\": {\"Ref\": \"M\"}, \"RoleArn\": VALUE}]}", `{"Ref": "AWS::NoValue"}`, `"arn:aws:iam::123456789012:role/events"`, parameter},
		{"event-rule-target", "Q SQS::Queue {\"FifoQueue\": true, \"ContentBasedDeduplication\": true}\nRule Events::Rule {\"Targets\": [{\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"SqsParameters\": VALUE}]}", `{"Ref": "AWS::NoValue"}`, `{"MessageGroupId": "a"}`, parameter},
		{"event-rule-target", "Q SQS::Queue {\"FifoQueue\": VALUE}\nRule Events::Rule {\"Targets\": [{\"Arn\": \"x\", \"DeadLetterConfig\": {\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}}]}", `true`, `false`, parameter},
		{"queue-delivery-kind", "T SNS::Topic {\"FifoTopic\": VALUE}\nQ SQS::Queue {\"FifoQueue\": true}\nSub SNS::Subscription {\"Protocol\": \"sqs\", \"TopicArn\": {\"Ref\": \"T\"}, \"Endpoint\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}", `false`, `true`, parameter},
		{"queue-delivery-kind", "Q SQS::Queue {\"FifoQueue\": VALUE}\nB S3::Bucket {\"NotificationConfiguration\": {\"QueueConfigurations\": [{\"Queue\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}]}}", `true`, `false`, parameter},

		{"queue-delivery", "Q SQS::Queue {}\nT SNS::Topic {}\nP SQS::QueuePolicy {\"Queues\": [{\"Ref\": \"Q\"}], \"PolicyDocument\": {\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"sqs:SendMessage\", \"Resource\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"Principal\": {\"Service\": VALUE}}}}\nSub SNS::Subscription {\"Protocol\": \"sqs\", \"TopicArn\": {\"Ref\": \"T\"}, \"Endpoint\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}", `"events.amazonaws.com"`, `"sns.amazonaws.com"`, parameter},
		{"queue-delivery", "Q SQS::Queue {}\nOther SQS::Queue {}\nP SQS::QueuePolicy {\"Queues\": [VALUE], \"PolicyDocument\": {\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"sqs:*\", \"Resource\": \"*\", \"Principal\": \"*\"}}}\nRule Events::Rule {\"Targets\": [{\"Arn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}]}", `{"Ref": "Other"}`, `{"Ref": "Q"}`, parameter},
		{"queue-delivery", "Q SQS::Queue {}\nP SQS::QueuePolicy {\"Queues\": [{\"Ref\": \"Q\"}], \"PolicyDocument\": {\"Statement\": {\"Effect\": \"Allow\", \"Action\": VALUE, \"Resource\": \"*\", \"Principal\": \"*\"}}}\nB S3::Bucket {\"NotificationConfiguration\": {\"QueueConfigurations\": [{\"Queue\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}]}}", `"sqs:ReceiveMessage"`, `"sqs:Send*"`, parameter},
		{"function-destination", role + "\nQ SQS::Queue {}\nFn Lambda::Function {\"Role\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}, \"DeadLetterConfig\": {\"TargetArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}}", `"sqs:ReceiveMessage"`, `"sqs:SendMessage"`, parameter},
		{"function-destination", "Q SQS::Queue {\"FifoQueue\": VALUE}\nFn Lambda::Function {}\nCfg Lambda::EventInvokeConfig {\"FunctionName\": {\"Ref\": \"Fn\"}, \"DestinationConfig\": {\"OnFailure\": {\"Destination\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}}}", `true`, `false`, parameter},
		{"function-destination", "Fn Lambda::Function {}\nOther Lambda::Function {}\nCfg Lambda::EventInvokeConfig {\"FunctionName\": {\"Ref\": \"Fn\"}, \"DestinationConfig\": {\"OnSuccess\": {\"Destination\": VALUE}}}", `{"Fn::GetAtt": ["Fn", "Arn"]}`, `{"Fn::GetAtt": ["Other", "Arn"]}`, parameter},
		{"function-vpc-role", role + "\nFn Lambda::Function {\"Role\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}, \"VpcConfig\": {\"SubnetIds\": [\"subnet-1\"]}}", `"ec2:DescribeNetworkInterfaces"`, `["ec2:CreateNetworkInterface", "ec2:D*NetworkInterface*"]`, parameter},
		{"mapping-position", "St Kinesis::Stream {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"St\", \"Arn\"]}, \"StartingPosition\": VALUE}", `{"Ref": "AWS::NoValue"}`, `"LATEST"`, parameter},
		{"mapping-position", "T DynamoDB::Table {\"StreamSpecification\": VALUE}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"T\", \"StreamArn\"]}, \"StartingPosition\": \"LATEST\"}", `{"Ref": "AWS::NoValue"}`, `{"StreamViewType": "KEYS_ONLY"}`, parameter},
		{"permission-order", "Fn Lambda::Function {}\nB S3::Bucket {\"BucketName\": VALUE, \"NotificationConfiguration\": {\"LambdaConfigurations\": [{\"Function\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}]}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": \"s3.amazonaws.com\"}", `"shop"`, `{"Ref": "Perm"}`, `{"Fn::Sub": "${Perm}${Parameter}"}`},
		{"permission-order", "Fn Lambda::Function {}\nF Logs::SubscriptionFilter {\"FilterPattern\": VALUE, \"DestinationArn\": {\"Fn::GetAtt\": [\"Fn\", \"Arn\"]}}\nPerm Lambda::Permission {\"FunctionName\": {\"Ref\": \"Fn\"}, \"Principal\": \"logs.amazonaws.com\"}", `""`, `{"Ref": "Perm"}`, `{"Fn::Sub": "${Perm}${Parameter}"}`},
		{"proxy-engine", "Proxy RDS::DBProxy {\"EngineFamily\": VALUE}\nDB RDS::DBCluster {\"Engine\": \"aurora-postgresql\"}\nT RDS::DBProxyTargetGroup {\"DBProxyName\": {\"Ref\": \"Proxy\"}, \"DBClusterIdentifiers\": [{\"Ref\": \"DB\"}]}", `"MYSQL"`, `"POSTGRESQL"`, parameter},
		{"proxy-engine", "Proxy RDS::DBProxy {\"EngineFamily\": \"MYSQL\"}\nDB RDS::DBInstance {\"Engine\": VALUE}\nT RDS::DBProxyTargetGroup {\"DBProxyName\": {\"Ref\": \"Proxy\"}, \"DBInstanceIdentifiers\": [{\"Ref\": \"DB\"}]}", `"postgres"`, `"mariadb"`, parameter},
		{"proxy-range", "P RDS::DBProxy {\"IdleClientTimeout\": VALUE}", "28801", "28800", parameter},
		{"proxy-range", "P RDS::DBProxyTargetGroup {\"ConnectionPoolConfigurationInfo\": {\"MaxConnectionsPercent\": 50, \"MaxIdleConnectionsPercent\": VALUE}}", "51", "50", parameter},
		{"proxy-range", "P RDS::DBProxyTargetGroup {\"ConnectionPoolConfigurationInfo\": {\"MaxConnectionsPercent\": VALUE}}", "0", "1", parameter},
		{"proxy-range", "P RDS::DBProxyTargetGroup {\"ConnectionPoolConfigurationInfo\": {\"ConnectionBorrowTimeout\": VALUE}}", "3601", "3600", parameter},
		{"proxy-role", role + "\nSecret SecretsManager::Secret {}\nProxy RDS::DBProxy {\"RoleArn\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}, \"Auth\": [{\"SecretArn\": {\"Ref\": \"Secret\"}}]}", `"secretsmanager:DescribeSecret"`, `"secretsmanager:Get*"`, parameter},

		{"alarm-period", `A CloudWatch::Alarm {"Period": VALUE, "EvaluationPeriods": 1}`, "45", "120", parameter},
		{"alarm-period", `A CloudWatch::Alarm {"Period": 60, "EvaluationPeriods": 2, "DatapointsToAlarm": VALUE}`, "3", "2", parameter},
		{"alarm-period", `A CloudWatch::Alarm {"Period": 60, "EvaluationPeriods": VALUE}`, "1441", "1440", parameter},
		{"alarm-period", `A CloudWatch::Alarm {"Period": 3600, "EvaluationPeriods": VALUE}`, "169", "168", parameter},

		{"role-trust", "Role IAM::Role {\"AssumeRolePolicyDocument\": {\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"Service\": VALUE}}}}\nProxy RDS::DBProxy {\"RoleArn\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}", `["lambda.amazonaws.com"]`, `["lambda.amazonaws.com", "rds.amazonaws.com"]`, parameter},
		{"policy-action", `Policy IAM::Policy {"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": VALUE, "Resource": "*"}}}`, `"sqs:Receives*"`, `"sqs:Receive*"`, parameter},
		{"mapping-role", `Role IAM::Role {"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}, {"Effect": VALUE, "Action": "sqs:Receive*", "Resource": "*"}]}}]}` + "\nFn Lambda::Function {\"Role\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}\nQ SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"Fn\"}}", `"Deny"`, `"Allow"`, parameter},
		{"mapping-role", `Role IAM::Role {"ManagedPolicyArns": ["arn:aws:iam::123456789012:policy/own"], "Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Deny", "Action": "sqs:*", "Resource": VALUE}]}}]}` + "\nFn Lambda::Function {\"Role\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}\nQ SQS::Queue {}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"Fn\"}}", `{"Fn::GetAtt": ["Q", "Arn"]}`, `"arn:aws:sqs:eu-west-1:123456789012:other"`, parameter},
		{"mapping-role", "Fn Lambda::Function {}\nQ SQS::Queue {}\nP SQS::QueuePolicy {\"Queues\": [{\"Ref\": \"Q\"}], \"PolicyDocument\": {\"Statement\": {\"Effect\": \"Deny\", \"Action\": \"sqs:ReceiveMessage\", \"Resource\": \"*\", \"Principal\": VALUE}}}\nMap Lambda::EventSourceMapping {\"EventSourceArn\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}, \"FunctionName\": {\"Ref\": \"Fn\"}}", `"*"`, `{"AWS": "123456789012"}`, parameter},
		{"queue-delivery", "Q SQS::Queue {}\nT SNS::Topic {}\nP SQS::QueuePolicy {\"Queues\": [{\"Ref\": \"Q\"}], \"PolicyDocument\": {\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"sqs:*\", \"Resource\": \"*\", \"Principal\": \"*\"}, {\"Effect\": \"Deny\", \"Action\": \"sqs:SendMessage\", \"Resource\": \"*\", \"Principal\": \"*\", \"Condition\": VALUE}]}}\nSub SNS::Subscription {\"Protocol\": \"sqs\", \"TopicArn\": {\"Ref\": \"T\"}, \"Endpoint\": {\"Fn::GetAtt\": [\"Q\", \"Arn\"]}}", `{"Ref": "AWS::NoValue"}`, `{"Bool": {"aws:SecureTransport": "false"}}`, parameter},
		{"role-trust", "Role IAM::Role {\"AssumeRolePolicyDocument\": {\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"Service\": \"rds.amazonaws.com\"}}, {\"Effect\": \"Deny\", \"Action\": \"sts:*\", \"Principal\": \"*\", \"Condition\": VALUE}]}}\nProxy RDS::DBProxy {\"RoleArn\": {\"Fn::GetAtt\": [\"Role\", \"Arn\"]}}", `{"Ref": "AWS::NoValue"}`, `{"StringNotEquals": {"aws:SourceAccount": "123456789012"}}`, parameter},
		{"policy-action", `Policy IAM::Policy {"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": VALUE, "Resource": "*"}}}`, `"SendMessage"`, `"*"`, parameter},
		{"policy-action", `Policy IAM::Policy {"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": VALUE, "Resource": "*"}}}`, `"sqss:SendMessage"`, `"ses:SendEmail"`, `{"Fn::Sub": "${Parameter}:SendMessage"}`},
		{"policy-action", `Policy IAM::Policy {"PolicyDocument": {"Statement": {"Effect": "Allow", "Action": VALUE, "Resource": "*"}}}`, `"lamda:InvokeFunction"`, `"kafka:ListClusters"`, parameter},
		{"policy-size", `Role IAM::Role {"Policies": [{"PolicyDocument": VALUE}]}`, letters(10239), letters(10238), parameter},
		{"policy-size", `Policy IAM::ManagedPolicy {"PolicyDocument": [{"Sid": VALUE}]}`, letters(6133), letters(6132), parameter},

		{"reference-arn", "Q SQS::Queue {}\nM Lambda::EventSourceMapping {\"EventSourceArn\": VALUE}", `{"Ref": "Q"}`, `{"Fn::GetAtt": ["Q", "Arn"]}`, parameter},
		{"reference-arn", "Q SQS::Queue {}\nM Lambda::EventSourceMapping {\"EventSourceArn\": VALUE}", `{"Fn::GetAtt": ["Q", "QueueName"]}`, `{"Fn::Sub": "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Q.QueueName}"}`, parameter},
		{"reference-arn", "R IAM::Role {}\nFn Lambda::Function {\"Role\": VALUE}", `{"Ref": "R"}`, `{"Fn::GetAtt": ["R", "Arn"]}`, parameter},
		{"reference-arn", "Q SQS::Queue {}\nD SQS::Queue {}\nX SQS::Queue {\"RedrivePolicy\": {\"maxReceiveCount\": 1, \"deadLetterTargetArn\": VALUE}}", `{"Ref": "D"}`, `{"Fn::GetAtt": ["D", "Arn"]}`, parameter},
		{"reference-arn", "T SNS::Topic {}\nQ SQS::Queue {}\nE Events::Rule {\"Targets\": [{\"Id\": \"a\", \"Arn\": {\"Ref\": \"T\"}}, {\"Id\": \"b\", \"Arn\": VALUE}]}", `{"Ref": "Q"}`, `{"Ref": "T"}`, parameter},
		{"reference-arn", "Q SQS::Queue {}\nS SNS::Subscription {\"Protocol\": \"sqs\", \"TopicArn\": \"x\", \"Endpoint\": VALUE}", `{"Ref": "Q"}`, `{"Fn::GetAtt": ["Q", "Arn"]}`, parameter},
		{"reference-arn", "Fn Lambda::Function {}\nP IAM::Policy {\"PolicyDocument\": {\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"lambda:InvokeFunction\", \"Resource\": [VALUE]}}}", `{"Ref": "Fn"}`, `{"Fn::GetAtt": ["Fn", "Arn"]}`, parameter},
		{"reference-name", "R IAM::Role {}\nP IAM::Policy {\"Roles\": [VALUE]}", `{"Fn::GetAtt": ["R", "Arn"]}`, `{"Ref": "R"}`, parameter},
		{"reference-name", "Q SQS::Queue {}\nP SQS::QueuePolicy {\"Queues\": [VALUE]}", `{"Fn::GetAtt": ["Q", "Arn"]}`, `{"Ref": "Q"}`, parameter},
		{"queue-policy-duplicate", "Q SQS::Queue {}\nO SQS::Queue {}\nA SQS::QueuePolicy {\"Queues\": [{\"Ref\": \"Q\"}]}\nB SQS::QueuePolicy {\"Queues\": [VALUE]}", `{"Ref": "Q"}`, `{"Ref": "O"}`, parameter},

		{"name-duplicate", "Api ApiGateway::RestApi {}\nA ApiGateway::Method {\"RestApiId\": {\"Ref\": \"Api\"}, \"ResourceId\": \"root\", \"HttpMethod\": \"GET\"}\nB ApiGateway::Method {\"RestApiId\": {\"Ref\": \"Api\"}, \"ResourceId\": \"root\", \"HttpMethod\": VALUE}", `"GET"`, `"POST"`, parameter},
		{"name-duplicate", "A ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ScalableDimension\": \"lambda:function:ProvisionedConcurrency\", \"ResourceId\": \"function:shop:live\"}\nB ApplicationAutoScaling::ScalableTarget {\"ServiceNamespace\": \"lambda\", \"ScalableDimension\": \"lambda:function:ProvisionedConcurrency\", \"ResourceId\": VALUE}", `"function:shop:live"`, `"function:shop:test"`, parameter},
		{"name-duplicate", "A SNS::Topic {\"TopicName\": \"news\"}\nB SNS::Topic {\"TopicName\": VALUE}", `"news"`, `"News"`, parameter},
		{"stack-size", "VALUE", many(501, "T%d SNS::Topic {}"), many(500, "T%d SNS::Topic {}"), `T SNS::Topic {}`},
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{"export-duplicate": true, "export-own": true, "nested-parameters": true, silenceRule.ID: true} // they have separate tests
	var messages strings.Builder
	for _, c := range ruleCases() {
		tested[c.rule] = true
		findings, err := Template("t.json", templateOf(t, c.template, c.faulty))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range findings {
			if f.Rule == c.rule {
				found = true
				fmt.Fprintln(&messages, f)
			}
		}
		if !found {
			t.Errorf("%s: %.100s: got %v", c.rule, c.faulty, findings)
		}
		for _, value := range []string{c.inside, c.unknown} {
			findings, err := Template("t.json", templateOf(t, c.template, value))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if f.Rule == c.rule {
					t.Errorf("%.100s: got %v", value, f)
				}
			}
		}
	}
	for _, rule := range Rules() {
		if !tested[rule.ID] {
			t.Errorf("rule %s has no case", rule.ID)
		}
	}
	golden(t, "testdata/messages.txt", messages.String())
}

// golden compares text with a file; -update writes the file.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Errorf("%s (-want +got; go test -update writes it):\n%s", file, diff)
	}
}
