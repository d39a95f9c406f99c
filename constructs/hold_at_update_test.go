package hearth

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"
)

func held(lowest, highest float64) *ConcurrencyProps {
	p := Autoscaled(lowest, highest)
	p.HoldAtUpdate = jsii.Bool(true)
	return &ConcurrencyProps{Provisioned: p}
}

// TestHandlerHoldAtUpdate makes two handlers, of which the second knows the alias of the
// first. They share the function that reads.
func TestHandlerHoldAtUpdate(t *testing.T) {
	stack := setup(t)
	first := NewHandler(stack, jsii.String("First"), &HandlerProps{Entry: entry("empty"), Concurrency: held(2, 20)})
	scheduled := held(1, 5)
	scheduled.Provisioned.Max = awscdk.NewCfnParameter(stack, jsii.String("Most"), &awscdk.CfnParameterProps{Type: jsii.String("Number")}).ValueAsNumber()
	scheduled.Provisioned.Schedules = map[string]*awsapplicationautoscaling.ScalingSchedule{"morning": {
		MaxCapacity: jsii.Number(30), MinCapacity: jsii.Number(8),
		Schedule: awsapplicationautoscaling.Schedule_Cron(&awsapplicationautoscaling.CronOptions{Hour: jsii.String("7"), Minute: jsii.String("0")}),
	}}
	NewHandler(stack, jsii.String("Second"), &HandlerProps{
		Entry: entry("empty"), Concurrency: scheduled, Environment: &map[string]*string{"FIRST": first.Alias.FunctionArn()},
	})
	golden(t, stack)
}

// cloudFormation is the URL to which custom resources answer. It refuses as many answers
// as failures says.
type cloudFormation struct {
	*httptest.Server
	answers  chan map[string]any
	failures chan bool
}

func newCloudFormation(t *testing.T, failures int) *cloudFormation {
	t.Helper()
	c := &cloudFormation{answers: make(chan map[string]any, 1), failures: make(chan bool, failures)}
	for range failures {
		c.failures <- true
	}
	c.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		select {
		case <-c.failures:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		default:
		}
		var answer map[string]any
		if err == nil {
			err = json.Unmarshal(body, &answer)
		}
		if err != nil || r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" || r.URL.String() != "/answer?signature=a%2Fb" {
			t.Errorf("%s %s, type %q: %s (%v)", r.Method, r.URL, r.Header.Get("Content-Type"), body, err)
		}
		c.answers <- answer
	}))
	t.Cleanup(c.Close)
	return c
}

// runHolder runs the inline code in Node with a fake of the SDK, which answers with the
// given JavaScript. It returns what the code told CloudFormation, and its output.
func runHolder(t *testing.T, kind, properties, sdk string, failures int) (map[string]any, string) {
	t.Helper()
	cfn, dir := newCloudFormation(t, failures), t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	event := `{"RequestType": "` + kind + `", "ResponseURL": "` + cfn.URL + `/answer?signature=a%2Fb", "StackId": "stack", "RequestId": "request",
		"LogicalResourceId": "Hold", "ResourceProperties": ` + properties + `}`
	write("index.js", holdCode)
	write("main.js", `require("./index.js").handler(`+event+`).catch((error) => { console.error(error); process.exitCode = 1; });`)
	write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cfn.Certificate().Raw})))
	if sdk != "" {
		write("node_modules/@aws-sdk/client-lambda/index.js", `
			class GetProvisionedConcurrencyConfigCommand { constructor(input) { this.input = input; } }
			class LambdaClient { async send(command, options) {
				if (!(options.abortSignal instanceof AbortSignal)) throw new Error("no limit of time");
				if (JSON.stringify(command.input) !== '{"FunctionName":"fn","Qualifier":"live"}') throw new Error("input " + JSON.stringify(command.input));
				`+sdk+` } }
			module.exports = { GetProvisionedConcurrencyConfigCommand, LambdaClient };`)
	}
	cmd := exec.CommandContext(t.Context(), "node", "main.js")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "NODE_EXTRA_CA_CERTS="+filepath.Join(dir, "ca.pem"))
	cmd.WaitDelay = time.Second
	stop := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	defer stop.Stop()
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Log(string(output), err)
	}
	select {
	case answer := <-cfn.answers:
		return answer, string(output)
	default:
		return nil, string(output)
	}
}

