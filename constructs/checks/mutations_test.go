package checks

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// clean returns the template without faults, with changes.
func clean(t *testing.T, changes ...change) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/clean.json")
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		at := template["Resources"].(map[string]any)
		names := strings.Split(c.path, ".")
		for _, name := range names[:len(names)-1] {
			next, ok := at[name].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[name] = next
			}
			at = next
		}
		last := names[len(names)-1]
		var v any
		if c.value == "" {
			if _, ok := at[last]; !ok {
				t.Fatalf("nothing to delete at %s", c.path)
			}
			delete(at, last)
		} else if err := json.Unmarshal([]byte(c.value), &v); err != nil {
			t.Fatalf("%s: %v", c.path, err)
		} else {
			at[last] = v
		}
	}
	if data, err = json.Marshal(template); err != nil {
		t.Fatal(err)
	}
	return data
}

// change sets the property at a path, which begins with the logical id, to a value in JSON;
// "" deletes the property.
type change struct{ path, value string }

func set(path, value string) change { return change{path, value} }

func TestCleanTemplate(t *testing.T) {
	t.Parallel()
	findings, err := Template("clean.json", clean(t))
	if err != nil || len(findings) > 0 {
		t.Errorf("got %v, %v", findings, err)
	}
	if findings == nil {
		t.Error("must be an empty slice, so that its JSON is an array")
	}
}

// mutation is a fault in the clean template that one rule finds at one resource.
type mutation struct {
	want    string // rule and logical id
	changes []change
}

var long = `"` + strings.Repeat("x", 4096) + `"`

// tokens is an authorizer of an HTTP API, with more properties.
func tokens(more string) change {
	return set("Tokens", `{"Type":"AWS::ApiGatewayV2::Authorizer","Properties":{"ApiId":{"Ref":"Api"},"Name":"t","AuthorizerType":"JWT"`+more+`}}`)
}

const (
	tokenIssuer = `,"IdentitySource":["$request.header.Authorization"],"JwtConfiguration":{"Issuer":"https://example.com","Audience":["shop"]}`
	withTokens  = `{"Ref":"Tokens"}`
)

