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

// newAccessLogs writes one JSON object for each request to the log group. Each
// field is a key and a variable, such as "status $context.status".
func newAccessLogs(group awslogs.ILogGroup, fields ...string) awsapigatewayv2.IAccessLogSettings {
	members := make([]string, len(fields))
	for i, field := range fields {
		key, variable, _ := strings.Cut(field, " ")
		members[i] = `"` + key + `":"` + variable + `"`
	}
	return &accessLogs{
		destination: awsapigatewayv2.NewLogGroupLogDestination(group),
		format:      awsapigateway.AccessLogFormat_Custom(jsii.String("{" + strings.Join(members, ",") + "}")),
	}
}
