package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// TestRegistry checks both implementations against the same promises.
func TestRegistry(t *testing.T) {
	both := func(t *testing.T, promise func(t *testing.T, r Registry, clock *time.Time)) {
		t.Run("Memory", func(t *testing.T) {
			clock := noon
			m := NewMemory()
			m.now = func() time.Time { return clock }
			promise(t, m, &clock)
		})
		t.Run("DynamoDB", func(t *testing.T) {
			clock := noon
			_, d := setup(t)
			d.now = func() time.Time { return clock }
			promise(t, d, &clock)
		})
	}
	connect := func(t *testing.T, r Registry, id, user string, now time.Time, first bool) {
		t.Helper()
		if got, err := r.Connect(t.Context(), id, user, now); err != nil || got != first {
			t.Errorf("connect %s: got %t, %v; want %t", id, got, err, first)
		}
	}
	disconnect := func(t *testing.T, r Registry, id, user string, last bool) {
		t.Helper()
		if gotUser, got, err := r.Disconnect(t.Context(), id); err != nil || gotUser != user || got != last {
			t.Errorf("disconnect %s: got %q, %t, %v; want %q, %t", id, gotUser, got, err, user, last)
		}
	}
	connections := func(t *testing.T, r Registry, user string, want ...string) {
		t.Helper()
		got, err := r.Connections(t.Context(), user)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("connections of %s: got %q, %v; want %q", user, got, err, want)
		}
	}
	online := func(t *testing.T, r Registry, want ...string) {
		t.Helper()
		got, err := r.Online(t.Context(), "ben", "ana", "nobody", "ben")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("online: got %q, %v; want %q", got, err, want)
		}
	}

	t.Run("presence", func(t *testing.T) {
		both(t, func(t *testing.T, r Registry, _ *time.Time) {
			online(t, r)
			connect(t, r, "z=", "ana", noon, true)
			connect(t, r, "a=", "ana", noon.Add(time.Second), false)
			connect(t, r, "b=", "ben", noon, true)
			connections(t, r, "ana", "z=", "a=")
			online(t, r, "ben", "ana")
			disconnect(t, r, "z=", "ana", false)
			disconnect(t, r, "b=", "ben", true)
			online(t, r, "ana")
			disconnect(t, r, "a=", "ana", true)
			connections(t, r, "ana")
			online(t, r)
			connect(t, r, "c=", "ana", noon, true)
			online(t, r, "ana")
		})
	})
	t.Run("repetition", func(t *testing.T) {
		both(t, func(t *testing.T, r Registry, _ *time.Time) {
			connect(t, r, "a=", "ana", noon, true)
			connect(t, r, "a=", "ana", noon, true)
			connections(t, r, "ana", "a=")
			connect(t, r, "b=", "ana", noon.Add(time.Second), false)
			connect(t, r, "a=", "ana", noon, false) // ana is online by now
			connections(t, r, "ana", "a=", "b=")
			disconnect(t, r, "b=", "ana", false)
			disconnect(t, r, "a=", "ana", true)
			disconnect(t, r, "a=", "", false)
			disconnect(t, r, "unknown=", "", false)
		})
	})
	t.Run("connections are forgotten", func(t *testing.T) {
		both(t, func(t *testing.T, r Registry, clock *time.Time) {
			connect(t, r, "a=", "ana", noon, true)
			*clock = noon.Add(2 * time.Hour) // API Gateway's own limit
			connections(t, r, "ana", "a=")
			*clock = noon.Add(lifetime)
			connections(t, r, "ana")
			online(t, r)
			connect(t, r, "b=", "ana", *clock, true)
			connections(t, r, "ana", "b=")
			disconnect(t, r, "b=", "ana", true)
		})
	})
	t.Run("a forgotten connection keeps nobody online", func(t *testing.T) {
		both(t, func(t *testing.T, r Registry, clock *time.Time) {
			connect(t, r, "a=", "ana", noon, true)
			connect(t, r, "b=", "ana", noon.Add(time.Hour), false)
			*clock = noon.Add(lifetime)
			disconnect(t, r, "b=", "ana", true)
		})
	})
	t.Run("one user", func(t *testing.T) {
		both(t, func(t *testing.T, r Registry, _ *time.Time) {
			connect(t, r, "a=", "ana", noon, true)
			_, err := r.Connect(t.Context(), "a=", "ben", noon)
			if want := `registry: connect "a=": a connection must have one user, got another one than before; call Disconnect first`; err == nil || err.Error() != want {
				t.Errorf("got error %v, want %s", err, want)
			}
			online(t, r, "ana")
		})
	})
	t.Run("empty ids", func(t *testing.T) {
		both(t, func(t *testing.T, r Registry, _ *time.Time) {
			_, err1 := r.Connect(t.Context(), "", "ana", noon)
			_, err2 := r.Connect(t.Context(), "a=", "", noon)
			_, _, err3 := r.Disconnect(t.Context(), "")
			got := fmt.Sprint(err1, "\n", err2, "\n", err3)
			want := "registry: connect: the connection id must not be empty\n" +
				"registry: connect \"a=\": the user must not be empty; leave connections without a user out\n" +
				"registry: disconnect: the connection id must not be empty"
			if got != want {
				t.Errorf("got errors\n%s\nwant\n%s", got, want)
			}
		})
	})
}

