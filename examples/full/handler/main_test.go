package main

import (
	"context"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/connections/registry"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// fakes replaces the queue and the clients, and records the messages sent to them.
type fakes struct {
	orders []order
	pushed []string // "CONNECTION TEXT"
}

func (f *fakes) Send(_ context.Context, o order, _ ...producer.Option) error {
	f.orders = append(f.orders, o)
	return nil
}

func (f *fakes) SendAll(_ context.Context, ids []string, data []byte) (gone []string, err error) {
	for _, id := range ids {
		f.pushed = append(f.pushed, id+" "+string(data))
	}
	return nil, nil
}

func setup(t *testing.T) (*lambdatest.Backend, *fakes) {
	t.Helper()
	f := &fakes{}
	s := &service{orders: f, online: registry.NewMemory(), clients: f, store: &memoryStore{}}
	return lambdatest.New(t, s.app()), f
}

func TestPostOrder(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		status int
		sent   []order
	}{
		`{"id": "1", "item": "tea", "count": 2}`: {202, []order{{"1", "tea", 2}}},
		`{"item": "tea"}`:                        {400, nil},
		`tea`:                                    {400, nil},
	} {
		backend, f := setup(t)
		resp := backend.HTTP(httptest.NewRequest("POST", "/orders", strings.NewReader(body)))
		if resp.StatusCode != want.status || !slices.Equal(f.orders, want.sent) {
			t.Errorf("%s: %d, sent %v, want %+v", body, resp.StatusCode, f.orders, want)
		}
	}
}

// TestShip sends a batch as Lambda does. Failed messages come again, and clients get a
// message about the others.
func TestShip(t *testing.T) {
	t.Parallel()
	backend, f := setup(t)
	if status := backend.Connect("anna", httptest.NewRequest("GET", "/", nil)); status != 200 {
		t.Errorf("connect: %d", status)
	}
	failed := backend.Batch("orders",
		lambdatest.Message{ID: "good", Body: lambdatest.JSON(order{"1", "tea", 1})},
		lambdatest.Message{ID: "out of stock", Body: lambdatest.JSON(order{"2", "unicorn", 1})},
		lambdatest.Message{ID: "no order", Body: `{"item": "tea"}`},
	)
	if want := []string{"out of stock", "no order"}; !slices.Equal(failed, want) {
		t.Errorf("failed %q, want %q", failed, want)
	}
	if want := []string{"anna shipped: 1 tea"}; !slices.Equal(f.pushed, want) {
		t.Errorf("pushed %q, want %q", f.pushed, want)
	}
	// The order comes twice, and is shipped once.
	if failed := backend.Batch("orders", lambdatest.Message{ID: "again", Body: lambdatest.JSON(order{"1", "tea", 1})}); failed != nil || len(f.pushed) != 1 {
		t.Errorf("again: failed %q, pushed %q", failed, f.pushed)
	}
	resp := backend.HTTP(httptest.NewRequest("GET", "/orders", nil))
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != `[{"id":"1","item":"tea","count":1}]`+"\n" {
		t.Errorf("GET /orders: %s, %v", body, err)
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	backend, _ := setup(t)
	if reply := backend.Message("anna", "hello"); string(reply) != "you said: hello" {
		t.Errorf("got %s", reply)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	backend, _ := setup(t)
	if err := backend.Schedule("nightly", time.Date(2027, 1, 2, 3, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

// memoryStore keeps orders in memory.
type memoryStore struct{ orders []order }

func (m *memoryStore) Get(context.Context) (store, error) { return m, nil }

func (m *memoryStore) add(_ context.Context, o order) (bool, error) {
	if slices.ContainsFunc(m.orders, func(other order) bool { return other.ID == o.ID }) {
		return false, nil
	}
	m.orders = append(m.orders, o)
	return true, nil
}

func (m *memoryStore) list(context.Context) ([]order, error) { return m.orders, nil }

func (m *memoryStore) count(context.Context) (int, error) { return len(m.orders), nil }
