package local_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
)

// TestThrottlesUnderLoad: 50 clients use a function that may have five instances. Each
// request is answered, and the throttles are a line a second, which counts them.
func TestThrottlesUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, each = 50, 40
	log := &lines{}
	e := startApis(t, local.Options{Log: log.add}, func(resources map[string]any) {
		properties(resources, "Fn")["ReservedConcurrentExecutions"] = 5
	})
	started := time.Now()
	var mu sync.Mutex
	got := map[int]int{}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				resp, err := within.Client.Get(e.URL() + "/x")
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body) //nolint:errcheck // only the status counts
				resp.Body.Close()
				mu.Lock()
				got[resp.StatusCode]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got[200]+got[503] != clients*each || got[200] == 0 || got[503] == 0 {
		t.Fatalf("answers by status: %v", got)
	}
	counted := func() (lines, throttles int) {
		for _, line := range log.all() {
			var more int
			switch _, text, found := strings.Cut(line, ": throttled: "); {
			case !found:
				continue
			case strings.HasPrefix(text, "Rate Exceeded."):
				more = 1
			default:
				if _, err := fmt.Sscanf(text, "%d more within 1s", &more); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
			}
			lines, throttles = lines+1, throttles+more
		}
		return lines, throttles
	}
	for deadline := time.Now().Add(within.Limit); ; time.Sleep(10 * time.Millisecond) {
		if _, n := counted(); n == got[503] {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the log counts %d throttles of %d: %q", n, got[503], log.all())
		}
	}
	if n, _ := counted(); n > 2*int(time.Since(started)/time.Second)+2 {
		t.Errorf("%d lines in %v: %q", n, time.Since(started), log.all())
	}
}
