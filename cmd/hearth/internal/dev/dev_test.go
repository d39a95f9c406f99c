package dev

import (
	"bytes"
	"context"
	"encoding/json"
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

	"github.com/lambdahearth/hearth/cmd/hearth/internal/terminal"
	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
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

// await waits until another process has done something.
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

// TestDev goes through a developer's day: start, change the handler, break it, fix it,
// change the environment and the infrastructure, stop.
func TestDev(t *testing.T) {
	t.Setenv("SHOP_COLOR", "blue") // the stack's name is Shop
	goCache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(goCache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // for cached programs
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/app")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, ended := &buffer{}, make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Dir: dir, Local: local.Options{Database: local.DatabaseAuto}}, out) }()

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
	notes, err := filepath.Glob(filepath.Join(dir, "*", "hearth-dev-*.json"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("notes %v, %v", notes, err)
	}
	if info, err := os.Stat(notes[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the token is in a file that others can read: %v, %v", info, err)
	}
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
		"AWS::DynamoDB::Table Table: the table is there, without its stream\n",
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

	if err := os.WriteFile(filepath.Join(dir, ".env.Fn"), []byte("FROM_ENV_FILE=own\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	await(t, out, "the function's own variable is there", func() bool { return get(url) == "moin,one,own,blue," })
	if err := os.Remove(filepath.Join(dir, ".env.Fn")); err != nil {
		t.Fatal(err)
	}
	await(t, out, "it is gone again", func() bool { return get(url) == "moin,one,two,blue," })

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

// TestDevEarlyChange shows that a file counts that was saved before the watching began, as
// one that a developer saves during the first build.
func TestDevEarlyChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/app")); err != nil {
		t.Fatal(err)
	}
	// A folder that cannot be written to costs only what is noted there.
	if err := os.MkdirAll(filepath.Join(dir, "cdk.out", fmt.Sprintf("hearth-dev-%d.json", os.Getpid()), "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "handler", "main.go"), later, later); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, ended := &buffer{}, make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Dir: dir, Local: local.Options{Addr: "127.0.0.1:0"}}, out) }()
	await(t, out, "it builds the handler again", func() bool {
		_, after, watching := strings.Cut(out.String(), "followed when saved: ")
		return watching && strings.Contains(after, filepath.Join("handler", "main.go")+" changed\n")
	})
	if want := "hearth send and other commands for this app need --url http://"; strings.Count(out.String(), want) != 1 {
		t.Errorf("no %q in %s", want, out)
	}
	cancel()
	if err := within.Receive(t, ended); err != nil {
		t.Error(err)
	}
}

// TestDevProgramThatHangs: the init phase of a provisioned instance hangs. The program that
// mends it does not wait for that, and neither does Ctrl-C.
func TestDevProgramThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/app")); err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, "infra", "Shop.template.json"), `{"Resources": {`, `{"Resources": {
		"Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Fn"}, "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}},`)
	handler := filepath.Join(dir, "handler", "main.go")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, ended := &buffer{}, make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Dir: dir, Local: local.Options{Addr: "127.0.0.1:0"}}, out) }()
	await(t, out, "it follows the handler", func() bool { return strings.Contains(out.String(), "followed when saved: ") })
	url := ""
	if running, err := Find(dir); err == nil {
		url = running.URL
	}
	hangs := func() {
		t.Helper()
		edit(t, handler, "\tapi := ", "\tos.WriteFile("+fmt.Sprintf("%q", filepath.Join(dir, "hangs"))+", nil, 0o644)\n\tselect {}\n\tapi := ")
		await(t, out, "the init phase hangs", func() bool { return os.Remove(filepath.Join(dir, "hangs")) == nil })
	}
	hangs()
	edit(t, handler, "\tselect {}\n", "")
	edit(t, handler, `"hello"`, `"moin"`)
	await(t, out, "the mended program serves", func() bool { return strings.HasPrefix(get(url), "moin") })
	hangs()
	cancel()
	if err := within.Receive(t, ended); err != nil {
		t.Error(err)
	}
}

// TestDevAppThatWritesItsInputs: an app that writes followed files while it synthesizes
// does not keep itself from being synthesized. If it always writes the same, it is
// synthesized once more at most.
func TestDevAppThatWritesItsInputs(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]string{"the same": "touch handler/main.go", "something else": "date +//%N >> handler/main.go"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/app")); err != nil {
				t.Fatal(err)
			}
			edit(t, filepath.Join(dir, "cdk.json"), "sh infra/synth.sh", "sh infra/synth.sh && echo >> begun && if test -f busy; then "+write+"; sleep 0.3; echo >> ended; fi")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out, ended := &buffer{}, make(chan error, 1)
			go func() { ended <- Run(ctx, Options{Dir: dir, Local: local.Options{Addr: "127.0.0.1:0"}}, out) }()
			await(t, out, "it follows the handler", func() bool { return strings.Contains(out.String(), "followed when saved: ") })
			if err := os.WriteFile(filepath.Join(dir, "busy"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			edit(t, filepath.Join(dir, "cdk.json"), `"app": `, `"app":  `)
			await(t, out, "it was synthesized again", func() bool {
				data, _ := os.ReadFile(filepath.Join(dir, "ended"))
				return len(data) > 0
			})
			if err := os.Remove(filepath.Join(dir, "busy")); err != nil {
				t.Fatal(err)
			}
			begun, err := os.ReadFile(filepath.Join(dir, "begun"))
			if err != nil || name == "the same" && len(begun) > 3 {
				t.Errorf("%d times, %v", len(begun), err) // at the start, interrupted, whole
			}
			cancel()
			if err := within.Receive(t, ended); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRunMistakes(t *testing.T) {
	t.Parallel()
	empty, broken := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "cdk.json"), []byte(`{"app": "echo some words; exit 3"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for want, opts := range map[string]Options{
		"dev: there is no cdk.json in " + empty + "; change to the folder of your CDK app, or name it with --dir": {Dir: empty},
		"synthesize with \"echo some words; exit 3\": exit status 3\nsome words":                                  {Dir: broken},
		"dev: --port must be 0 to 65535, got 70000":                                                               {Port: 70000},
		`dev: --env: must be NAME=VALUE, NAME or PREFIX*, got "1A"`:                                               {Dir: broken, Env: []string{"1A=b"}},
	} {
		if err := Run(t.Context(), opts, io.Discard); err == nil || err.Error() != want {
			t.Errorf("%+v:\n got %v\nwant %s", opts, err, want)
		}
	}
}

// TestPortInUse checks that hearth dev reports a port in use, or given twice, before the
// synthesis.
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
	port := l.Addr().(*net.TCPAddr).Port
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	used, free := l.Addr().String(), other.Addr().String()
	twice := fmt.Sprintf("dev: --dynamodb-port must be another port than --sqs-port, got %d for both", other.Addr().(*net.TCPAddr).Port)
	const inUse = "address already in use; stop what serves there, or choose another port with "
	for want, opts := range map[string]Options{
		inUse + "--port":          {Port: port},
		inUse + "--sqs-port":      {Local: local.Options{SQSAddr: used}},
		inUse + "--dynamodb-port": {Local: local.Options{DynamoDBAddr: used}},
		inUse + "--api-port":      {Local: local.Options{APIAddr: used}},
		twice:                     {Local: local.Options{SQSAddr: free, DynamoDBAddr: free}},
	} {
		opts.Dir = dir
		if err := Run(t.Context(), opts, io.Discard); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "synthesized")); err == nil {
		t.Error("the app was synthesized first")
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("DEV_TEST_ONE", "1")
	t.Setenv("DEV_TEST_TWO", "2")
	path := filepath.Join(t.TempDir(), ".env")
	const file = "\ufeffZ=1\n# comment\n\nA=b # c\nexport B = \"x\\ny\" # c\nC='$HOME'\nDEV_TEST_ONE\nNOT_SET_ANYWHERE\nE=\n"
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
	for name, want := range map[string]string{"Z": "1", "A": "b", "B": "x\ny", "C": "$HOME", "DEV_TEST_ONE": "1", "DEV_TEST_TWO": "2", "E": ""} {
		if got, ok := e.values[name]; !ok || got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if len(e.values) != 7 {
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
		`{"timestamp":"2026-11-23T07:14:25.519Z","message":"a","level":"X\nforged","x\n07:14:25.519 ERROR forged":1,"y\nforged":"a\nb"}`: at.Local().Format("15:04:05.000") +
			` "X\nforged" a "x\n07:14:25.519 ERROR forged"=1` + "\n    \"y\\nforged\": a\n    b\n",
		`{"timestamp":"2026-11-23T07:14:25.519Z","message":"a"}`: at.Local().Format("15:04:05.000") + "       a\n",
		`2026/11/26 18:24:26 {"errorMessage":"oh\nno","errorType":"string","stackTrace":[{"path":"lambda/errors.go","line":39,"label":"lambdaPanicResponse"},{"path":"shop/main.go","line":20,"label":"main.func1"}]}`: "2026/11/26 18:24:26 panic: oh\n    no (string)\n" +
			"    lambda/errors.go:39 lambdaPanicResponse\n    shop/main.go:20 main.func1\n",
		`2026/11/26 18:24:26 {"errorMessage":"it failed","errorType":"errorString"}`: "",
		"plain": "", `{"no":"message"}`: "", `{broken`: "",
	} {
		if got, _, show := format([]byte(line)); got != want || !show {
			t.Errorf("%s: got %q", line, got)
		}
	}
	if _, _, show := format([]byte(`{"_aws":{},"message":"x"}`)); show {
		t.Error("metrics are shown")
	}
}

// TestFind checks that Find returns the last started hearth dev that still runs.
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
		os.Remove(filepath.Join(dir, "hearth-dev-2.json")) // this one ended
	}
	// An assembly that no cdk.json made, by its own name and by that of its parent.
	parent := t.TempDir()
	if _, err := Find(parent); err == nil || !strings.Contains(err.Error(), "there is no cdk.json in "+parent) {
		t.Errorf("got %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "hearth-dev-1.json"), filepath.Join(parent, "1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(parent, "cdk.out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(parent, "1"), filepath.Join(parent, "cdk.out", "hearth-dev-1.json")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{parent, filepath.Join(parent, "cdk.out")} {
		if got, err := Find(dir); err != nil || got.URL != "http://127.0.0.1:1" {
			t.Errorf("%s: got %v, %v", dir, got, err)
		}
	}
}

// TestLogIsPrintable checks that a client's text cannot move the cursor or set the title.
func TestLogIsPrintable(t *testing.T) {
	t.Parallel()
	// Records, plain lines and the engine's own lines all use this writer.
	out := &buffer{}
	logs := newLogWriter(terminal.New(out), false)
	io.WriteString(logs, `{"message":"GET /log/\u001b]0;x\u0007","path":"\u001b]0;x"}`+"\n")
	io.WriteString(logs, "plain \x1b[2J\n")
	if strings.ContainsAny(out.String(), "\x1b\x07") {
		t.Errorf("got %q", out)
	}
}
