package program

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lambdahearth/hearth/internal/process"
)

// files writes a tree of text files to a new folder.
func files(t *testing.T, tree map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	for name, text := range tree {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func source(t *testing.T, dir string) Source {
	t.Helper()
	s, err := New(dir, "arm64", nil, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// clone is a small module with a dependency of its own in a new folder.
func clone(t *testing.T) Source {
	t.Helper()
	return source(t, filepath.Join(files(t, map[string]string{
		"go.mod":              "module example.com/shop\n\ngo 1.26\n",
		"handler/main.go":     "package main\n\nimport \"example.com/shop/greet\"\n\nfunc main() { println(greet.Greeting()) }\n",
		"greet/greet.go":      "package greet\n\nfunc Greeting() string { return \"hello\" }\n",
		"greet/greet_loud.go": "//go:build loud\n\npackage greet\n\nfunc init() { println(\"HELLO\") }\n",
	}), "handler"))
}

func mustBuild(t *testing.T, s Source) []byte {
	t.Helper()
	binary, err := s.ForLambda()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func testProgram(name string) string {
	return filepath.Join("..", "..", "constructs", "testdata", "programs", name)
}

// TestSameBytes shows that neither the folder nor any Go variable of the machine changes
// a program, but that the fields of Source do.
func TestSameBytes(t *testing.T) {
	one := clone(t)
	first := mustBuild(t, one)
	for name, value := range map[string]string{
		"GOFLAGS": "-buildvcs=auto -trimpath=false -tags=loud -cover -ldflags=-X=main.v=1 -race", "GOARM64": "v9.0", "GOEXPERIMENT": "nodwarf5", "GOFIPS140": "latest", "CGO_ENABLED": "1",
		"GO111MODULE": "off", "GO_EXTLINK_ENABLED": "1",
	} {
		t.Setenv(name, value)
	}
	two := clone(t)
	if !bytes.Equal(first, mustBuild(t, two)) {
		t.Error("the same source in two folders must build to the same bytes, whatever the environment")
	}
	if bytes.Contains(first, []byte(one.Dir)) {
		t.Errorf("the binary contains the folder %s", one.Dir)
	}
	two.Tags += ",loud"
	if bytes.Equal(first, mustBuild(t, two)) {
		t.Error("a build tag must have an effect")
	}
	two.GOARCH = "amd64"
	if bytes.Equal(first, mustBuild(t, two)) {
		t.Error("the architecture must have an effect")
	}
}

// TestSettingsOfGoEnv shows that go env -w changes no program either.
func TestSettingsOfGoEnv(t *testing.T) {
	first := mustBuild(t, clone(t))
	settings := filepath.Join(t.TempDir(), "env")
	t.Setenv("GOENV", settings)
	t.Setenv("GOFLAGS", "")
	if err := os.WriteFile(settings, []byte("GOFLAGS=-cover\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, mustBuild(t, clone(t))) {
		t.Error("GOFLAGS of go env -w must have no effect")
	}
	if err := os.WriteFile(settings, []byte("GOEXPERIMENT=nodwarf5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := clone(t).ForLambda()
	if want := `GOEXPERIMENT must be unset, so that every machine builds the same program, got "nodwarf5"; run go env -u GOEXPERIMENT`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestFlagsOfModules shows that GOFLAGS may say where the modules come from, also in
// quotes.
func TestFlagsOfModules(t *testing.T) {
	for name, flags := range map[string]string{"other": "-modfile=%s -cover", "a b c": "-cover '-modfile=%s'", "d e": `"--modfile=%s" -cover`} {
		s := source(t, filepath.Join(files(t, map[string]string{
			"go.mod": "module example.com/shop\n\ngo 1.26\n", name + ".mod": "module example.com/other\n\ngo 1.26\n",
			"handler/main.go": "package main\n\nfunc main() {}\n",
		}), "handler"))
		t.Setenv("GOFLAGS", fmt.Sprintf(flags, filepath.Join(s.Dir, "..", name+".mod")))
		if !bytes.Contains(mustBuild(t, s), []byte("example.com/other")) {
			t.Errorf("GOFLAGS=%q must have an effect", os.Getenv("GOFLAGS"))
		}
	}
}

const greeter = "package main\n\nimport \"example.com/greet\"\n\nvar name = \"nobody\"\n\nfunc main() { println(greet.Greeting(), name) }\n"

// TestWorkspace shows that a program builds in a workspace, with a module that exists
// nowhere else.
func TestWorkspace(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	dir := files(t, map[string]string{
		"go.work":              "go 1.26\n\nuse (\n\t./shop\n\t./greet\n)\n",
		"shop/go.mod":          "module example.com/shop\n\ngo 1.26\n\nrequire example.com/greet v0.0.0\n",
		"shop/handler/main.go": greeter,
		"greet/go.mod":         "module example.com/greet\n\ngo 1.26\n",
		"greet/greet.go":       "package greet\n\nfunc Greeting() string { return \"from the workspace\" }\n",
	})
	if !bytes.Contains(mustBuild(t, source(t, filepath.Join(dir, "shop", "handler"))), []byte("from the workspace")) {
		t.Error("the module of the workspace must be used")
	}
}

// TestVendored shows that a program builds from its vendor folder, with no network.
func TestVendored(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOPROXY", "off")
	dir := files(t, map[string]string{
		"go.mod":                            "module example.com/shop\n\ngo 1.26\n\nrequire example.com/greet v1.0.0\n",
		"handler/main.go":                   greeter,
		"vendor/modules.txt":                "# example.com/greet v1.0.0\n## explicit; go 1.26\nexample.com/greet\n",
		"vendor/example.com/greet/greet.go": "package greet\n\nfunc Greeting() string { return \"from the vendor folder\" }\n",
	})
	if !bytes.Contains(mustBuild(t, source(t, filepath.Join(dir, "handler"))), []byte("from the vendor folder")) {
		t.Error("the vendored module must be used")
	}
}

func TestLinkerFlags(t *testing.T) {
	dir := filepath.Join(files(t, map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": "package main\n\nvar version = \"none\"\n\nfunc main() { println(version) }\n"}))
	s, err := New(dir, "amd64", nil, []string{"-X main.version=one.two.three"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(mustBuild(t, s), []byte("one.two.three")) {
		t.Error("the linker flag must have an effect")
	}
}

// TestCgo shows the cause and the remedy when a program needs cgo.
func TestCgo(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	s := source(t, filepath.Join(files(t, map[string]string{
		"go.mod":          "module example.com/shop\n\ngo 1.26\n",
		"handler/main.go": "package main\n\nimport \"example.com/shop/native\"\n\nfunc main() { native.Do() }\n",
		"native/do.go":    "package native\n\nimport \"C\"\n\nfunc Do() {}\n",
	}), "handler"))
	_, err := s.ForLambda()
	want := "it must build without cgo, got cgo in example.com/shop/native; use packages in pure Go, or build the program yourself and pass it in HandlerProps.Code with ManifestFile; go build says:\n"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s…", err, want)
	}
}

const asked = `package main

import (
	"fmt"
	"os"
)

var table = os.Getenv("TABLE_NAME")

func init() {
	if table == "" {
		fmt.Println("TABLE_NAME is missing")
		os.Exit(1)
	}
}

func main() {
	queues := ""
	if os.Getenv("REPORTS") == "on" {
		queues = ` + "`{\"name\":\"reports\",\"fifo\":false}`" + `
	}
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "CDK_CONTEXT_JSON"} {
		if os.Getenv(name) != "" {
			queues = ` + "`{\"name\":\"leaked\",\"fifo\":false}`" + `
		}
	}
	manifest := fmt.Sprintf(` + "`{\"version\":1,\"http\":false,\"webSocket\":false,\"queues\":[%s],\"schedules\":[],\"warm\":[{\"name\":%q,\"required\":false}]}`" + `, queues, table)
	if err := os.WriteFile(os.Getenv("HEARTH_MANIFEST"), []byte(manifest), 0o644); err != nil {
		panic(err)
	}
}
`

// TestManifestEnvironment shows that a program is asked with the variables of its
// function, again for other variables, and never sees the credentials of the shell.
func TestManifestEnvironment(t *testing.T) {
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "CDK_CONTEXT_JSON"} {
		t.Setenv(name, "secret")
	}
	t.Setenv("REPORTS", "on") // that of the shell is none of the program's
	s := source(t, files(t, map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26\n", "main.go": asked}))
	ask := func(environment map[string]string) string {
		m, err := s.Manifest(environment)
		if err != nil {
			t.Fatal(err)
		}
		got := m.Warm[0].Name
		for _, q := range m.Queues {
			got += " " + q.Name
		}
		return got
	}
	for want, environment := range map[string]map[string]string{
		"items":         {"TABLE_NAME": "items"},
		"items reports": {"TABLE_NAME": "items", "REPORTS": "on"},
		"placeholder":   {"TABLE_NAME": Placeholder},
	} {
		if got := ask(environment); got != want {
			t.Errorf("%v: got %s, want %s", environment, got, want)
		}
	}
	_, err := s.Manifest(nil)
	if want := "read manifest: the program must write its manifest and exit with 0, got exit status 1; call lambdaruntime.Start first thing in main, give it the variables that it needs in Environment or ManifestEnvironment, or name a ManifestFile\nTABLE_NAME is missing"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestManifestOnce(t *testing.T) {
	s := source(t, testProgram("full"))
	m, err := s.Manifest(nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.Queues[0].Name != "screenshots" || m.Queues[1].Name != "ledger" {
		t.Errorf("got %v", m.Queues)
	}
	s.GOARCH = "amd64"
	if again, _ := s.Manifest(map[string]string{}); again != m {
		t.Error("the program must be asked once in a process")
	}
}

func TestManifestErrors(t *testing.T) {
	const todo = "; call lambdaruntime.Start first thing in main, give it the variables that it needs in Environment or ManifestEnvironment, or name a ManifestFile\n"
	for name, want := range map[string]string{
		"broken":  "go build says:\n# .*broken\n\\./main.go:5:2: undefined: undeclared",
		"library": "it is not package main",
		"silent":  "read manifest: the program must write its manifest, got none before it exited" + todo + "listening on :8080",
		"stuck":   "read manifest: the program must write its manifest within 2s, got nothing" + todo + "connecting",
	} {
		t.Run(name, func(t *testing.T) {
			timeout := Timeout
			if name == "stuck" {
				timeout = 2 * time.Second
			}
			_, err := source(t, testProgram(name)).ask(nil, timeout)
			if err == nil || !regexp.MustCompile("^"+want+"$").MatchString(err.Error()) {
				t.Errorf("got %q, want %q", err, want)
			}
		})
	}
}

// TestForHost builds for this machine, where the shell builds for Lambda too.
func TestForHost(t *testing.T) {
	t.Setenv("GOOS", "plan9")
	t.Setenv("GOARCH", "mips")
	s := clone(t)
	binary, err := s.ForHost(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), binary).CombinedOutput(); err != nil || string(out) != "hello\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// TestManifestLeavesNothing: a process that the program starts before its manifest does not
// make it fail and, on Linux, does not outlive the question.
func TestManifestLeavesNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: only Linux shows the variables of a process")
	}
	dir := files(t, map[string]string{"manifest.json": `{"version":1,"http":true,"webSocket":false,"queues":[],"schedules":[],"warm":[]}`})
	binary := filepath.Join(dir, "handler")
	if err := process.WriteProgram(binary, []byte("#!/bin/sh\nsleep 1000 &\necho $! > pid\ncp manifest.json \"$HEARTH_MANIFEST\"\n")); err != nil {
		t.Fatal(err)
	}
	m, err := Ask(t.Context(), binary, dir, nil, Timeout)
	if err != nil || !m.HTTP {
		t.Errorf("got %+v, %v", m, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); process.Alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is left", pid)
		}
	}
}

// TestNoExec shows the cause and the remedy where programs may not run in TMPDIR.
func TestNoExec(t *testing.T) {
	binary := filepath.Join(files(t, map[string]string{"handler.exe": "#!/bin/sh\n"}), "handler.exe") // no executable bit
	_, err := Ask(t.Context(), binary, t.TempDir(), nil, Timeout)
	want := "read manifest: " + binary + " must be in a folder in which programs may run, got fork/exec " + binary + ": permission denied (is it mounted noexec?); set TMPDIR to another folder, or name a ManifestFile"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestArchive shows what Lambda gets, and that neither modes nor times of this machine
// are in it.
func TestArchive(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"rates.json": "{}", "templates/mail.txt": "hello", "templates/more/other.txt": "there"})
	archive := func() []byte {
		data, err := Archive([]byte("binary"))
		if err != nil {
			t.Fatal(err)
		}
		data, err = AddFiles(data, map[string]string{"config/rates.json": filepath.Join(dir, "rates.json"), "templates": filepath.Join(dir, "templates")})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	data := archive()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range z.File {
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, file.Name+" "+file.Mode().String()+" "+file.Modified.UTC().Format(time.DateOnly)+" "+string(text))
	}
	want := []string{
		"bootstrap -rwxr-xr-x 1980-01-01 binary", "config/rates.json -rwxr-xr-x 1980-01-01 {}",
		"templates/mail.txt -rwxr-xr-x 1980-01-01 hello", "templates/more/other.txt -rwxr-xr-x 1980-01-01 there",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the archive differs (-want +got):\n%s", diff)
	}
	// As on a machine without executable bits, at another time.
	path := filepath.Join(dir, "rates.json")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, archive()) {
		t.Error("the same files must give the same bytes")
	}
	if system := z.File[0].CreatorVersion >> 8; system != 3 {
		t.Errorf("the archive must say that its modes are those of Unix (3), got %d", system)
	}
	if err := os.Symlink(filepath.Join(dir, "templates"), filepath.Join(dir, "templates", "loop")); err != nil {
		t.Fatal(err)
	}
	_, err = AddFiles(data, map[string]string{"templates": filepath.Join(dir, "templates")})
	if want := filepath.Join(dir, "templates", "loop") + " must be a file or a folder, got a link to a folder; name that folder"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestNestedModule shows that a program builds in a module of its own below that of the
// app, and with a vendor folder of the whole workspace.
func TestNestedModule(t *testing.T) {
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOPROXY", "off")
	nested := map[string]string{
		"go.mod":               "module example.com/app\n\ngo 1.26\n",
		"infra/infra.go":       "package infra\n",
		"shop/go.mod":          "module example.com/shop\n\ngo 1.26\n\nrequire example.com/greet v0.0.0\n\nreplace example.com/greet => ../greet\n",
		"shop/handler/main.go": greeter,
		"greet/go.mod":         "module example.com/greet\n\ngo 1.26\n",
		"greet/greet.go":       "package greet\n\nfunc Greeting() string { return \"from beside\" }\n",
	}
	if !bytes.Contains(mustBuild(t, source(t, filepath.Join(files(t, nested), "shop", "handler"))), []byte("from beside")) {
		t.Error("the module of the program must be used")
	}
	vendored := maps.Clone(nested)
	vendored["go.work"] = "go 1.26\n\nuse ./shop\n"
	vendored["vendor/modules.txt"] = "## workspace\n# example.com/greet v0.0.0 => ./greet\n## explicit; go 1.26\nexample.com/greet\n# example.com/greet => ./greet\n"
	vendored["vendor/example.com/greet/greet.go"] = "package greet\n\nfunc Greeting() string { return \"from the workspace's vendor folder\" }\n"
	if !bytes.Contains(mustBuild(t, source(t, filepath.Join(files(t, vendored), "shop", "handler"))), []byte("from the workspace's vendor folder")) {
		t.Error("the vendor folder of the workspace must be used")
	}
}
