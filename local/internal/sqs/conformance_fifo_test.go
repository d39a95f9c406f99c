package sqs_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdahearth/hearth/internal/within"
)

// sendAll sends bodies such as "a1 b1 a2" to the groups that their first letters
// name.
func (b *bench) sendAll(url, list string) {
	b.Helper()
	for body := range strings.FieldsSeq(list) {
		b.send(url, body, inGroup(body[:1]))
	}
}

var fifoCases = []conformanceCase{
	{name: "FIFO order within a group", page: developerGuide + "FIFO-queues-understanding-logic.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		b.sendAll(url, "a1 a2 a3 a4")
		for _, m := range b.wantBodies(url, "a1 a2 a3 a4") {
			b.delete(url, m)
		}
		b.none(url)
	}},
	{name: "FIFO system attributes", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		url := b.queue("ledger.fifo")
		first := b.send(url, "1", inGroup("g"), withDedup("d1"))
		second := b.send(url, "2", inGroup("g"), withDedup("d2"))
		if len(*first.SequenceNumber) != 20 || *first.SequenceNumber >= *second.SequenceNumber {
			b.Errorf("sequence numbers %s, %s", *first.SequenceNumber, *second.SequenceNumber)
		}
		m := b.one(url)
		if m.Attributes["MessageGroupId"] != "g" || m.Attributes["MessageDeduplicationId"] != "d1" || m.Attributes["SequenceNumber"] != *first.SequenceNumber {
			b.Errorf("got %v", m.Attributes)
		}
	}},
	{name: "a FIFO group is locked while a message of it is in flight", page: developerGuide + "FIFO-queues-understanding-logic.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true", "VisibilityTimeout", "8")
		b.sendAll(url, "a1 a2")
		a1 := b.one(url)
		b.none(url)
		b.sendAll(url, "b1")
		b.wantBodies(url, "b1")
		b.delete(url, a1)
		b.wantBodies(url, "a2")
	}},
	{name: "a FIFO group comes again from its first message", page: developerGuide + "FIFO-queues-understanding-logic.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true", "VisibilityTimeout", "5")
		b.sendAll(url, "a1 a2 a3")
		got := b.receive(url, 2)
		if bodies(got) != "a1 a2" {
			b.Fatalf("got %q", bodies(got))
		}
		b.delete(url, got[1])
		b.none(url)
		b.advance(5 * time.Second)
		b.wantBodies(url, "a1 a3")
	}},
	{name: "FIFO messages before the one in flight", page: developerGuide + "FIFO-queues-understanding-logic.html", run: func(b *bench) {
		for extended, want := range []string{"", "a1", "a1 a2"} {
			url := b.queue(fmt.Sprint("ledger", extended, ".fifo"), "ContentBasedDeduplication", "true", "VisibilityTimeout", "1")
			b.sendAll(url, "a1 a2 a3")
			if err := b.change(url, b.wantBodies(url, "a1 a2 a3")[extended], 4); err != nil {
				b.Fatal(err)
			}
			b.advance(2 * time.Second)
			b.wantBodies(url, want)
		}
	}},
	{name: "the order of FIFO groups", page: developerGuide + "FIFO-queues-understanding-logic.html", local: "AWS promises no order of the groups", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true", "VisibilityTimeout", "30")
		b.sendAll(url, "a1 b1 a2 b2 a3 c1")
		first := b.receive(url, 2)
		if bodies(first) != "a1 a2" {
			b.Fatalf("got %q", bodies(first))
		}
		b.delete(url, first[0])
		if err := b.change(url, first[1], 1); err != nil {
			b.Fatal(err)
		}
		b.advance(time.Second)
		b.wantBodies(url, "b1 b2 c1 a2 a3") // a group that came back is behind those that waited
	}},
	{name: "a FIFO receive prefers one group", page: developerGuide + "FIFO-queues-understanding-logic.html", local: "AWS returns as many of a group as it can, in several receives", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		b.sendAll(url, "a1 b1 a2 b2 c1")
		if got := bodies(b.receive(url, 3)); got != "a1 a2 b1" {
			b.Errorf("got %q", got)
		}
		b.wantBodies(url, "c1")
	}},
	{name: "return a FIFO message at once", page: apiReference + "API_ChangeMessageVisibility.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		b.sendAll(url, "a1 a2")
		m := b.one(url)
		if err := b.change(url, m, 0); err != nil {
			b.Fatal(err)
		}
		b.wantBodies(url, "a1 a2")
	}},
	{name: "FIFO deduplication by id", page: developerGuide + "FIFO-queues-exactly-once-processing.html", run: func(b *bench) {
		url := b.queue("ledger.fifo")
		first := b.send(url, "1", inGroup("a"), withDedup("d"))
		again := b.send(url, "2", inGroup("b"), withDedup("d"))
		if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
			b.Errorf("got %s and %s", *first.MessageId, *again.MessageId)
		}
		b.wantBodies(url, "1")
	}},
	{name: "FIFO deduplication after deletion", page: developerGuide + "using-messagededuplicationid-property.html", run: func(b *bench) {
		url := b.queue("ledger.fifo")
		b.send(url, "1", inGroup("a"), withDedup("d"))
		b.delete(url, b.one(url))
		b.send(url, "2", inGroup("a"), withDedup("d"))
		b.none(url)
	}},
	{name: "FIFO deduplication after a purge", page: apiReference + "API_PurgeQueue.html", run: func(b *bench) {
		url := b.queue("ledger.fifo")
		b.send(url, "1", inGroup("a"), withDedup("d"))
		if _, err := b.client.PurgeQueue(b.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url}); err != nil {
			b.Fatal(err)
		}
		b.send(url, "2", inGroup("a"), withDedup("d"))
		b.wantBodies(url, "2")
	}},
	{name: "FIFO deduplication ends after five minutes", page: developerGuide + "using-messagededuplicationid-property.html", run: func(b *bench) {
		url := b.queue("ledger.fifo")
		b.send(url, "1", inGroup("a"), withDedup("d"))
		b.delete(url, b.one(url))
		b.advance(5*time.Minute - time.Millisecond)
		b.send(url, "2", inGroup("a"), withDedup("d"))
		b.none(url)
		b.advance(time.Millisecond)
		b.send(url, "3", inGroup("a"), withDedup("d"))
		b.wantBodies(url, "3")
	}},
	{name: "FIFO deduplication by content", page: developerGuide + "FIFO-queues-exactly-once-processing.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		b.send(url, "same", inGroup("a"))
		b.send(url, "same", inGroup("a"), withAttributes(map[string]types.MessageAttributeValue{"other": text("x")}))
		b.send(url, "same", inGroup("a"), withDedup("own"))
		b.send(url, "hash", inGroup("a"), withDedup("0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5")) // SHA-256 of "same"
		messages := b.wantBodies(url, "same same")
		if id := messages[0].Attributes["MessageDeduplicationId"]; id != "0967115f2813a3541eaef77de9d9d5773f1c0c04314b0bbfe4ff3b3b1c55b5d5" {
			b.Errorf("got %s", id)
		}
	}},
	{name: "FIFO deduplication within a group", page: developerGuide + "high-throughput-fifo.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "DeduplicationScope", "messageGroup")
		b.send(url, "1", inGroup("a"), withDedup("d"))
		b.send(url, "2", inGroup("b"), withDedup("d"))
		b.send(url, "3", inGroup("a"), withDedup("d"))
		b.wantBodies(url, "1 2")
	}},
	{name: "what a FIFO message needs", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		url := b.queue("ledger.fifo")
		_, err := b.trySend(url, "x", withDedup("d"))
		b.wantError(err, "MissingParameter", 400, "The request must contain the parameter MessageGroupId.")
		_, err = b.trySend(url, "x", inGroup("a"))
		b.wantError(err, "InvalidParameterValue", 400, "ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		_, err = b.trySend(url, "x", inGroup("a"), withDedup("d"), withDelay(2))
		b.wantError(err, "InvalidParameterValue", 400, "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.")
		for _, id := range []string{"a b", "ä", strings.Repeat("a", 129)} {
			_, err = b.trySend(url, "x", inGroup(id), withDedup("d"))
			b.wantError(err, "InvalidParameterValue", 400, "MessageGroupId")
			_, err = b.trySend(url, "x", inGroup("a"), withDedup(id))
			b.wantError(err, "InvalidParameterValue", 400, "MessageDeduplicationId")
		}
		b.send(url, "x", inGroup("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), withDedup(strings.Repeat("a", 128)))
	}},
	{name: "what a FIFO batch needs", page: apiReference + "API_SendMessageBatch.html", run: func(b *bench) {
		url := b.queue("ledger.fifo")
		send := func(entries ...types.SendMessageBatchRequestEntry) error {
			_, err := b.client.SendMessageBatch(b.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
			return err
		}
		good := types.SendMessageBatchRequestEntry{Id: aws.String("a"), MessageBody: aws.String("1"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d")}
		b.wantError(send(good, types.SendMessageBatchRequestEntry{Id: aws.String("b"), MessageBody: aws.String("2"), MessageDeduplicationId: aws.String("e")}), "InvalidParameterValue", 400, "MessageGroupId")
		b.wantError(send(good, types.SendMessageBatchRequestEntry{Id: aws.String("b"), MessageBody: aws.String("2"), MessageGroupId: aws.String("g")}), "InvalidParameterValue", 400, "MessageDeduplicationId")
		b.none(url)
		if err := send(good); err != nil {
			b.Error(err)
		}
	}},
	{name: "FIFO queue delay", page: developerGuide + "sqs-delay-queues.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true", "DelaySeconds", "10")
		b.sendAll(url, "a1")
		b.advance(5 * time.Second)
		b.sendAll(url, "a2")
		b.none(url)
		b.advance(5 * time.Second)
		b.delete(url, b.wantBodies(url, "a1")[0])
		if b.remote {
			return // changes take up to 60 seconds
		}
		b.none(url)
		if _, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attrs("DelaySeconds", "0")}); err != nil {
			b.Fatal(err)
		}
		b.wantBodies(url, "a2") // the new delay is for messages that are there, too
	}},
	{name: "expired FIFO receipt handles", page: developerGuide + "FIFO-queues-understanding-logic.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		b.sendAll(url, "a1")
		m := b.one(url, hidden(1))
		b.advance(time.Second)
		b.wantError(b.tryDelete(url, m), "InvalidParameterValue", 400, "Reason: The receipt handle has expired.")
		b.wantError(b.change(url, m, 5), "InvalidParameterValue", 400, "Reason: The receipt handle has expired.")
		b.wantBodies(url, "a1")
		b.wantError(b.tryDelete(url, m), "InvalidParameterValue", 400, "Reason: The receipt handle has expired.")
	}},
	{name: "receive request attempt ids", page: apiReference + "API_ReceiveMessage.html", run: func(b *bench) {
		url, standard := b.queue("ledger.fifo", "ContentBasedDeduplication", "true"), b.queue("jobs")
		b.sendAll(url, "a1")
		attempt := func(id string) func(*awssqs.ReceiveMessageInput) {
			return func(in *awssqs.ReceiveMessageInput) { in.ReceiveRequestAttemptId = &id }
		}
		b.one(url, attempt("try"))
		_, err := b.client.ReceiveMessage(b.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, ReceiveRequestAttemptId: aws.String(strings.Repeat("a", 129))})
		b.wantError(err, "InvalidParameterValue", 400, "ReceiveRequestAttemptId")
		_, err = b.client.ReceiveMessage(b.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &standard, ReceiveRequestAttemptId: aws.String("try")})
		b.wantError(err, "InvalidParameterValue", 400, "ReceiveRequestAttemptId")
	}},
	{name: "a long poll of a locked FIFO group", page: developerGuide + "FIFO-queues-understanding-logic.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		b.sendAll(url, "a1 a2")
		a1 := b.one(url)
		got := make(chan string, 1)
		go func() {
			got <- bodies(b.receive(url, 10, func(in *awssqs.ReceiveMessageInput) { in.WaitTimeSeconds = 20 }))
		}()
		b.await(1)
		b.delete(url, a1)
		if s := within.Receive(b.T, got); s != "a2" {
			b.Errorf("got %q", s)
		}
	}},
	{name: "FIFO across many receives", page: developerGuide + "FIFO-queues-understanding-logic.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		for i := range 25 {
			b.send(url, fmt.Sprintf("%c%02d", 'a'+i%3, i), inGroup(fmt.Sprint(i%3)))
		}
		last := map[string]string{}
		for n := 0; n < 25; {
			messages := b.receive(url, 10)
			for _, m := range messages {
				group := m.Attributes["MessageGroupId"]
				if *m.Body <= last[group] {
					b.Errorf("%s after %s", *m.Body, last[group])
				}
				last[group] = *m.Body
				b.delete(url, m)
				n++
			}
			if len(messages) == 0 && !b.remote {
				b.Fatalf("%d messages only", n)
			}
		}
	}},
}
