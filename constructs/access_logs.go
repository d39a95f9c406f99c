package hearth

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"
)

// accessLogs implements awsapigatewayv2.IAccessLogSettings, for which the CDK
// has no struct in Go.
type accessLogs struct {
	destination awsapigatewayv2.IAccessLogDestination
	format      awsapigateway.AccessLogFormat
}

func (a *accessLogs) Destination() awsapigatewayv2.IAccessLogDestination { return a.destination }

func (a *accessLogs) Format() awsapigateway.AccessLogFormat { return a.format }

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

// newAccessLogs writes one JSON object for each request to the log group.
func newAccessLogs(group awslogs.ILogGroup, fields ...string) awsapigatewayv2.IAccessLogSettings {
	return &accessLogs{destination: awsapigatewayv2.NewLogGroupLogDestination(group), format: logFormat(fields...)}
}

// logFormat is a JSON object. Each field is a key and a variable, such as "status
// $context.status".
func logFormat(fields ...string) awsapigateway.AccessLogFormat {
	members := make([]string, len(fields))
	for i, field := range fields {
		key, variable, _ := strings.Cut(field, " ")
		members[i] = `"` + key + `":"` + variable + `"`
	}
	return awsapigateway.AccessLogFormat_Custom(jsii.String("{" + strings.Join(members, ",") + "}"))
}
