package assembly

import (
	"fmt"
	"strings"
	"testing"
)

// stages is an app with two stages of two stacks each, in two regions, and a stack whose
// name begins with that of another. Both stages export one name.
func stages(t *testing.T) *App {
	t.Helper()
	files, artifacts := map[string]string{}, []string{}
	add := func(path, name, region, template string) {
		file := strings.ReplaceAll(path, "/", "-") + ".json"
		files[file] = template
		artifacts = append(artifacts, fmt.Sprintf(`%q: {"type": "aws:cloudformation:stack", "environment": "aws://1/%s", "displayName": "%s (%s)", "properties": {"templateFile": %q, "stackName": %q}}`, file, region, path, name, file, name))
	}
	nested := `"Inner": {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "nested.json"}}`
	files["nested.json"] = `{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}`
	imports := `{"Resources": {"X": {"Type": "AWS::X", "Properties": {"Name": {"Fn::ImportValue": "net"}}}, ` + nested + `}}`
	for _, stage := range []struct{ name, region string }{{"Dev", "eu-west-1"}, {"Prod", "eu-west-1"}, {"Far", "us-east-1"}} {
		add(stage.name+"/Net", stage.name+"-Net", stage.region, `{"Outputs": {"O": {"Value": "`+stage.name+`", "Export": {"Name": "net"}}}}`)
		add(stage.name+"/Shop", "Shop", stage.region, imports)
	}
	add("Shop-Extra", "Shop-Extra", "eu-west-1", `{"Resources": {`+nested+`}}`)
	files["manifest.json"] = `{"artifacts": {` + strings.Join(artifacts, ",") + `}}`
	return load(t, nil, files)
}

// TestSelect by names, paths, stages and patterns.
func TestSelect(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]string{
		"Dev/Shop":               "Dev/Shop Dev/Shop/Inner",
		"Dev":                    "Dev/Net Dev/Shop Dev/Shop/Inner",
		"Dev/*":                  "Dev/Net Dev/Shop Dev/Shop/Inner",
		"Dev/*,Dev/Shop":         "Dev/Net Dev/Shop Dev/Shop/Inner", // each once
		"*-Net":                  "Dev/Net Far/Net Prod/Net",
		"Shop":                   "Dev/Shop Dev/Shop/Inner Far/Shop Far/Shop/Inner Prod/Shop Prod/Shop/Inner", // not Shop-Extra/Inner
		"Shop-Extra":             "Shop-Extra Shop-Extra/Inner",
		"Dev/Shop/Inner":         "Dev/Shop/Inner",
		"Prod-Net":               "Prod/Net",
		"Prod-Net,Prod/Shop,Far": "Far/Net Far/Shop Far/Shop/Inner Prod/Net Prod/Shop Prod/Shop/Inner",
	} {
		app := stages(t)
		if err := app.Select(strings.Split(names, ",")); err != nil {
			t.Errorf("%s: %v", names, err)
			continue
		}
		var got []string
		for _, s := range app.Stacks {
			got = append(got, s.Path)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", names, got, want)
		}
	}
	app := stages(t)
	const have = "the app has Dev/Net (Dev-Net), Dev/Shop (Shop), Far/Net (Far-Net), Far/Shop (Shop), Prod/Net (Prod-Net), Prod/Shop (Shop), Shop-Extra"
	for _, name := range []string{"Test", "De", "[", "dev/*"} {
		if err := app.Select([]string{"Dev", name}); err == nil || err.Error() != fmt.Sprintf("no stack is named %q; %s", name, have) {
			t.Errorf("got %v", err)
		}
	}
}

// TestImportsOfStages: an import is that of the same account and region, and of a selected
// stack rather than another.
func TestImportsOfStages(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{"Dev", "Prod", "Far"} {
		app := stages(t)
		if err := app.Select([]string{stage}); err != nil {
			t.Fatal(err)
		}
		var props struct{ Name string }
		if err := app.OfType("AWS::X")[0].Decode(&props); err != nil || props.Name != stage {
			t.Errorf("%s: got %q, %v", stage, props.Name, err)
		}
	}
	app := stages(t) // all at once: those of Far have their own
	var props struct{ Name string }
	for _, r := range app.OfType("AWS::X") {
		if err := r.Decode(&props); err != nil || (props.Name == "Far") != (r.Stack.Path == "Far/Shop") {
			t.Errorf("%s: got %q, %v", r.Stack.Path, props.Name, err)
		}
	}
}
