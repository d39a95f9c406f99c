package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/lambdahearth/hearth/local"
)

// defaultSQSAddr is the address that SQS simulators commonly have.
const defaultSQSAddr = "127.0.0.1:9324"

// sqsCommand runs the SQS simulator alone until ctx ends.
func sqsCommand(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("sqs", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	addr := flags.String("addr", defaultSQSAddr, "the loopback address to listen on")
	var queues []local.SQSQueue
	flags.Func("queue", "a queue to create, NAME or NAME.fifo", func(name string) error {
		queues = append(queues, local.SQSQueue{Name: name})
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("sqs: %w; see hearth sqs --help", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("sqs takes no arguments, got %q; name queues with --queue; see hearth sqs --help", flags.Arg(0))
	}
	simulator, err := local.StartSQS(ctx, local.SQSOptions{Addr: *addr, Queues: queues})
	if err != nil {
		return err
	}
	defer simulator.Stop()
	fmt.Fprintf(stdout, "SQS simulator on %s; stop it with Ctrl-C\n\n", simulator.URL())
	fmt.Fprintf(stdout, "  export AWS_ENDPOINT_URL_SQS=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n", simulator.URL())
	for i, q := range queues {
		if i == 0 {
			fmt.Fprintln(stdout)
		}
		fmt.Fprintf(stdout, "  %s\n", simulator.QueueURL(q.Name))
	}
	<-ctx.Done()
	return nil
}
