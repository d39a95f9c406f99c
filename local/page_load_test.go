package local_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/within"
	"github.com/lambdahearth/hearth/local"
	"github.com/lambdahearth/hearth/local/internal/clock"
)

// TestOtherOrigins: a page of another origin gets nothing, whatever it tries, and changes
// nothing; a link to the page works.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	e, err := startLedger(t, local.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := e.State().Queues[0].Counters.Sent
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>evil</title><a href="%s/_hearth/">a link</a>`, e.URL())
	}))
	defer evil.Close()
	// 127.0.0.1 is another origin by its port, localhost another site by its name.
	for _, origin := range []string{evil.URL, strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)} {
		tab := b.open(t, origin, 800, 600)
		tab.await("document.title === 'evil'")
		var got map[string]string
		err := tab.value(`(async () => {
			const base = `+quoted(e.URL())+` + '/_hearth/', got = {}
			const tries = {
				state: () => fetch(base + 'state').then(r => r.text()),
				page: () => fetch(base).then(r => r.text()),
				token: () => fetch(base + 'token', {headers: {'X-Hearth': '1'}}).then(r => r.text()),
				blind: () => fetch(base + 'state', {mode: 'no-cors'}).then(r => r.status ? 'status ' + r.status : Promise.reject('opaque')),
				send: () => fetch(base + 'send?name=Mails', {method: 'POST', headers: {'X-Hearth': 'x'}, body: 'x'}).then(r => r.text()),
				simple: () => fetch(base + 'send?name=Mails', {method: 'POST', mode: 'no-cors', body: 'x'}).then(r => r.status ? 'sent' : Promise.reject('opaque')),
				script: () => new Promise((ok, bad) => { const s = document.createElement('script'); s.src = base + 'app.js'; s.onload = () => ok('loaded'); s.onerror = bad; document.head.append(s) }),
				picture: () => new Promise((ok, bad) => { const i = new Image(); i.src = base + 'icon.svg'; i.onload = () => ok('loaded'); i.onerror = bad }),
				stream: () => new Promise((ok, bad) => { const s = new EventSource(base + 'stream'); s.addEventListener('tick', e => ok(e.data)); s.onerror = () => { s.close(); bad() } }),
				frame: () => new Promise((ok, bad) => { const f = document.createElement('iframe'); f.src = base; f.onload = () => { try { f.contentDocument.title ? ok(f.contentDocument.title) : bad() } catch { bad() } }; document.body.append(f) }),
			}
			for (const [name, run] of Object.entries(tries)) got[name] = await run().then(text => 'got ' + text, () => '')
			return got
		})()`, &got)
		if err != nil || len(got) != 10 {
			t.Fatalf("%v, %v", got, err)
		}
		for name, text := range got {
			if text != "" {
				t.Errorf("%s: %s: %.100s", origin, name, text)
			}
		}
		tab.do("document.querySelector('a').click()")
		tab.await("document.body.dataset.ready")
	}
	if sent := e.State().Queues[0].Counters.Sent; sent != before {
		t.Errorf("%d messages were sent", sent-before)
	}
}

// TestPageUnderLoad prints how the page does while 10,000 invocations a minute run, and
// asserts that it misses none of them. How fast it is is the machine's affair.
func TestPageUnderLoad(t *testing.T) {
	b := startBrowser(t) // not parallel: it measures
	s := startBookmarks(t, local.Options{Clock: clock.Real{}})
	page := b.open(t, s.URL()+"/_hearth/", 1280, 800)
	page.await("document.body.dataset.ready")
	var paint float64
	if err := page.value("performance.getEntriesByName('first-contentful-paint')[0]?.startTime", &paint); err != nil {
		t.Fatal(err)
	}

	const rate, seconds = 10_000 / 60.0, 6
	var wg sync.WaitGroup
	var failed atomic.Int32
	page.do(`window.frames_ = []; let last = performance.now(); const frame = now => { window.frames_.push(now - last); last = now; if (!window.over) requestAnimationFrame(frame) }; requestAnimationFrame(frame)`)
	client := &http.Client{Timeout: within.Limit, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	ticker := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer ticker.Stop()
	sent := 0
	for began := time.Now(); time.Since(began) < seconds*time.Second; sent++ {
		within.Receive(t, ticker.C)
		wg.Go(func() {
			resp, err := client.Get(s.HTTPURL404())
			if err != nil {
				failed.Add(1)
				return
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	page.do("window.over = true")
	var frames []float64
	if err := page.value("window.frames_.slice(5)", &frames); err != nil {
		t.Fatal(err)
	}
	if len(frames) == 0 {
		t.Fatal("the page drew nothing")
	}
	slices.Sort(frames)
	late := 0
	for _, ms := range frames {
		if ms > 25 {
			late++
		}
	}
	at := func(share float64) float64 { return frames[int(share*float64(len(frames)-1))] }
	t.Logf("first paint after %.0f ms; %d invocations in %d s; %d frames: median %.1f ms, p95 %.1f, p99 %.1f, longest %.1f; %d over 25 ms", paint, sent, seconds, len(frames), at(0.5), at(0.95), at(0.99), at(1), late)
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent)
	}
	page.await(fmt.Sprintf("document.querySelector('nav').textContent.includes('Invocations%d')", sent))
	page.clean()
}
