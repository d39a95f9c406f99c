package local_test

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/local"
)

// BenchmarkHTTP measures warm requests through the gateway to a real instance and
// back: one after the other (p50-ms, p99-ms), and from four clients at once
// (requests/s).
//
//	go test ./local -run '^$' -bench BenchmarkHTTP -benchtime 3s
func BenchmarkHTTP(b *testing.B) {
	bench := startBookmarks(b, local.Options{})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	get := func() {
		resp, err := client.Get(bench.HTTPURL404())
		if err != nil {
			b.Error(err)
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			b.Errorf("status %d", resp.StatusCode)
		}
	}
	for range 200 {
		get()
	}
	b.Run("one", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			start := time.Now()
			get()
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
	})
	b.Run("four", func(b *testing.B) {
		var wg sync.WaitGroup
		start := time.Now()
		for range 4 {
			wg.Go(func() {
				for range b.N {
					get()
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(4*b.N)/time.Since(start).Seconds(), "requests/s")
	})
	c := bench.State().Functions[0].Counters
	if c.Errors != 0 || c.Throttles != 0 {
		b.Errorf("counters: %+v", c)
	}
}

// HTTPURL404 is a path that the example answers without its database.
func (b *bench) HTTPURL404() string { return b.URL() + "/none" }
