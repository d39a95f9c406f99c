package sqs_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lambdahearth/hearth/internal/within"
)

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func withAttributes(attributes map[string]types.MessageAttributeValue) func(*awssqs.SendMessageInput) {
	return func(in *awssqs.SendMessageInput) { in.MessageAttributes = attributes }
}

var messageCases = []conformanceCase{
	{name: "send receive and delete", page: apiReference + "API_ReceiveMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		sent := b.send(url, "grüße \U0001F525")
		m := b.one(url)
		if *m.Body != "grüße \U0001F525" || *m.MessageId != *sent.MessageId || *m.MD5OfBody != *sent.MD5OfMessageBody || m.MD5OfMessageAttributes != nil {
			b.Errorf("got %+v", m)
		}
		for _, name := range []string{"SenderId", "SentTimestamp", "ApproximateFirstReceiveTimestamp"} {
			if m.Attributes[name] == "" {
				b.Errorf("no %s", name)
			}
		}
		if m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["MessageGroupId"] != "" || m.Attributes["SequenceNumber"] != "" {
			b.Errorf("got %v", m.Attributes)
		}
		b.counts(url, "0", "1", "0")
		b.delete(url, m)
		b.delete(url, m)
		b.counts(url, "0", "0", "0")
		b.advance(30 * time.Second)
		b.none(url)
	}},
	{name: "timestamps and receive count", page: apiReference + "API_ReceiveMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		b.advance(2 * time.Second)
		first := b.one(url, hidden(1))
		b.advance(time.Second)
		second := b.one(url)
		at := func(m types.Message, name string) int64 {
			n, err := strconv.ParseInt(m.Attributes[name], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
		if waited := at(first, "ApproximateFirstReceiveTimestamp") - at(first, "SentTimestamp"); waited < 2000 || waited != 2000 && !b.remote {
			b.Errorf("first received after %d ms", waited)
		}
		if at(first, "ApproximateFirstReceiveTimestamp") != at(second, "ApproximateFirstReceiveTimestamp") || at(first, "SentTimestamp") != at(second, "SentTimestamp") {
			b.Errorf("got %v and %v", first.Attributes, second.Attributes)
		}
		if at(second, "ApproximateReceiveCount") != 2 || *first.MessageId != *second.MessageId || *first.ReceiptHandle == *second.ReceiptHandle {
			b.Errorf("second receive %v", second.Attributes)
		}
	}},
	{name: "message attributes and their digests", page: developerGuide + "sqs-message-metadata.html", run: func(b *bench) {
		url := b.queue("jobs")
		attributes := map[string]types.MessageAttributeValue{
			"tenant":   text("acme"),
			"tenant.x": {DataType: aws.String("String.label"), StringValue: aws.String("y")},
			"count":    {DataType: aws.String("Number"), StringValue: aws.String("42")},
			"blob":     {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
		}
		sent := b.send(url, "x", withAttributes(attributes))
		all := b.one(url, hidden(1))
		ignore := cmpopts.IgnoreUnexported(types.MessageAttributeValue{})
		if diff := cmp.Diff(attributes, all.MessageAttributes, ignore); diff != "" || *sent.MD5OfMessageAttributes != *all.MD5OfMessageAttributes {
			b.Error(diff, *sent.MD5OfMessageAttributes, *all.MD5OfMessageAttributes)
		}
		for names, want := range map[string]int{"": 0, "none": 0, "count": 1, "tenant.*": 2, ".*": 4, "*": 4, "blob,count,none": 2} {
			b.advance(time.Second)
			m := b.one(url, hidden(1), func(in *awssqs.ReceiveMessageInput) { in.MessageAttributeNames = strings.Split(names, ",") })
			if len(m.MessageAttributes) != want || (m.MD5OfMessageAttributes != nil) != (want > 0) {
				b.Errorf("%q: got %v", names, m.MessageAttributes)
			}
		}
		other := b.send(url, "x", withAttributes(map[string]types.MessageAttributeValue{"Hello": text("There"), "General": text("Kenobi")}))
		if *other.MD5OfMessageAttributes != "fca026605781cb4126a1e9044df24232" { // what AWS gives
			b.Errorf("digest %s", *other.MD5OfMessageAttributes)
		}
	}},
	{name: "invalid message attributes", page: developerGuide + "sqs-message-metadata.html", run: func(b *bench) {
		url := b.queue("jobs")
		many := map[string]types.MessageAttributeValue{}
		for i := range 11 {
			many[fmt.Sprint("a", i)] = text("x")
		}
		number := func(s string) map[string]types.MessageAttributeValue {
			return map[string]types.MessageAttributeValue{"n": {DataType: aws.String("Number"), StringValue: &s}}
		}
		for name, attributes := range map[string]map[string]types.MessageAttributeValue{
			"11 of them":     many,
			"empty value":    {"a": text("")},
			"reserved name":  {"AWS.a": text("x")},
			"reserved name2": {"amazon.a": text("x")},
			"two periods":    {"a..b": text("x")},
			"first period":   {".a": text("x")},
			"long name":      {strings.Repeat("a", 257): text("x")},
			"character":      {"a b": text("x")},
			"last period":    {"a.": text("x")},
			"section":        {"a§": text("x")},
			"question":       {"a?": text("x")},
			"parenthesis":    {"a(": text("x")},
			"long type":      {"a": {DataType: aws.String("Number." + strings.Repeat("L", 256)), StringValue: aws.String("1")}},
			"type":           {"a": {DataType: aws.String("Bool"), StringValue: aws.String("x")}},
			"no number":      number("ten"),
			"long number":    number(strings.Repeat("1", 39)),
			"control":        {"a": text("\x01")},
		} {
			_, err := b.trySend(url, "x", withAttributes(attributes))
			if err == nil {
				b.Errorf("%s: accepted", name)
				continue
			}
			b.wantError(err, "InvalidParameterValue", 400, "")
		}
		for _, n := range []string{"0", "-1.5", "1e10", strings.Repeat("1", 38), "0." + strings.Repeat("0", 50) + "1"} {
			b.send(url, "x", withAttributes(number(n)))
		}
		b.send(url, "x", withAttributes(map[string]types.MessageAttributeValue{"attr.1øßä": text("x")}))
	}},
	{name: "system attribute AWSTraceHeader", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		trace := "Root=1-6922e0c8-0a1b2c3d4e5f60718293a4b5"
		sent := b.send(url, "x", func(in *awssqs.SendMessageInput) {
			in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace}}
		})
		if sent.MD5OfMessageSystemAttributes == nil || sent.MD5OfMessageAttributes != nil {
			b.Errorf("got %+v", sent)
		}
		if m := b.one(url); m.Attributes["AWSTraceHeader"] != trace {
			b.Errorf("got %v", m.Attributes)
		}
		_, err := b.trySend(url, "x", func(in *awssqs.SendMessageInput) {
			in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{"SenderId": {DataType: aws.String("String"), StringValue: &trace}}
		})
		b.wantError(err, "InvalidParameterValue", 400, "")
	}},
	{name: "the trace header of a request", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		const ofRequest, own = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
		header := awssqs.WithAPIOptions(smithyhttp.SetHeaderValue("X-Amzn-Trace-Id", ofRequest))
		system := map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String(own)}}
		if _, err := b.client.SendMessage(b.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x")}, header); err != nil {
			b.Fatal(err)
		}
		if m := b.one(url); m.Attributes["AWSTraceHeader"] != ofRequest {
			b.Errorf("got %v", m.Attributes)
		}
		out, err := b.client.SendMessage(b.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("x"), MessageSystemAttributes: system}, header)
		if err != nil || aws.ToString(out.MD5OfMessageSystemAttributes) != "5ae4d5d7636402d80f4eb6d213245a88" { // what AWS gives
			b.Fatalf("got %+v, %v", out, err)
		}
		if m := b.one(url); m.Attributes["AWSTraceHeader"] != own {
			b.Errorf("got %v", m.Attributes)
		}
		entry := types.SendMessageBatchRequestEntry{Id: aws.String("a"), MessageBody: aws.String("x")}
		if _, err := b.client.SendMessageBatch(b.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{entry}}, header); err != nil {
			b.Fatal(err)
		}
		if m := b.one(url); m.Attributes["AWSTraceHeader"] != ofRequest {
			b.Errorf("got %v", m.Attributes)
		}
	}},
	{name: "ids that are set and empty", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		url, fifo := b.queue("jobs"), b.queue("ledger.fifo")
		_, err := b.trySend(url, "x", inGroup(""))
		b.wantError(err, "InvalidParameterValue", 400, "Value  for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		_, err = b.trySend(fifo, "x", inGroup("a"), withDedup(""))
		b.wantError(err, "InvalidParameterValue", 400, "Value  for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.")
		b.none(url)
	}},
	{name: "system attributes by name", page: apiReference + "API_ReceiveMessage.html", run: func(b *bench) {
		url := b.queue("jobs", "VisibilityTimeout", "0")
		b.send(url, "x")
		m := b.one(url, func(in *awssqs.ReceiveMessageInput) {
			in.MessageSystemAttributeNames = []types.MessageSystemAttributeName{"SentTimestamp"}
			in.AttributeNames = []types.QueueAttributeName{"ApproximateReceiveCount"}
		})
		if len(m.Attributes) != 2 {
			b.Errorf("got %v", m.Attributes)
		}
		if m := b.one(url, func(in *awssqs.ReceiveMessageInput) { in.MessageSystemAttributeNames = nil }); len(m.Attributes) != 0 {
			b.Errorf("got %v", m.Attributes)
		}
		_, err := b.client.ReceiveMessage(b.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"Colour"}})
		if err == nil {
			b.Error("an unknown attribute is accepted")
		}
	}},
	{name: "message bodies", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		for _, body := range []string{"\x01", "a\x00", "\uFFFE", "x\uFFFF", "\x1b[0m"} {
			_, err := b.trySend(url, body)
			wantType[*types.InvalidMessageContents](b, err, "InvalidMessageContents", 400, "#xE000 to #xFFFD")
		}
		_, err := b.trySend(url, "")
		b.wantError(err, "MissingParameter", 400, "The request must contain the parameter MessageBody.")
		for _, body := range []string{"\t\n\r", "\uD7FF\uE000\uFFFD\U00010000\U0010FFFF", `<a href="&">`} {
			b.send(url, body)
			m := b.one(url)
			if *m.Body != body {
				b.Errorf("got %q, want %q", *m.Body, body)
			}
			b.delete(url, m)
		}
	}},
	{name: "message size", page: developerGuide + "quotas-messages.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, strings.Repeat("a", 1<<20))
		_, err := b.trySend(url, strings.Repeat("a", 1<<20+1))
		b.wantError(err, "InvalidParameterValue", 400, "Message must be shorter than 1048576 bytes.")
		_, err = b.trySend(url, strings.Repeat("a", 1<<20-8), withAttributes(map[string]types.MessageAttributeValue{"aa": text("b")}))
		b.wantError(err, "InvalidParameterValue", 400, "Message must be shorter than 1048576 bytes.")
		small := b.queue("small", "MaximumMessageSize", "1024")
		b.send(small, strings.Repeat("a", 1024))
		_, err = b.trySend(small, strings.Repeat("ä", 513))
		b.wantError(err, "InvalidParameterValue", 400, "Message must be shorter than 1024 bytes.")
	}},
	{name: "message delay", page: developerGuide + "sqs-message-timers.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "later", withDelay(10))
		b.counts(url, "0", "0", "1")
		b.none(url)
		b.advance(10 * time.Second)
		b.counts(url, "1", "0", "0")
		b.wantBodies(url, "later")
		_, err := b.trySend(url, "x", withDelay(901))
		b.wantError(err, "InvalidParameterValue", 400, "DelaySeconds")
	}},
	{name: "queue delay", page: developerGuide + "sqs-delay-queues.html", run: func(b *bench) {
		url := b.queue("jobs", "DelaySeconds", "10")
		b.send(url, "as the queue says")
		b.send(url, "as it says itself", withDelay(2))
		b.advance(2 * time.Second)
		b.wantBodies(url, "as it says itself")
		if b.remote {
			return // changes take up to 60 seconds
		}
		_, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attrs("DelaySeconds", "1")})
		if err != nil {
			b.Fatal(err)
		}
		b.advance(time.Second)
		b.none(url) // a standard queue's new delay is for new messages
		b.advance(7 * time.Second)
		b.wantBodies(url, "as the queue says")
	}},
	{name: "long polling", page: developerGuide + "sqs-short-and-long-polling.html", run: func(b *bench) {
		url := b.queue("jobs")
		got := make(chan []types.Message, 1)
		go func() {
			got <- b.receive(url, 10, func(in *awssqs.ReceiveMessageInput) { in.WaitTimeSeconds = 20 })
		}()
		b.await(1)
		b.send(url, "here")
		if messages := within.Receive(b.T, got); bodies(messages) != "here" {
			b.Errorf("received %q", bodies(messages))
		}
		b.send(url, "later", withDelay(5))
		go func() {
			got <- b.receive(url, 10, func(in *awssqs.ReceiveMessageInput) { in.WaitTimeSeconds = 20 })
		}()
		b.await(1)
		if !b.remote {
			b.advance(5 * time.Second)
		}
		if messages := within.Receive(b.T, got); bodies(messages) != "later" {
			b.Errorf("received %q", bodies(messages))
		}
	}},
	{name: "a long poll that finds nothing", page: apiReference + "API_ReceiveMessage.html", run: func(b *bench) {
		url := b.queue("jobs", "ReceiveMessageWaitTimeSeconds", "3")
		got := make(chan []types.Message, 1)
		go func() { got <- b.receive(url, 10, func(in *awssqs.ReceiveMessageInput) { in.WaitTimeSeconds = 0 }) }()
		b.await(1)
		b.advance(3 * time.Second)
		if messages := within.Receive(b.T, got); len(messages) != 0 {
			b.Errorf("received %q", bodies(messages))
		}
	}},
	{name: "receive limits", page: apiReference + "API_ReceiveMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		for name, in := range map[string]*awssqs.ReceiveMessageInput{
			"MaxNumberOfMessages": {QueueUrl: &url, MaxNumberOfMessages: 11},
			"WaitTimeSeconds":     {QueueUrl: &url, WaitTimeSeconds: 21},
			"VisibilityTimeout":   {QueueUrl: &url, VisibilityTimeout: 43201},
		} {
			_, err := b.client.ReceiveMessage(b.Context(), in)
			b.wantError(err, "InvalidParameterValue", 400, name)
		}
		for i := range 12 {
			b.send(url, fmt.Sprint(i))
		}
		if !b.remote {
			b.wantBodies(url, "0 1 2 3 4 5 6 7 8 9")
			b.wantBodies(url, "10 11")
		}
	}},
	{name: "a standard message in a group", page: developerGuide + "sqs-fair-queues.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "1", inGroup("tenant"))
		b.send(url, "2", inGroup("tenant"))
		if b.remote {
			return
		}
		if messages := b.wantBodies(url, "1 2"); messages[0].Attributes["MessageGroupId"] != "tenant" {
			b.Errorf("got %v", messages[0].Attributes)
		}
		_, err := b.trySend(url, "x", withDedup("d"))
		b.wantError(err, "InvalidParameterValue", 400, "MessageDeduplicationId")
	}},
}

