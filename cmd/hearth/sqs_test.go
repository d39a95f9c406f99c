package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/lambdahearth/hearth/internal/within"
)

func TestSQS(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"sqs", "--addr", "localhost:0", "--queue", "jobs", "--queue", "ledger.fifo"}, nil, w, io.Discard)
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	var out strings.Builder
	for lines.Scan() {
		out.WriteString(lines.Text() + "\n")
		if strings.HasSuffix(lines.Text(), "/000000000000/ledger.fifo") {
			break
		}
	}
	if !strings.HasPrefix(out.String(), "SQS simulator on http://127.0.0.1:") || !strings.Contains(out.String(), "export AWS_ENDPOINT_URL_SQS=http://127.0.0.1:") || !strings.Contains(out.String(), "/000000000000/jobs\n") {
		t.Errorf("got %s", out.String())
	}
	cancel()
	if err := within.Receive(t, done); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSQSMistakes(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`start SQS: sqs: address must be on loopback (127.0.0.1, ::1 or localhost), got "192.0.2.1:9324"; `: {"--addr", "192.0.2.1:9324"},
		`start SQS: sqs: address must be on loopback (127.0.0.1, ::1 or localhost), got ":9324"; `:          {"--addr", ":9324"},
		`start SQS: queue "jobs.txt": name must be `:                                                        {"--queue", "jobs.txt"},
		"sqs takes no arguments but queues named with --queue, got 1 argument; see hearth sqs --help":       {"jobs"},
		"sqs: unknown flag: --port; see hearth sqs --help":                                                  {"--port", "1"},
	} {
		err := run(t.Context(), append([]string{"sqs"}, args...), nil, io.Discard, io.Discard)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v:\n got %v\nwant %s", args, err, want)
		}
	}
}
