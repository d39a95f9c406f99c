package event

import (
	"fmt"
	"strconv"
	"time"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Record is one message of an SQS event.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html (2026-11)
type Record struct {
	ID              string
	Body            string
	NoBody          bool   // the body is neither a string nor JSON
	JSONBody        bool   // the body is an object or array: Body is its JSON text
	ARN             string // of the queue
	ReceiptHandle   string
	ReceiveCount    int
	SentAt          time.Time
	GroupID         string
	DeduplicationID string
	TraceHeader     string
	RawAttributes   string // messageAttributes, as JSON
}

// readRecords reads the parts of each record. The first record's event source tells later
// whether they are SQS messages.
func (e *Envelope) readRecords(d *jsonscan.Decoder) {
	e.Records, e.EventSource = nil, "" // of an earlier key of this name
	if d.Peek() != '[' {
		d.Skip()
		return
	}
	for list := d.Array(); list && d.Elem(); {
		if e.Records == nil {
			e.Records = make([]Record, 0, 10)
		}
		e.Records = append(e.Records, Record{})
		rec := &e.Records[len(e.Records)-1]
		if d.Peek() != '{' {
			d.Skip()
			continue
		}
		source := rec.read(d)
		if len(e.Records) == 1 {
			e.EventSource = source
		}
	}
}

// CheckRecords returns an error if a record cannot be reported on its own.
func (e *Envelope) CheckRecords() error {
	for i := range e.Records {
		switch {
		case e.Records[i].ID == "":
			return fmt.Errorf("record %d has no messageId", i)
		case e.Records[i].ARN != e.Records[0].ARN:
			return fmt.Errorf("one event holds messages of two queues, %q and %q", e.Records[0].ARN, e.Records[i].ARN)
		}
	}
	return nil
}

func (rec *Record) read(d *jsonscan.Decoder) (eventSource string) {
	rec.NoBody = true
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		switch key {
		case "messageId":
			rec.ID = scalar(d)
		case "receiptHandle":
			rec.ReceiptHandle = d.Text()
		case "body":
			switch d.Peek() {
			case '"':
				rec.Body, rec.NoBody, rec.JSONBody = d.Text(), false, false
			case '{', '[': // people paste such events
				rec.Body, rec.NoBody, rec.JSONBody = d.Raw(), false, true
			default:
				rec.Body, rec.NoBody, rec.JSONBody = "", true, false
				d.Skip()
			}
		case "eventSource", "EventSource": // SNS writes it with a capital
			eventSource = d.Text()
		case "eventSourceARN":
			rec.ARN = d.Text()
		case "messageAttributes":
			rec.RawAttributes = d.Raw()
		case "attributes":
			if d.Peek() != '{' {
				d.Skip()
				continue
			}
			for key, more := d.FirstKey(); more; key, more = d.Key() {
				rec.attribute(key, scalar(d))
			}
		default:
			d.Skip()
		}
	}
	return eventSource
}

func (rec *Record) attribute(key, value string) {
	switch key {
	case "ApproximateReceiveCount":
		rec.ReceiveCount, _ = strconv.Atoi(value)
	case "SentTimestamp":
		if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
			rec.SentAt = time.UnixMilli(ms)
		}
	case "MessageGroupId":
		rec.GroupID = value
	case "MessageDeduplicationId":
		rec.DeduplicationID = value
	case "AWSTraceHeader":
		rec.TraceHeader = value
	}
}
