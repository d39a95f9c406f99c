package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// everything has a resource of each type that the engine simulates.
const everything = `{
	"Parameters": {"Unset": {"Type": "String"}},
	"Resources": {
		"Bucket": {"Type": "AWS::S3::Bucket"},
		"Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dead", "MessageRetentionPeriod": 600, "Tags": [{"Key": "a", "Value": "b"}]}},
		"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30, "DelaySeconds": 1, "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}}},
		"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "shop", "Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 7, "MemorySize": 256, "ReservedConcurrentExecutions": 10,
			"Architectures": ["arm64"], "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}}, "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "LogGroup": "g"},
			"Environment": {"Variables": {"QUEUE": {"Ref": "Jobs"}, "HEARTH_DATABASE_HOST": {"Fn::GetAtt": ["Proxy", "Endpoint"]}}}}},
		"Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Fn"}, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}},
		"Alias": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Fn"}, "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]}, "Name": "live", "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}}},
		"Async": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": {"FunctionName": {"Ref": "Fn"}, "Qualifier": "live", "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60, "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}}}},
		"Scaling": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {"MinCapacity": 2, "MaxCapacity": 4, "ServiceNamespace": "lambda", "ScalableDimension": "lambda:function:ProvisionedConcurrency", "ResourceId": "function:shop:live"}},
		"Map": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}, "FunctionName": {"Ref": "Alias"}, "BatchSize": 3, "MaximumBatchingWindowInSeconds": 1, "Enabled": true,
			"FunctionResponseTypes": ["ReportBatchItemFailures"], "ScalingConfig": {"MaximumConcurrency": 3}, "FilterCriteria": {"Filters": [{"Pattern": "{\"body\":{\"a\":[1]}}"}]}}},
		"Url": {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": {"Fn::GetAtt": ["Fn", "Arn"]}, "Qualifier": "live", "AuthType": "NONE", "InvokeMode": "BUFFERED", "Cors": {"AllowOrigins": ["*"], "MaxAge": 5}}},
		"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP", "Name": "shop", "CorsConfiguration": {"AllowOrigins": ["https://a.example"], "AllowMethods": ["GET"], "AllowCredentials": true, "MaxAge": 5}}},
		"Int": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {"ApiId": {"Ref": "Api"}, "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0", "TimeoutInMillis": 5000, "IntegrationUri": {"Ref": "Alias"}}},
		"Auth": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {"ApiId": {"Ref": "Api"}, "Name": "a", "AuthorizerType": "JWT", "IdentitySource": ["$request.header.Authorization"], "JwtConfiguration": {"Issuer": "https://id.example", "Audience": ["a"]}}},
		"Lambda": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {"ApiId": {"Ref": "Api"}, "Name": "b", "AuthorizerType": "REQUEST", "AuthorizerPayloadFormatVersion": "2.0", "EnableSimpleResponses": true, "AuthorizerResultTtlInSeconds": 5, "IdentitySource": ["$request.header.A"],
			"AuthorizerUri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"}}},
		"Get": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "GET /a", "Target": {"Fn::Sub": "integrations/${Int}"}, "AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Auth"}, "AuthorizationScopes": ["s"]}},
		"Put": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "PUT /a", "Target": {"Fn::Sub": "integrations/${Int}"}, "AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "Lambda"}}},
		"Live": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "live", "StageVariables": {"a": "b"}, "AutoDeploy": true}},
		"Ws": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "WEBSOCKET", "Name": "ws", "RouteSelectionExpression": "$request.body.action"}},
		"WsInt": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": {"ApiId": {"Ref": "Ws"}, "IntegrationType": "AWS_PROXY", "IntegrationUri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Alias}/invocations"}}},
		"WsRoute": {"Type": "AWS::ApiGatewayV2::Route", "Properties": {"ApiId": {"Ref": "Ws"}, "RouteKey": "$default", "Target": {"Fn::Sub": "integrations/${WsInt}"}, "RouteResponseSelectionExpression": "$default"}},
		"WsResponse": {"Type": "AWS::ApiGatewayV2::RouteResponse", "Properties": {"ApiId": {"Ref": "Ws"}, "RouteId": {"Ref": "WsRoute"}, "RouteResponseKey": "$default"}},
		"WsStage": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"ApiId": {"Ref": "Ws"}, "StageName": "live"}},
		"Rest": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "rest", "BinaryMediaTypes": ["image/*"]}},
		"Part": {"Type": "AWS::ApiGateway::Resource", "Properties": {"RestApiId": {"Ref": "Rest"}, "ParentId": {"Fn::GetAtt": ["Rest", "RootResourceId"]}, "PathPart": "{id}"}},
		"RestAuth": {"Type": "AWS::ApiGateway::Authorizer", "Properties": {"RestApiId": {"Ref": "Rest"}, "Name": "t", "Type": "TOKEN", "IdentitySource": "method.request.header.Authorization", "AuthorizerResultTtlInSeconds": 5, "IdentityValidationExpression": "x",
			"AuthorizerUri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Fn.Arn}/invocations"}}},
		"Method": {"Type": "AWS::ApiGateway::Method", "Properties": {"RestApiId": {"Ref": "Rest"}, "ResourceId": {"Ref": "Part"}, "HttpMethod": "GET", "AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": "RestAuth"},
			"Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "TimeoutInMillis": 5000, "Uri": {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Alias}/invocations"}}}},
		"Options": {"Type": "AWS::ApiGateway::Method", "Properties": {"RestApiId": {"Ref": "Rest"}, "ResourceId": {"Ref": "Part"}, "HttpMethod": "OPTIONS", "AuthorizationType": "NONE", "MethodResponses": [{"StatusCode": "204"}],
			"Integration": {"Type": "MOCK", "RequestTemplates": {"application/json": "{ statusCode: 200 }"}, "IntegrationResponses": [{"StatusCode": "204", "ResponseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"}}]}}},
		"Deployment": {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "Rest"}, "StageName": "old"}},
		"RestStage": {"Type": "AWS::ApiGateway::Stage", "Properties": {"RestApiId": {"Ref": "Rest"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "live", "Variables": {"a": "b"}}},
		"Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "group"}},
		"Nightly": {"Type": "AWS::Scheduler::Schedule", "Properties": {"Name": "nightly", "GroupName": {"Ref": "Group"}, "ScheduleExpression": "cron(0 3 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin", "State": "ENABLED", "StartDate": "2026-11-26T00:00:00Z",
			"FlexibleTimeWindow": {"Mode": "OFF"}, "Target": {"Arn": {"Ref": "Alias"}, "RoleArn": "r", "Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60}, "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}}}},
		"Rule": {"Type": "AWS::Events::Rule", "Properties": {"Name": "rule", "ScheduleExpression": "rate(1 day)", "State": "ENABLED", "Targets": [{"Id": "a", "Arn": {"Ref": "Alias"}, "Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 1}, "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}}]}},
		"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "items", "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": true}}},
		"Proxy": {"Type": "AWS::RDS::DBProxy", "Properties": {"EngineFamily": "POSTGRESQL", "DBProxyName": "proxy"}}
	},
	"Outputs": {"Url": {"Value": {"Ref": "Api"}}}
}`