var visibilityCases = []conformanceCase{
	{name: "visibility timeout of the queue", page: developerGuide + "sqs-visibility-timeout.html", run: func(b *bench) {
		url := b.queue("jobs", "VisibilityTimeout", "6")
		b.send(url, "x")
		b.one(url)
		b.advance(3 * time.Second)
		b.none(url)
		b.advance(3 * time.Second)
		b.wantBodies(url, "x")
	}},
	{name: "visibility timeout of a receive", page: apiReference + "API_ReceiveMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		b.one(url, hidden(2))
		b.advance(2 * time.Second)
		b.wantBodies(url, "x")
	}},
	{name: "a visibility timeout of zero", page: developerGuide + "sqs-visibility-timeout.html", run: func(b *bench) {
		url := b.queue("jobs", "VisibilityTimeout", "0")
		b.send(url, "x")
		b.wantBodies(url, "x")
		m := b.one(url)
		if m.Attributes["ApproximateReceiveCount"] != "2" {
			b.Errorf("got %v", m.Attributes)
		}
	}},
	{name: "change a visibility timeout", page: apiReference + "API_ChangeMessageVisibility.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		m := b.one(url, hidden(5))
		if err := b.change(url, m, 12); err != nil {
			b.Fatal(err)
		}
		b.advance(6 * time.Second)
		b.none(url)
		b.advance(6 * time.Second)
		m = b.one(url)
		if err := b.change(url, m, 0); err != nil {
			b.Fatal(err)
		}
		b.wantBodies(url, "x")
	}},
	{name: "limits of a visibility timeout", page: developerGuide + "sqs-visibility-timeout.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		m := b.one(url)
		b.wantError(b.change(url, m, 43201), "InvalidParameterValue", 400, "VisibilityTimeout")
		b.wantError(b.change(url, m, -1), "InvalidParameterValue", 400, "VisibilityTimeout")
		b.advance(2 * time.Second)
		b.wantError(b.change(url, m, 43200), "InvalidParameterValue", 400, "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
		if err := b.change(url, m, 43000); err != nil {
			b.Error(err)
		}
	}},
	{name: "change a message that is not in flight", page: apiReference + "API_ChangeMessageVisibility.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		m := b.one(url, hidden(1))
		b.advance(time.Second)
		if err := b.change(url, m, 5); err != nil {
			b.Error(err)
		}
		b.wantBodies(url, "x") // the call has no effect
	}},
	{name: "change a message with a superseded receipt handle", page: apiReference + "API_ChangeMessageVisibility.html", run: func(b *bench) {
		url := b.queue("jobs", "VisibilityTimeout", "0")
		b.send(url, "x")
		old := b.one(url)
		b.one(url, hidden(30))
		b.none(url)
		if err := b.change(url, old, 0); err != nil {
			b.Error(err)
		}
		b.wantBodies(url, "x")
	}},
	{name: "change a message that was deleted", page: apiReference + "API_ChangeMessageVisibility.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		m := b.one(url)
		b.delete(url, m)
		b.wantError(b.change(url, m, 5), "InvalidParameterValue", 400, "Message does not exist or is not available for visibility timeout change.")
	}},
	{name: "invalid receipt handles", page: apiReference + "API_DeleteMessage.html", run: func(b *bench) {
		url, other := b.queue("jobs"), b.queue("other")
		b.send(url, "x")
		b.send(other, "y")
		b.one(url)
		m := b.one(other)
		wantType[*types.ReceiptHandleIsInvalid](b, b.tryDelete(url, types.Message{ReceiptHandle: aws.String("garbage")}), "ReceiptHandleIsInvalid", 404, "")
		wantType[*types.ReceiptHandleIsInvalid](b, b.change(url, types.Message{ReceiptHandle: aws.String("garbage")}, 0), "ReceiptHandleIsInvalid", 404, "")
		if !b.remote {
			wantType[*types.ReceiptHandleIsInvalid](b, b.tryDelete(url, m), "ReceiptHandleIsInvalid", 404, "")
		}
	}},
	{name: "delete with an expired receipt handle", page: apiReference + "API_DeleteMessage.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		m := b.one(url, hidden(1))
		b.advance(time.Second)
		b.delete(url, m) // nobody else has received it
		b.none(url)
	}},
	{name: "delete with a superseded receipt handle", page: apiReference + "API_DeleteMessage.html", local: "the message might be deleted", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		old := b.one(url, hidden(1))
		b.advance(time.Second)
		b.one(url)
		b.delete(url, old)
		b.advance(30 * time.Second)
		b.wantBodies(url, "x")
	}},
}

