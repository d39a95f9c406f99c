package lambdaruntime

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

type order struct {
	ID     int    `json:"id"`
	Note   string `json:"note,omitempty"`
	hidden string //nolint:unused // encoding/json leaves it out
}

type checkedOrder struct{ order }

func (o *checkedOrder) Validate() error {
	if o.ID < 0 {
		return errors.New("id must not be negative")
	}
	return nil
}

type valueOrder order

func (o valueOrder) Validate() error { return (&checkedOrder{order(o)}).Validate() }

const (
	snsBody    = `{"Type":"Notification","MessageId":"1","TopicArn":"arn:t","Subject":"s","Message":"{\"id\":7}","Timestamp":"2026-11-23T03:00:00.000Z"}`
	eventBody  = `{"version":"0","id":"1","detail-type":"Order Placed","source":"shop","account":"1","time":"2026-11-23T03:00:00Z","region":"r","resources":[],"detail":{"id":7}}`
	s3Body     = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","s3":{"object":{"key":"a/b"}}}]}`
	s3Two      = `{"Records":[{"s3":{"object":{"key":"a"}}},{"s3":{"object":{"key":"b"}}}]}`
	s3TestBody = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-11-23T03:00:00.000Z","Bucket":"b","RequestId":"1","HostId":"1"}`
)

