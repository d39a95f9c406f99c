package sqs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	kjson "sigs.k8s.io/json"
)

// maxEventBytes bounds an event: the payload limit of a synchronous invocation.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (2026-11)
const maxEventBytes = 6 * 1024 * 1024

// eventRecord is one message in Lambda's event for a batch.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html (2026-11)
type eventRecord struct {
	MessageID         string                    `json:"messageId"`
	ReceiptHandle     string                    `json:"receiptHandle"`
	Body              string                    `json:"body"`
	Attributes        map[string]string         `json:"attributes"`
	MessageAttributes map[string]eventAttribute `json:"messageAttributes"`
	MD5OfAttributes   json.RawMessage           `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody         string                    `json:"md5OfBody"`
	EventSource       string                    `json:"eventSource"`
	EventSourceARN    string                    `json:"eventSourceARN"`
	AWSRegion         string                    `json:"awsRegion"`
}

type eventAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues []string `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// newEventRecord returns the JSON of a message's record. Without message attributes, their
// digest is null in the events of a mapping with a batching window, and absent in others:
// LocalStack's captures of AWS, 2026-03.
func newEventRecord(q *Queue, m *Message, window bool) []byte {
	r := eventRecord{
		MessageID: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, Attributes: m.System,
		MessageAttributes: map[string]eventAttribute{}, MD5OfBody: m.MD5OfBody,
		EventSource: "aws:sqs", EventSourceARN: q.arn, AWSRegion: q.s.region,
	}
	if digest := md5OfAttributes(m.Attributes); digest != "" {
		r.MD5OfAttributes = json.RawMessage(`"` + digest + `"`)
	} else if window {
		r.MD5OfAttributes = json.RawMessage("null")
	}
	for name, a := range m.Attributes {
		r.MessageAttributes[name] = eventAttribute{a.StringValue, a.BinaryValue, []string{}, []string{}, a.DataType}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		panic("sqs: " + err.Error()) // only plain structs come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

const eventPrefix, eventSuffix = `{"Records":[`, `]}`

func newEvent(records [][]byte) []byte {
	return append(append([]byte(eventPrefix), bytes.Join(records, []byte{','})...), eventSuffix...)
}

// failedItems reads a partial batch response and returns the ids of the failed messages.
// An error means that the whole batch failed.
//
// Names are case-sensitive. A null or empty response, or a null or empty list, is a full success. Invalid JSON, an
// item without an id, and an id outside the batch are a full failure.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (2026-11)
func failedItems(response []byte, batch map[string]bool) (map[string]bool, error) {
	if len(bytes.TrimSpace(response)) == 0 {
		return nil, nil
	}
	var r *struct {
		Items []struct {
			ID *string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(response, &r); err != nil {
		return nil, errors.New("it must be a JSON object whose batchItemFailures is a list of objects")
	}
	if r == nil {
		return nil, nil
	}
	failed := map[string]bool{}
	for i, item := range r.Items {
		switch {
		case item.ID == nil || *item.ID == "":
			return nil, fmt.Errorf("batchItemFailures[%d] has no itemIdentifier", i)
		case !batch[*item.ID]:
			return nil, fmt.Errorf("batchItemFailures[%d] has the itemIdentifier %q, which is not in the batch", i, *item.ID)
		}
		failed[*item.ID] = true
	}
	return failed, nil
}

// misspelt returns the name of a field that differs from batchItemFailures by its case only,
// or "", also if the right field is there too. Lambda ignores the misspelt one.
func misspelt(response []byte) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(response, &fields) != nil {
		return ""
	}
	if _, ok := fields["batchItemFailures"]; ok {
		return ""
	}
	for name := range fields {
		if strings.EqualFold(name, "batchItemFailures") {
			return name
		}
	}
	return ""
}
