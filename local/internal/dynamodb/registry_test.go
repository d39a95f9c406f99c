package dynamodb_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/internal/wire"
	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
)

// setupRegistry is a registry on a bench, whose clock stands at the machine's time.
func setupRegistry(t *testing.T) (*bench, *registry.DynamoDB) {
	t.Helper()
	b := setupAt(t, time.Now())
	for name, value := range map[string]string{
		wire.EnvConnectionsTable: "presence", "AWS_ENDPOINT_URL_DYNAMODB": b.url, "AWS_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
	} {
		t.Setenv(name, value)
	}
	return b, registry.New()
}

// TestRegistry goes through all that the registry does to its table.
func TestRegistry(t *testing.T) { //nolint:paralleltest // it sets the environment
	b, r := setupRegistry(t)
	ctx, now := t.Context(), time.Now()
	connect := func(id, user string, at time.Time, first bool) {
		t.Helper()
		if got, err := r.Connect(ctx, id, user, at); err != nil || got != first {
			t.Errorf("connect %s: got %t, %v; want %t", id, got, err, first)
		}
	}
	disconnect := func(id, user string, last bool) {
		t.Helper()
		if gotUser, got, err := r.Disconnect(ctx, id); err != nil || gotUser != user || got != last {
			t.Errorf("disconnect %s: got %q, %t, %v; want %q, %t", id, gotUser, got, err, user, last)
		}
	}
	connect("a=", "ana", now, true)
	connect("a=", "ana", now, true) // a repetition
	connect("b.c#=", "ana", now.Add(time.Second), false)
	connect("c=", "ben", now, true)
	if _, err := r.Connect(ctx, "a=", "ben", now); err == nil {
		t.Error("a connection has two users")
	}
	if got, err := r.Connections(ctx, "ana"); err != nil || !slices.Equal(got, []string{"a=", "b.c#="}) {
		t.Errorf("connections: %q, %v", got, err)
	}
	users := []string{"ben", "nobody", "ana"}
	for i := range 150 { // more than one batch
		users = append(users, fmt.Sprint("u", i))
		connect(fmt.Sprint("u", i, "="), users[len(users)-1], now, true)
	}
	if got, err := r.Online(ctx, users...); err != nil || len(got) != 152 || got[0] != "ben" || got[1] != "ana" {
		t.Errorf("online: %d users, %v", len(got), err)
	}
	disconnect("a=", "ana", false)
	disconnect("a=", "", false)
	disconnect("b.c#=", "ana", true)
	if got, err := r.Online(ctx, "ana", "ben"); err != nil || !slices.Equal(got, []string{"ben"}) {
		t.Errorf("online: %q, %v", got, err)
	}
	// The end of old= is missed: the next connection takes it out of the map.
	connect("old=", "cleo", now.Add(-3*time.Hour), true)
	connect("new=", "cleo", now, true)
	if got, err := r.Connections(ctx, "cleo"); err != nil || !slices.Equal(got, []string{"new="}) {
		t.Errorf("connections: %q, %v", got, err)
	}
	b.clock.Advance(4 * time.Hour) // every item has expired
	if n := b.service.Counters("presence").Items; n != 0 {
		t.Errorf("%d items are left", n)
	}
}

// TestRegistryUnderConcurrency connects and disconnects one user from many
// goroutines: one of them reports each change of presence.
func TestRegistryUnderConcurrency(t *testing.T) { //nolint:paralleltest // it sets the environment
	b, r := setupRegistry(t)
	const n, rounds = 24, 8
	for round := range rounds {
		var first, last atomic.Int32
		each := func(do func(id string) (bool, error), count *atomic.Int32) {
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					changed, err := do(fmt.Sprint(round, ".", i))
					if err != nil {
						t.Error(err)
					}
					if changed {
						count.Add(1)
					}
				})
			}
			wg.Wait()
		}
		each(func(id string) (bool, error) { return r.Connect(t.Context(), id, "ana", time.Now()) }, &first)
		if got, err := r.Connections(t.Context(), "ana"); err != nil || len(got) != n {
			t.Errorf("%d connections, %v; want %d", len(got), err, n)
		}
		each(func(id string) (bool, error) {
			_, changed, err := r.Disconnect(t.Context(), id)
			return changed, err
		}, &last)
		if first.Load() != 1 || last.Load() != 1 {
			t.Fatalf("round %d: %d came online and %d went offline, want 1 each", round, first.Load(), last.Load())
		}
	}
	// Comings and goings at once: they balance.
	var balance atomic.Int32
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			for j := range rounds {
				id := fmt.Sprint(i, "-", j)
				came, err := r.Connect(t.Context(), id, "ana", time.Now())
				if err != nil {
					t.Error(err)
				}
				_, went, err := r.Disconnect(t.Context(), id)
				if err != nil {
					t.Error(err)
				}
				if came {
					balance.Add(1)
				}
				if went {
					balance.Add(-1)
				}
			}
		})
	}
	wg.Wait()
	if balance.Load() != 0 {
		t.Errorf("%+d times online more than offline", balance.Load())
	}
	if got := b.service.Counters("presence"); got.Items != 1 { // the user's, with no connections
		t.Errorf("counters %+v", got)
	}
}