func TestSchema(t *testing.T) {
	s, d := setup(t)
	d.now = func() time.Time { return noon }
	if _, err := d.Connect(t.Context(), "a=", "ana", noon); err != nil {
		t.Fatal(err)
	}
	expiry := fmt.Sprint(noon.Unix() + 7800)
	want := map[string]map[string]attr{
		"connection#a= connection": {"PK": {"S": "connection#a="}, "SK": {"S": "connection"}, "userId": {"S": "ana"}, "expiresAt": {"N": expiry}},
		"user#ana user": {"PK": {"S": "user#ana"}, "SK": {"S": "user"}, "expiresAt": {"N": expiry},
			"connections": {"M": map[string]any{"a=": map[string]any{"N": expiry}}}},
	}
	if diff := cmp.Diff(want, s.items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	// The missed end of a= is cleaned up by the next Connect.
	if _, err := d.Connect(t.Context(), "b=", "ana", noon.Add(lifetime)); err != nil {
		t.Fatal(err)
	}
	if n := s.connected("ana"); n != 1 {
		t.Errorf("got %d connections in the item, want 1", n)
	}
}

func TestLostAnswersAreRepeated(t *testing.T) {
	for _, op := range []string{"PutItem", "UpdateItem", "DeleteItem"} {
		t.Run(op, func(t *testing.T) {
			s, d := setup(t)
			if _, _, err := d.connect(); err != nil {
				t.Fatal(err)
			}
			d.client = dynamodb.New(d.client.(*dynamodb.Client).Options(), func(o *dynamodb.Options) {
				o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
					o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
				})
			})
			lost := map[string]bool{}
			phase := "connect"
			s.lose = func(got string) bool {
				if got != op || lost[phase] {
					return false
				}
				lost[phase] = true
				return true
			}
			now := time.Now()
			if first, err := d.Connect(t.Context(), "a=", "ana", now); err != nil || !first {
				t.Errorf("connect: got %t, %v; want true", first, err)
			}
			phase = "disconnect"
			if user, last, err := d.Disconnect(t.Context(), "a="); err != nil || user != "ana" || !last {
				t.Errorf("disconnect: got %q, %t, %v; want ana, true", user, last, err)
			}
		})
	}
}

func TestADisconnectThatWasCutOffCanBeRepeated(t *testing.T) {
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
	if _, _, err := d.Disconnect(t.Context(), "a="); err == nil || !strings.HasPrefix(err.Error(), `registry: disconnect "a=": operation error DynamoDB: DeleteItem`) {
		t.Errorf("got error %v", err)
	}
	s.fail = nil
	if user, last, err := d.Disconnect(t.Context(), "a="); err != nil || user != "ana" || !last {
		t.Errorf("got %q, %t, %v; want ana, true", user, last, err)
	}
}

