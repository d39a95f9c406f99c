package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
	"github.com/lambdahearth/hearth/examples/internal/nagtest"
)

func TestMain(m *testing.M) { hearthtest.Main(m) }

// TestNag lists the findings of the other packs; addNag has those of AwsSolutions.
func TestNag(t *testing.T) {
	t.Chdir("../../..")
	const backend = "/Bookmarks/Backend/"
	app := awscdk.NewApp(nagtest.AppProps(t, "cdk.json"))
	s := newStack(app, "Bookmarks")
	addNag(app, s)
	nagtest.Check(t, s.Stack,
		nagtest.Finding{
			Rule: "IAMNoInlinePolicy",
			Why:  nagtest.ReasonInlinePolicy,
			At: []string{
				backend + "Database/Proxy/IAMRole/DefaultPolicy/Resource", backend + "Handler/Function/ServiceRole/DefaultPolicy/Resource",
				backend + "ScheduleRole/DefaultPolicy/Resource", "/Bookmarks/Vpc/All/IAMRole/DefaultPolicy/Resource",
			},
		},
		nagtest.Finding{Rule: "LambdaDLQ", Why: nagtest.ReasonLambdaDLQ, At: []string{backend + "Handler/Function/Resource"}},
		nagtest.Finding{
			Rule: "CloudWatchLogGroupEncrypted", Why: nagtest.ReasonLogGroupKey,
			At: []string{backend + "Handler/LogGroup/Resource", backend + "Http/AccessLogs/Resource", "/Bookmarks/FlowLogs/Resource"},
		},
		nagtest.Finding{Rule: "SNSEncryptedKMS", Why: nagtest.ReasonTopicKey, At: []string{backend + "Monitoring/Topic/Resource"}},
		nagtest.Finding{
			Rule: "RDSLoggingEnabled[LogExport::postgresql]", Why: "The statements of PostgreSQL's log may hold what users wrote; the program logs what failed.",
			At: []string{"/Bookmarks/Database/Resource"},
		},
		nagtest.Finding{
			Rule: "RDSEnhancedMonitoringEnabled", Why: "Aurora's own metrics and those of the proxy suffice for an example.",
			At: []string{"/Bookmarks/Database/writer/Resource"},
		},
		nagtest.Finding{
			Rule: "RDSInBackupPlan", Why: "Aurora backs itself up continuously; a plan of AWS Backup belongs to the owner of the account.",
			At: []string{"/Bookmarks/Database/writer/Resource"},
		},
		nagtest.Finding{
			Rule: "VPCNoUnrestrictedRouteToIGW", Why: "The public subnets hold the NAT gateway alone, which needs this route.",
			At: []string{"/Bookmarks/Vpc/publicSubnet1/DefaultRoute", "/Bookmarks/Vpc/publicSubnet2/DefaultRoute"},
		},
		nagtest.Finding{
			Rule: "VPCSubnetAutoAssignPublicIpDisabled", Why: "The CDK's default for public subnets; nothing but the NAT gateway is in them.",
			At: []string{"/Bookmarks/Vpc/publicSubnet1/Subnet", "/Bookmarks/Vpc/publicSubnet2/Subnet"},
		},
	)
}
