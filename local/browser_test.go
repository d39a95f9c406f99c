package local_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/process"
	"github.com/lambdahearth/hearth/local"
)

// page opens a WebSocket and reports its messages to its own server.
const page = `<!doctype html><script>
let told = Promise.resolve(); // one after the other, in order
const tell = text => { told = told.then(() => fetch("/saw", {method: "POST", body: text})); };
const socket = new WebSocket(%q);
socket.onopen = () => socket.send('{"action": "ping"}');
socket.onmessage = e => {
	tell("message " + e.data);
	if (e.data.includes('"changed"')) socket.close(4001, "seen enough");
};
socket.onclose = e => tell("closed " + e.code + " " + e.wasClean);
socket.onerror = () => tell("error");
</script>`

// TestBrowser connects with Chromium, whose WebSocket no library of ours has a part
// in.
func TestBrowser(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("skipped: Chromium is not installed")
	}
	b := startBookmarks(t, local.Options{})
	saw := make(chan string, 10)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, page, b.WebSocketURL()+"?user=anna")
	})
	mux.HandleFunc("POST /saw", func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		saw <- string(text)
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	profile, err := os.MkdirTemp("", "hearth-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile) // what Chromium's last processes still write is left
	cmd := exec.Command(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--user-data-dir="+profile, srv.URL)
	process.Group(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		process.Kill(cmd.Process.Pid)
		cmd.Wait()
	}()
	next := func(want string) {
		t.Helper()
		select {
		case got := <-saw:
			if !strings.HasPrefix(got, want) {
				t.Fatalf("the page saw %s, want %s", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("the page did not see %s", want)
		}
	}
	next(`message {"event":"pong"}`)
	var made bookmark
	if status := b.request(t, "POST", "/bookmarks", "anna", `{"url":"http://127.0.0.1:1/"}`, &made); status != http.StatusAccepted {
		t.Fatalf("status %d", status)
	}
	next(`message {"event":"changed","bookmark":{"id":"` + made.ID)
	next("closed 4001 true")
	eventually(t, "the program knows that the page has gone", func() bool {
		sockets := b.State().WebSocketAPIs
		return len(sockets) == 1 && sockets[0].Connections == 0 && sockets[0].Counters.Disconnects == 1
	})
}
