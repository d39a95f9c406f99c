package main

import (
	"context"
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
	s := &service{orders: f, online: registry.NewMemory(), clients: f}
	return lambdatest.New(t, s.app()), f
}

func TestPostOrder(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		status int
		sent   []order
	}{
		`{"item": "tea", "count": 2}`: {202, []order{{"tea", 2}}},
		`{"item": "tea"}`:             {400, nil},
		`tea`:                         {400, nil},
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
		lambdatest.Message{ID: "good", Body: lambdatest.JSON(order{"tea", 1})},
		lambdatest.Message{ID: "out of stock", Body: lambdatest.JSON(order{"unicorn", 1})},
		lambdatest.Message{ID: "no order", Body: `{"item": "tea"}`},
	)
	if want := []string{"out of stock", "no order"}; !slices.Equal(failed, want) {
		t.Errorf("failed %q, want %q", failed, want)
	}
	if want := []string{"anna shipped: 1 tea"}; !slices.Equal(f.pushed, want) {
		t.Errorf("pushed %q, want %q", f.pushed, want)
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
