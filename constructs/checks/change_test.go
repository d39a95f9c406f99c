package checks

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompare checks the kinds of changes and their losses; testdata/changes.txt has the
// changes.
func TestCompare(t *testing.T) {
	t.Parallel()
	alias := "Fn Lambda::Function {}\nAl Lambda::Alias {\"FunctionName\": {\"Ref\": \"Fn\"}, \"FunctionVersion\": \"%s\", \"Name\": \"live\"%s}"
	warm := `, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}`
	var text strings.Builder
	for _, test := range []struct{ name, before, after string }{
		{"nothing", `Q SQS::Queue {"DelaySeconds": 1}`, `Q SQS::Queue {"DelaySeconds": 1}`},
		{"a new queue", `T SNS::Topic {}`, "T SNS::Topic {}\nQ SQS::Queue {}"},
		{"a renamed construct", `Jobs SQS::Queue {}`, `Tasks SQS::Queue {}`},
		{"a renamed construct with a fixed name", `Jobs SQS::Queue {"QueueName": "jobs"}`, `Tasks SQS::Queue {"QueueName": "jobs"}`},
		{"a renamed queue", `Q SQS::Queue {"QueueName": "jobs"}`, `Q SQS::Queue {"QueueName": "tasks"}`},
		{"standard to FIFO", `Q SQS::Queue {}`, `Q SQS::Queue {"FifoQueue": true}`},
		{"FIFO to standard with a fixed name", `Q SQS::Queue {"QueueName": "jobs", "FifoQueue": true}`, `Q SQS::Queue {"QueueName": "jobs"}`},
		{"a shorter retention", `Q SQS::Queue {}`, `Q SQS::Queue {"MessageRetentionPeriod": 60}`},
		{"a longer retention", `Q SQS::Queue {"MessageRetentionPeriod": 60}`, `Q SQS::Queue {}`},
		{"a new key schema", `T DynamoDB::Table {"KeySchema": [{"AttributeName": "a"}]}`, `T DynamoDB::Table {"KeySchema": [{"AttributeName": "b"}]}`},
		{"a changed API name", `A ApiGatewayV2::Api {"Name": "a", "ProtocolType": "HTTP"}`, `A ApiGatewayV2::Api {"Name": "b", "ProtocolType": "HTTP"}`},
		{"HTTP to WebSocket, and what refers to it", "A ApiGatewayV2::Api {\"ProtocolType\": \"WEBSOCKET\"}\nS ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"A\"}, \"StageName\": \"s\"}", "A ApiGatewayV2::Api {\"ProtocolType\": \"HTTP\"}\nS ApiGatewayV2::Stage {\"ApiId\": {\"Ref\": \"A\"}, \"StageName\": \"s\"}"},
		{"provisioned concurrency removed", fmt.Sprintf(alias, "1", warm), fmt.Sprintf(alias, "1", "")},
		{"a new version", fmt.Sprintf(alias, "1", warm), fmt.Sprintf(alias, "2", warm)},
		{"a new version without warm instances", fmt.Sprintf(alias, "1", ""), fmt.Sprintf(alias, "2", "")},
		{"a function renamed", "Fn Lambda::Function {\"FunctionName\": \"a\"}\nM Lambda::EventSourceMapping {\"FunctionName\": {\"Ref\": \"Fn\"}}", "Fn Lambda::Function {\"FunctionName\": \"b\"}\nM Lambda::EventSourceMapping {\"FunctionName\": {\"Ref\": \"Fn\"}}"},
		{"logs for less time", `L Logs::LogGroup {}`, `L Logs::LogGroup {"RetentionInDays": 7}`},
		{"another type", `X SNS::Topic {}`, `X SQS::Queue {}`},
		{"a database that may be replaced", `D RDS::DBInstance {"Engine": "a"}`, `D RDS::DBInstance {"Engine": "b"}`},
		{"a database removed", "D RDS::DBInstance {}\nT SNS::Topic {}", `T SNS::Topic {}`},
	} {
		changes, err := Compare([]Source{{"t.json", templateOf(t, test.before, "")}}, []Source{{"t.json", templateOf(t, test.after, "")}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "# %s\n", test.name)
		for _, c := range changes {
			fmt.Fprintln(&text, c)
		}
	}
	golden(t, "testdata/changes.txt", text.String())
}

func TestRetained(t *testing.T) {
	t.Parallel()
	queue := func(name string) []Source {
		return []Source{{"t.json", fmt.Appendf(nil, `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "UpdateReplacePolicy": "Retain", "DeletionPolicy": "RetainExceptOnCreate", "Properties": {"QueueName": %q}}, "T": {"Type": "AWS::SNS::Topic"}}}`, name)}}
	}
	topic := []Source{{"t.json", []byte(`{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}`)}}
	for _, after := range [][]Source{queue("b"), topic} {
		changes, err := Compare(queue("a"), after)
		if want := "the stack's control of it: CloudFormation retains it, with its messages"; err != nil || len(changes) != 1 || changes[0].Loses != want {
			t.Errorf("got %v, %v", changes, err)
		}
	}
}

// TestComparePaths checks that folders match templates by name, and single templates always
// match.
func TestComparePaths(t *testing.T) {
	t.Parallel()
	assembly := func(stack, delay string) string {
		dir := t.TempDir()
		for name, data := range map[string]string{
			"manifest.json":          `{"artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "` + stack + `.template.json"}}}}`,
			stack + ".template.json": `{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": ` + delay + `}}}}`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	a, b, other := assembly("Shop", "1"), assembly("Shop", "2"), assembly("Store", "1")
	for name, paths := range map[string][2]string{
		"folders":   {a, b},
		"templates": {filepath.Join(other, "Store.template.json"), filepath.Join(b, "Shop.template.json")},
	} {
		changes, err := ComparePaths(paths[0], paths[1])
		if err != nil || len(changes) != 1 || changes[0].Change != updated || changes[0].Because != "DelaySeconds" {
			t.Errorf("%s: got %v, %v", name, changes, err)
		}
	}
}

// TestCreateOnly checks that the embedded table has the types that the constructs make.
func TestCreateOnly(t *testing.T) {
	t.Parallel()
	for kind, property := range map[string]string{typeQueue: "FifoQueue", typeFunction: "FunctionName", typeAlias: "Name", "AWS::DynamoDB::Table": "KeySchema", typeAPI: "ProtocolType"} {
		if !createOnly()[kind][property] {
			t.Errorf("%s of %s must be create-only", property, kind)
		}
	}
}