// TestUnknownValues puts a value that only AWS knows into each place of a template, one at
// a time. Each costs its own part at most, and the plan says which.
func TestUnknownValues(t *testing.T) {
	t.Parallel()
	plan := func(template map[string]any) (*Plan, error) {
		data, err := json.Marshal(template)
		if err != nil {
			t.Fatal(err)
		}
		dir := write(t, string(data))
		app, err := assembly.Load(dir, nil)
		if err != nil {
			return nil, err
		}
		if _, err := ReadSettings(dir); err != nil {
			return nil, err
		}
		return Make(app, Inputs{
			Region: assembly.DefaultRegion, Account: assembly.DefaultAccount, Programs: map[string]string{"Fn": "/bin/shop", "shop": "/bin/shop"},
			Addresses: &Addresses{SQS: "http://queues", Main: "here:1", MainHTTP: "?"},
		})
	}
	parse := func() (template map[string]any) {
		if err := json.Unmarshal([]byte(everything), &template); err != nil {
			t.Fatal(err)
		}
		return template
	}
	if _, err := plan(parse()); err != nil {
		t.Fatal(err)
	}
	resources := func(template map[string]any) map[string]any { return template["Resources"].(map[string]any) }
	unknown := []map[string]any{{"Ref": "Unset"}, {"Fn::Cidr": []any{"10.0.0.0/16", 1, 8}}, {"Fn::If": []any{"Prod", "a", "b"}}}
	n := 0
	for _, id := range slices.Sorted(maps.Keys(resources(parse()))) {
		properties, _ := resources(parse())[id].(map[string]any)["Properties"].(map[string]any)
		for _, path := range pathsIn(properties, "") {
			value := unknown[n%len(unknown)]
			n++
			template := parse()
			template["Conditions"] = map[string]any{"Prod": map[string]any{"Fn::Equals": []any{map[string]any{"Ref": "Unset"}, "prod"}}}
			put(resources(template)[id].(map[string]any)["Properties"], path, value)
			if _, err := plan(template); err != nil {
				t.Errorf("%s%q = %v: %v", id, path, value, err)
			}
		}
	}
}

