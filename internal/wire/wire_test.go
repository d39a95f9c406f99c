package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":            "HEARTH_DATABASE_HOST",
		"reports":     "HEARTH_DATABASE_HOST_REPORTS",
		"old-reports": "HEARTH_DATABASE_HOST_OLD_REPORTS",
	} {
		if got := Named(EnvDatabaseHost, name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if got := RelayQueue("") + " " + RelayQueue("admin"); got != "websocket-relay websocket-relay-admin" {
		t.Errorf("got %s", got)
	}
}

func TestQueues(t *testing.T) {
	t.Parallel()
	const north = "https://sqs.eu-north-1.amazonaws.com/123456789012/"
	const west = "https://sqs.eu-west-1.amazonaws.com/210987654321/"
	value := FormatQueues([]QueueURL{{"jobs", north + "Shop-Jobs-1"}, {"ledger", "Shop-Ledger-2.fifo"}, {"audit", west + "audit"}, {"Audit", "audit-2"}})
	got, err := ParseQueues(value)
	if err != nil {
		t.Fatal(err)
	}
	want := []QueueURL{{"jobs", north + "Shop-Jobs-1"}, {"ledger", north + "Shop-Ledger-2.fifo"}, {"audit", west + "audit"}, {"Audit", west + "audit-2"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	short := "~=Shop-,jobs=" + north + "~Jobs-1,ledger=~Ledger-2.fifo,audit=" + west + "audit,Audit=audit-2"
	if got, err := ParseQueues(short); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if none, err := ParseQueues(""); none != nil || err != nil {
		t.Errorf("got %v, %v", none, err)
	}
	for name, want := range map[string]string{"ledger": north + "Shop-Ledger-2.fifo", "Audit": west + "audit-2", "mails": ""} {
		if url, err := FindQueue(value, name); url != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", name, url, err, want)
		}
	}
	for value, entry := range map[string]string{
		"jobs": "jobs", "jobs=Shop-Jobs-1": "jobs=Shop-Jobs-1", "=" + north + "x": "=" + north + "x",
		"jobs=" + north: "jobs=" + north, "jobs=" + north + "x,": "", "jobs=" + north + "x,mails=": "mails=",
	} {
		want := fmt.Sprintf("HEARTH_QUEUES must be {name}={queue URL}, joined by commas, got %q; give the first queue its whole URL", entry)
		if _, err := ParseQueues(value); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
	}
}

func TestReadManifestErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for content, want := range map[string]string{
		``:                          "read manifest: unexpected end of JSON input",
		`{"version":2,"new":true}`:  "read manifest: version must be 1, got 2; build the handler and the infrastructure with the same version of hearth",
		`{"version":1,"htpp":true}`: `read manifest: json: unknown field "htpp"`,
	} {
		path := filepath.Join(dir, "manifest.json")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadManifest(path); err == nil || err.Error() != want {
			t.Errorf("%s: got %v", content, err)
		}
	}
	missing := filepath.Join(dir, "none")
	if _, err := ReadManifest(missing); err == nil || !strings.HasPrefix(err.Error(), "read manifest: open "+missing) {
		t.Errorf("got %v", err)
	}
	if err := (&Manifest{}).WriteFile(filepath.Join(dir, "no", "dir")); err == nil || !strings.HasPrefix(err.Error(), "write manifest: open ") {
		t.Errorf("got %v", err)
	}
}
