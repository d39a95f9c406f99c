package idempotency_test

import (
	"context"
	"fmt"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/idempotency"
	"github.com/lambdahearth/hearth/lambdaruntime/lambdatest"
)

// A deployed program has dynamostore.New() or pgstore.New(db.Get) here.
var store = idempotency.NewMemory(nil)

// deliver sends an event to a program as Lambda does, and prints the response.
func deliver(app *lambdaruntime.App, event []byte) {
	handler, err := lambdaruntime.NewHandler(app)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := handler.Invoke(context.Background(), event)
	fmt.Println(string(response), err)
}

func ExampleDo() {
	once := idempotency.New("invoice", store, idempotency.Options{})
	number := 0
	for range 2 {
		invoice, err := idempotency.Do(context.Background(), once, "order 7", func(context.Context) (int, error) {
			number++
			return number, nil
		})
		fmt.Println(invoice, err)
	}
	// Output:
	// 1 <nil>
	// 1 <nil>
}

func ExampleJob() {
	type Charge struct {
		OrderID string
		Cents   int
	}
	once := idempotency.New("charge", store, idempotency.Options{})
	charges := lambdaruntime.Queue[Charge]{Name: "charges", FIFO: true}
	orderID := func(job *lambdaruntime.Job[Charge]) string { return job.Payload.OrderID }
	charge := func(_ context.Context, job *lambdaruntime.Job[Charge]) error {
		fmt.Println("charged", job.Payload.Cents, "cents for", job.Payload.OrderID)
		return nil
	}
	app := &lambdaruntime.App{Queues: []lambdaruntime.Consumer{charges.Consume(idempotency.Job(once, orderID, charge))}}

	body := lambdatest.JSON(Charge{OrderID: "order 7", Cents: 500})
	deliver(app, lambdatest.SQS("charges.fifo",
		lambdatest.Message{ID: "m1", Body: body, GroupID: "ana"},
		lambdatest.Message{ID: "m1", Body: body, GroupID: "ana"}, // delivered again
		lambdatest.Message{ID: "m2", Body: body, GroupID: "ana"}, // sent again
	))
	// Output:
	// charged 500 cents for order 7
	// {"batchItemFailures":[]} <nil>
}
