package hearth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	"github.com/lambdahearth/hearth/internal/wire"
)

// conditional is a program that consumes a queue only if a variable is set, and does not
// start without another one.
const conditional = "testdata/programs/conditional"

// TestManifestEnvironment shows that synth asks a program with its variables on Lambda,
// and again in another stage. The program gets a placeholder for values that only
// CloudFormation knows, and none of synth's variables.
func TestManifestEnvironment(t *testing.T) {
	t.Setenv("REPORTS", "on")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	for reports, queues := range map[string]int{"on": 1, "off": 0} {
		stack := setup(t)
		b := NewBackend(stack, jsii.String("Backend"), &BackendProps{
			Entry: jsii.String(conditional),
			Environment: &map[string]*string{
				"REPORTS": &reports, "TABLE_NAME": awscdk.Fn_ImportValue(jsii.String("table")),
			},
		})
		if len(b.Queues) != queues {
			t.Errorf("%s: got %d queues, want %d", reports, len(b.Queues), queues)
		}
	}
	b := NewBackend(setup(t), jsii.String("Backend"), &BackendProps{
		Entry: jsii.String(conditional), Handler: &HandlerProps{ManifestEnvironment: &map[string]*string{"REPORTS": jsii.String("on"), "TABLE_NAME": jsii.String("x")}},
	})
	if len(b.Queues) != 1 {
		t.Error("ManifestEnvironment must reach the program")
	}
	if got := variablesOf(t, awscdk.Stack_Of(b), "Backend")[0]; got["REPORTS"] != "" {
		t.Errorf("ManifestEnvironment must not reach the function: %v", got)
	}
	got := refusal(t, func() { NewBackend(setup(t), jsii.String("Backend"), &BackendProps{Entry: jsii.String(conditional)}) })
	if !strings.HasSuffix(got, "give it the variables that it needs in Environment or ManifestEnvironment, or name a ManifestFile\nTABLE_NAME is missing") {
		t.Errorf("got %q", got)
	}
}

// TestPrebuilt shows that a prebuilt program is deployed unchanged, with the manifest of
// a file, and that synth then needs neither Go nor source.
func TestPrebuilt(t *testing.T) {
	dir := files(t, map[string]string{"program/bootstrap": "binary", "image/Dockerfile": "FROM scratch\n"})
	manifest := filepath.Join(dir, "manifest.json")
	if err := (&wire.Manifest{Version: wire.ManifestVersion, HTTP: true, Queues: []wire.ManifestQueue{{Name: "jobs"}}}).WriteFile(manifest); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(dir, "nothing"))
	for name, c := range map[string]struct {
		props HandlerProps
		want  string
	}{
		"code":  {HandlerProps{Code: awslambda.Code_FromAsset(jsii.String(filepath.Join(dir, "program")), nil)}, `"Runtime":"provided.al2023"`},
		"image": {HandlerProps{Image: awslambda.Code_FromAssetImage(jsii.String(filepath.Join(dir, "image")), nil)}, `"PackageType":"Image"`},
	} {
		t.Run(name, func(t *testing.T) {
			stack := setup(t)
			c.props.ManifestFile = &manifest
			b := NewBackend(stack, jsii.String("Backend"), &BackendProps{Handler: &c.props})
			if b.Http == nil || b.Queues["jobs"] == nil {
				t.Error("what the file says must be created")
			}
			for id, fn := range resources(stack, "AWS::Lambda::Function") {
				if !strings.Contains(fn, c.want) {
					t.Errorf("%s has no %s: %s", id, c.want, fn)
				}
			}
			c.props.ManifestFile = nil
			c.props.BuildTags = []string{"x"}
			got := refusal(t, func() { NewHandler(stack, jsii.String("Broken"), &c.props) })
			for _, want := range []string{
				"HandlerProps.BuildTags must be unset with Code or Image, which is built already; remove one of them",
				"HandlerProps.ManifestFile must be set for a program that is built already, got none; run it with HEARTH_MANIFEST=FILE, or set Manifest: false and declare what it serves",
			} {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
	if err := os.WriteFile(manifest, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := refusal(t, func() {
		NewHandler(setup(t), jsii.String("Broken"), &HandlerProps{Entry: entry("empty"), ManifestFile: &manifest})
	})
	if want := "HandlerProps.ManifestFile must be a manifest that the program wrote with HEARTH_MANIFEST set, got "; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEntryErrors(t *testing.T) {
	stack := setup(t)
	for name, want := range map[string]string{
		"nowhere":         `HandlerProps.Entry must be the directory of a Go main package, got "testdata/programs/nowhere" (stat `,
		"full/main.go":    `is a file); it is relative to the working directory of the CDK app`,
		"broken":          "HandlerProps.Entry must be a Go program that says what it serves, got \"testdata/programs/broken\"; go build says:\n# github.com/lambdahearth/hearth/constructs/testdata/programs/broken\n./main.go:5:2: undefined: undeclared",
		"library":         `HandlerProps.Entry must be a Go program that says what it serves, got "testdata/programs/library"; it is not package main`,
		"../../testdata/": "go build says:\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := refusal(t, func() { NewHandler(stack, &name, &HandlerProps{Entry: entry(name)}) })
			if !strings.Contains(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