// elsewhere needs something of another app, and values that only AWS has.
const elsewhere = `{
	"Parameters": {"Unset": {"Type": "String"}, "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/shop/url"}, "Colors": {"Type": "CommaDelimitedList"}},
	"Conditions": {"Big": {"Fn::Equals": [{"Ref": "Unset"}, "7"]}},
	"Resources": {
		"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023", "Timeout": {"Ref": "Unset"}, "Environment": {"Variables": {
			"NAMED": {"Ref": "Named"}, "STORED": {"Ref": "Stored"}, "EXTRA": {"Ref": "Extra"}, "MODE": {"Fn::If": ["Big", "a", "b"]}, "PART": {"Fn::Sub": "x-${Unset}"}, "COLOR": {"Fn::Select": [1, {"Ref": "Colors"}]}}}}},
		"Extra": {"Type": "AWS::SQS::Queue", "Condition": "Big"},
		"Named": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "jobs-${Unset}"}}},
		"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP", "CorsConfiguration": {"AllowOrigins": ["*"], "MaxAge": {"Ref": "Unset"}}}},
		"Map": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:elsewhere", "FunctionName": {"Ref": "Fn"}}}
	}
}`

func planElsewhere(t *testing.T, parameters map[string]string) *Plan {
	t.Helper()
	app, err := assembly.Load(write(t, elsewhere), parameters)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Make(app, Inputs{
		Region: assembly.DefaultRegion, Account: assembly.DefaultAccount, Addresses: &Addresses{SQS: "http://queues", Main: "here:1", MainHTTP: "?"}, Programs: map[string]string{"Fn": "/bin/shop"}, Parameters: parameters,
		FunctionEnv: map[string]map[string]string{"Fn": {}, "Shop-Fn": {}, "Gone": {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, r := range p.NotSimulated {
		left = append(left, r.LogicalID+": "+r.Why)
	}
	if diff := cmp.Diff([]string{"Map: the app has no queue elsewhere", "Api: it has no stage, so it has no URL, as on AWS"}, left); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	return p
}

// gone is the warning about variables for a function that elsewhere does not have.
const gone = ".env.Gone: the app has no function with this logical id or name, so nothing gets these variables"

// TestElsewhere leaves out what needs values that only AWS has, and says why.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	p := planElsewhere(t, nil)
	const unset = "parameter Unset has no default; give it a value with --parameter Unset=VALUE"
	want := []string{
		gone,
		"Shop/Api: property CorsConfiguration is left out, because " + unset,
		"Shop/Extra: condition Big: " + unset + "; it is left out",
		"Shop/Fn: property Timeout is left out, because " + unset,
		"Shop/Named: property QueueName is left out, because Fn::Sub: " + unset,
	}
	for name, v := range map[string][2]string{
		"EXTRA": {"not-known-here-shop-extra", `Ref "Extra": condition Big: ` + unset}, "MODE": {"not-known-here-shop-if", unset}, "PART": {"x-not-known-here-shop-unset", unset},
		"STORED": {"not-known-here-shop-stored", "parameter Stored is stored in SSM; give it a value with --parameter Stored=VALUE"},
		"COLOR":  {"not-known-here-shop-select", "parameter Colors has no default; give it a value with --parameter Colors=VALUE"},
	} {
		want = append(want, fmt.Sprintf("Shop/Fn: variable %s is %q, because %s; give it a value in .env, or with --env %[1]s=VALUE", name, v[0], v[1]))
	}
	slices.Sort(want)
	slices.Sort(p.Warnings)
	if diff := cmp.Diff(want, p.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if got := p.Functions[0].Config.Timeout; got != 3*time.Second {
		t.Errorf("got timeout %v, want Lambda's default", got)
	}
	if got := p.HTTPAPIs[0].Config.CORS; got != nil {
		t.Errorf("got %+v of a property that is left out", got)
	}
	// A queue with an unknown name has one name everywhere.
	if got, want := p.Functions[0].Config.Env["NAMED"], "http://queues/000000000000/Shop-Named"; got != want || !p.HasQueue("Shop-Named") {
		t.Errorf("the queue's URL is %s, want %s; queues %+v", got, want, p.Queues)
	}
}

// TestParameters gives the parameters values. One with the stack's name comes first.
func TestParameters(t *testing.T) {
	t.Parallel()
	p := planElsewhere(t, map[string]string{"Unset": "5", "Shop:Unset": "7", "Stored": "url", "Colors": "red, blue", "Other": "x"})
	if diff := cmp.Diff([]string{"--parameter Other: no stack has a parameter of this name", gone}, p.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	want := map[string]string{"STORED": "url", "MODE": "a", "PART": "x-7", "COLOR": "blue", "EXTRA": "http://queues/000000000000/Shop-Extra", "NAMED": "http://queues/000000000000/jobs-7", "AWS_ENDPOINT_URL_SQS": "http://queues"}
	if got := p.Functions[0].Config; got.Timeout != 7*time.Second || !cmp.Equal(want, got.Env) {
		t.Errorf("got timeout %v, variables %v", got.Timeout, got.Env)
	}
}

// pathsIn returns the paths of all values in v, such as /Cors/AllowOrigins/0.
func pathsIn(v any, at string) (paths []string) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for key := range v {
				if key == "Ref" || strings.HasPrefix(key, "Fn::") {
					return nil
				}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			paths = append(append(paths, at+"\x00"+key), pathsIn(v[key], at+"\x00"+key)...)
		}
	case []any:
		for i := range v {
			key := at + "\x00" + strconv.Itoa(i)
			paths = append(append(paths, key), pathsIn(v[i], key)...)
		}
	}
	return paths
}

// put replaces the value at a path.
func put(v any, path string, value any) {
	keys := strings.Split(path[1:], "\x00")
	for i, key := range keys {
		last := i == len(keys)-1
		switch in := v.(type) {
		case map[string]any:
			if last {
				in[key] = value
			}
			v = in[key]
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil {
				panic(fmt.Sprint(path, ": ", err))
			}
			if last {
				in[n] = value
			}
			v = in[n]
		}
	}
}
