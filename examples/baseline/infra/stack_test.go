package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/lambdahearth/hearth/constructs/hearthtest"
)

func TestMain(m *testing.M) { hearthtest.Main(m) }

// root is the folder of cdk.json, to which Entry is relative.
const root = "../../.."

// maxLines is the maximum for the stack; in plain CDK it has 307 lines.
const maxLines = 60

// TestLines counts the lines of the stack without comments and blank lines.
func TestLines(t *testing.T) {
	t.Chdir(root)
	lines := 0
	for _, path := range []string{"examples/baseline/infra/main.go", "examples/baseline/infra/stack.go"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(data), "\n") {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				lines++
			}
		}
	}
	if t.Logf("%d lines", lines); lines > maxLines {
		t.Errorf("the stack has %d lines, want at most %d", lines, maxLines)
	}
}

// TestProtections checks that the stack has the protections of the stack in plain CDK.
func TestProtections(t *testing.T) {
	t.Chdir(root)
	stack := newStack(awscdk.NewApp(hearthtest.AppProps(t, "cdk.json")), "Base")
	data, err := hearthtest.Template(stack)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type           string
			Properties     map[string]any
			DeletionPolicy string
		}
	}
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	count := func(kind string, with ...string) int {
		n := 0
	next:
		for _, resource := range template.Resources {
			text, _ := json.Marshal(resource)
			for _, want := range with {
				if !strings.Contains(string(text), want) {
					continue next
				}
			}
			if resource.Type == kind {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		protection string
		got, want  int
	}{
		{"flow logs", count("AWS::EC2::FlowLog"), 1},
		{"no way to the internet", count("AWS::EC2::NatGateway") + count("AWS::EC2::InternetGateway"), 0},
		{"groups that let nothing out to the internet", count("AWS::EC2::SecurityGroup", `"CidrIp":"0.0.0.0/0"`), 0},
		{"an endpoint for SQS", count("AWS::EC2::VPCEndpoint", `.sqs`), 1},
		{"an encrypted, kept cluster with IAM and backups", count("AWS::RDS::DBCluster", `"StorageEncrypted":true`, `"DeletionProtection":true`, `"EnableIAMDatabaseAuthentication":true`, `"BackupRetentionPeriod":7`, `"ManageMasterUserPassword":true`, `"CopyTagsToSnapshot":true`, `"DeletionPolicy":"Snapshot"`), 1},
		{"a proxy with TLS and IAM", count("AWS::RDS::DBProxy", `"RequireTLS":true`, `"IAMAuth":"REQUIRED"`), 1},
		{"encrypted queues", count("AWS::SQS::Queue", `"SqsManagedSseEnabled":true`), count("AWS::SQS::Queue")},
		{"dead-letter queues", count("AWS::SQS::Queue", `"maxReceiveCount":5`), 3},
		{"queues for TLS only", count("AWS::SQS::QueuePolicy", `"aws:SecureTransport":"false"`), count("AWS::SQS::Queue")},
		{"bounded queues", count("AWS::Lambda::EventSourceMapping", `"MaximumConcurrency":10`), 2},
		{"failed messages alone", count("AWS::Lambda::EventSourceMapping", "ReportBatchItemFailures"), 3},
		{"reserved concurrency", count("AWS::Lambda::Function", `"ReservedConcurrentExecutions":50`), 1},
		{"warm instances", count("AWS::Lambda::Alias", `"ProvisionedConcurrentExecutions":2`), 1},
		{"target tracking", count("AWS::ApplicationAutoScaling::ScalableTarget", `"MaxCapacity":20`), 1},
		{"throttled stages", count("AWS::ApiGatewayV2::Stage", `"ThrottlingBurstLimit":1000`), 2},
		{"access logs", count("AWS::ApiGatewayV2::Stage", "AccessLogSettings"), 2},
		{"CORS", count("AWS::ApiGatewayV2::Api", "https://example.com"), 1},
		{"a schedule", count("AWS::Scheduler::Schedule"), 1},
		{"a dashboard", count("AWS::CloudWatch::Dashboard"), 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %d, want %d", c.protection, c.got, c.want)
		}
	}
	if alarms := count("AWS::CloudWatch::Alarm"); alarms < 5 {
		t.Errorf("%d alarms, want at least the 5 of the stack in plain CDK", alarms)
	}
	hearthtest.Snapshot(t, stack, "examples/baseline/infra/testdata/base.json")
}
