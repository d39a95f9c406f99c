package local_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/local/internal/clock"
)

var updateShots = flag.Bool("update-shots", false, "write the pictures of the page in docs/ anew")

// stormAssembly is the example with 2 provisioned and 5 reserved.
func stormAssembly(t testing.TB) string {
	t.Helper()
	return bookmarksAssembly(t, func(template map[string]any) {
		resources := template["Resources"].(map[string]any)
		resources[handlerID].(map[string]any)["Properties"].(map[string]any)["ReservedConcurrentExecutions"] = 5
	})
}

// storm is the example under load with slow cold starts: calm, then more than is
// provisioned, then more than is reserved, again and again.
type storm struct {
	*bench
	clients int
	mu      sync.Mutex
	end     chan struct{}
	wg      sync.WaitGroup
}

func startStorm(t testing.TB) *storm {
	t.Helper()
	s := &storm{end: make(chan struct{})}
	s.bench = startBookmarks(t, local.Options{
		Assembly: stormAssembly(t), Clock: clock.Real{}, ColdStart: 500 * time.Millisecond,
		Faults: []local.Fault{{Kind: local.FaultDelay, Delay: local.FaultDuration(45 * time.Millisecond)}},
	})
	for n := range 9 {
		s.wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-s.end:
					return
				default:
				}
				s.mu.Lock()
				works := n < s.clients
				s.mu.Unlock()
				if !works {
					time.Sleep(5 * time.Millisecond)
					continue
				}
				began := time.Now()
				if resp, err := within.Client.Get(s.HTTPURL404()); err == nil {
					resp.Body.Close()
				}
				if time.Since(began) < 20*time.Millisecond { // it was throttled
					time.Sleep(time.Duration(110+23*n) * time.Millisecond)
				} else {
					time.Sleep(time.Duration(4+3*((i*7+n*5)%8)) * time.Millisecond)
				}
			}
		})
	}
	t.Cleanup(s.stop)
	return s
}

// load lets so many clients work, for so long.
func (s *storm) load(clients int, d time.Duration) {
	s.mu.Lock()
	s.clients = clients
	s.mu.Unlock()
	time.Sleep(d)
}

func (s *storm) stop() {
	select {
	case <-s.end:
	default:
		close(s.end)
	}
	s.wg.Wait()
}

// TestShots makes the pictures of docs/page.md from a real load.
//
//	go test ./local -run TestShots -update-shots
func TestShots(t *testing.T) {
	if !*updateShots {
		t.Skip("skipped: it takes half a minute; -update-shots makes the pictures")
	}
	b := startBrowser(t)
	s := startStorm(t)
	page := b.open(t, s.URL()+"/_hearth/", 1280, 800)
	page.await("document.body.dataset.ready")
	page.do("localStorage.window = 30; localStorage.theme = 'light'; location.reload()")
	time.Sleep(500 * time.Millisecond)
	page.await("document.body.dataset.ready")
	for _, p := range []struct {
		clients int
		seconds float64
	}{{1, 4}, {2, 3}, {3, 3}, {4, 2.5}, {7, 3}, {9, 3}, {3, 3}, {2, 2.5}, {6, 2.5}, {8, 2.5}} {
		s.load(p.clients, time.Duration(p.seconds*float64(time.Second)))
	}
	a := &api{s.Engine, s.Token()}
	shot := func(name string) {
		t.Helper()
		path := filepath.Join("..", "docs", name)
		page.shoot(path)
		if info, err := os.Stat(path); err != nil || info.Size() > 150<<10 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	spilled := slices.DeleteFunc(a.invocations(t, "source=http&minMs=450&limit=1000"), func(i summary) bool { return !i.Cold })
	if len(spilled) == 0 {
		t.Fatalf("nothing spilled over: %+v", s.State().Functions[0].Counters)
	}
	page.press(" ", "Space")
	page.visit("#/instances/invocation/" + spilled[0].ID)
	page.await("document.querySelector('aside .wf')")
	shot("page-instances.png")
	page.press("t", "KeyT")
	page.visit("#/instances")
	page.await("document.querySelector('aside').hidden")
	shot("page-dark.png")
	page.press("t", "KeyT")
	page.press(" ", "Space")
	s.load(0, time.Second)
	s.request(t, "POST", "/bookmarks", "anna", `{"url":"http://127.0.0.1:1/"}`, nil)
	eventually(t, "its jobs ran", func() bool { return len(a.invocations(t, "source=queue")) >= 2 })
	traced := a.invocations(t, "source=http&text=POST")[0]
	for _, m := range s.State().EventSources {
		if strings.Contains(m.Queue, ".fifo") {
			a.must(t, "POST", "/eventsources/"+m.LogicalID+"/pause", "", nil)
		}
	}
	for n, user := range strings.Fields("anna bo chris anna bo bo anna") { // the page of a title is not there, so that jobs fail
		s.request(t, "POST", "/bookmarks", user, fmt.Sprintf(`{"url":"http://127.0.0.1:1/%d"}`, n), nil)
	}
	s.load(2, 500*time.Millisecond)
	for name, place := range map[string]string{
		"page-invocation.png": "#/invocations/invocation/" + traced.ID + "?text=bookmarks", "page-queues.png": "#/queues", "page-map.png": "#/map", "page-plots.png": "#/plots",
	} {
		page.visit(place)
		time.Sleep(2500 * time.Millisecond) // rates are those of two seconds
		shot(name)
	}
	page.clean()
}
