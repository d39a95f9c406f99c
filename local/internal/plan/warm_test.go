package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/local/internal/assembly"
)

// warmTemplate is a function whose alias and version have the given properties, and an
// autoscaling of the alias with the given one.
func warmTemplate(alias, version, scaling string) string {
	text := `{"Parameters": {"Many": {"Type": "Number", "Default": 6}}, "Resources": {
		"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023"}},
		"Old": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Fn"} VERSION}},
		"Live": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Fn"}, "Name": "live", "FunctionVersion": {"Fn::GetAtt": ["Old", "Version"]} ALIAS}},
		"Other": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {"ResourceId": "function:another:live", "ScalableDimension": "lambda:function:ProvisionedConcurrency", "MinCapacity": 9}},
		"Table": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {"ResourceId": "table/x", "ScalableDimension": "dynamodb:table:ReadCapacityUnits", "MinCapacity": 9}},
		SCALING
		"Hold": {"Type": "Custom::Hold", "Properties": {"Min": 2}}
	}}`
	config := func(n string) string {
		if n == "" {
			return ""
		}
		return `, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": ` + n + `}`
	}
	if scaling != "" {
		scaling = `"Scaling": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {"ScalableDimension": "lambda:function:ProvisionedConcurrency", "ResourceId":
			{"Fn::Join": ["", ["function:", {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": "Live"}]}]}, ":", {"Fn::Select": [7, {"Fn::Split": [":", {"Ref": "Live"}]}]}]]}, "MaxCapacity": 20, "MinCapacity": ` + scaling + `}},`
	}
	return strings.NewReplacer("VERSION", config(version), "ALIAS", config(alias), "SCALING", scaling).Replace(text)
}

// TestWarmInstances: a number that only CloudFormation knows is the lowest number of its
// autoscaling, and both the engine and the planner say so.
func TestWarmInstances(t *testing.T) {
	t.Parallel()
	const (
		held   = `{"Fn::GetAtt": ["Hold", "Instances"]}`
		reason = "Fn::GetAtt Hold.Instances of type Custom::Hold is not known here"
	)
	for name, test := range map[string]struct {
		alias, version, scaling string
		want                    int
		why                     string // after the logical id
	}{
		"none":                     {"", "", "", 0, ""},
		"known":                    {"3", "", "", 3, ""},
		"as text":                  {`"3"`, "", "", 3, ""},
		"by a parameter":           {`{"Ref": "Many"}`, "", "", 6, ""},
		"held":                     {held, "", "2", 2, "Live: " + reason + "; its number of warm instances is taken as 2, the lowest number of its autoscaling"},
		"held without autoscaling": {held, "", "", 0, "Live: " + reason + "; its number of warm instances is taken as none"},
		"held of a version":        {"", held, "2", 0, "Old: " + reason + "; its number of warm instances is taken as none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, warmTemplate(test.alias, test.version, test.scaling))
			p := planned(t, dir)
			var warnings, notes []string
			if test.why != "" {
				warnings, notes = []string{"Shop/" + test.why}, []string{test.why + "."}
			}
			if diff := cmp.Diff(map[string]int{"1": test.want}, p.Functions[0].Config.Provisioned); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(warnings, p.Warnings); diff != "" {
				t.Error(diff)
			}
			settings, err := ReadSettings(dir)
			if err != nil {
				t.Fatal(err)
			}
			most := test.want
			if test.scaling != "" {
				most = 2 // without a policy, only schedules change the number
			}
			if got := settings[0]; got.Provisioned != max(test.want, most) || got.MaxProvisioned != most {
				t.Errorf("planned with %d to %d instances, want %d", got.Provisioned, got.MaxProvisioned, most)
			}
			if diff := cmp.Diff(notes, settings[0].Notes); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("no number", func(t *testing.T) {
		t.Parallel()
		app, err := assembly.Load(write(t, warmTemplate(`"many"`, "", "")), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Make(app, Inputs{Region: assembly.DefaultRegion, Account: assembly.DefaultAccount, Addresses: &Addresses{}, Programs: map[string]string{"Fn": "/bin/shop"}})
		if want := "must be a whole number"; !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	})
}
