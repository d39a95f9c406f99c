package sqs_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

var queueCases = []conformanceCase{
	{name: "create get and list queues", page: apiReference + "API_ListQueues.html", run: func(b *bench) {
		jobs, other := b.queue("jobs"), b.queue("other")
		got, err := b.client.GetQueueUrl(b.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String(b.name("jobs"))})
		if err != nil || *got.QueueUrl != jobs {
			b.Fatalf("GetQueueUrl: %v, %v", got, err)
		}
		if b.remote {
			return // lists lag behind
		}
		all, err := b.client.ListQueues(b.Context(), &awssqs.ListQueuesInput{QueueNamePrefix: aws.String("hearth-conformance-")})
		if err != nil || !cmp.Equal(all.QueueUrls, []string{jobs, other}) {
			b.Errorf("ListQueues: %v, %v", all.QueueUrls, err)
		}
		some, err := b.client.ListQueues(b.Context(), &awssqs.ListQueuesInput{QueueNamePrefix: aws.String("hearth-conformance-o")})
		if err != nil || !cmp.Equal(some.QueueUrls, []string{other}) {
			b.Errorf("ListQueues with a prefix: %v, %v", some.QueueUrls, err)
		}
	}},
	{name: "list queues page by page", page: apiReference + "API_ListQueues.html", local: "lists lag behind", run: func(b *bench) {
		want := []string{b.queue("a"), b.queue("b"), b.queue("c")}
		var got []string
		pages := awssqs.NewListQueuesPaginator(b.client, &awssqs.ListQueuesInput{MaxResults: aws.Int32(2)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			got = append(got, page.QueueUrls...)
		}
		if !cmp.Equal(got, want) {
			b.Errorf("got %v", got)
		}
		_, err := b.client.ListQueues(b.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1001)})
		b.wantError(err, "InvalidParameterValue", 400, "MaxResults")
	}},
	{name: "queue names", page: developerGuide + "quotas-queues.html", run: func(b *bench) {
		for _, name := range []string{"", "a b", "a.b", "jobs.fifo", strings.Repeat("a", 81)} {
			_, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: &name})
			if err == nil {
				b.Errorf("%q is accepted", name)
			}
		}
		for _, name := range []string{"jobs", strings.Repeat("a", 76) + ".fifo"} {
			_, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attrs("FifoQueue", "true")})
			b.wantError(err, "InvalidParameterValue", 400, "must end with .fifo")
		}
		if !b.remote {
			_, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("Jobs")})
			if err != nil {
				b.Error(err)
			}
			_, err = b.client.GetQueueUrl(b.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("jobs")})
			wantType[*types.QueueDoesNotExist](b, err, "AWS.SimpleQueueService.NonExistentQueue", 400, "")
		}
	}},
	{name: "create an existing queue", page: apiReference + "API_CreateQueue.html", run: func(b *bench) {
		url := b.queue("jobs", "VisibilityTimeout", "40")
		for _, same := range []map[string]string{nil, attrs("VisibilityTimeout", "40"), attrs("DelaySeconds", "0")} {
			out, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(b.name("jobs")), Attributes: same})
			if err != nil || *out.QueueUrl != url {
				b.Errorf("with %v: %v", same, err)
			}
		}
		_, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(b.name("jobs")), Attributes: attrs("VisibilityTimeout", "41")})
		wantType[*types.QueueNameExists](b, err, "QueueAlreadyExists", 400, "VisibilityTimeout")
	}},
	{name: "queues that do not exist", page: apiReference + "API_GetQueueUrl.html", run: func(b *bench) {
		_, err := b.client.GetQueueUrl(b.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String(b.name("none"))})
		wantType[*types.QueueDoesNotExist](b, err, "AWS.SimpleQueueService.NonExistentQueue", 400, "does not exist")
		url := b.queue("jobs") + "-none"
		_, err = b.trySend(url, "x")
		wantType[*types.QueueDoesNotExist](b, err, "AWS.SimpleQueueService.NonExistentQueue", 400, "does not exist")
		_, err = b.client.DeleteQueue(b.Context(), &awssqs.DeleteQueueInput{QueueUrl: &url})
		wantType[*types.QueueDoesNotExist](b, err, "AWS.SimpleQueueService.NonExistentQueue", 400, "does not exist")
	}},
	{name: "addresses that are no queue's", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		_, err := b.trySend("jobs", "x")
		wantType[*types.InvalidAddress](b, err, "InvalidAddress", 404, "jobs")
	}},
	{name: "a queue's name in place of its URL", page: apiReference + "API_SendMessage.html", run: func(b *bench) {
		b.queue("jobs")
		name := b.name("jobs")
		b.send(name, "x")
		b.delete(name, b.wantBodies(name, "x")[0])
	}},
	{name: "delete a queue and create it again", page: apiReference + "API_DeleteQueue.html", run: func(b *bench) {
		url := b.queue("jobs")
		if _, err := b.client.DeleteQueue(b.Context(), &awssqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
			b.Fatal(err)
		}
		b.advance(30 * time.Second)
		_, err := b.trySend(url, "x")
		wantType[*types.QueueDoesNotExist](b, err, "AWS.SimpleQueueService.NonExistentQueue", 400, "")
		_, err = b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(b.name("jobs"))})
		wantType[*types.QueueDeletedRecently](b, err, "AWS.SimpleQueueService.QueueDeletedRecently", 400, "60 seconds")
		b.advance(30 * time.Second)
		b.queue("jobs")
		b.none(url)
	}},
	{name: "purge a queue", page: apiReference + "API_PurgeQueue.html", run: func(b *bench) {
		url := b.queue("jobs")
		b.send(url, "visible")
		b.send(url, "in flight")
		b.send(url, "delayed", withDelay(5))
		b.one(url)
		if _, err := b.client.PurgeQueue(b.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url}); err != nil {
			b.Fatal(err)
		}
		b.counts(url, "0", "0", "0")
		_, err := b.client.PurgeQueue(b.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url})
		wantType[*types.PurgeQueueInProgress](b, err, "AWS.SimpleQueueService.PurgeQueueInProgress", 403, "60 seconds")
		b.advance(60 * time.Second)
		b.none(url)
		if _, err := b.client.PurgeQueue(b.Context(), &awssqs.PurgeQueueInput{QueueUrl: &url}); err != nil {
			b.Error(err)
		}
	}},
	{name: "tags", page: apiReference + "API_TagQueue.html", run: func(b *bench) {
		out, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(b.name("tagged")), Tags: attrs("team", "a", "old", "x")})
		if err != nil {
			b.Fatal(err)
		}
		url := out.QueueUrl
		b.Cleanup(func() {
			b.client.DeleteQueue(context.Background(), &awssqs.DeleteQueueInput{QueueUrl: url}) //nolint:errcheck // the case is over
		})
		if _, err := b.client.TagQueue(b.Context(), &awssqs.TagQueueInput{QueueUrl: url, Tags: attrs("team", "b", "empty", "")}); err != nil {
			b.Fatal(err)
		}
		if _, err := b.client.UntagQueue(b.Context(), &awssqs.UntagQueueInput{QueueUrl: url, TagKeys: []string{"old", "none"}}); err != nil {
			b.Fatal(err)
		}
		tags, err := b.client.ListQueueTags(b.Context(), &awssqs.ListQueueTagsInput{QueueUrl: url})
		if err != nil || !cmp.Equal(tags.Tags, attrs("team", "b", "empty", "")) {
			b.Errorf("tags %v, %v", tags.Tags, err)
		}
		for _, key := range []string{"aws:team", strings.Repeat("k", 129)} {
			_, err := b.client.TagQueue(b.Context(), &awssqs.TagQueueInput{QueueUrl: url, Tags: attrs(key, "v")})
			b.wantError(err, "InvalidParameterValue", 400, "")
		}
	}},
	{name: "permissions", page: apiReference + "API_AddPermission.html", local: "permissions are not simulated", run: func(b *bench) {
		url := b.queue("jobs")
		_, err := b.client.AddPermission(b.Context(), &awssqs.AddPermissionInput{QueueUrl: &url, Label: aws.String("l"), AWSAccountIds: []string{"111111111111"}, Actions: []string{"SendMessage"}})
		wantType[*types.UnsupportedOperation](b, err, "AWS.SimpleQueueService.UnsupportedOperation", 400, "Policy")
		_, err = b.client.RemovePermission(b.Context(), &awssqs.RemovePermissionInput{QueueUrl: &url, Label: aws.String("l")})
		wantType[*types.UnsupportedOperation](b, err, "AWS.SimpleQueueService.UnsupportedOperation", 400, "Policy")
	}},
}

