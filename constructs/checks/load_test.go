package checks

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAssembly checks an assembly that has stacks, stages with stacks, and nested stacks.
func TestAssembly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	slow := `{"Resources": {"Fn": {"Type": "AWS::Lambda::Function", "Properties": {"Timeout": 901}}}}`
	for name, data := range map[string]string{
		"manifest.json": `{"artifacts": {
			"Shop": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "Shop.template.json"}},
			"assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}},
			"Tree": {"type": "cdk:tree", "properties": {"file": "tree.json"}}}}`,
		"Shop.template.json":                   `{"Resources": {"Nested": {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": "ShopNested.nested.template.json"}}}}`,
		"ShopNested.nested.template.json":      slow,
		"assembly-Prod/manifest.json":          `{"artifacts": {"ProdShop": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "ProdShop.template.json"}}}}`,
		"assembly-Prod/ProdShop.template.json": slow,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	findings, err := Paths(dir, filepath.Join(dir, "Shop.template.json"))
	if err != nil || len(findings) != 2 {
		t.Fatalf("got %v, %v", findings, err)
	}
	for i, want := range []string{"ShopNested.nested.template.json", "assembly-Prod/ProdShop.template.json"} {
		if findings[i].File != filepath.Join(dir, want) {
			t.Errorf("got %s, want %s", findings[i].File, want)
		}
	}
}
