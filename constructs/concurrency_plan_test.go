package hearth

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapplicationautoscaling"
	"github.com/aws/jsii-runtime-go"
)

// TestConcurrencyPlan holds settings against a plan of bursts whose cold starts take two
// seconds, as hearth plan --out writes it.
func TestConcurrencyPlan(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the shares are those of amd64: elsewhere the compiler rounds otherwise")
	}
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "concurrency.plan.json")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := write(`{
		"version": 1,
		"traffic": {"kind": "bursts", "requestsPerSecond": [2], "repeat": true, "burstSize": 20, "spreadSeconds": 0.1},
		"duration": "constant:200ms", "init": "constant:2s", "idleSeconds": [10, 10], "timeoutSeconds": 60, "account": 1000,
		"coldShare": 0.01, "queueInstances": 5, "recommended": {"reserved": 70}
	}`)
	none := filepath.Join(t.TempDir(), "none.json")
	broken := write("x")
	with := func(plan string, reserved number, p *ProvisionedConcurrency) func(*rules) {
		return (&ConcurrencyProps{Plan: &plan, Provisioned: p, Reserved: numberProp(reserved)}).check
	}
	warm := func(plan string, reserved, lowest number) func(*rules) {
		return with(plan, reserved, Fixed(lowest.value))
	}
	daily := &ProvisionedConcurrency{Min: jsii.Number(1), Schedules: map[string]*awsapplicationautoscaling.ScalingSchedule{"day": {
		MaxCapacity: jsii.Number(60), MinCapacity: jsii.Number(60), Schedule: awsapplicationautoscaling.Schedule_Expression(jsii.String("rate(1 day)")),
	}}}
	runRules(t, []ruleCase{
		{"served", warm(file, known(85), known(60)), nil},
		{"served, scaled", with(file, number{}, Autoscaled(60, 80)), nil},
		{"served by a schedule", with(file, number{}, daily), nil},
		{"cold", warm(file, number{}, known(1)), []string{`P.Provisioned must serve the traffic of "` + file + `": at most 1% of the requests may be cold, got 39.2%; raise it, or plan anew`}},
		{"throttled", warm(file, known(15), known(10)), []string{
			`P.Reserved must serve the traffic of "` + file + `": at most 1 in 10,000 of the requests may be throttled, got 50.6%; raise it, or plan anew`,
		}},
		{"paused", with(file, known(0), nil), nil},
		{"token", warm(file, unresolved, known(1)), nil},
		{"another fault", warm(file, known(1), known(2)), []string{"P.Provisioned must be at most Reserved (1 instances), got 2; raise Reserved or lower the provisioned number"}},
		{"no file", warm(none, number{}, known(1)), []string{`P.Plan must be a file that hearth plan --out wrote, got "` + none + `", which is not there; write it, or correct its path`}},
		{"no plan", warm(broken, number{}, known(1)), []string{`P.Plan must be a plan that these numbers fit, got "` + broken + `": read plan file ` + broken + `: must be JSON, got invalid character 'x' looking for beginning of value; write it with hearth plan --out`}},
	})
}
