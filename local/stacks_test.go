package local_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/local"
)

// TestSelectedStacks: a stack that does not run starts no database, and its region is not
// that of the others.
func TestSelectedStacks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"manifest.json": `{"version": "54.0.0", "artifacts": {
			"First": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/eu-west-1", "properties": {"templateFile": "First.json"}},
			"Second": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/eu-north-1", "properties": {"templateFile": "Second.json"}}}}`,
		"First.json":  `{"Resources": {"Proxy": {"Type": "AWS::RDS::DBProxy", "Properties": {"EngineFamily": "POSTGRESQL"}}}}`,
		"Second.json": `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := local.Start(t.Context(), local.Options{Assembly: dir, Database: local.DatabaseAuto, Stacks: []string{"Second"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	state := e.State()
	if state.Database != "" || len(state.Proxies) != 0 {
		t.Errorf("database %q, proxies %q", state.Database, state.Proxies)
	}
	if got := state.Queues[0].ARN; !strings.HasPrefix(got, "arn:aws:sqs:eu-north-1:") {
		t.Errorf("queue %s", got)
	}
}
