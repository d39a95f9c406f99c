package hearth

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// requestLogFields are logged for each request of an HTTP or REST API.
var requestLogFields = []string{
	"requestId $context.requestId",
	"time $context.requestTime",
	"ip $context.identity.sourceIp",
	"method $context.httpMethod",
	"path $context.path",
	"status $context.status",
	"responseBytes $context.responseLength",
	"latencyMs $context.responseLatency",
	"integrationMs $context.integrationLatency",
}

// logAccess writes one JSON object for each request to the log group. It sets the
// property of the resource: the CDK's own is an interface, for which it calls back into
// Go for each member.
func logAccess(stage constructs.Construct, group awslogs.ILogGroup, fields ...string) {
	resource := stage.Node().DefaultChild().(awsapigatewayv2.CfnStage)
	resource.SetAccessLogSettings(&awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
		DestinationArn: group.LogGroupArn(),
		Format:         jsii.String(logFormat(fields...)),
	})
}

// logFormat is a JSON object. Each field is a key and a variable, such as "status
// $context.status".
func logFormat(fields ...string) string {
	members := make([]string, len(fields))
	for i, field := range fields {
		key, variable, _ := strings.Cut(field, " ")
		members[i] = `"` + key + `":"` + variable + `"`
	}
	return "{" + strings.Join(members, ",") + "}"
}
