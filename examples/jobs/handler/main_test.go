package main

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

// sent is a queue that records the sent orders.
type sent struct{ orders []order }

func (s *sent) Send(_ context.Context, o order, _ ...producer.Option) error {
	s.orders = append(s.orders, o)
	return nil
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
		queue := &sent{}
		backend := lambdatest.New(t, (&service{orders: queue}).app())
		resp := backend.HTTP(httptest.NewRequest("POST", "/orders", strings.NewReader(body)))
		if resp.StatusCode != want.status || !slices.Equal(queue.orders, want.sent) {
			t.Errorf("%s: %d, sent %v, want %+v", body, resp.StatusCode, queue.orders, want)
		}
	}
}

// TestShip sends a batch as Lambda does: failed messages come again.
func TestShip(t *testing.T) {
	t.Parallel()
	backend := lambdatest.New(t, (&service{}).app())
	failed := backend.Batch("orders",
		lambdatest.Message{ID: "good", Body: lambdatest.JSON(order{"tea", 1})},
		lambdatest.Message{ID: "out of stock", Body: lambdatest.JSON(order{"unicorn", 1})},
		lambdatest.Message{ID: "no order", Body: `{"item": "tea"}`},
	)
	if want := []string{"out of stock", "no order"}; !slices.Equal(failed, want) {
		t.Errorf("failed %q, want %q", failed, want)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	backend := lambdatest.New(t, (&service{}).app())
	if err := backend.Schedule("nightly", time.Date(2027, 1, 2, 3, 0, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}
