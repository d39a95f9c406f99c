// Command synthbench measures how long apps with hearth take to synthesize, as a
// ratio to an app in plain CDK:
//
//	go run ./constructs/internal/synthbench -plain <folder of the other module> [-rounds 5]
//
// It runs from the root of the repository and measures two apps: samestack, which
// has the resources of the app in plain CDK, and examples/baseline, which protects
// itself with more. With each time it prints how many resources, alarms and jsii
// requests the app makes, and with samestack how its resources differ.
//
// It builds all apps first and runs each once to warm up, and then in turn, with the
// feature flags of cdk.json and the CDK's own validation off. A time is that of the whole
// process, from its start to its end. The apps with hearth call Prebuild, as
// docs/constructs.md advises.
//
// The times leave out the builds of the handler: the first run keeps the results of go
// build, and in later runs a stand-in for go copies them. The app in plain CDK deploys
// the same bytes (BOOTSTRAP_DIR).
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// kept is the variable with the folder of go build's results, realGo that with the real
// go.
const (
	kept   = "SYNTHBENCH_KEPT"
	realGo = "SYNTHBENCH_GO"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("synthbench: ")
	if dir := os.Getenv(kept); dir != "" {
		if err := standIn(dir, os.Args[1:]); err != nil {
			log.Fatal(err)
		}
		return
	}
	plain := flag.String("plain", "", "folder of the app in plain CDK, with ./infra")
	rounds := flag.Int("rounds", 5, "runs of each app")
	flag.Parse()
	if *plain == "" {
		log.Fatal("-plain must be a folder, got none")
	}
	if err := compare(*plain, *rounds); err != nil {
		log.Fatal(err)
	}
}

// standIn runs go build the first time for each platform, and later copies its result. It
// passes other commands on to go.
func standIn(dir string, args []string) error {
	if len(args) > 0 && args[0] != "build" {
		cmd := exec.Command(os.Getenv(realGo), args...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		return cmd.Run()
	}
	at := slices.Index(args, "-o") + 1
	if at == 0 || at == len(args) {
		return fmt.Errorf("go %v: no -o", args)
	}
	file := filepath.Join(dir, "built-"+os.Getenv("GOOS")+os.Getenv("GOARCH"))
	if _, err := os.Stat(file); err != nil {
		out := args[at]
		args = slices.Clone(args)
		args[at] = file
		cmd := exec.Command(os.Getenv(realGo), args...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return err
		}
		return os.Link(file, out)
	}
	return os.Link(file, args[at])
}

// app is one of the apps that are compared.
type app struct {
	name string
	cmd  string
	env  []string

	times     []time.Duration
	requests  int
	resources map[string]int
}

func compare(plain string, rounds int) error {
	dir, err := os.MkdirTemp("", "synthbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	env, err := environment(dir)
	if err != nil {
		return err
	}
	apps := []*app{
		{name: "plain CDK", cmd: filepath.Join(dir, "plain"), env: append(env, "BOOTSTRAP_DIR="+filepath.Join(dir, "handler"))},
		{name: "hearth, same stack", cmd: filepath.Join(dir, "samestack"), env: env},
		{name: "hearth, examples/baseline", cmd: filepath.Join(dir, "example"), env: env},
	}
	for i, source := range []string{"./infra", "./constructs/internal/synthbench/samestack", "./examples/baseline/infra"} {
		build := exec.Command("go", "build", "-o", apps[i].cmd, source)
		if i == 0 {
			build.Dir = plain
		}
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", build.Args, err, out)
		}
	}
	// The apps with hearth come first, because the other one deploys their builds.
	for _, a := range slices.Backward(apps) {
		if err := a.count(dir); err != nil {
			return err
		}
		handler := filepath.Join(dir, "handler")
		if err := os.MkdirAll(handler, 0o755); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(dir, "built-linuxarm64"), filepath.Join(handler, "bootstrap")); err != nil && !os.IsExist(err) {
			return err
		}
	}
	for round := range rounds {
		for i := range apps { // so that none is always first
			a := apps[(i+round)%len(apps)]
			took, _, err := a.run(dir)
			if err != nil {
				return err
			}
			a.times = append(a.times, took)
		}
	}
	report(apps)
	return nil
}

// environment returns the environment of all apps.
func environment(dir string) ([]string, error) {
	data, err := os.ReadFile("cdk.json")
	if err != nil {
		return nil, err
	}
	var config struct {
		Context json.RawMessage `json:"context"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fmt.Errorf("cdk.json: %w", err)
	}
	var flags bytes.Buffer
	if err := json.Compact(&flags, config.Context); err != nil {
		return nil, fmt.Errorf("cdk.json: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return nil, err
	}
	if err := os.Symlink(self, filepath.Join(bin, "go")); err != nil {
		return nil, err
	}
	return slices.Clip(append(os.Environ(), "CDK_VALIDATION=false", "CDK_OUTDIR="+filepath.Join(dir, "cdk.out"), "CDK_CONTEXT_JSON="+flags.String(),
		kept+"="+dir, realGo+"="+goTool, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))), nil
}

// run synthesizes an app once.
func (a *app) run(dir string, env ...string) (time.Duration, []byte, error) {
	if err := os.RemoveAll(filepath.Join(dir, "cdk.out")); err != nil {
		return 0, nil, err
	}
	cmd := exec.Command(a.cmd)
	cmd.Env = append(slices.Clip(a.env), env...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %w\n%s", a.name, err, out)
	}
	return time.Since(start), out, nil
}

// count runs an app and counts its resources and jsii requests.
func (a *app) count(dir string) error {
	_, said, err := a.run(dir, "JSII_DEBUG=1")
	if err != nil {
		return err
	}
	a.requests = bytes.Count(said, []byte("\n> {"))
	templates, err := filepath.Glob(filepath.Join(dir, "cdk.out", "*.template.json"))
	if err != nil {
		return err
	}
	a.resources = map[string]int{}
	for _, path := range templates {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var template struct {
			Resources map[string]struct{ Type string }
		}
		if err := json.Unmarshal(data, &template); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, resource := range template.Resources {
			a.resources[resource.Type]++
		}
	}
	return nil
}

func report(apps []*app) {
	plain := apps[0]
	fmt.Printf("%-28s %7s %6s %10s %7s %14s\n", "", "median", "ratio", "resources", "alarms", "jsii requests")
	for _, a := range apps {
		fmt.Printf("%-28s %5.2f s %6.2f %10d %7d %14d\n", a.name, a.median().Seconds(), float64(a.median())/float64(plain.median()),
			a.total(), a.resources["AWS::CloudWatch::Alarm"], a.requests)
	}
	fmt.Printf("medians of %d, the builds of the handler aside\n", len(plain.times))
	for _, a := range apps[1:] {
		fmt.Printf("%s, against plain CDK: %s\n", a.name, a.differs(plain))
	}
}

func (a *app) median() time.Duration {
	sorted := slices.Sorted(slices.Values(a.times))
	return sorted[len(sorted)/2]
}

func (a *app) total() int {
	sum := 0
	for _, n := range a.resources {
		sum += n
	}
	return sum
}

// differs lists the types for which one app has more resources.
func (a *app) differs(other *app) string {
	types := maps.Clone(a.resources)
	maps.Copy(types, other.resources)
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(types)) {
		if more := a.resources[kind] - other.resources[kind]; more != 0 {
			words = append(words, fmt.Sprintf("%+d %s", more, strings.TrimPrefix(kind, "AWS::")))
		}
	}
	if words == nil {
		return "the same resources"
	}
	return strings.Join(words, ", ")
}
