// Package within bounds the waits of tests: if a frame or a message never comes, the
// waiting test fails, and the run goes on.
//
//	_, data, err := conn.Read(within.Context(t))
//	event := within.Receive(t, events)
//	resp, err := within.Client.Get(url)
package within

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Limit is how long a test waits for one thing. It leaves room for a machine that
// builds and tests everything at once under the race detector.
const Limit = time.Minute

// Client is an HTTP client whose requests end after [Limit].
var Client = &http.Client{Timeout: Limit}

// Context returns the test's context, which ends after [Limit].
func Context(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Limit)
	t.Cleanup(cancel)
	return ctx
}

// Receive returns the next value of a channel, or the zero value once the channel is
// closed. It fails the test if neither comes within [Limit]. Call it from the test's
// own goroutine.
func Receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	timer := time.NewTimer(Limit)
	defer timer.Stop()
	select {
	case v := <-from:
		return v
	case <-timer.C:
		t.Fatalf("nothing came within %v", Limit)
		panic("unreachable")
	}
}

// Server is a server whose requests end with the test. The Close of httptest's own waits
// for handlers that wait, also for one of a connection that comes at the last moment.
func Server(t testing.TB, handler http.Handler) *httptest.Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	srv.Start()
	t.Cleanup(func() {
		cancel()
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv
}
