package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestQueueURLEnv(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"jobs":       "HEARTH_QUEUE_URL_JOBS",
		"video-jobs": "HEARTH_QUEUE_URL_VIDEO_JOBS",
		"Video_jobs": "HEARTH_QUEUE_URL_VIDEO_JOBS",
	} {
		if got := QueueURLEnv(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
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
