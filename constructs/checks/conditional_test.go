package checks

import (
	"slices"
	"strings"
	"testing"
)

// TestAlternatives checks that resources of which a condition creates one at most do not
// collide.
func TestAlternatives(t *testing.T) {
	t.Parallel()
	for rule, resources := range map[string][3]string{
		"domain-path": {
			`"D": {"Type": "AWS::SNS::Topic"}`,
			`"Type": "AWS::ApiGatewayV2::ApiMapping", "Properties": {"ApiId": "x", "Stage": "x", "DomainName": "api.example.com"}`,
			`"Type": "AWS::ApiGatewayV2::ApiMapping", "Properties": {"ApiId": "y", "Stage": "x", "DomainName": "api.example.com"}`,
		},
		"domain-mixed": {
			`"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP", "Target": "x"}}, "Chat": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "x"}}`,
			`"Type": "AWS::ApiGatewayV2::ApiMapping", "Properties": {"ApiId": {"Ref": "Api"}, "Stage": "x", "DomainName": "api.example.com", "ApiMappingKey": "a"}`,
			`"Type": "AWS::ApiGatewayV2::ApiMapping", "Properties": {"ApiId": {"Ref": "Chat"}, "Stage": "x", "DomainName": "api.example.com", "ApiMappingKey": "b"}`,
		},
		"api-route-duplicate": {
			`"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP"}}`,
			`"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /"}`,
			`"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /"}`,
		},
		"mapping-duplicate": {
			`"Q": {"Type": "AWS::SQS::Queue"}, "Fn": {"Type": "AWS::Lambda::Function", "Properties": {}}`,
			`"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}, "FunctionName": {"Ref": "Fn"}}`,
			`"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}, "FunctionName": {"Ref": "Fn"}}`,
		},
		"url-duplicate": {
			`"Fn": {"Type": "AWS::Lambda::Function", "Properties": {}}`,
			`"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "AWS_IAM", "TargetFunctionArn": {"Ref": "Fn"}}`,
			`"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "AWS_IAM", "TargetFunctionArn": {"Ref": "Fn"}}`,
		},
		"name-duplicate": {
			`"Q": {"Type": "AWS::SQS::Queue"}`,
			`"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}`,
			`"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}`,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			for conditions, want := range map[[2]string]bool{
				{"", ""}: true,
				{`"Condition": "Old", `, `"Condition": "New", `}: false,
				{`"Condition": "Old", `, ""}:                     false,
				{"", `"Condition": "New", `}:                     false,
			} {
				template := `{"Conditions": {"Old": {"Fn::Equals": [{"Ref": "AWS::Region"}, "a"]}, "New": {"Fn::Not": [{"Condition": "Old"}]}}, "Resources": {` +
					strings.Join([]string{resources[0], `"A": {` + conditions[0] + resources[1] + `}`, `"B": {` + conditions[1] + resources[2] + `}`}, ", ") + `}}`
				findings, err := Template("t.json", []byte(template))
				if err != nil {
					t.Fatal(err)
				}
				if found := slices.ContainsFunc(findings, func(f Finding) bool { return f.Rule == rule }); found != want {
					t.Errorf("conditions %q: got %v, want %v: %v", conditions, found, want, findings)
				}
			}
		})
	}
}