var attributeCases = []conformanceCase{
	{name: "default attributes", page: apiReference + "API_CreateQueue.html", run: func(b *bench) {
		got := b.attributes(b.queue("jobs"))
		arn := got["QueueArn"]
		if !strings.HasPrefix(arn, "arn:aws:sqs:") || !strings.HasSuffix(arn, ":"+b.name("jobs")) || got["CreatedTimestamp"] == "" || got["LastModifiedTimestamp"] == "" {
			b.Errorf("got %v", got)
		}
		for _, name := range []string{"QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "Policy"} {
			delete(got, name)
		}
		want := attrs("ApproximateNumberOfMessages", "0", "ApproximateNumberOfMessagesNotVisible", "0", "ApproximateNumberOfMessagesDelayed", "0",
			"VisibilityTimeout", "30", "MaximumMessageSize", "1048576", "MessageRetentionPeriod", "345600", "DelaySeconds", "0",
			"ReceiveMessageWaitTimeSeconds", "0", "SqsManagedSseEnabled", "true")
		if diff := cmp.Diff(want, got); diff != "" {
			b.Error(diff)
		}
	}},
	{name: "FIFO attributes", page: apiReference + "API_CreateQueue.html", run: func(b *bench) {
		url := b.queue("ledger.fifo", "ContentBasedDeduplication", "true")
		got := b.attributes(url, "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
		if diff := cmp.Diff(attrs("FifoQueue", "true", "ContentBasedDeduplication", "true", "DeduplicationScope", "queue", "FifoThroughputLimit", "perQueue"), got); diff != "" {
			b.Error(diff)
		}
		set := func(url string, pairs ...string) error {
			_, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attrs(pairs...)})
			return err
		}
		wantType[*types.InvalidAttributeValue](b, set(url, "FifoThroughputLimit", "perMessageGroupId"), "InvalidAttributeValue", 400, "FifoThroughputLimit")
		if err := set(url, "FifoThroughputLimit", "perMessageGroupId", "DeduplicationScope", "messageGroup"); err != nil {
			b.Error(err)
		}
		wantType[*types.InvalidAttributeValue](b, set(url, "FifoQueue", "false"), "InvalidAttributeValue", 400, "Modifying queue type is not supported.")
		standard := b.queue("jobs")
		wantType[*types.InvalidAttributeName](b, set(standard, "FifoQueue", "true"), "InvalidAttributeName", 400, "Unknown Attribute FifoQueue.")
		wantType[*types.InvalidAttributeName](b, set(standard, "ContentBasedDeduplication", "true"), "InvalidAttributeName", 400, "Unknown Attribute ContentBasedDeduplication.")
		for name, value := range attrs("DeduplicationScope", "queue", "FifoThroughputLimit", "perQueue") {
			_, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: aws.String(b.name("scoped")), Attributes: attrs(name, value)})
			wantType[*types.InvalidAttributeName](b, err, "InvalidAttributeName", 400, "You can specify the "+name+" only when FifoQueue is set to true.")
		}
		for range 2 { // the second call finds the queue
			name := b.name("python.fifo")
			out, err := b.client.CreateQueue(b.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attrs("FifoQueue", "True", "ContentBasedDeduplication", "False")})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				b.client.DeleteQueue(context.Background(), &awssqs.DeleteQueueInput{QueueUrl: out.QueueUrl}) //nolint:errcheck // it may be gone
			})
			got := b.attributes(*out.QueueUrl, "FifoQueue", "ContentBasedDeduplication")
			if diff := cmp.Diff(attrs("FifoQueue", "true", "ContentBasedDeduplication", "false"), got); diff != "" {
				b.Error(diff)
			}
		}
	}},
	{name: "attribute bounds", page: apiReference + "API_SetQueueAttributes.html", run: func(b *bench) {
		url := b.queue("jobs")
		set := func(name, value string) error {
			_, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attrs(name, value)})
			return err
		}
		for name, values := range map[string]struct{ good, bad []string }{
			"DelaySeconds":                  {[]string{"0", "900"}, []string{"-1", "901", "x", "1.5"}},
			"MaximumMessageSize":            {[]string{"1024", "1048576"}, []string{"1023", "1048577"}},
			"MessageRetentionPeriod":        {[]string{"60", "1209600"}, []string{"59", "1209601"}},
			"ReceiveMessageWaitTimeSeconds": {[]string{"0", "20"}, []string{"-1", "21"}},
			"VisibilityTimeout":             {[]string{"0", "43200"}, []string{"-1", "43201"}},
		} {
			for _, value := range values.good {
				if err := set(name, value); err != nil {
					b.Errorf("%s=%s: %v", name, value, err)
				}
				if got := b.attributes(url)[name]; got != value && !b.remote {
					b.Errorf("%s is %s, want %s", name, got, value)
				}
			}
			for _, value := range values.bad {
				wantType[*types.InvalidAttributeValue](b, set(name, value), "InvalidAttributeValue", 400, name)
			}
		}
		wantType[*types.InvalidAttributeName](b, set("Colour", "red"), "InvalidAttributeName", 400, "Colour")
		wantType[*types.InvalidAttributeName](b, set("QueueArn", "arn"), "InvalidAttributeName", 400, "QueueArn")
		_, err := b.client.GetQueueAttributes(b.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"Colour"}})
		wantType[*types.InvalidAttributeName](b, err, "InvalidAttributeName", 400, "Colour")
	}},
	{name: "no attributes asked for", page: apiReference + "API_GetQueueAttributes.html", run: func(b *bench) {
		url := b.queue("jobs")
		out, err := b.client.GetQueueAttributes(b.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: &url})
		if err != nil || len(out.Attributes) != 0 {
			b.Errorf("got %v, %v", out.Attributes, err)
		}
	}},
	{name: "server-side encryption", page: developerGuide + "sqs-server-side-encryption.html", run: func(b *bench) {
		url := b.queue("jobs", "KmsMasterKeyId", "alias/aws/sqs")
		want := attrs("KmsMasterKeyId", "alias/aws/sqs", "KmsDataKeyReusePeriodSeconds", "300", "SqsManagedSseEnabled", "false")
		if diff := cmp.Diff(want, b.attributes(url, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")); diff != "" {
			b.Error(diff)
		}
		_, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attrs("KmsMasterKeyId", "k", "SqsManagedSseEnabled", "true")})
		wantType[*types.InvalidAttributeName](b, err, "InvalidAttributeName", 400, "one type of server-side encryption")
		if _, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: attrs("KmsMasterKeyId", "", "KmsDataKeyReusePeriodSeconds", "300")}); err != nil {
			b.Fatal(err)
		}
		if b.remote {
			return // changes take up to 60 seconds
		}
		if diff := cmp.Diff(attrs("SqsManagedSseEnabled", "false"), b.attributes(url, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")); diff != "" {
			b.Error(diff)
		}
	}},
	{name: "retention", page: apiReference + "API_SetQueueAttributes.html", run: func(b *bench) {
		url := b.queue("jobs", "MessageRetentionPeriod", "60")
		b.send(url, "old")
		b.advance(59 * time.Second)
		b.send(url, "young")
		if got := b.one(url, hidden(1)); *got.Body != "old" {
			b.Errorf("got %q", *got.Body)
		}
		b.advance(time.Second)
		b.wantBodies(url, "young")
	}},
	{name: "retention frees a FIFO group", page: developerGuide + "FIFO-queues-understanding-logic.html", local: "an expiry is not to the second", run: func(b *bench) {
		url := b.queue("ledger.fifo", "MessageRetentionPeriod", "60", "VisibilityTimeout", "43200", "ContentBasedDeduplication", "true")
		b.send(url, "1", inGroup("a"))
		b.advance(30 * time.Second)
		b.send(url, "2", inGroup("a"))
		b.one(url)
		b.none(url)
		b.advance(30 * time.Second)
		b.wantBodies(url, "2")
	}},
	{name: "dead letter source queues", page: apiReference + "API_ListDeadLetterSourceQueues.html", local: "lists lag behind", run: func(b *bench) {
		queue, dead := b.withDeadLetters("jobs", 3)
		out, err := b.client.ListDeadLetterSourceQueues(b.Context(), &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead})
		if err != nil || !slices.Equal(out.QueueUrls, []string{queue}) {
			b.Errorf("got %v, %v", out, err)
		}
		if _, err := b.client.SetQueueAttributes(b.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: &queue, Attributes: attrs("RedrivePolicy", "")}); err != nil {
			b.Fatal(err)
		}
		out, err = b.client.ListDeadLetterSourceQueues(b.Context(), &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead})
		if err != nil || len(out.QueueUrls) != 0 {
			b.Errorf("got %v, %v", out, err)
		}
	}},
}
