package checks

import (
	"fmt"
	"maps"
	"slices"
)

const (
	typePermission  = "AWS::Lambda::Permission"
	typeMapping     = "AWS::Lambda::EventSourceMapping"
	typeURL         = "AWS::Lambda::Url"
	typeIntegration = "AWS::ApiGatewayV2::Integration"
	typeAuthorizer  = "AWS::ApiGatewayV2::Authorizer"
	typeMethod      = "AWS::ApiGateway::Method"
	typeRESTAuth    = "AWS::ApiGateway::Authorizer"
	typeSchedule    = "AWS::Scheduler::Schedule"
	typeEventRule   = "AWS::Events::Rule"
	typeSubscriber  = "AWS::SNS::Subscription"
	typeLogFilter   = "AWS::Logs::SubscriptionFilter"
	typeUserPool    = "AWS::Cognito::UserPool"
	typeTargetGroup = "AWS::ElasticLoadBalancingV2::TargetGroup"
	typeRotation    = "AWS::SecretsManager::RotationSchedule"
	typeBucket      = "AWS::S3::Bucket"
	typeAPI         = "AWS::ApiGatewayV2::Api"
	typeRESTAPI     = "AWS::ApiGateway::RestApi"
)

// callerTypes are the types of resources that invoke functions.
var callerTypes = []string{typeMapping, typeURL, typeIntegration, typeAuthorizer, typeMethod, typeRESTAuth, typeSchedule, typeEventRule, typeSubscriber, typeLogFilter, typeUserPool, typeTargetGroup, typeRotation, typeBucket}

// call describes how a resource invokes a function of the app.
type call struct {
	caller *resource
	// property is the property that names the function.
	property string
	target   target
	// service is the principal that needs a permission on the function; "" if the resource
	// calls with a role. source is the resource whose token the permission's source ARN
	// contains.
	service string
	source  *resource
}

// callsOf returns the calls that a resource makes.
func callsOf(r *resource) []call {
	var calls []call
	add := func(property string, v value, service string, source *resource) {
		if t, ok := v.target(); ok {
			calls = append(calls, call{r, property, t, service, source})
		}
	}
	// with returns the service, or "" if the resource calls with a role.
	with := func(service string, credentials value) string {
		if credentials.has() {
			return ""
		}
		return service
	}
	switch r.kind {
	case typeMapping:
		add("FunctionName", r.get("FunctionName"), "", nil)
	case typeURL:
		v := r.get("TargetFunctionArn")
		if t, ok := v.target(); ok {
			if q := r.get("Qualifier"); q.has() && t.qualifier == "" {
				t.qualifier = q.text()
			}
			calls = append(calls, call{r, "TargetFunctionArn", t, "", nil})
		}
	case typeIntegration:
		add("IntegrationUri", r.get("IntegrationUri"), with("apigateway.amazonaws.com", r.get("CredentialsArn")), r.get("ApiId").resource(typeAPI))
	case typeAuthorizer:
		add("AuthorizerUri", r.get("AuthorizerUri"), with("apigateway.amazonaws.com", r.get("AuthorizerCredentialsArn")), r.get("ApiId").resource(typeAPI))
	case typeMethod:
		add("Integration.Uri", r.get("Integration", "Uri"), with("apigateway.amazonaws.com", r.get("Integration", "Credentials")), r.get("RestApiId").resource(typeRESTAPI))
	case typeRESTAuth:
		add("AuthorizerUri", r.get("AuthorizerUri"), with("apigateway.amazonaws.com", r.get("AuthorizerCredentials")), r.get("RestApiId").resource(typeRESTAPI))
	case typeSchedule:
		add("Target.Arn", r.get("Target", "Arn"), "", nil)
	case typeEventRule:
		targets, _ := r.get("Targets").list()
		for i, t := range targets {
			add(fmt.Sprintf("Targets[%d].Arn", i), t.get("Arn"), with("events.amazonaws.com", t.get("RoleArn")), r)
		}
	case typeSubscriber:
		if r.get("Protocol").text() == "lambda" {
			add("Endpoint", r.get("Endpoint"), "sns.amazonaws.com", r.get("TopicArn").resource("AWS::SNS::Topic"))
		}
	case typeLogFilter:
		add("DestinationArn", r.get("DestinationArn"), with("logs.amazonaws.com", r.get("RoleArn")), r.get("LogGroupName").resource("AWS::Logs::LogGroup"))
	case typeUserPool:
		for _, trigger := range slices.Sorted(maps.Keys(r.get("LambdaConfig").keys())) {
			add("LambdaConfig."+trigger, r.get("LambdaConfig", trigger), "cognito-idp.amazonaws.com", r)
		}
	case typeTargetGroup:
		targets, _ := r.get("Targets").list()
		for i, t := range targets {
			add(fmt.Sprintf("Targets[%d].Id", i), t.get("Id"), "elasticloadbalancing.amazonaws.com", r)
		}
	case typeRotation:
		add("RotationLambdaARN", r.get("RotationLambdaARN"), "secretsmanager.amazonaws.com", r.get("SecretId").resource("AWS::SecretsManager::Secret"))
	case typeBucket:
		functions, _ := r.get("NotificationConfiguration", "LambdaConfigurations").list()
		for i, f := range functions {
			add(fmt.Sprintf("NotificationConfiguration.LambdaConfigurations[%d].Function", i), f.get("Function"), "s3.amazonaws.com", r)
		}
	}
	return calls
}
