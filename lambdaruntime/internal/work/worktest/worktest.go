// Package worktest has what the tests of packages share that hand things out to
// handlers.
package worktest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime"
)

// Abandoned holds that what handlers of each kind have taken is free again for use
// once their work has timed out, although they never return it, and although they
// asked for it with a context of their own, which ends long before the work does.
func Abandoned(t *testing.T, take func(ctx context.Context) (giveBack func(), err error), use func(ctx context.Context) error) {
	t.Helper()
	abandoned, holding := make(chan struct{}), make(chan struct{}, 1)
	var held sync.WaitGroup
	defer held.Wait()
	defer close(abandoned)
	hold := func(ctx context.Context) error {
		held.Add(1)
		defer held.Done()
		short, cancel := context.WithTimeout(ctx, time.Minute)
		giveBack, err := take(short)
		cancel()
		if err != nil {
			return err
		}
		defer giveBack()
		holding <- struct{}{}
		<-abandoned
		return nil
	}
	job := func(ctx context.Context, _ *lambdaruntime.Job[string]) error { return hold(ctx) }
	h, err := lambdaruntime.NewHandler(&lambdaruntime.App{
		RequestTimeout: 500 * time.Millisecond,
		HTTP:           http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _ = hold(r.Context()) }),
		Queues: []lambdaruntime.Consumer{
			lambdaruntime.Queue[string]{Name: "jobs", Timeout: 200 * time.Millisecond}.Consume(job),
			lambdaruntime.Queue[string]{Name: "ledger", FIFO: true, Timeout: 200 * time.Millisecond}.Consume(job),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const (
		request = `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"POST"}}}`
		batch   = `{"Records":[{"messageId":"m","body":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:%s"}]}`
	)
	for name, event := range map[string]string{
		"request": request, "job": fmt.Sprintf(batch, "jobs"), "FIFO job": fmt.Sprintf(batch, "ledger.fifo"),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		for held := false; !held; { // on a busy machine it may come too late
			if ctx.Err() != nil {
				t.Fatalf("nothing is free for a %s within 20 s", name)
			}
			if _, err := h.Invoke(ctx, []byte(event)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-holding:
				held = true
			default:
			}
		}
		if err := use(ctx); err != nil {
			t.Fatalf("after an abandoned %s: %v", name, err)
		}
	}
}