func TestOnlineInBatches(t *testing.T) {
	s, d := setup(t)
	var users []string
	for i := range 250 {
		user := fmt.Sprint("user", i)
		users = append(users, user)
		if _, err := d.Connect(t.Context(), fmt.Sprintf("c%d=", i), user, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.Online(t.Context(), users...)
	if err != nil || !slices.Equal(got, users) {
		t.Errorf("got %d users, %v; want %d", len(got), err, len(users))
	}
	if s.calls["BatchGetItem"] != 3 {
		t.Errorf("got %d calls, want 3", s.calls["BatchGetItem"])
	}
	s.batch = 30 // DynamoDB leaves keys out when their items are too much
	got, err = d.Online(t.Context(), users...)
	if err != nil || !slices.Equal(got, users) {
		t.Errorf("got %d users, %v; want %d", len(got), err, len(users))
	}
	if _, err := d.Online(t.Context()); err != nil {
		t.Errorf("nobody: %v", err)
	}
}

func TestConfigurationErrors(t *testing.T) {
	for env, want := range map[string]string{
		"HEARTH_CONNECTIONS_TABLE": `registry: HEARTH_CONNECTIONS_TABLE must hold the table's name, got nothing; hearth.ConnectionRegistry creates the table and sets it`,
		"AWS_REGION":               `registry: AWS_REGION must be set; Lambda sets it, elsewhere set it yourself`,
	} {
		t.Run(env, func(t *testing.T) {
			_, d := setup(t)
			t.Setenv("AWS_DEFAULT_REGION", "")
			t.Setenv(env, "")
			if _, err := d.Connections(t.Context(), "ana"); err == nil || err.Error() != want {
				t.Errorf("got error\n%v\nwant\n%s", err, want)
			}
		})
	}
}

// gate is a client that makes one call at a time, in an order that a seed decides: each
// call waits for its turn.
type gate struct {
	client
	arrived chan *turn
}

type turn struct {
	op      int
	call    bool // else the operation has ended
	proceed chan struct{}
}

type opKey struct{}

func (g *gate) wait(ctx context.Context) {
	turn := &turn{op: ctx.Value(opKey{}).(int), call: true, proceed: make(chan struct{})}
	g.arrived <- turn
	<-turn.proceed
}

func (g *gate) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	g.wait(ctx)
	return g.client.GetItem(ctx, in)
}

func (g *gate) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	g.wait(ctx)
	return g.client.PutItem(ctx, in)
}

func (g *gate) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	g.wait(ctx)
	return g.client.UpdateItem(ctx, in)
}

func (g *gate) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	g.wait(ctx)
	return g.client.DeleteItem(ctx, in)
}

// run runs operations at once and interleaves their calls in r's order. It calls after
// for each call that has been made, with its operation.
func (g *gate) run(r *rand.Rand, ops []func(ctx context.Context), after func(op int)) {
	for i, op := range ops {
		go func() {
			op(context.WithValue(context.Background(), opKey{}, i))
			g.arrived <- &turn{op: i}
		}()
	}
	waiting := make([]*turn, len(ops))
	for running, moving := len(ops), len(ops); running > 0; {
		for ; moving > 0; moving-- { // until each waits or has ended
			t := <-g.arrived
			after(t.op)
			if waiting[t.op] = t; !t.call {
				waiting[t.op] = nil
				running--
			}
		}
		var ready []*turn
		for _, t := range waiting {
			if t != nil {
				ready = append(ready, t)
			}
		}
		if len(ready) > 0 {
			t := ready[r.IntN(len(ready))]
			waiting[t.op] = nil
			moving = 1
			close(t.proceed)
		}
	}
}

