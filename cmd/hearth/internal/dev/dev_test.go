package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local"

	"github.com/lambdahearth/hearth/internal/within"
)

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func get(url string) string {
	resp, err := within.Client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return string(data)
}

// await waits for what another process does.
func await(t *testing.T, out *buffer, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s\n%s", what, out)
		}
	}
}

func edit(t *testing.T, path, old, new string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s does not contain %q", path, old)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(new), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDev lives through a developer's day: start, change the handler, break it, mend
// it, change the environment and the infrastructure, stop.
func TestDev(t *testing.T) {
	t.Setenv("SHOP_COLOR", "blue") // the stack's name is Shop
	goCache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(goCache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // for programs that are kept
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/app")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, ended := &buffer{}, make(chan error, 1)
	go func() { ended <- Run(ctx, []string{"--dir", dir, "--port", "0"}, out, out) }()

	url, token := "", ""
	await(t, out, "it is ready", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v\n%s", err, out)
		default:
		}
		if running, err := Find(dir); err == nil {
			url, token = running.URL, running.Token
		}
		return url != "" && strings.Contains(out.String(), "SNS::Topic")
	})
	if got := get(url); got != "hello,one,,blue," { // and nothing of HOME
		t.Fatalf("got %q", got)
	}
	state := func() *local.State {
		s := &local.State{}
		if err := json.Unmarshal([]byte(get(url+"/_hearth/state")), s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	await(t, out, "it says what is followed", func() bool { return strings.Contains(out.String(), "followed when saved: ./") })
	s := state()
	for _, want := range []string{
		"DynamoDB  " + s.DynamoDBEndpoint + "  ", "AWS_ENDPOINT_URL_DYNAMODB\n", "TABLE       KEYS  TIME TO LIVE\n  Shop-Table  id    -\n",
		"AWS::DynamoDB::Table Table: the table is there, without its global secondary indexes\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output has no %q: %s", want, out)
		}
	}
	message, err := http.NewRequest("POST", url+"/_hearth/send?name=Jobs", strings.NewReader("kept"))
	if err != nil {
		t.Fatal(err)
	}
	message.Header.Set("X-Hearth", token)
	if resp, err := within.Client.Do(message); err != nil || resp.StatusCode != 200 {
		t.Fatalf("send: %v %v", resp, err)
	}

	handler := filepath.Join(dir, "handler", "main.go")
	await(t, out, "the handler's folder is watched", func() bool {
		edit(t, handler, `"hello"`, `"good day"`)
		defer edit(t, handler, `"good day"`, `"hello"`)
		for range 100 {
			if time.Sleep(20 * time.Millisecond); strings.HasPrefix(get(url), "good day") {
				return true
			}
		}
		return false
	})
	await(t, out, "the old code is back", func() bool { return strings.HasPrefix(get(url), "hello") })

	edit(t, handler, `"hello"`, `hallo`)
	await(t, out, "the compiler's words", func() bool { return strings.Contains(out.String(), "undefined: hallo") })
	if got := get(url); !strings.HasPrefix(got, "hello") {
		t.Errorf("with a program that does not compile: %q", got)
	}
	edit(t, handler, `hallo`, `"moin"`)
	await(t, out, "the mended code serves", func() bool { return strings.HasPrefix(get(url), "moin") })

	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("# a comment\nexport FROM_ENV_FILE='two'\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, out, "the variable is there", func() bool { return get(url) == "moin,one,two,blue," })

	edit(t, filepath.Join(dir, "infra", "Shop.template.json"), `"one"`, `"three"`)
	edit(t, filepath.Join(dir, "cdk.json"), `"app": `, `"app":  `)
	await(t, out, "it was synthesized again", func() bool { return get(url) == "moin,three,two,blue," })
	if q := state().Queues[0]; q.Counters.Visible != 1 {
		t.Errorf("the message is lost: %+v", q)
	}

	if resp, err := within.Client.Post(url+"/_hearth/send?name=Jobs", "text/plain", strings.NewReader("x")); err != nil || resp.StatusCode != 403 {
		t.Errorf("a request that a web page could make: %v %v", resp, err)
	}
	pids := state().Functions[0].Instances
	cancel()
	if err := within.Receive(t, ended); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, i := range pids {
		if p, err := os.FindProcess(i.PID); err == nil && p.Signal(nil) == nil {
			t.Errorf("process %d is left", i.PID)
		}
	}
	if _, err := Find(dir); err == nil {
		t.Error("it is still found")
	}
	if !strings.Contains(out.String(), "stopped (") {
		t.Errorf("output: %s", out)
	}
}

func TestRunMistakes(t *testing.T) {
	t.Parallel()
	empty, broken := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "cdk.json"), []byte(`{"app": "echo some words; exit 3"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"dev: there is no cdk.json in " + empty + "; change to the folder of your CDK app, or name it with --dir": {"--dir", empty},
		"synthesize with \"echo some words; exit 3\": exit status 3\nsome words":                                  {"--dir", broken, "--port", "0"},
		`dev takes no arguments, got "x"; see hearth dev --help`:                                                  {"x"},
		"dev: --port must be 0 to 65535, got 70000":                                                               {"--port", "70000"},
		`dev: --env: must be NAME=VALUE, NAME or PREFIX*, got "1A"`:                                               {"--dir", broken, "--env", "1A=b"},
	} {
		if err := Run(t.Context(), args, io.Discard, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%v:\n got %v\nwant %s", args, err, want)
		}
	}
}

// TestPortInUse: a port that is in use is found before the synth.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"app": "touch synthesized"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	err = Run(t.Context(), []string{"--dir", dir, "--port", port}, io.Discard, io.Discard)
	if want := "address already in use; stop what serves there, or choose another port with --port"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "synthesized")); err == nil {
		t.Error("the app was synthesized first")
	}
}

func TestSynthIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	p := &project{dir: t.TempDir(), app: "sleep 1000; true", output: t.TempDir()}
	reason := errors.New("enough")
	time.AfterFunc(50*time.Millisecond, func() { cancel(reason) })
	if err := p.synth(ctx, io.Discard); !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
}

func TestGoProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "infra"), 0o755); err != nil {
		t.Fatal(err)
	}
	for app, want := range map[string]string{
		"go run ./infra": "infra", "go mod download && go run -tags x ./infra": "infra", "go run main.go": ".", "go run infra/main.go": "infra",
		"npx ts-node app.ts": "", "go run ./none": "",
	} {
		if want != "" {
			want = filepath.Join(dir, want)
		}
		if got := (&project{dir: dir, app: app}).goProgram(); got != want {
			t.Errorf("%s: got %q, want %q", app, got, want)
		}
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("DEV_TEST_ONE", "1")
	t.Setenv("DEV_TEST_TWO", "2")
	path := filepath.Join(t.TempDir(), ".env")
	const file = "# comment\n\nA=b # c\nexport B = \"x\\ny\" # c\nC='$HOME'\nDEV_TEST_ONE\nNOT_SET_ANYWHERE\nE=\n"
	if err := os.WriteFile(path, []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	e := &Env{values: map[string]string{}}
	if err := e.readEnvFile(path); err != nil {
		t.Fatal(err)
	}
	if err := e.add("DEV_TEST_T*"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"A": "b", "B": "x\ny", "C": "$HOME", "DEV_TEST_ONE": "1", "DEV_TEST_TWO": "2", "E": ""} {
		if got, ok := e.values[name]; !ok || got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if len(e.values) != 6 {
		t.Errorf("%v", e.values)
	}
	if err := os.WriteFile(path, []byte("\nA='x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := e.readEnvFile(path); err == nil || err.Error() != path+":2: the quotes of A do not end" {
		t.Errorf("got %v", err)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 7, 14, 25, 519e6, time.UTC)
	for line, want := range map[string]string{
		`{"timestamp":"2026-11-23T07:14:25.519Z","level":"ERROR","message":"it failed","error":"a b","n":1,"requestId":"x"}`: at.Local().Format("15:04:05.000") + ` ERROR it failed error="a b" n=1` + "\n",
		`{"timestamp":"2026-11-23T07:14:25.519Z","level":"ERROR","message":"panic","stack":"goroutine 1\n\tmain.go:3\n","panic":"oh\u001b[2J"}`: at.Local().Format("15:04:05.000") +
			" ERROR panic panic=\"oh\\x1b[2J\"\n    stack: goroutine 1\n    \tmain.go:3\n",
		`{"timestamp":"2026-11-23T07:14:25.519Z","level":"INFO","message":"a\n07:14:25.519 ERROR forged"}`: at.Local().Format("15:04:05.000") + " INFO  a\n    07:14:25.519 ERROR forged\n",
		"plain": "", `{"no":"message"}`: "", `{broken`: "",
	} {
		if got, show := format([]byte(line)); got != want || !show {
			t.Errorf("%s: got %q", line, got)
		}
	}
	if _, show := format([]byte(`{"_aws":{},"message":"x"}`)); show {
		t.Error("metrics are shown")
	}
}

// TestFind finds the one that was started last of those that run.
func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("cdk.json", `{"app": "true", "output": "."}`)
	if _, err := Find(dir); err == nil || err.Error() != "hearth dev does not run in "+dir+"; start it there, or name its URL with --url" {
		t.Errorf("got %v", err)
	}
	gone := exec.CommandContext(t.Context(), "true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	write("hearth-dev-1.json", fmt.Sprintf(`{"pid":%d,"url":"http://127.0.0.1:1","started":"2026-11-23T07:00:00Z"}`, os.Getppid()))
	write("hearth-dev-2.json", fmt.Sprintf(`{"pid":%d,"url":"http://127.0.0.1:2","started":"2026-11-23T08:00:00Z"}`, os.Getpid()))
	write("hearth-dev-3.json", fmt.Sprintf(`{"pid":%d,"url":"http://127.0.0.1:3","started":"2026-11-23T09:00:00Z"}`, gone.Process.Pid))
	write("hearth-dev-4.json", "{")
	for _, want := range []string{"http://127.0.0.1:2", "http://127.0.0.1:1"} {
		if got, err := Find(dir); err != nil || got.URL != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
		os.Remove(filepath.Join(dir, "hearth-dev-2.json")) // it ended
	}
}

// TestTerminal: nothing that a client sends moves the cursor or sets the title.
func TestTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain ä 世界\ttext\n": "plain ä 世界\ttext\n", "\x1b]0;x\x07": `\x1b]0;x\a`, "a\rb\x00\x7f": `a\rb\x00\x7f`, "\x9b31m\xff": `\x9b31m\xff`,
		"\u009b31m": `\u009b31m`, "abc\u202edef": `abc\u202edef`,
	} {
		out := &buffer{}
		if n, err := NewTerminal(out).Write([]byte(text)); n != len(text) || err != nil || out.String() != want {
			t.Errorf("%q: %d, %v, got %q, want %q", text, n, err, out, want)
		}
	}
	// Records, plain lines and the engine's own lines all go this way.
	out := &buffer{}
	logs := newLogWriter(NewTerminal(out), false)
	io.WriteString(logs, `{"message":"GET /log/\u001b]0;x\u0007","path":"\u001b]0;x"}`+"\n")
	io.WriteString(logs, "plain \x1b[2J\n")
	if strings.ContainsAny(out.String(), "\x1b\x07") {
		t.Errorf("got %q", out)
	}
}

// TestSynthEnvironment: an app finds an account and a region, as under the CDK CLI.
func TestSynthEnvironment(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                   "000000000000 us-east-1",
		"AWS_REGION=eu-west-1":               "000000000000 eu-west-1",
		"AWS_DEFAULT_REGION=eu-west-2":       "000000000000 eu-west-2",
		"CDK_DEFAULT_ACCOUNT=123456789012":   "123456789012 us-east-1",
		"CDK_DEFAULT_REGION=ap-southeast-2":  "000000000000 ap-southeast-2",
		"CDK_DEFAULT_REGION= AWS_REGION=x-y": "000000000000 x-y",
	} {
		dir := t.TempDir()
		command := exec.CommandContext(t.Context(), "/bin/sh", "-c", `echo "$CDK_DEFAULT_ACCOUNT $CDK_DEFAULT_REGION" > out`)
		command.Dir, command.Env = dir, synthEnvironment(strings.Fields(given))
		if err := command.Run(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "out"))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%q: got %q, %v, want %q", given, got, err, want)
		}
	}
}
