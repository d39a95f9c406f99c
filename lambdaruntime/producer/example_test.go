package producer_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/lambdahearth/hearth/lambdaruntime"
	"github.com/lambdahearth/hearth/lambdaruntime/producer"
)

type entry struct {
	Account string
	Cents   int
}

var (
	ledger = lambdaruntime.Queue[entry]{Name: "ledger", FIFO: true}
	post   = producer.New(ledger)
)

func Example() {
	err := post.Send(context.Background(), entry{"a-1", 100}, producer.WithGroup("a-1"))
	fmt.Println(err)
	// Output: producer: queue "ledger": HEARTH_QUEUES must hold the queue's URL, got none of this name; hearth.Backend sets it for the queues it creates and hearth.Queue.ConnectSend for any other
}

func ExampleProducer_SendMany() {
	var messages []producer.Message[entry]
	for _, e := range []entry{{"a-1", 100}, {"a-2", -100}} {
		messages = append(messages, producer.NewMessage(e, producer.WithGroup(e.Account)))
	}
	err := post.SendMany(context.Background(), messages...)
	var failed *producer.SendError
	if errors.As(err, &failed) {
		for _, f := range failed.Failed {
			fmt.Println(messages[f.Index].Payload, f.Err)
		}
	}
}