var batchCases = []conformanceCase{
	{name: "send a batch", page: apiReference + "API_SendMessageBatch.html", run: func(b *bench) {
		url := b.queue("jobs")
		out, err := b.client.SendMessageBatch(b.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("good"), MessageBody: aws.String("1"), MessageAttributes: map[string]types.MessageAttributeValue{"a": text("b")}},
			{Id: aws.String("bad"), MessageBody: aws.String("\x01")},
			{Id: aws.String("late"), MessageBody: aws.String("2"), DelaySeconds: 900},
			{Id: aws.String("later"), MessageBody: aws.String("3"), DelaySeconds: 901},
		}})
		if err != nil {
			b.Fatal(err)
		}
		var ids []string
		for _, s := range out.Successful {
			ids = append(ids, *s.Id)
		}
		for _, f := range out.Failed {
			ids = append(ids, *f.Id+":"+*f.Code+":"+fmt.Sprint(f.SenderFault))
		}
		if got := strings.Join(ids, " "); got != "good late bad:InvalidMessageContents:true later:InvalidParameterValue:true" {
			b.Errorf("got %s", got)
		}
		b.wantBodies(url, "1")
	}},
	{name: "batches that fail as a whole", page: apiReference + "API_SendMessageBatch.html", run: func(b *bench) {
		url := b.queue("jobs")
		send := func(entries ...types.SendMessageBatchRequestEntry) error {
			_, err := b.client.SendMessageBatch(b.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
			return err
		}
		entry := func(id string, size int) types.SendMessageBatchRequestEntry {
			return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String(strings.Repeat("a", size))}
		}
		var many []types.SendMessageBatchRequestEntry
		for i := range 11 {
			many = append(many, entry(fmt.Sprint(i), 1))
		}
		wantType[*types.EmptyBatchRequest](b, send([]types.SendMessageBatchRequestEntry{}...), "AWS.SimpleQueueService.EmptyBatchRequest", 400, "")
		wantType[*types.TooManyEntriesInBatchRequest](b, send(many...), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400, "Maximum number of entries per request are 10. You have sent 11.")
		wantType[*types.BatchEntryIdsNotDistinct](b, send(entry("a", 1), entry("a", 1)), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400, "Id a repeated.")
		wantType[*types.InvalidBatchEntryId](b, send(entry("a:b", 1)), "AWS.SimpleQueueService.InvalidBatchEntryId", 400, "")
		wantType[*types.InvalidBatchEntryId](b, send(entry(strings.Repeat("a", 81), 1)), "AWS.SimpleQueueService.InvalidBatchEntryId", 400, "")
		wantType[*types.BatchRequestTooLong](b, send(entry("a", 1<<19), entry("b", 1<<19+1)), "AWS.SimpleQueueService.BatchRequestTooLong", 400, "You have sent 1048577 bytes.")
		b.none(url)
		if err := send(entry("a", 1<<19), entry("b", 1<<19)); err != nil {
			b.Error(err)
		}
	}},
	{name: "a batch entry that is too large", page: apiReference + "API_SendMessageBatch.html", run: func(b *bench) {
		url := b.queue("jobs", "MaximumMessageSize", "1024")
		out, err := b.client.SendMessageBatch(b.Context(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("fits"), MessageBody: aws.String(strings.Repeat("a", 1024))},
			{Id: aws.String("large"), MessageBody: aws.String(strings.Repeat("a", 1025))},
		}})
		if err != nil || len(out.Successful) != 1 || len(out.Failed) != 1 {
			b.Fatalf("got %+v, %v", out, err)
		}
		if f := out.Failed[0]; *f.Code != "InvalidParameterValue" || *f.Message != "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes." {
			b.Errorf("got %s: %s", *f.Code, *f.Message)
		}
	}},
	{name: "delete a batch", page: apiReference + "API_DeleteMessageBatch.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		m := b.one(url)
		out, err := b.client.DeleteMessageBatch(b.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: m.ReceiptHandle}, {Id: aws.String("b"), ReceiptHandle: aws.String("garbage")},
		}})
		if err != nil || len(out.Successful) != 1 || *out.Successful[0].Id != "a" || len(out.Failed) != 1 || *out.Failed[0].Code != "ReceiptHandleIsInvalid" || !out.Failed[0].SenderFault {
			b.Errorf("got %+v, %v", out, err)
		}
		b.counts(url, "0", "0", "0")
	}},
	{name: "change a batch", page: apiReference + "API_ChangeMessageVisibilityBatch.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "x")
		m := b.one(url)
		out, err := b.client.ChangeMessageVisibilityBatch(b.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0}, {Id: aws.String("b"), ReceiptHandle: aws.String("garbage"), VisibilityTimeout: 1},
		}})
		if err != nil || len(out.Successful) != 1 || *out.Successful[0].Id != "a" || len(out.Failed) != 1 || *out.Failed[0].Code != "ReceiptHandleIsInvalid" {
			b.Errorf("got %+v, %v", out, err)
		}
		b.wantBodies(url, "x")
	}},
}