var mutations = map[string]mutation{
	"timeout":                    {"function-timeout Handler", []change{set("Handler.Properties.Timeout", "901"), set("Jobs.Properties.VisibilityTimeout", "43200")}},
	"environment":                {"function-environment Handler", []change{set("Handler.Properties.Environment.Variables.LONG", long)}},
	"environment's name":         {"function-environment-name Handler", []change{set("Handler.Properties.Environment.Variables.AWS_REGION", `"eu-west-1"`)}},
	"reserved of the account":    {"account-concurrency Handler", []change{set("Handler.Properties.ReservedConcurrentExecutions", "901")}},
	"SnapStart":                  {"function-snapstart Handler", []change{set("Handler.Properties.SnapStart", `{"ApplyOn":"PublishedVersions"}`), set("Handler.Properties.Runtime", `"java21"`)}},
	"alias of $LATEST":           {"provisioned-latest Live", []change{set("Live.Properties.FunctionVersion", `"$LATEST"`)}},
	"weights":                    {"provisioned-weights Live", []change{set("Live.Properties.RoutingConfig", `{"AdditionalVersionWeights":[{"FunctionVersion":"1","FunctionWeight":0.1}]}`)}},
	"provisioned":                {"provisioned-reserved Handler", []change{set("Live.Properties.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions", "41")}},
	"scaling":                    {"scaling-reserved Scaling", []change{set("Scaling.Properties.MaxCapacity", "41")}},
	"scaling's minimum":          {"scaling-capacity Scaling", []change{set("Scaling.Properties.MinCapacity", "21")}},
	"scaling of another alias":   {"alias-missing Scaling", []change{set("Scaling.Properties.ResourceId", `{"Fn::Sub":"function:${Handler}:prod"}`)}},
	"scaling by literal name":    {"alias-missing Scaling", []change{set("Scaling.Properties.ResourceId", `"function:shop:prod"`), set("Handler.Properties.FunctionName", `"shop"`)}},
	"scaling of the function":    {"scaling-resource Scaling", []change{set("Scaling.Properties.ResourceId", `{"Fn::Join":["",["function:",{"Ref":"Handler"}]]}`)}},
	"scaling before its alias":   {"scaling-order Scaling", []change{set("Scaling.DependsOn", "")}},
	"scaling after another":      {"scaling-order Scaling", []change{set("Scaling.DependsOn", `"HandlerVersion"`)}},
	"key by its alias":           {"function-key Handler", []change{set("Handler.Properties.KmsKeyArn", `"alias/programs"`)}},
	"level of text":              {"function-logging Handler", []change{set("Handler.Properties.LoggingConfig", `{"LogFormat":"Text","ApplicationLogLevel":"DEBUG"}`)}},
	"no provisioned instance":    {"provisioned-range Live", []change{set("Live.Properties.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions", "0")}},
	"version of another":         {"alias-version Live", []change{set("Other", `{"Type":"AWS::Lambda::Function","Properties":{"Code":{"S3Bucket":"programs","S3Key":"x.zip"},"Handler":"bootstrap","Runtime":"provided.al2023","Role":{"Fn::GetAtt":["HandlerRole","Arn"]}}}`), set("OtherVersion", `{"Type":"AWS::Lambda::Version","Properties":{"FunctionName":{"Ref":"Other"}}}`), set("Live.Properties.FunctionVersion", `{"Fn::GetAtt":["OtherVersion","Version"]}`)}},
	"weight":                     {"alias-weights Live", []change{set("Live.Properties.ProvisionedConcurrencyConfig", ""), set("Scaling", ""), set("Live.Properties.RoutingConfig", `{"AdditionalVersionWeights":[{"FunctionVersion":"1","FunctionWeight":1.5}]}`)}},
	"two equal versions":         {"version-duplicate Second", []change{set("Second", `{"Type":"AWS::Lambda::Version","Properties":{"FunctionName":{"Ref":"Handler"}}}`)}},
	"URL of a version":           {"url-version Url", []change{set("Url", `{"Type":"AWS::Lambda::Url","Properties":{"AuthType":"AWS_IAM","TargetFunctionArn":{"Ref":"HandlerVersion"}}}`)}},
	"retries of another alias":   {"alias-missing Async", []change{set("Async", `{"Type":"AWS::Lambda::EventInvokeConfig","Properties":{"FunctionName":{"Ref":"Handler"},"Qualifier":"prod","MaximumRetryAttempts":1}}`)}},
	"dimension of another":       {"scaling-dimension Scaling", []change{set("Scaling.Properties.ScalableDimension", `"ecs:service:DesiredCount"`)}},
	"namespace of another":       {"scaling-dimension Scaling", []change{set("Scaling.Properties.ServiceNamespace", `"ecs"`)}},
	"scheduled scaling":          {"scaling-reserved Scaling", []change{set("Scaling.Properties.ScheduledActions", `[{"ScheduledActionName":"a","Schedule":"cron(0 8 * * ? *)","ScalableTargetAction":{"MinCapacity":50,"MaxCapacity":60}}]`)}},
	"scheduled minimum":          {"scaling-capacity Scaling", []change{set("Scaling.Properties.ScheduledActions", `[{"ScheduledActionName":"a","Schedule":"cron(0 8 * * ? *)","ScalableTargetAction":{"MinCapacity":9,"MaxCapacity":6}}]`)}},
	"cron of scaling":            {"scaling-schedule Scaling", []change{set("Scaling.Properties.ScheduledActions", `[{"ScheduledActionName":"a","Schedule":"cron(0 8 * *)","ScalableTargetAction":{"MinCapacity":5,"MaxCapacity":6}}]`)}},
	"metric of another":          {"scaling-policy Policy", []change{set("Policy", `{"Type":"AWS::ApplicationAutoScaling::ScalingPolicy","Properties":{"PolicyName":"p","PolicyType":"TargetTrackingScaling","ScalingTargetId":{"Ref":"Scaling"},"TargetTrackingScalingPolicyConfiguration":{"TargetValue":0.7,"PredefinedMetricSpecification":{"PredefinedMetricType":"ECSServiceAverageCPUUtilization"}}}}`)}},
	"utilization in percent":     {"scaling-utilization Policy", []change{set("Policy", `{"Type":"AWS::ApplicationAutoScaling::ScalingPolicy","Properties":{"PolicyName":"p","PolicyType":"TargetTrackingScaling","ScalingTargetId":{"Ref":"Scaling"},"TargetTrackingScalingPolicyConfiguration":{"TargetValue":70,"PredefinedMetricSpecification":{"PredefinedMetricType":"LambdaProvisionedConcurrencyUtilization"}}}}`)}},
	"mapping's concurrency":      {"mapping-concurrency JobsMapping", []change{set("JobsMapping.Properties.ScalingConfig.MaximumConcurrency", "41")}},
	"pollers":                    {"mapping-pollers JobsMapping", []change{set("JobsMapping.Properties.ProvisionedPollerConfig", `{"MinimumPollers":2}`)}},
	"few pollers":                {"mapping-pollers JobsMapping", []change{set("JobsMapping.Properties.ScalingConfig", ""), set("JobsMapping.Properties.ProvisionedPollerConfig", `{"MinimumPollers":1}`)}},
	"position in a queue":        {"mapping-source JobsMapping", []change{set("JobsMapping.Properties.StartingPosition", `"LATEST"`)}},
	"bisecting a queue's batch":  {"mapping-source JobsMapping", []change{set("JobsMapping.Properties.BisectBatchOnFunctionError", "true")}},
	"retries of a queue":         {"mapping-source JobsMapping", []change{set("JobsMapping.Properties.MaximumRetryAttempts", "3")}},
	"destination of a queue":     {"mapping-source JobsMapping", []change{set("JobsMapping.Properties.DestinationConfig", `{"OnFailure":{"Destination":{"Fn::GetAtt":["DeadJobs","Arn"]}}}`)}},
	"filter":                     {"mapping-filter JobsMapping", []change{set("JobsMapping.Properties.FilterCriteria", `{"Filters":[{"Pattern":"{body:"}]}`)}},
	"filter without a list":      {"mapping-filter JobsMapping", []change{set("JobsMapping.Properties.FilterCriteria", `{"Filters":[{"Pattern":"{\"body\":{\"kind\":\"order\"}}"}]}`)}},
	"batch":                      {"mapping-batch JobsMapping", []change{set("JobsMapping.Properties.BatchSize", "11")}},
	"queue of two functions":     {"mapping-shared SecondMapping", []change{set("Second", `{"Type":"AWS::Lambda::Function","Properties":{"Code":{"S3Bucket":"programs","S3Key":"x.zip"},"Handler":"bootstrap","Runtime":"provided.al2023","Timeout":30,"Role":{"Fn::GetAtt":["HandlerRole","Arn"]}}}`), set("SecondMapping", `{"Type":"AWS::Lambda::EventSourceMapping","Properties":{"EventSourceArn":{"Fn::GetAtt":["Jobs","Arn"]},"FunctionName":{"Ref":"Second"}}}`)}},
	"bucket before permission":   {"permission-order Bucket", []change{set("Bucket", `{"Type":"AWS::S3::Bucket","Properties":{"NotificationConfiguration":{"LambdaConfigurations":[{"Event":"s3:ObjectCreated:*","Function":{"Ref":"Live"}}]}}}`), set("BucketPermission", `{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":{"Ref":"Live"},"Principal":"s3.amazonaws.com","SourceAccount":{"Ref":"AWS::AccountId"}}}`)}},
	"WebSocket with payload 2.0": {"api-payload-format ApiIntegration", []change{set("Api.Properties.ProtocolType", `"WEBSOCKET"`), set("Api.Properties.RouteSelectionExpression", `"$request.body.action"`), set("ApiRoute.Properties.RouteKey", `"$default"`), set("ApiIntegration.Properties.TimeoutInMillis", "29000")}},
	"REST API without a stage":   {"api-stage Rest", []change{set("Rest", `{"Type":"AWS::ApiGateway::RestApi","Properties":{"Name":"r"}}`), set("Get", `{"Type":"AWS::ApiGateway::Method","Properties":{"RestApiId":{"Ref":"Rest"},"ResourceId":{"Fn::GetAtt":["Rest","RootResourceId"]},"HttpMethod":"GET","AuthorizationType":"NONE","Integration":{"Type":"MOCK"}}}`)}},
	"visibility":                 {"mapping-visibility JobsMapping", []change{set("Jobs.Properties.VisibilityTimeout", "29")}},
	"visibility by default":      {"mapping-visibility JobsMapping", []change{set("Jobs.Properties.VisibilityTimeout", ""), set("Handler.Properties.Timeout", "31")}},
	"visibility for retries":     {"mapping-visibility-retries JobsMapping", []change{set("Jobs.Properties.VisibilityTimeout", "179")}},
	"visibility of a version":    {"mapping-visibility JobsMapping", []change{set("Jobs.Properties.VisibilityTimeout", "29"), set("JobsMapping.Properties.FunctionName", `{"Ref":"HandlerVersion"}`)}},
	"role of the function":       {"mapping-role JobsMapping", []change{set("HandlerPolicy", "")}},
	"action of the role":         {"mapping-role JobsMapping", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:GetQueue*"],"Resource":"*"}]`)}},
	"queue of the role":          {"mapping-role JobsMapping", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":"sqs:*","Resource":{"Fn::GetAtt":["DeadJobs","Arn"]}}]`)}},
	"denied":                     {"mapping-role JobsMapping", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Deny","Action":"sqs:*","Resource":"*"}]`)}},
	"allowed and denied":         {"mapping-role JobsMapping", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":"sqs:*","Resource":"*"},{"Effect":"Deny","Action":"sqs:ReceiveMessage","Resource":"*"}]`)}},
	"denied by the queue":        {"mapping-role JobsMapping", []change{set("JobsPolicy", `{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Jobs"}],"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sqs:*","Principal":"*","Resource":{"Fn::GetAtt":["Jobs","Arn"]}}]}}}`)}},
	"trust denied":               {"role-trust Nightly", []change{set("NightlyRole.Properties.AssumeRolePolicyDocument.Statement", `[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"scheduler.amazonaws.com"}},{"Effect":"Deny","Action":["sts:AssumeRole"],"Principal":{"Service":"scheduler.amazonaws.com"}}]`)}},
	"action without a service":   {"policy-action HandlerPolicy", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":["sqs:*","SendMessage"],"Resource":"*"}]`)}},
	"misspelled service":         {"policy-action HandlerPolicy", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":["sqs:*","sqss:SendMessage"],"Resource":"*"}]`)}},
	"retention of dead letters":  {"queue-dead-letter-retention Jobs", []change{set("DeadJobs.Properties.MessageRetentionPeriod", "345599")}},
	"retention by default":       {"queue-dead-letter-retention Jobs", []change{set("DeadJobs.Properties.MessageRetentionPeriod", ""), set("Jobs.Properties.MessageRetentionPeriod", "345601")}},
	"receive count":              {"queue-receive-count Jobs", []change{set("Jobs.Properties.RedrivePolicy.maxReceiveCount", "0")}},
	"receive count in a string":  {"queue-receive-count Jobs", []change{set("Jobs.Properties.RedrivePolicy", `{"Fn::Sub":"{\"maxReceiveCount\":0,\"deadLetterTargetArn\":\"${DeadJobs.Arn}\"}"}`)}},
	"no receive count":           {"queue-redrive Jobs", []change{set("Jobs.Properties.RedrivePolicy.maxReceiveCount", "")}},
	"no dead-letter queue":       {"queue-redrive Jobs", []change{set("Jobs.Properties.RedrivePolicy.deadLetterTargetArn", "")}},
	"two encryptions":            {"queue-encryption Jobs", []change{set("Jobs.Properties.KmsMasterKeyId", `"alias/aws/sqs"`), set("Jobs.Properties.SqsManagedSseEnabled", "true")}},
	"URL of a queue":             {"reference-arn HandlerPolicy", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":"sqs:*","Resource":[{"Fn::GetAtt":["Jobs","Arn"]},{"Ref":"Jobs"}]}]`)}},
	"name of a role":             {"reference-arn Handler", []change{set("Handler.Properties.Role", `{"Ref":"HandlerRole"}`)}},
	"URL of the dead letters":    {"reference-arn Jobs", []change{set("Jobs.Properties.RedrivePolicy.deadLetterTargetArn", `{"Ref":"DeadJobs"}`)}},
	"ARN of a queue":             {"reference-name JobsPolicy", []change{set("JobsPolicy", `{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Fn::GetAtt":["Jobs","Arn"]}],"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Principal":"*","Resource":{"Fn::GetAtt":["Jobs","Arn"]}}]}}}`)}},
	"two policies of a queue":    {"queue-policy-duplicate SecondPolicy", []change{set("FirstPolicy", `{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Jobs"}],"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Principal":"*","Resource":{"Fn::GetAtt":["Jobs","Arn"]}}]}}}`), set("SecondPolicy", `{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Jobs"}],"PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:GetQueueUrl","Principal":"*","Resource":{"Fn::GetAtt":["Jobs","Arn"]}}]}}}`)}},
	"alarm of 45 seconds":        {"alarm-period Alarm", []change{set("Alarm", `{"Type":"AWS::CloudWatch::Alarm","Properties":{"ComparisonOperator":"GreaterThanThreshold","EvaluationPeriods":1,"MetricName":"Errors","Namespace":"AWS/Lambda","Period":45,"Statistic":"Sum","Threshold":1}}`)}},
	"more than all datapoints":   {"alarm-period Alarm", []change{set("Alarm", `{"Type":"AWS::CloudWatch::Alarm","Properties":{"ComparisonOperator":"GreaterThanThreshold","EvaluationPeriods":1,"DatapointsToAlarm":2,"MetricName":"Errors","Namespace":"AWS/Lambda","Period":60,"Statistic":"Sum","Threshold":1}}`)}},
	"names":                      {"name-duplicate Jobs", []change{set("Jobs.Properties.QueueName", `"jobs"`), set("DeadJobs.Properties.QueueName", `"jobs"`)}},
	"names with a region":        {"name-duplicate Jobs", []change{set("Jobs.Properties.QueueName", `{"Fn::Sub":"jobs-${AWS::Region}"}`), set("DeadJobs.Properties.QueueName", `{"Fn::Join":["-",["jobs",{"Ref":"AWS::Region"}]]}`)}},
	"integration's timeout":      {"api-integration-timeout ApiIntegration", []change{set("ApiIntegration.Properties.TimeoutInMillis", "30001")}},
	"WebSocket without selector": {"api-websocket-selection Api", []change{set("Api.Properties.ProtocolType", `"WEBSOCKET"`), set("ApiIntegration.Properties.TimeoutInMillis", "29000"), set("ApiIntegration.Properties.PayloadFormatVersion", `"1.0"`)}},
	"target is an API":           {"api-route-target ApiRoute", []change{set("ApiRoute.Properties.Target", `{"Fn::Sub":"integrations/${Api}"}`)}},
	"target without prefix":      {"api-route-target ApiRoute", []change{set("ApiRoute.Properties.Target", `{"Ref":"ApiIntegration"}`)}},
	"route key":                  {"api-route-key ApiRoute", []change{set("ApiRoute.Properties.RouteKey", `"GETT /x"`)}},
	"greedy variable":            {"api-route-key ApiRoute", []change{set("ApiRoute.Properties.RouteKey", `"GET /{x+}/y"`)}},
	"no permission":              {"invoke-permission ApiIntegration", []change{set("ApiPermission", "")}},
	"permission on the function": {"invoke-permission ApiIntegration", []change{set("ApiPermission.Properties.FunctionName", `{"Ref":"Handler"}`)}},
	"permission to read":         {"invoke-permission ApiIntegration", []change{set("ApiPermission.Properties.Action", `"lambda:GetFunction"`)}},
	"permission for a bucket":    {"invoke-permission ApiIntegration", []change{set("ApiPermission.Properties.SourceArn", `"arn:aws:s3:::bucket"`)}},
	"permission of a stage":      {"invoke-permission ApiIntegration", []change{set("ApiPermission.Properties.SourceArn", `{"Fn::Sub":"arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/prod/*"}`)}},
	"permission of a method":     {"invoke-permission ApiIntegration", []change{set("ApiRoute.Properties.RouteKey", `"GET /items"`), set("ApiPermission.Properties.SourceArn", `{"Fn::Sub":"arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/POST/items"}`)}},
	"permission of a path":       {"invoke-permission ApiIntegration", []change{set("ApiRoute.Properties.RouteKey", `"GET /items"`), set("ApiPermission.Properties.SourceArn", `{"Fn::Sub":"arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/orders"}`)}},
	"target by literal id":       {"api-route-target ApiRoute", []change{set("ApiRoute.Properties.Target", `"integrations/abc1234"`)}},
	"permission of another":      {"invoke-permission ApiIntegration", []change{set("ApiPermission.Properties.Principal", `"sns.amazonaws.com"`)}},
	"permission to another API":  {"invoke-permission ApiIntegration", []change{set("Other", `{"Type":"AWS::ApiGatewayV2::Api","Properties":{"ProtocolType":"HTTP"}}`), set("ApiPermission.Properties.SourceArn", `{"Fn::Sub":"arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Other}/*/*"}`)}},
	"payload format":             {"api-payload-format ApiIntegration", []change{set("ApiIntegration.Properties.PayloadFormatVersion", "")}},
	"issuer without TLS":         {"api-authorizer Tokens", []change{tokens(`,"IdentitySource":["$request.header.Authorization"],"JwtConfiguration":{"Issuer":"http://example.com","Audience":["shop"]}`)}},
	"no audience":                {"api-authorizer Tokens", []change{tokens(`,"IdentitySource":["$request.header.Authorization"],"JwtConfiguration":{"Issuer":"https://example.com"}`)}},
	"no identity source":         {"api-authorizer Tokens", []change{tokens(`,"IdentitySource":[],"JwtConfiguration":{"Issuer":"https://example.com","Audience":["shop"]}`)}},
	"identity source of REST":    {"api-authorizer Tokens", []change{tokens(`,"IdentitySource":["method.request.header.Authorization"],"JwtConfiguration":{"Issuer":"https://example.com","Audience":["shop"]}`)}},
	"answers kept too long":      {"api-authorizer Tokens", []change{tokens(tokenIssuer + `,"AuthorizerResultTtlInSeconds":3601`)}},
	"no authorizer":              {"api-authorization ApiRoute", []change{set("ApiRoute.Properties.AuthorizationType", `"JWT"`)}},
	"authorizer of another type": {"api-authorization ApiRoute", []change{tokens(tokenIssuer), set("ApiRoute.Properties.AuthorizationType", `"CUSTOM"`), set("ApiRoute.Properties.AuthorizerId", withTokens)}},
	"authorizer without effect":  {"api-authorization ApiRoute", []change{tokens(tokenIssuer), set("ApiRoute.Properties.AuthorizerId", withTokens)}},
	"scopes without tokens":      {"api-authorization ApiRoute", []change{set("ApiRoute.Properties.AuthorizationScopes", `["read"]`)}},
	"integration of REST":        {"api-integration-type ApiIntegration", []change{set("ApiIntegration.Properties.IntegrationType", `"AWS"`)}},
	"open brace":                 {"api-route-key ApiRoute", []change{set("ApiRoute.Properties.RouteKey", `"GET /x/{a"`)}},
	"two variables in a part":    {"api-route-key ApiRoute", []change{set("ApiRoute.Properties.RouteKey", `"GET /{a}{b}"`)}},
	"query in a route":           {"api-route-key ApiRoute", []change{set("ApiRoute.Properties.RouteKey", `"GET /x?y"`)}},
	"age of CORS":                {"api-cors Api", []change{set("Api.Properties.CorsConfiguration", `{"MaxAge":86401}`)}},
	"method of CORS":             {"api-cors Api", []change{set("Api.Properties.CorsConfiguration", `{"AllowMethods":["FETCH"]}`)}},
	"origin without scheme":      {"api-cors Api", []change{set("Api.Properties.CorsConfiguration", `{"AllowOrigins":["example.com"]}`)}},
	"origin with a slash":        {"api-cors Api", []change{set("Api.Properties.CorsConfiguration", `{"AllowOrigins":["https://example.com/"]}`)}},
	"GET to a function":          {"api-rest-lambda-method Get", []change{set("Rest", `{"Type":"AWS::ApiGateway::RestApi","Properties":{"Name":"r"}}`), set("Get", `{"Type":"AWS::ApiGateway::Method","Properties":{"RestApiId":{"Ref":"Rest"},"ResourceId":{"Fn::GetAtt":["Rest","RootResourceId"]},"HttpMethod":"GET","AuthorizationType":"NONE","Integration":{"Type":"AWS_PROXY","IntegrationHttpMethod":"GET","Uri":{"Fn::Sub":"arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Live}/invocations"}}}}`), set("RestPermission", `{"Type":"AWS::Lambda::Permission","Properties":{"Action":"lambda:InvokeFunction","FunctionName":{"Ref":"Live"},"Principal":"apigateway.amazonaws.com"}}`), set("RestStage", `{"Type":"AWS::ApiGateway::Deployment","DependsOn":["Get"],"Properties":{"RestApiId":{"Ref":"Rest"},"StageName":"live"}}`)}},
	"two variables in a path":    {"api-rest-path Second", []change{set("Rest", `{"Type":"AWS::ApiGateway::RestApi","Properties":{"Name":"r"}}`), set("First", `{"Type":"AWS::ApiGateway::Resource","Properties":{"RestApiId":{"Ref":"Rest"},"ParentId":{"Fn::GetAtt":["Rest","RootResourceId"]},"PathPart":"{id}"}}`), set("Second", `{"Type":"AWS::ApiGateway::Resource","Properties":{"RestApiId":{"Ref":"Rest"},"ParentId":{"Fn::GetAtt":["Rest","RootResourceId"]},"PathPart":"{name}"}}`)}},
	"name of a stage":            {"api-stage-name ApiStage", []change{set("ApiStage.Properties.StageName", `"a/b"`)}},
	"variable of a stage":        {"api-stage-name ApiStage", []change{set("ApiStage.Properties.StageVariables", `{"a-b":"x"}`)}},
	"log to a role":              {"api-stage-logs ApiStage", []change{set("ApiStage.Properties.AccessLogSettings", `{"DestinationArn":{"Fn::GetAtt":["HandlerRole","Arn"]},"Format":"$context.requestId"}`)}},
	"log without request id":     {"api-stage-logs ApiStage", []change{set("ApiStage.Properties.AccessLogSettings", `{"DestinationArn":"arn:aws:logs:eu-west-1:123456789012:log-group:x","Format":"$context.status"}`)}},
	"settings of no route":       {"api-stage-routes ApiStage", []change{set("ApiStage.Properties.RouteSettings", `{"GET /x":{"ThrottlingRateLimit":1}}`)}},
	"nothing deploys":            {"api-stage-deployment ApiStage", []change{set("ApiStage.Properties.AutoDeploy", "")}},
	"deployed too early":         {"api-deployment Deployed", []change{set("ApiStage.Properties.AutoDeploy", ""), set("ApiStage.Properties.DeploymentId", `{"Ref":"Deployed"}`), set("Deployed", `{"Type":"AWS::ApiGatewayV2::Deployment","Properties":{"ApiId":{"Ref":"Api"}}}`)}},
	"domain of another stage":    {"domain-stage Mapping", []change{set("Mapping", `{"Type":"AWS::ApiGatewayV2::ApiMapping","Properties":{"ApiId":{"Ref":"Api"},"DomainName":"api.example.com","Stage":"live"}}`)}},
	"domain before its stage":    {"domain-stage Mapping", []change{set("Mapping", `{"Type":"AWS::ApiGatewayV2::ApiMapping","Properties":{"ApiId":{"Ref":"Api"},"DomainName":"api.example.com","Stage":"$default"}}`)}},
	"no stage":                   {"api-stage Api", []change{set("ApiStage", "")}},
	"cron":                       {"schedule-expression Nightly", []change{set("Nightly.Properties.ScheduleExpression", `"cron(0 3 * *)"`)}},
	"window while it is off":     {"schedule-range Nightly", []change{set("Nightly.Properties.FlexibleTimeWindow.MaximumWindowInMinutes", "5")}},
	"31 February":                {"schedule-expression Nightly", []change{set("Nightly.Properties.ScheduleExpression", `"cron(0 3 31 2 ? *)"`)}},
	"end before the start":       {"schedule-dates Nightly", []change{set("Nightly.Properties.StartDate", `"2027-01-01T00:00:00.000Z"`), set("Nightly.Properties.EndDate", `"2026-12-01T00:00:00.000Z"`)}},
	"input of a schedule":        {"schedule-target Nightly", []change{set("Nightly.Properties.Target.Input", `"not json"`)}},
	"no message group":           {"schedule-target Daily", []change{set("Ordered", `{"Type":"AWS::SQS::Queue","Properties":{"FifoQueue":true,"ContentBasedDeduplication":true}}`), set("DailyRole", `{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"scheduler.amazonaws.com"}}]},"Policies":[{"PolicyName":"Daily","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::GetAtt":["Ordered","Arn"]}}]}}]}}`), set("Daily", `{"Type":"AWS::Scheduler::Schedule","Properties":{"FlexibleTimeWindow":{"Mode":"OFF"},"ScheduleExpression":"rate(1 day)","Target":{"Arn":{"Fn::GetAtt":["Ordered","Arn"]},"RoleArn":{"Fn::GetAtt":["DailyRole","Arn"]}}}}`)}},
	"role for the queue":         {"schedule-role Nightly", []change{set("Nightly.Properties.Target.Arn", `{"Fn::GetAtt":["Jobs","Arn"]}`)}},
	"pattern of a rule":          {"event-rule-pattern Rule", []change{set("Rule", `{"Type":"AWS::Events::Rule","Properties":{"EventPattern":{"source":"aws.ec2"}}}`)}},
	"input of a rule":            {"event-rule-target Rule", []change{set("Rule", `{"Type":"AWS::Events::Rule","Properties":{"EventPattern":{"source":["aws.ec2"]},"Targets":[{"Id":"a","Arn":"arn:aws:sns:eu-west-1:123456789012:news","Input":"hello"}]}}`)}},
	"schedule on another bus":    {"event-rule-expression Rule", []change{set("Bus", `{"Type":"AWS::Events::EventBus","Properties":{"Name":"shop"}}`), set("Rule", `{"Type":"AWS::Events::Rule","Properties":{"ScheduleExpression":"rate(1 hour)","EventBusName":{"Ref":"Bus"}}}`)}},
	"time zone":                  {"schedule-expression Nightly", []change{set("Nightly.Properties.ScheduleExpressionTimezone", `"Europe/Atlantis"`)}},
	"who is trusted":             {"role-trust Nightly", []change{set("NightlyRole.Properties.AssumeRolePolicyDocument.Statement", `[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"events.amazonaws.com"}}]`)}},
	"Lambda is not trusted":      {"role-trust Handler", []change{set("HandlerRole.Properties.AssumeRolePolicyDocument.Statement", `[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"123456789012"}}]`)}},
	"role of the schedule":       {"schedule-role Nightly", []change{set("NightlyRole.Properties.Policies", `[]`)}},
	"role for the function":      {"schedule-role Nightly", []change{set("NightlyRole.Properties.Policies", `[{"PolicyName":"n","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"lambda:*","Resource":{"Fn::GetAtt":["Handler","Arn"]}}}}]`)}},
	"unknown action":             {"policy-action HandlerPolicy", []change{set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":["sqs:*","sqs:Foo"],"Resource":"*"}]`)}},
	"past the alias":             {"provisioned-bypassed ApiIntegration", []change{set("ApiIntegration.Properties.IntegrationUri", `{"Fn::GetAtt":["Handler","Arn"]}`), set("ApiPermission.Properties.FunctionName", `{"Ref":"Handler"}`)}},
}

func TestMutations(t *testing.T) {
	t.Parallel()
	runMutations(t, mutations)
}

// heldNumber is a provisioned concurrency that a custom resource knows.
var (
	heldNumber = set("Live.Properties.ProvisionedConcurrencyConfig.ProvisionedConcurrentExecutions", `{"Fn::GetAtt":["Hold","Instances"]}`)
	holder     = set("Hold", `{"Type":"Custom::Hold","Properties":{"Min":2}}`)
)

// TestHeldNumber makes faults around a number that is unknown.
func TestHeldNumber(t *testing.T) {
	t.Parallel()
	runMutations(t, map[string]mutation{
		"past the alias, held":     {"provisioned-bypassed ApiIntegration", []change{heldNumber, holder, set("ApiIntegration.Properties.IntegrationUri", `{"Fn::GetAtt":["Handler","Arn"]}`), set("ApiPermission.Properties.FunctionName", `{"Ref":"Handler"}`)}},
		"scaling of a held number": {"scaling-reserved Scaling", []change{heldNumber, holder, set("Scaling.Properties.MaxCapacity", "41")}},
		"held on $LATEST":          {"provisioned-latest Live", []change{heldNumber, holder, set("Live.Properties.FunctionVersion", `"$LATEST"`)}},
	})
}

func runMutations(t *testing.T, mutations map[string]mutation) {
	t.Helper()
	for name, test := range mutations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, err := Template("clean.json", clean(t, test.changes...))
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) != 1 || findings[0].Rule+" "+findings[0].LogicalID != test.want {
				t.Errorf("got %v, want %s", findings, test.want)
			}
		})
	}
}

// TestNoFinding makes changes with the same meaning, or with unknown values.
func TestNoFinding(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string][]change{
		"SQS's own managed policy":  {set("HandlerPolicy", ""), set("HandlerRole.Properties.ManagedPolicyArns", `["arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole"]`)},
		"another managed policy":    {set("HandlerPolicy", ""), set("HandlerRole.Properties.ManagedPolicyArns", `["arn:aws:iam::123456789012:policy/queues"]`)},
		"policy of an unknown role": {set("HandlerPolicy.Properties.Roles", `[{"Fn::ImportValue":"role"}]`)},
		"policy by a role's name":   {set("HandlerRole.Properties.RoleName", `"shop"`), set("HandlerPolicy.Properties.Roles", `["shop"]`)},
		"role of somebody else":     {set("HandlerPolicy", ""), set("Handler.Properties.Role", `"arn:aws:iam::123456789012:role/shop"`)},
		"policy of the queue":       {set("HandlerPolicy", ""), set("JobsPolicy", `{"Type":"AWS::SQS::QueuePolicy","Properties":{"Queues":[{"Ref":"Jobs"}],"PolicyDocument":{"Statement":{"Effect":"Allow","Action":"sqs:*","Principal":"*","Resource":{"Fn::GetAtt":["Jobs","Arn"]}}}}}`)},
		"ARN in a parameter store":  {set("Stored", `{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String","Value":{"Fn::GetAtt":["Jobs","Arn"]}}}`), set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":"sqs:*","Resource":{"Fn::GetAtt":["Stored","Value"]}}]`)},
		"ARN by a custom resource":  {set("Asked", `{"Type":"AWS::CloudFormation::CustomResource","Properties":{}}`), set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":"sqs:*","Resource":{"Fn::GetAtt":["Asked","Arn"]}}]`)},
		"held number":               {heldNumber, holder},
		"held by another type":      {heldNumber, set("Hold", `{"Type":"AWS::CloudFormation::CustomResource","Properties":{}}`)},
		"held, not scaled":          {heldNumber, holder, set("Scaling", ""), set("ApiIntegration.Properties.IntegrationUri", `{"Fn::GetAtt":["Handler","Arn"]}`), set("ApiPermission.Properties.FunctionName", `{"Ref":"Handler"}`)},
		"held, perhaps scaled":      {heldNumber, holder, set("Scaling.Condition", `"Here"`), set("ApiIntegration.Properties.IntegrationUri", `{"Fn::GetAtt":["Handler","Arn"]}`), set("ApiPermission.Properties.FunctionName", `{"Ref":"Handler"}`)},
		"secret by its attachment":  {set("Login", `{"Type":"AWS::SecretsManager::Secret"}`), set("Attached", `{"Type":"AWS::SecretsManager::SecretTargetAttachment","Properties":{"SecretId":{"Ref":"Login"}}}`), set("ProxyRole", `{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"rds.amazonaws.com"}}},"Policies":[{"PolicyName":"p","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"secretsmanager:*","Resource":{"Ref":"Attached"}}}}]}}`), set("Proxy", `{"Type":"AWS::RDS::DBProxy","Properties":{"RoleArn":{"Fn::GetAtt":["ProxyRole","Arn"]},"Auth":[{"SecretArn":{"Ref":"Login"}}]}}`)},
		"ARN by hand":               {set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":"sqs:*","Resource":{"Fn::Sub":"arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:shop-*"}}]`)},
		"ARN of the queue's name":   {set("HandlerPolicy.Properties.PolicyDocument.Statement", `[{"Effect":"Allow","Action":"sqs:*","Resource":{"Fn::Sub":"arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Jobs.QueueName}"}}]`)},
		"every version":             {set("NightlyRole.Properties.Policies", `[{"PolicyName":"n","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"lambda:Invoke*","Resource":{"Fn::Join":["",[{"Fn::GetAtt":["Handler","Arn"]},":*"]]}}}}]`)},
		"ARN of the alias by hand":  {set("ApiPermission.Properties.FunctionName", `{"Fn::Sub":"arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:${Handler}:live"}`)},
		"API Gateway's URI":         {set("ApiIntegration.Properties.IntegrationUri", `{"Fn::Sub":"arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Live}/invocations"}`)},
		"integration with a role":   {set("ApiPermission", ""), set("ApiIntegration.Properties.CredentialsArn", `"arn:aws:iam::123456789012:role/caller"`)},
		"permission of unknown":     {set("ApiPermission.Properties.FunctionName", `{"Ref":"Parameter"}`)},
		"function elsewhere":        {set("ApiPermission", ""), set("ApiIntegration.Properties.IntegrationUri", `"arn:aws:lambda:eu-west-1:123456789012:function:other"`)},
		"alias by a parameter":      {set("Live.Properties.Name", `{"Ref":"Parameter"}`), set("Scaling.Properties.ResourceId", `{"Fn::Sub":"function:${Handler}:prod"}`)},
		"waits through a policy":    {set("Scaling.DependsOn", `"NightlyRole"`)},
		"names by condition":        {set("Jobs.Properties.QueueName", `"jobs"`), set("DeadJobs.Properties.QueueName", `"jobs"`), set("DeadJobs.Condition", `"Here"`)},
		"value by condition":        {set("Handler.Properties.Timeout", `{"Fn::If":["Here",901,30]}`)},
		"no value":                  {set("JobsMapping.Properties.ProvisionedPollerConfig", `{"Ref":"AWS::NoValue"}`)},
		"trust by a region":         {set("NightlyRole.Properties.AssumeRolePolicyDocument.Statement", `[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":{"Fn::Sub":"scheduler.${AWS::URLSuffix}"}}}]`)},
		"circle":                    {set("Live.Properties.FunctionName", `{"Ref":"Live"}`), set("ApiPermission", `{"Type":"AWS::SNS::Topic"}`), set("Scaling", "")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings, err := Template("clean.json", clean(t, changes...))
			if err != nil || len(findings) > 0 {
				t.Errorf("got %v, %v", findings, err)
			}
		})
	}
}
