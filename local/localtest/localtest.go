// Package localtest runs a CDK app on the local engine in tests:
//
//	func TestOrders(t *testing.T) {
//		clock := local.NewManualClock(time.Now())
//		app := localtest.Start(t, ".", local.Options{Clock: clock})
//		resp, err := http.Post(app.HTTPURL()+"/orders", "application/json", body)
//		…
//		localtest.Await(t, "the order is shipped", func() bool { … })
//	}
package localtest

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/pgserver"
	"github.com/lambdahearth/hearth/internal/project"
	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/local"
)

// patience is how long Await waits. Tests of a whole app also run on busy machines.
const patience = time.Minute

// Synth synthesizes the app that cdk.json in dir names, and returns the folder of its
// cloud assembly. The folder is removed after the test. Synth skips CloudFormation's
// validation, which takes many seconds and which cdk synth does.
func Synth(t testing.TB, dir string) string {
	t.Helper()
	p, err := project.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.Output = t.TempDir()
	if err := p.Synth(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	return p.Output
}

// Start synthesizes the app that cdk.json in dir names and runs it until the test ends.
// The logs of the engine and the programs go to the test's log, unless opts names other
// destinations. If opts.Assembly is set, Start synthesizes nothing.
func Start(t testing.TB, dir string, opts local.Options) *local.Engine {
	t.Helper()
	if opts.Assembly == "" {
		opts.Assembly = Synth(t, dir)
	}
	if opts.Dir == "" {
		opts.Dir = dir
	}
	if opts.Log == nil {
		opts.Log = func(line string) { t.Log("hearth:", line) }
	}
	if opts.Output == nil {
		opts.Output = logWriter{t}
	}
	engine, err := local.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Stop)
	return engine
}

// logWriter writes lines to a test's log.
type logWriter struct{ t testing.TB }

func (w logWriter) Write(line []byte) (int, error) {
	w.t.Log(string(bytes.TrimSuffix(line, []byte("\n"))))
	return len(line), nil
}

// Await waits until done returns true, for at most a minute. After that the test fails
// with a message that contains what, the name of the awaited event.
func Await(t testing.TB, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("this did not happen within %v: %s", patience, what)
		}
	}
}

// Database returns a value of [local.Options.Database] for apps with an RDS Proxy:
// DATABASE_URL, or else an empty PostgreSQL that ends with the engine. If neither is
// available, it skips the test.
func Database(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("DATABASE_URL"); url != "" {
		return url
	}
	if err := pgserver.Installed(); err != nil {
		t.Skipf("skipped, as PostgreSQL is not installed: %v, and DATABASE_URL is not set", err)
	}
	return wire.EnginePostgres
}