// readBody decodes a body as a job of a queue does and returns the payload's JSON.
func readBody[T any](body string, envelopes ...Envelope) string {
	var payload T
	skip, err := newBodyReader[T](envelopes).read(body, &payload)
	if err != nil {
		return "error: " + err.Error()
	}
	if skip {
		return "no job"
	}
	out, err := json.Marshal(payload)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

type s3Record struct {
	S3 struct {
		Object struct {
			Key string `json:"key"`
		} `json:"object"`
	} `json:"s3"`
}

// fields has those that encoding/json treats specially.
type fields struct {
	Secret string `json:"-"`
	Dash   int    `json:"-,"` //nolint:staticcheck // the name "-"
	embedded
	Named `json:"base"`
	Number
}

type (
	embedded struct{ Other string }
	Named    struct{ Deep int }
	Number   int
	endless  struct {
		*endless //nolint:unused // encoding/json walks it
		ID       int
	}
)

type (
	withSecret struct {
		ID     int `json:"id"`
		Secret int `json:"-"`
	}
	Shared      struct{ Deep int }
	withPointer struct{ *Shared }
	ownJSON     struct{ Sum int }
	ownList     []order
)

func (o *ownJSON) UnmarshalJSON(data []byte) error { o.Sum = len(data); return nil }
func (o *ownList) UnmarshalJSON(data []byte) error { *o = ownList{{ID: len(data)}}; return nil }

func TestBodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, got, want string }{
		{"plain", readBody[order](`{"id":7}`), `{"id":7}`},
		{"fields of a later version", readBody[order](`{"id":7,"new":true}`), `{"id":7}`},
		{"another case", readBody[order](`{"ID":7}`), `{"id":7}`},
		{"nothing given", readBody[order](`{}`), `{"id":0}`},
		{"null", readBody[order](` null`), `error: it must hold a lambdaruntime.order, got null`},
		{"null for a pointer", readBody[*order](`null`), `error: it must hold a *lambdaruntime.order, got null`},
		{"null for a map", readBody[map[string]int](`null`), `error: it must hold a map[string]int, got null`},
		{"a field that is not exported", readBody[order](`{"hidden":"x"}`), `error: it must hold a lambdaruntime.order, got an object with the fields hidden, none of which it has`},
		{"a field without JSON", readBody[fields](`{"Secret":"x"}`), `error: it must hold a lambdaruntime.fields, got an object with the fields Secret, none of which it has`},
		{"a field named -", readBody[fields](`{"-":3}`), `{"-":3,"Other":"","base":{"Deep":0},"Number":0}`},
		{"an embedded struct's name", readBody[fields](`{"embedded":{"Other":"x"}}`), `error: it must hold a lambdaruntime.fields, got an object with the fields embedded, none of which it has`},
		{"an embedded struct's field", readBody[fields](`{"other":"x"}`), `{"-":0,"Other":"x","base":{"Deep":0},"Number":0}`},
		{"a field of an embedded struct with a name", readBody[fields](`{"Deep":1}`), `error: it must hold a lambdaruntime.fields, got an object with the fields Deep, none of which it has`},
		{"an embedded number", readBody[fields](`{"Number":1}`), `{"-":0,"Other":"","base":{"Deep":0},"Number":1}`},
		{"a struct in itself", readBody[*endless](`{"other":1}`), `error: it must hold a *lambdaruntime.endless, got an object with the fields other, none of which it has`},
		{"a field - that JSON leaves out", readBody[withSecret](`{"-":3}`), `error: it must hold a lambdaruntime.withSecret, got an object with the fields -, none of which it has`},
		{"a field of an embedded pointer", readBody[withPointer](`{"deep":1}`), `{"Deep":1}`},
		{"an embedded pointer's name", readBody[withPointer](`{"shared":{}}`), `error: it must hold a lambdaruntime.withPointer, got an object with the fields shared, none of which it has`},
		{"a struct that decodes itself", readBody[ownJSON](`{"a":1}`), `{"Sum":7}`},
		{"a list of structs that decode themselves", readBody[[]ownJSON](`[{"a":1}]`), `[{"Sum":7}]`},
		{"a list that decodes itself", readBody[ownList](`[{"a":1}]`), `[{"id":9}]`},
		{"a list", readBody[[]order](`[{"id":7},{}]`), `[{"id":7},{"id":0}]`},
		{"a list of others", readBody[[]order](`[{"id":7},{"url":"u"}]`), `error: it must hold a []lambdaruntime.order, got an object with the fields url, none of which it has`},
		{"a list with a null", readBody[[]*order](`[null]`), `error: it must hold a []*lambdaruntime.order, got null`},
		{"a list of envelopes", readBody[[]order](`[` + snsBody + `]`), `error: it must hold a []lambdaruntime.order, got an SNS notification; set Queue.Envelopes to EnvelopeSNS`},
		{"a list of numbers", readBody[[]int](`[1,null]`), `[1,0]`},
		{"S3, several of another shape", readBody[[]order](s3Two, EnvelopeS3), `error: it must hold a []lambdaruntime.order, got an object with the fields s3, none of which it has`},
		{"a byte order mark", readBody[order]("\ufeff" + `{"id":7}`), `error: invalid character 'ï' looking for beginning of value`},
		{"more after it", readBody[order](`{"id":7}{"id":8}`), `error: invalid character '{' after top-level value`},
		{"a number over int64", readBody[order](`{"id":9223372036854775808}`), `error: json: cannot unmarshal number 9223372036854775808 into Go struct field order.id of type int`},
		{"encoded twice", readBody[order](`"{\"id\":7}"`), `error: json: cannot unmarshal string into Go value of type lambdaruntime.order`},
		{"another type", readBody[order](`[1]`), `error: json: cannot unmarshal array into Go value of type lambdaruntime.order`},
		{"another shape", readBody[order](`{"url":"u","tags":[]}`), `error: it must hold a lambdaruntime.order, got an object with the fields url, tags, none of which it has`},
		{"another shape behind a pointer", readBody[*order](`{"url":"u"}`), `error: it must hold a *lambdaruntime.order, got an object with the fields url, none of which it has`},
		{"many other fields", readBody[order](`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}`), `error: it must hold a lambdaruntime.order, got an object with the fields a, b, c, d, e, f, g, h, …, none of which it has`},
		{"broken", readBody[order](`{"id":`), `error: unexpected end of JSON input`},
		{"a struct that takes nothing", readBody[struct{}](`{"url":"u"}`), `{}`},
		{"a map takes any object", readBody[map[string]any](`{"url":"u"}`), `{"url":"u"}`},
		{"a type that decodes itself", readBody[time.Time](`"2026-11-23T03:00:00Z"`), `"2026-11-23T03:00:00Z"`},
		{"raw", readBody[json.RawMessage](eventBody), eventBody},
		{"text", readBody[string](snsBody), mustJSON(snsBody)},
		{"a foreign SNS", readBody[order](snsBody), `error: it must hold a lambdaruntime.order, got an SNS notification; set Queue.Envelopes to EnvelopeSNS`},
		{"a foreign SNS with a field of the payload's", readBody[struct{ Message string }](snsBody), `error: it must hold a struct { Message string }, got an SNS notification; set Queue.Envelopes to EnvelopeSNS`},
		{"a foreign event", readBody[order](eventBody), `error: it must hold a lambdaruntime.order, got an EventBridge event; set Queue.Envelopes to EnvelopeEventBridge`},
		{"a foreign S3 notification", readBody[order](s3Body), `error: it must hold a lambdaruntime.order, got an S3 notification; set Queue.Envelopes to EnvelopeS3`},
		{"a foreign test event", readBody[order](s3TestBody), `error: it must hold a lambdaruntime.order, got the test event of an S3 bucket; set Queue.Envelopes to EnvelopeS3`},
		{"a payload that is an SNS notification", readBody[struct{ TopicArn, Message string }](snsBody), `{"TopicArn":"arn:t","Message":"{\"id\":7}"}`},

		{"SNS", readBody[order](snsBody, EnvelopeSNS), `{"id":7}`},
		{"SNS, text", readBody[string](snsBody, EnvelopeSNS), `"{\"id\":7}"`},
		{"no SNS", readBody[order](`{"id":7}`, EnvelopeSNS), `error: it must come in the envelope SNS that Queue.Envelopes names, got an object with the fields id`},
		{"no SNS, nor an object", readBody[string](`hello`, EnvelopeSNS), `error: it must come in the envelope SNS that Queue.Envelopes names, got no JSON object`},
		{"EventBridge", readBody[order](eventBody, EnvelopeEventBridge), `{"id":7}`},
		{"EventBridge with a null", readBody[order](strings.Replace(eventBody, `{"id":7}`, "null", 1), EnvelopeEventBridge), `error: it must hold a lambdaruntime.order, got null`},
		{"no EventBridge", readBody[order](snsBody, EnvelopeEventBridge), `error: it must come in the envelope EventBridge that Queue.Envelopes names, got an object with the fields Type, MessageId, TopicArn, Subject, Message, Timestamp`},
		{"S3", readBody[s3Record](s3Body, EnvelopeS3), `{"s3":{"object":{"key":"a/b"}}}`},
		{"S3, several", readBody[[]s3Record](s3Two, EnvelopeS3), `[{"s3":{"object":{"key":"a"}}},{"s3":{"object":{"key":"b"}}}]`},
		{"S3, several for one", readBody[s3Record](s3Two, EnvelopeS3), `error: the S3 notification has 2 records; make the payload a slice`},
		{"S3's test event", readBody[s3Record](s3TestBody, EnvelopeS3), `no job`},
		{"S3 through SNS", readBody[s3Record](strings.Replace(snsBody, `"{\"id\":7}"`, mustJSON(s3Body), 1), EnvelopeSNS, EnvelopeS3), `{"s3":{"object":{"key":"a/b"}}}`},

		{"valid", readBody[checkedOrder](`{"id":1}`), `{"id":1}`},
		{"invalid", readBody[checkedOrder](`{"id":-1}`), `error: id must not be negative`},
		{"invalid value", readBody[valueOrder](`{"id":-1}`), `error: id must not be negative`},
		{"invalid pointer", readBody[*checkedOrder](`{"id":-1}`), `error: id must not be negative`},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
}

func mustJSON(s string) string {
	out, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// TestBodiesFailTheirJobs: a message in a foreign envelope fails its job, and S3's test
// event makes no job.
func TestBodiesFailTheirJobs(t *testing.T) {
	t.Parallel()
	ran := 0
	b := setup(t, &App{Queues: []Consumer{
		Queue[order]{Name: "orders"}.Consume(func(context.Context, *Job[order]) error { ran++; return nil }),
		Queue[s3Record]{Name: "uploads", Envelopes: []Envelope{EnvelopeS3}}.Consume(func(context.Context, *Job[s3Record]) error { ran++; return nil }),
	}})
	if got := failures(t, b.mustInvoke(t.Context(), batchOf("orders", snsBody, "null", eventBody))); len(got) != 3 || ran != 0 {
		t.Errorf("failed %v, ran %d", got, ran)
	}
	if got := failures(t, b.mustInvoke(t.Context(), batchOf("uploads", s3TestBody))); len(got) != 0 || ran != 0 {
		t.Errorf("failed %v, ran %d", got, ran)
	}
	if got := failures(t, b.mustInvoke(t.Context(), batchOf("uploads", s3Body))); len(got) != 0 || ran != 1 {
		t.Errorf("failed %v, ran %d", got, ran)
	}
}