// TestPresenceUnderConcurrency interleaves the calls of one user's Connects and
// Disconnects at random. Exactly those that change the presence report a change.
func TestPresenceUnderConcurrency(t *testing.T) {
	s, d := setup(t)
	if _, _, err := d.connect(); err != nil {
		t.Fatal(err)
	}
	plain := d.client
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		s.mu.Lock()
		clear(s.items)
		s.mu.Unlock()
		d.client = plain
		before := r.IntN(3)
		for i := range before {
			if _, err := d.Connect(t.Context(), fmt.Sprintf("old%d=", i), "ana", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		const n = 5
		type outcome struct {
			leaves, twice     bool
			changed, reported bool
			emptied           bool // the user had no connection after one of its calls
		}
		outcomes := make([]outcome, n)
		gone := map[string]bool{}
		var ops []func(context.Context)
		for i := range n {
			o := &outcomes[i]
			if o.leaves = before > 0 && r.IntN(2) == 0; o.leaves {
				id := fmt.Sprintf("old%d=", r.IntN(before))
				o.twice = gone[id]
				gone[id] = true
				ops = append(ops, func(ctx context.Context) {
					_, last, err := d.Disconnect(ctx, id)
					if err != nil {
						t.Error(err)
					}
					o.reported = last
				})
				continue
			}
			ops = append(ops, func(ctx context.Context) {
				first, err := d.Connect(ctx, fmt.Sprintf("new%d=", i), "ana", time.Now())
				if err != nil {
					t.Error(err)
				}
				o.reported = first
			})
		}
		count, started := before, make([]bool, n)
		d.client = &gate{client: plain, arrived: make(chan *turn)}
		d.client.(*gate).run(r, ops, func(op int) {
			now := s.connected("ana")
			o := &outcomes[op]
			if (count == 0) != (now == 0) {
				o.changed = true
			}
			if started[op] {
				o.emptied = o.emptied || now == 0
			}
			started[op] = true
			count = now
		})
		repeated := len(gone) < len(slices.DeleteFunc(slices.Clone(outcomes), func(o outcome) bool { return !o.leaves }))
		for i, o := range outcomes {
			switch {
			case o.reported && o.leaves && !o.emptied:
				t.Errorf("seed %d: operation %d says that the user went offline, who was online", seed, i)
			case o.changed && !o.reported:
				t.Errorf("seed %d: operation %d changed the presence and does not say so", seed, i)
			case o.reported && !o.changed && !(o.leaves && repeated):
				t.Errorf("seed %d: operation %d says that the presence changed, which did not", seed, i)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// TestMemoryUnderConcurrency is the same for goroutines in any order.
func TestMemoryUnderConcurrency(t *testing.T) {
	t.Parallel()
	m := NewMemory()
	var mu sync.Mutex
	balance := 0
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				id := fmt.Sprint(i, ".", j)
				first, err := m.Connect(t.Context(), id, "ana", time.Now())
				if err != nil {
					t.Error(err)
				}
				_, last, err := m.Disconnect(t.Context(), id)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if first {
					balance++
				}
				if last {
					balance--
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if balance != 0 {
		t.Errorf("%+d times online more than offline, want 0", balance)
	}
	if online, err := m.Online(t.Context(), "ana"); err != nil || len(online) > 0 {
		t.Errorf("got %q, %v; want nobody", online, err)
	}
}

// sender is a Sender for which some connections have ended.
type sender struct {
	sent []string
	gone []string
	err  error
}

func (s *sender) SendAll(_ context.Context, ids []string, data []byte) ([]string, error) {
	for _, id := range ids {
		s.sent = append(s.sent, id+string(data))
	}
	return s.gone, s.err
}

func TestBroadcast(t *testing.T) {
	t.Parallel()
	m := NewMemory()
	for id, user := range map[string]string{"a1=": "ana", "b1=": "ben", "c1=": "cleo", "c2=": "cleo"} {
		if _, err := m.Connect(t.Context(), id, user, time.Now().Add(time.Duration(id[1])*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	busy := errors.New("busy")
	s := &sender{gone: []string{"b1=", "c1="}, err: busy}
	offline, err := Broadcast(t.Context(), m, s, []byte("!"), "cleo", "ben", "nobody", "cleo")
	if !errors.Is(err, busy) {
		t.Errorf("got error %v, want %v", err, busy)
	}
	if diff := cmp.Diff([]string{"c1=!", "c2=!", "b1=!"}, s.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ben"}, offline); diff != "" {
		t.Errorf("offline (-want +got):\n%s", diff)
	}
	if online, err := m.Online(t.Context(), "ana", "ben", "cleo"); err != nil || !slices.Equal(online, []string{"ana", "cleo"}) {
		t.Errorf("online: got %q, %v", online, err)
	}
	s = &sender{}
	if offline, err := Broadcast(t.Context(), m, s, nil, "nobody"); err != nil || offline != nil || s.sent != nil {
		t.Errorf("to nobody: got %q, %v and sent %q", offline, err, s.sent)
	}
}

func TestNamed(t *testing.T) {
	t.Setenv("HEARTH_CONNECTIONS_TABLE", "presence")
	t.Setenv("HEARTH_CONNECTIONS_TABLE_ADMIN", "presence-admin")
	t.Setenv("AWS_REGION", "eu-central-1")
	for name, want := range map[string]string{"": "presence", "admin": "presence-admin"} {
		if _, table, err := Named(name).connect(); err != nil || *table != want {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, _, err := Named("other").connect(); err == nil || !strings.HasPrefix(err.Error(), "registry: HEARTH_CONNECTIONS_TABLE_OTHER must hold the table's name") {
		t.Errorf("got %v", err)
	}
}