func TestHoldAtUpdateCode(t *testing.T) {
	if len(holdCode) > 4096 {
		t.Errorf("CloudFormation takes 4,096 characters of inline code, got %d", len(holdCode))
	}
	const properties = `{"FunctionName": "fn", "Qualifier": "live", "Version": "7", "Min": "2", "Max": ["20", "8"]}` // CloudFormation sends text
	answers := func(requested, allocated, status string) string {
		return `return { RequestedProvisionedConcurrentExecutions: ` + requested + `, AllocatedProvisionedConcurrentExecutions: ` + allocated + `, Status: "` + status + `" };`
	}
	tests := []struct {
		name, kind, properties, sdk string
		failures                    int
		want                        float64
		output                      string
	}{
		{"the first version", "Create", properties, `throw Object.assign(new Error("none"), { name: "ResourceNotFoundException" });`, 0, 2, "minimum of 2 instances: ResourceNotFoundException none"},
		{"no number yet", "Update", properties, `throw Object.assign(new Error("none"), { name: "ProvisionedConcurrencyConfigNotFoundException" });`, 0, 2, "minimum of 2"},
		{"at peak", "Update", properties, answers("14", "14", "READY"), 0, 14, "starts with 14 instances"},
		{"while it scales out", "Update", properties, answers("14", "9", "IN_PROGRESS"), 0, 14, ""},
		{"at the minimum", "Update", properties, answers("2", "2", "READY"), 0, 2, ""},
		{"below the minimum", "Update", properties, answers("1", "1", "READY"), 0, 2, ""},
		{"at the maximum", "Update", properties, answers("20", "20", "READY"), 0, 20, ""},
		{"above the maximum", "Update", properties, answers("21", "21", "READY"), 0, 20, ""},
		{"a maximum below the minimum", "Update", strings.Replace(properties, `["20", "8"]`, `["1"]`, 1), answers("14", "14", "READY"), 0, 2, ""},
		{"a failed allocation", "Update", properties, answers("14", "5", "FAILED"), 0, 5, ""},
		{"nothing allocated", "Update", properties, answers("14", "0", "FAILED"), 0, 2, ""},
		{"no permission", "Update", properties, `throw Object.assign(new Error("not authorized"), { name: "AccessDeniedException" });`, 0, 2, "AccessDeniedException"},
		{"an answer without a number", "Update", properties, `return {};`, 0, 2, "has no number"},
		{"a maximum that is no number", "Update", strings.Replace(properties, `"8"`, `"x"`, 1), answers("14", "14", "READY"), 0, 2, "has no number"},
		{"no maximum", "Update", strings.Replace(properties, `"Max"`, `"Most"`, 1), answers("14", "14", "READY"), 0, 2, "TypeError"},
		{"no SDK", "Update", properties, "", 0, 2, "Cannot find module"},
		{"an answer that is refused twice", "Update", properties, answers("14", "14", "READY"), 2, 14, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, output := runHolder(t, tt.kind, tt.properties, tt.sdk, tt.failures)
			want := map[string]any{
				"Status": "SUCCESS", "PhysicalResourceId": "Hold", "LogicalResourceId": "Hold", "RequestId": "request", "StackId": "stack",
				"Data": map[string]any{"Instances": tt.want},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(output, tt.output) {
				t.Errorf("no %q in %q", tt.output, output)
			}
		})
	}
	t.Run("delete", func(t *testing.T) {
		got, _ := runHolder(t, "Delete", properties, `throw new Error("nothing to read");`, 0)
		if got["Status"] != "SUCCESS" || got["PhysicalResourceId"] != "Hold" || got["Data"] != nil {
			t.Error(got)
		}
	})
	t.Run("an answer that is refused always", func(t *testing.T) {
		got, output := runHolder(t, "Update", properties, answers("14", "14", "READY"), 3)
		if got != nil || !strings.Contains(output, "CloudFormation's URL answered 503") {
			t.Error("the invocation must fail, so that Lambda repeats it", got, output)
		}
	})
}
