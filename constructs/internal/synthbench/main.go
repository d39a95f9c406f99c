// Command synthbench measures how long an app with hearth takes to synthesize,
// as a ratio to an app in plain CDK with the same stack:
//
//	go run ./constructs/internal/synthbench -plain <folder of the other module> [-rounds 5]
//
// Both apps are built first, run once to warm up, and then in turn. The time in
// which hearth's app waits for go build is taken off, because the other app is
// given its program as a directory (BOOTSTRAP_DIR). The CDK's own validation is
// off in both.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// notes names the file that the wrapper of go writes to, and realGo what it runs.
const (
	notes  = "SYNTHBENCH_NOTES"
	realGo = "SYNTHBENCH_GO"
)

func main() {
	if path := os.Getenv(notes); path != "" {
		wrap(path)
	}
	log.SetFlags(0)
	plain := flag.String("plain", "", "folder of the app in plain CDK, with ./infra and ./cmd/handler")
	app := flag.String("app", "./examples/baseline/infra", "the app with hearth")
	rounds := flag.Int("rounds", 5, "runs of each app")
	flag.Parse()
	if *plain == "" {
		log.Fatal("synthbench: -plain must be a folder, got none")
	}
	if err := compare(*plain, *app, *rounds); err != nil {
		log.Fatal("synthbench: ", err)
	}
}

// wrap runs go and notes from when to when.
func wrap(path string) {
	start := time.Now()
	cmd := exec.Command(os.Getenv(realGo), os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	file, openErr := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if openErr == nil {
		_, openErr = fmt.Fprintf(file, "%d %d\n", start.UnixNano(), time.Now().UnixNano())
		openErr = errors.Join(openErr, file.Close())
	}
	if errors.Join(err, openErr) != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

func compare(plain, app string, rounds int) error {
	dir, err := os.MkdirTemp("", "synthbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(self, filepath.Join(bin, "go")); err != nil {
		return err
	}
	handler := filepath.Join(dir, "handler")
	builds := []*exec.Cmd{
		exec.Command("go", "build", "-o", filepath.Join(dir, "plain"), "./infra"),
		exec.Command("go", "build", "-trimpath", "-o", filepath.Join(handler, "bootstrap"), "./cmd/handler"),
		exec.Command("go", "build", "-o", filepath.Join(dir, "hearth"), app),
	}
	builds[0].Dir, builds[1].Dir = plain, plain
	builds[1].Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	for _, build := range builds {
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", build.Args, err, out)
		}
	}
	var plains, hearths []time.Duration
	for round := range rounds + 1 {
		p, err := run(filepath.Join(dir, "plain"), dir, "BOOTSTRAP_DIR="+handler)
		if err != nil {
			return err
		}
		noted := filepath.Join(dir, "notes")
		os.Remove(noted)
		h, err := run(filepath.Join(dir, "hearth"), dir, notes+"="+noted, realGo+"="+goTool, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		if err != nil {
			return err
		}
		waited, err := waiting(noted)
		if err != nil {
			return err
		}
		if round > 0 { // the first one warms up
			plains, hearths = append(plains, p), append(hearths, h-waited)
		}
	}
	p, h := median(plains), median(hearths)
	fmt.Printf("plain %v, hearth %v, ratio %.2f (medians of %d, go build aside)\n", p.Round(time.Millisecond), h.Round(time.Millisecond), float64(h)/float64(p), rounds)
	return nil
}

// run synthesizes an app once.
func run(app, dir string, env ...string) (time.Duration, error) {
	out := filepath.Join(dir, "cdk.out")
	os.RemoveAll(out)
	cmd := exec.Command(app)
	cmd.Env = append(append(os.Environ(), "CDK_VALIDATION=false", "CDK_OUTDIR="+out), env...)
	start := time.Now()
	if output, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", app, err, output)
	}
	return time.Since(start), nil
}

// waiting is how long at least one go build was running.
func waiting(path string) (time.Duration, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	type span struct{ from, to int64 }
	var spans []span
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		from, to, _ := strings.Cut(line, " ")
		f, err1 := strconv.ParseInt(from, 10, 64)
		t, err2 := strconv.ParseInt(to, 10, 64)
		if err1 != nil || err2 != nil {
			return 0, fmt.Errorf("cannot read %q", line)
		}
		spans = append(spans, span{f, t})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	var total, end int64
	for _, s := range spans {
		total += max(0, s.to-max(s.from, end))
		end = max(end, s.to)
	}
	return time.Duration(total), nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
