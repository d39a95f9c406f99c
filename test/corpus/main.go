// Command corpus starts every cloud assembly below some folders in the local engine, and
// prints how many start and what is not simulated in them:
//
//	git clone --depth 1 https://github.com/awslabs/aws-solutions-constructs
//	go run ./test/corpus aws-solutions-constructs
//	go run ./test/corpus -runtime provided.al2023 aws-solutions-constructs
//
// The exit status is 1 if one does not start.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lambdahearth/hearth/local"
)

// patience is how long one assembly may take to start.
const patience = time.Minute

func main() {
	runtime := flag.String("runtime", "", "give all functions this runtime, such as provided.al2023")
	parallel := flag.Int("parallel", 2, "how many assemblies start at once")
	flag.Parse()
	if flag.NArg() == 0 || *parallel < 1 {
		fmt.Fprintln(os.Stderr, "corpus: name the folders to look in; -parallel must be at least 1")
		os.Exit(2)
	}
	result, err := run(context.Background(), flag.Args(), *runtime, *parallel)
	if err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(1)
	}
	result.print(os.Stdout)
	if result.started < len(result.assemblies) || len(result.assemblies) == 0 {
		os.Exit(1)
	}
}

// result is what became of the assemblies.
type result struct {
	assemblies   []string
	started      int
	failures     []string
	functions    int // of all that started
	running      int // of them, those whose program runs here
	apis         int
	queues       int
	schedules    int
	tables       int
	warnings     int
	notSimulated map[string]int // by type
	took         time.Duration
}

// run starts the assemblies below roots, one after the other in each of several workers.
func run(ctx context.Context, roots []string, runtime string, parallel int) (*result, error) {
	r := &result{notSimulated: map[string]int{}}
	for _, root := range roots {
		if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "manifest.json" && isAssembly(path) {
				r.assemblies = append(r.assemblies, filepath.Dir(path))
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	work := make(chan string)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			for dir := range work {
				state, err := start(ctx, dir, runtime)
				mu.Lock()
				r.add(dir, state, err)
				mu.Unlock()
			}
		})
	}
	for _, dir := range r.assemblies {
		work <- dir
	}
	close(work)
	wg.Wait()
	r.took = time.Since(began)
	return r, nil
}

// isAssembly reports whether a manifest is that of an app, and not of a stage within one.
func isAssembly(manifest string) bool {
	data, err := os.ReadFile(manifest)
	var m struct {
		Artifacts map[string]struct{ Type string }
	}
	if err != nil || json.Unmarshal(data, &m) != nil || strings.HasPrefix(filepath.Base(filepath.Dir(manifest)), "assembly-") {
		return false
	}
	for _, a := range m.Artifacts {
		if a.Type == "aws:cloudformation:stack" || a.Type == "cdk:cloud-assembly" {
			return true
		}
	}
	return false
}

// start starts an assembly, and returns what it runs.
func start(ctx context.Context, dir, runtime string) (*local.State, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if runtime != "" {
		changed, err := withRuntime(dir, runtime)
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(changed)
		dir = changed
	}
	e, err := local.Start(ctx, local.Options{Assembly: dir, Output: io.Discard})
	if err != nil {
		return nil, err
	}
	defer e.Stop()
	return e.State(), nil
}

// withRuntime copies an assembly, and gives its functions another runtime.
func withRuntime(dir, runtime string) (string, error) {
	copied, err := os.MkdirTemp("", "hearth-corpus-")
	if err != nil {
		return "", err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(copied, rel), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".template.json") {
			if data, err = changeRuntime(data, runtime); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return os.WriteFile(filepath.Join(copied, rel), data, 0o644)
	})
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(copied))
	}
	return copied, nil
}

func changeRuntime(template []byte, runtime string) ([]byte, error) {
	var t map[string]any
	if err := json.Unmarshal(template, &t); err != nil {
		return nil, err
	}
	resources, _ := t["Resources"].(map[string]any)
	for _, r := range resources {
		resource, _ := r.(map[string]any)
		if properties, ok := resource["Properties"].(map[string]any); ok && resource["Type"] == "AWS::Lambda::Function" {
			properties["Runtime"] = runtime
		}
	}
	return json.Marshal(t)
}

func (r *result) add(dir string, s *local.State, err error) {
	if err != nil {
		r.failures = append(r.failures, fmt.Sprintf("%s: %v", dir, err))
		return
	}
	r.started++
	r.functions += len(s.Functions)
	unusable := 0
	for _, n := range s.NotSimulated {
		r.notSimulated[n.Type]++
		if n.Type == "AWS::Lambda::Function" {
			unusable++
		}
	}
	r.running += len(s.Functions)
	r.functions += unusable
	r.apis += len(s.HTTPAPIs) + len(s.WebSocketAPIs)
	r.queues += len(s.Queues)
	r.schedules += len(s.Schedules)
	r.tables += len(s.Tables)
	r.warnings += len(s.Warnings)
}

// print prints the counts, the most frequent types that are not simulated, and failures.
func (r *result) print(to io.Writer) {
	fmt.Fprintf(to, "%d assemblies, %d started, %d failed (%.1f s)\n", len(r.assemblies), r.started, len(r.failures), r.took.Seconds())
	fmt.Fprintf(to, "%d functions, of which %d run here; %d APIs, %d queues, %d schedules, %d tables; %d warnings\n", r.functions, r.running, r.apis, r.queues, r.schedules, r.tables, r.warnings)
	types := slices.SortedFunc(maps.Keys(r.notSimulated), func(a, b string) int {
		return cmp.Or(cmp.Compare(r.notSimulated[b], r.notSimulated[a]), cmp.Compare(a, b))
	})
	fmt.Fprintf(to, "%d types are not simulated; the most frequent:\n", len(types))
	for _, t := range types[:min(len(types), 15)] {
		fmt.Fprintf(to, "  %5d %s\n", r.notSimulated[t], t)
	}
	slices.Sort(r.failures)
	for _, f := range r.failures {
		fmt.Fprintf(to, "failed: %s\n", f)
	}
}
