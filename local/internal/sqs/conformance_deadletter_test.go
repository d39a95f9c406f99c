package sqs_test

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdahearth/hearth/internal/within"
)

// kill receives a message as often as its redrive policy allows, and once more.
func (b *bench) kill(url string, receives int) {
	b.Helper()
	for range receives {
		b.one(url, hidden(1))
		b.advance(time.Second)
	}
	b.none(url)
}

func (b *bench) moves(source string) []types.ListMessageMoveTasksResultEntry {
	b.Helper()
	out, err := b.client.ListMessageMoveTasks(b.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: &source, MaxResults: aws.Int32(10)})
	if err != nil {
		b.Fatal(err)
	}
	return out.Results
}

// untilMoved waits until the latest task of a source is over.
func (b *bench) untilMoved(source string) types.ListMessageMoveTasksResultEntry {
	b.Helper()
	for range 60 {
		if tasks := b.moves(source); *tasks[0].Status != "RUNNING" || !b.remote {
			return tasks[0]
		}
		b.advance(time.Second)
	}
	b.Fatal("the task does not end")
	return types.ListMessageMoveTasksResultEntry{}
}

var deadLetterCases = []conformanceCase{
	{name: "a message moves to the dead-letter queue", page: developerGuide + "sqs-dead-letter-queues.html", run: func(b *bench) {
		url, dead := b.withDeadLetters("jobs", 2)
		sent := b.send(url, "x", withAttributes(map[string]types.MessageAttributeValue{"a": text("b")}))
		b.kill(url, 2)
		m := b.one(dead)
		if *m.MessageId != *sent.MessageId || *m.Body != "x" || *m.MessageAttributes["a"].StringValue != "b" || m.Attributes["DeadLetterQueueSourceArn"] != b.arn(url) {
			b.Errorf("got %+v", m)
		}
		b.counts(url, "0", "0", "0")
	}},
	{name: "a dead standard message keeps its age", page: developerGuide + "sqs-dead-letter-queues.html", run: func(b *bench) {
		url, dead := b.withDeadLetters("jobs", 1, "MessageRetentionPeriod", "60")
		if !b.remote {
			if _, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &dead, Attributes: attrs("MessageRetentionPeriod", "120")}); err != nil {
				b.Fatal(err)
			}
		}
		b.send(url, "x")
		b.advance(10 * time.Second)
		before := b.one(url, hidden(1))
		b.advance(time.Second)
		b.none(url)
		after := b.one(dead, hidden(1))
		if before.Attributes["SentTimestamp"] != after.Attributes["SentTimestamp"] {
			b.Errorf("sent at %s, then %s", before.Attributes["SentTimestamp"], after.Attributes["SentTimestamp"])
		}
		b.advance(109 * time.Second) // 120 s after it was sent
		b.none(dead)
	}},
	{name: "dead FIFO messages keep their order", page: developerGuide + "sqs-dead-letter-queues.html", run: func(b *bench) {
		url, dead := b.withDeadLetters("ledger.fifo", 1, "ContentBasedDeduplication", "true", "VisibilityTimeout", "2")
		b.sendAll(url, "a1 a2 a3")
		first := b.receive(url, 2)
		b.advance(2 * time.Second)
		b.wantBodies(url, "a3")
		got := b.wantBodies(dead, "a1 a2")
		if got[0].Attributes["SentTimestamp"] == first[0].Attributes["SentTimestamp"] || got[0].Attributes["MessageGroupId"] != "a" {
			b.Errorf("got %v", got[0].Attributes)
		}
	}},
	{name: "redrive policies", page: apiReference + "API_SetQueueAttributes.html", run: func(b *bench) {
		url, fifo, dead := b.queue("jobs"), b.queue("ledger.fifo"), b.queue("dead")
		set := func(url, format string, args ...any) error {
			_, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attrs("RedrivePolicy", fmt.Sprintf(format, args...))})
			return err
		}
		for name, err := range map[string]error{
			"no JSON":       set(url, "x"),
			"other case":    set(url, `{"DeadLetterTargetArn":%q,"maxReceiveCount":1}`, b.arn(dead)),
			"no count":      set(url, `{"deadLetterTargetArn":%q}`, b.arn(dead)),
			"no target":     set(url, `{"maxReceiveCount":1}`),
			"no ARN":        set(url, `{"deadLetterTargetArn":"dummy","maxReceiveCount":1}`),
			"no queue":      set(url, `{"deadLetterTargetArn":"%s-none","maxReceiveCount":1}`, b.arn(dead)),
			"count 0":       set(url, `{"deadLetterTargetArn":%q,"maxReceiveCount":0}`, b.arn(dead)),
			"count 1001":    set(url, `{"deadLetterTargetArn":%q,"maxReceiveCount":1001}`, b.arn(dead)),
			"another kind":  set(fifo, `{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, b.arn(dead)),
			"another kind2": set(url, `{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, b.arn(fifo)),
		} {
			if err == nil {
				b.Errorf("%s: accepted", name)
				continue
			}
			b.wantError(err, "InvalidParameterValue", 400, "RedrivePolicy")
		}
		if err := set(url, `{"deadLetterTargetArn":%q,"maxReceiveCount":"7"}`, b.arn(dead)); err != nil {
			b.Error(err)
		}
		want := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":7}`, b.arn(dead))
		if got := b.attributes(url)["RedrivePolicy"]; got != want && !b.remote {
			b.Errorf("got %s", got)
		}
	}},
	{name: "redrive allow policies", page: apiReference + "API_SetQueueAttributes.html", run: func(b *bench) {
		closed := b.queue("closed", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
		jobs := b.queue("jobs")
		chosen := b.queue("chosen", "RedriveAllowPolicy", fmt.Sprintf(`{"redrivePermission":"byQueue","sourceQueueArns":[%q]}`, b.arn(jobs)))
		other := b.queue("other")
		redrive := func(from, to string) error {
			_, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &from, Attributes: attrs("RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, b.arn(to)))})
			return err
		}
		b.wantError(redrive(jobs, closed), "InvalidParameterValue", 400, "")
		b.wantError(redrive(other, chosen), "InvalidParameterValue", 400, "")
		if err := redrive(jobs, chosen); err != nil {
			b.Error(err)
		}
		for _, policy := range []string{"x", `{"redrivePermission":"some"}`, `{"redrivePermission":"byQueue"}`, `{"redrivePermission":"allowAll","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:a"]}`} {
			_, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &closed, Attributes: attrs("RedriveAllowPolicy", policy)})
			if err == nil {
				b.Errorf("%s is accepted", policy)
			}
		}
	}},
	{name: "redrive to the source", page: apiReference + "API_StartMessageMoveTask.html", run: func(b *bench) {
		url, dead := b.withDeadLetters("jobs", 1)
		sent := b.send(url, "x")
		b.kill(url, 1)
		source := b.arn(dead)
		if _, err := b.client.StartMessageMoveTask(b.Context(), &awssqs.StartMessageMoveTaskInput{SourceArn: &source}); err != nil {
			b.Fatal(err)
		}
		task := b.untilMoved(source)
		if *task.Status != "COMPLETED" || task.ApproximateNumberOfMessagesMoved != 1 || *task.ApproximateNumberOfMessagesToMove != 1 || task.TaskHandle != nil || task.DestinationArn != nil || task.StartedTimestamp == 0 {
			b.Errorf("got %+v", task)
		}
		m := b.one(url)
		if *m.MessageId == *sent.MessageId || m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["DeadLetterQueueSourceArn"] != "" {
			b.Errorf("got %s %v", *m.MessageId, m.Attributes)
		}
		b.none(dead)
	}},
	{name: "redrive to another queue at a rate", page: apiReference + "API_StartMessageMoveTask.html", local: "AWS keeps an average rate", run: func(b *bench) {
		url, dead := b.withDeadLetters("jobs", 1)
		other := b.queue("other")
		for i := range 4 {
			b.send(url, fmt.Sprint(i))
		}
		b.receive(url, 10, hidden(1))
		b.advance(time.Second)
		b.none(url)
		source, destination := b.arn(dead), b.arn(other)
		start := &awssqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &destination, MaxNumberOfMessagesPerSecond: aws.Int32(2)}
		out, err := b.client.StartMessageMoveTask(b.Context(), start)
		if err != nil {
			b.Fatal(err)
		}
		_, err = b.client.StartMessageMoveTask(b.Context(), start)
		b.wantError(err, "InvalidParameterValue", 400, "There is already a task running.")
		b.wantBodies(other, "0")
		got := make(chan string, 1)
		go func() {
			got <- bodies(b.receive(other, 10, func(in *awssqs.ReceiveMessageInput) { in.WaitTimeSeconds = 20 }))
		}()
		b.await(1)
		b.advance(500 * time.Millisecond)
		if s := within.Receive(b.T, got); s != "1" {
			b.Errorf("got %q", s)
		}
		if task := b.moves(source)[0]; *task.Status != "RUNNING" || *task.TaskHandle != *out.TaskHandle || task.ApproximateNumberOfMessagesMoved != 2 || *task.MaxNumberOfMessagesPerSecond != 2 {
			b.Errorf("got %+v", task)
		}
		cancelled, err := b.client.CancelMessageMoveTask(b.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: out.TaskHandle})
		if err != nil || cancelled.ApproximateNumberOfMessagesMoved != 2 {
			b.Errorf("got %+v, %v", cancelled, err)
		}
		b.advance(20 * time.Second)
		b.none(other)
		b.wantBodies(dead, "2 3")
		if task := b.moves(source)[0]; *task.Status != "CANCELLED" || task.TaskHandle != nil {
			b.Errorf("got %+v", task)
		}
		_, err = b.client.CancelMessageMoveTask(b.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: out.TaskHandle})
		b.wantError(err, "InvalidParameterValue", 400, "")
	}},
	{name: "move tasks that cannot start", page: apiReference + "API_StartMessageMoveTask.html", run: func(b *bench) {
		url, dead := b.withDeadLetters("jobs", 1)
		source, jobs := b.arn(dead), b.arn(url)
		start := func(in awssqs.StartMessageMoveTaskInput) error {
			_, err := b.client.StartMessageMoveTask(b.Context(), &in)
			return err
		}
		b.wantError(start(awssqs.StartMessageMoveTaskInput{SourceArn: &jobs}), "InvalidParameterValue", 400, "Source queue must be configured as a Dead Letter Queue.")
		none := source + "-none"
		wantType[*types.ResourceNotFoundException](b, start(awssqs.StartMessageMoveTaskInput{SourceArn: &none}), "ResourceNotFoundException", 404, "SourceArn")
		wantType[*types.ResourceNotFoundException](b, start(awssqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &none}), "ResourceNotFoundException", 404, "DestinationArn")
		b.wantError(start(awssqs.StartMessageMoveTaskInput{SourceArn: &source, MaxNumberOfMessagesPerSecond: aws.Int32(501)}), "InvalidParameterValue", 400, "MaxNumberOfMessagesPerSecond")
		_, err := b.client.CancelMessageMoveTask(b.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: aws.String("x")})
		b.wantError(err, "InvalidParameterValue", 400, "TaskHandle")
		for arn, missing := range map[string]string{none: "SourceArn", source: "Task does not exist."} {
			handle := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"taskId":"10f57157-fc38-4da9-a113-4de7e12d05aa","sourceArn":%q}`, arn))
			_, err = b.client.CancelMessageMoveTask(b.Context(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
			wantType[*types.ResourceNotFoundException](b, err, "ResourceNotFoundException", 404, missing)
		}
		_, err = b.client.ListMessageMoveTasks(b.Context(), &awssqs.ListMessageMoveTasksInput{SourceArn: &none})
		wantType[*types.ResourceNotFoundException](b, err, "ResourceNotFoundException", 404, "SourceArn")
	}},
	{name: "redrive without a source", page: developerGuide + "sqs-configure-dead-letter-queue-redrive.html", run: func(b *bench) {
		_, dead := b.withDeadLetters("jobs", 1)
		b.send(dead, "sent here")
		source := b.arn(dead)
		if _, err := b.client.StartMessageMoveTask(b.Context(), &awssqs.StartMessageMoveTaskInput{SourceArn: &source}); err != nil {
			b.Fatal(err)
		}
		if task := b.untilMoved(source); *task.Status != "FAILED" || aws.ToString(task.FailureReason) == "" {
			b.Errorf("got %+v", task)
		}
		b.wantBodies(dead, "sent here")
	}},
	{name: "FIFO redrive keeps the order", page: developerGuide + "sqs-configure-dead-letter-queue-redrive.html", run: func(b *bench) {
		url, dead := b.withDeadLetters("ledger.fifo", 1, "ContentBasedDeduplication", "true", "VisibilityTimeout", "1")
		b.sendAll(url, "a1 a2 a3")
		b.wantBodies(url, "a1 a2 a3")
		b.advance(time.Second)
		b.none(url)
		source := b.arn(dead)
		if _, err := b.client.StartMessageMoveTask(b.Context(), &awssqs.StartMessageMoveTaskInput{SourceArn: &source}); err != nil {
			b.Fatal(err)
		}
		b.untilMoved(source)
		b.wantBodies(url, "a1 a2 a3")
	}},
}
