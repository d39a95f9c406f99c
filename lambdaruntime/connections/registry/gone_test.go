package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestADisconnectDuringConnect interleaves the calls of both for one connection.
func TestADisconnectDuringConnect(t *testing.T) {
	s, d := setup(t)
	if _, _, err := d.connect(); err != nil {
		t.Fatal(err)
	}
	plain := d.client
	inBetween := 0
	for seed := range uint64(100) {
		s.mu.Lock()
		clear(s.items)
		s.mu.Unlock()
		d.client = &gate{client: plain, arrived: make(chan *turn)}
		var first, last bool
		var user string
		ops := []func(context.Context){
			func(ctx context.Context) {
				var err error
				if first, err = d.Connect(ctx, "a=", "ana", time.Now()); err != nil {
					t.Error(err)
				}
			},
			func(ctx context.Context) {
				var err error
				if user, last, err = d.Disconnect(ctx, "a="); err != nil {
					t.Error(err)
				}
			},
		}
		d.client.(*gate).run(rand.New(rand.NewPCG(seed, 0)), ops, func(int) {})
		d.client = plain
		online, err := d.Online(t.Context(), "ana")
		switch {
		case err != nil:
			t.Fatal(err)
		case user == "": // Disconnect came first, and did not know the connection
			if !first || len(online) != 1 {
				t.Errorf("seed %d: got first %t and %q online", seed, first, online)
			}
		case len(online) > 0 || s.connected("ana") > 0 || first && !last:
			t.Errorf("seed %d: got first %t, last %t, %q online, %d connections; want nobody", seed, first, last, online, s.connected("ana"))
		default:
			inBetween++
		}
	}
	if inBetween == 0 {
		t.Error("no Disconnect came in between")
	}
}

// TestBroadcastForgets has items after a crash, in each possible state.
func TestBroadcastForgets(t *testing.T) {
	for name, tc := range map[string]struct {
		cut     string // the missing part
		offline bool
	}{
		"both items":            {"", true},
		"the user's item alone": {"connection#a= connection", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, d := setup(t)
			if _, err := d.Connect(t.Context(), "a=", "ana", time.Now()); err != nil {
				t.Fatal(err)
			}
			delete(s.items, tc.cut)
			for _, want := range []bool{tc.offline, false} {
				offline, err := Broadcast(t.Context(), d, &sender{gone: []string{"a="}}, nil, "ana")
				if err != nil || (len(offline) == 1) != want {
					t.Errorf("got %q offline, %v; want %t", offline, err, want)
				}
			}
			if online, err := d.Online(t.Context(), "ana"); err != nil || len(online) > 0 || s.connected("ana") > 0 || len(s.items) > 1 {
				t.Errorf("got %q online, %v, and %d items", online, err, len(s.items))
			}
		})
	}
}

func TestForgetIsRepeatable(t *testing.T) {
	s, d := setup(t)
	if _, err := d.Connect(t.Context(), "a=", "ana", time.Now()); err != nil {
		t.Fatal(err)
	}
	s.fail = func(op string) string {
		if op == "DeleteItem" {
			return "AccessDeniedException"
		}
		return ""
	}
	if _, err := d.Forget(t.Context(), "a=", "ana"); err == nil || !strings.HasPrefix(err.Error(), `registry: forget "a=": operation error DynamoDB: DeleteItem`) {
		t.Errorf("got error %v", err)
	}
	s.fail = nil
	for _, want := range []bool{true, false} {
		if last, err := d.Forget(t.Context(), "a=", "ana"); err != nil || last != want {
			t.Errorf("got %t, %v; want %t", last, err, want)
		}
	}
}

func TestBroadcastErrorIsShort(t *testing.T) {
	s, d := setup(t)
	s.fail = func(string) string { return "AccessDeniedException" }
	var users []string
	for i := range 300 {
		users = append(users, fmt.Sprint("user", i))
	}
	_, err := Broadcast(t.Context(), d, &sender{}, nil, users...)
	if err == nil || strings.Count(err.Error(), "\n") != 3 || !strings.HasPrefix(err.Error(), "300 calls failed, the first 3:\n") {
		t.Errorf("got error %v", err)
	}
	if _, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); !ok {
		t.Error("DynamoDB's own error is not found")
	}
}
