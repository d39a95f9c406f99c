package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/lambdahearth/hearth/local"
)

// defaultSQSAddr is the usual address of SQS simulators.
const defaultSQSAddr = "127.0.0.1:9324"

func newSQS() *cobra.Command {
	var addr string
	var queues []local.SQSQueue
	cmd := &cobra.Command{
		Use:   "sqs",
		Short: "Run the SQS simulator alone",
		Long: `Run the SQS simulator alone, for programs that set AWS_ENDPOINT_URL_SQS. Programs can
create more queues.`,
		Example: `  hearth sqs --queue jobs --queue ledger.fifo`,
		Args:    arguments(0, 0, "no arguments but queues named with --queue"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSQS(cmd.Context(), local.SQSOptions{Addr: addr, Queues: queues}, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&addr, "addr", defaultSQSAddr, "the loopback address to listen on, `HOST:PORT`")
	cmd.Flags().Func("queue", "a queue to create, `NAME` or NAME.fifo; may be repeated", func(name string) error {
		queues = append(queues, local.SQSQueue{Name: name})
		return nil
	})
	return cmd
}

// runSQS runs the SQS simulator until ctx ends.
func runSQS(ctx context.Context, opts local.SQSOptions, stdout io.Writer) error {
	simulator, err := local.StartSQS(ctx, opts)
	if err != nil {
		return err
	}
	defer simulator.Stop()
	fmt.Fprintf(stdout, "SQS simulator on %s; stop it with Ctrl-C\n\n", simulator.URL())
	fmt.Fprintf(stdout, "  export AWS_ENDPOINT_URL_SQS=%s AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n", simulator.URL())
	for i, q := range opts.Queues {
		if i == 0 {
			fmt.Fprintln(stdout)
		}
		fmt.Fprintf(stdout, "  %s\n", simulator.QueueURL(q.Name))
	}
	<-ctx.Done()
	return nil
}
