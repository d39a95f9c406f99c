package lambdaruntime

import (
	"cmp"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/lambdahearth/hearth/lambdaruntime/internal/jsonscan"
)

// Envelope is the JSON object that another service puts around a message's content.
type Envelope string

// The envelopes that a queue's messages may come in; see [Queue.Envelopes].
const (
	// EnvelopeSNS is an SNS notification, as a subscription without raw message
	// delivery sends it. The job gets its Message.
	// https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html (2026-11)
	EnvelopeSNS Envelope = "SNS"
	// EnvelopeEventBridge is an event of an EventBridge rule. The job gets its detail.
	// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html (2026-11)
	EnvelopeEventBridge Envelope = "EventBridge"
	// EnvelopeS3 is a notification of an S3 bucket. The job gets its record, or all of
	// them where the payload is a slice. S3 sends a test event when notifications are set
	// up: it counts as done, without a job.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html (2026-11)
	EnvelopeS3 Envelope = "S3"
)

// envelopeSigns recognize known envelopes by their fields.
var envelopeSigns = []struct {
	envelope Envelope
	name     string
	fields   []string
}{
	{EnvelopeSNS, "an SNS notification", []string{"Type", "TopicArn", "Message"}},
	{EnvelopeEventBridge, "an EventBridge event", []string{"detail-type", "source", "detail"}},
	{EnvelopeS3, "an S3 notification", []string{"Records"}},
	{EnvelopeS3, "the test event of an S3 bucket", []string{"Service", "Event", "Bucket"}},
}

// validator is a payload that can check itself.
type validator interface{ Validate() error }

// bodyReader decodes the bodies of a queue's messages.
type bodyReader struct {
	envelopes []Envelope
	name      string          // of the payload's type
	slice     bool            // the payload is a list
	fields    map[string]bool // of a struct, or of a list's structs, in lower case; none for any other type
}

func newBodyReader[T any](envelopes []Envelope) *bodyReader {
	t := reflect.TypeFor[T]()
	b := &bodyReader{envelopes: envelopes, name: t.String(), slice: t.Kind() == reflect.Slice}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if decodesItself(t) {
		return b
	}
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		for t = t.Elem(); t.Kind() == reflect.Pointer; {
			t = t.Elem()
		}
	}
	if t.Kind() == reflect.Struct && !decodesItself(t) {
		b.fields = map[string]bool{}
		addFields(b.fields, t, nil)
	}
	return b
}

func decodesItself(t reflect.Type) bool {
	p := reflect.New(t).Interface()
	_, custom := p.(json.Unmarshaler)
	_, text := p.(encoding.TextUnmarshaler)
	return custom || text
}

// addFields adds the names, in lower case, of the fields that encoding/json decodes into a
// struct. outer are the structs that it is embedded in.
func addFields(names map[string]bool, t reflect.Type, outer []reflect.Type) {
	if slices.Contains(outer, t) {
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		embedded := f.Type
		if f.Anonymous && embedded.Kind() == reflect.Pointer {
			embedded = embedded.Elem()
		}
		switch {
		case tag == "-":
		case f.Anonymous && embedded.Kind() == reflect.Struct && name == "":
			addFields(names, embedded, append(outer, t))
		case f.IsExported():
			names[strings.ToLower(cmp.Or(name, f.Name))] = true
		}
	}
}

// read decodes a body into payload, a pointer. skip means that there is no job in it.
func (b *bodyReader) read(body string, payload any) (skip bool, err error) {
	for _, e := range b.envelopes {
		if body, skip, err = b.open(e, body); skip || err != nil {
			return skip, err
		}
	}
	switch p := payload.(type) {
	case *string:
		*p = body
		return false, nil
	case *[]byte:
		*p = []byte(body)
		return false, nil
	}
	if err := b.check(body); err != nil {
		return false, err
	}
	if err := json.Unmarshal([]byte(body), payload); err != nil {
		return false, err
	}
	if v, ok := payload.(validator); ok {
		return false, v.Validate()
	}
	if v, ok := reflect.ValueOf(payload).Elem().Interface().(validator); ok {
		return false, v.Validate()
	}
	return false, nil
}

// check refuses a body that would decode into an empty payload, or a list that holds one.
func (b *bodyReader) check(body string) error {
	d := jsonscan.NewDecoder(body)
	switch c := d.Peek(); {
	case c == 'n':
		return fmt.Errorf("it must hold a %s, got null", b.name)
	case c == '[' && len(b.fields) > 0:
		for more := d.Array(); more && d.Elem(); {
			if err := b.check(d.Raw()); err != nil {
				return err
			}
		}
		return nil
	case c != '{' || len(b.fields) == 0: // or a struct without fields
		return nil
	}
	keys, known := objectKeys(body), false
	for _, key := range keys {
		known = known || b.fields[strings.ToLower(key)]
	}
	for _, s := range envelopeSigns {
		if hasAll(keys, s.fields) && !b.hasFields(s.fields[1:]) {
			return fmt.Errorf("it must hold a %s, got %s; set Queue.Envelopes to Envelope%s", b.name, s.name, s.envelope)
		}
	}
	if !known && len(keys) > 0 {
		return fmt.Errorf("it must hold a %s, got %s, none of which it has", b.name, listKeys(keys))
	}
	return nil
}

// hasFields reports whether the payload itself has all of the fields: then the envelope
// may be the payload.
func (b *bodyReader) hasFields(fields []string) bool {
	for _, f := range fields {
		if !b.fields[strings.ToLower(f)] {
			return false
		}
	}
	return len(fields) > 0
}

// open takes a body out of an envelope.
func (b *bodyReader) open(e Envelope, body string) (inner string, skip bool, err error) {
	unexpected := func() (string, bool, error) {
		d := jsonscan.NewDecoder(body)
		got := "no JSON object"
		if d.Peek() == '{' {
			got = listKeys(objectKeys(body))
		}
		return "", false, fmt.Errorf("it must come in the envelope %s that Queue.Envelopes names, got %s", e, got)
	}
	switch e {
	case EnvelopeSNS:
		var sns struct {
			Type, TopicArn string
			Message        *string
		}
		if json.Unmarshal([]byte(body), &sns) != nil || sns.Message == nil || sns.TopicArn == "" || sns.Type != "Notification" {
			return unexpected()
		}
		return *sns.Message, false, nil
	case EnvelopeEventBridge:
		var event struct {
			Type   string `json:"detail-type"`
			Source string
			Detail json.RawMessage
		}
		if json.Unmarshal([]byte(body), &event) != nil || event.Type == "" || event.Source == "" || event.Detail == nil {
			return unexpected()
		}
		return string(event.Detail), false, nil
	case EnvelopeS3:
		var s3 struct {
			Event   string
			Records []json.RawMessage
		}
		if json.Unmarshal([]byte(body), &s3) != nil || len(s3.Records) == 0 && s3.Event != "s3:TestEvent" {
			return unexpected()
		}
		switch {
		case s3.Event == "s3:TestEvent":
			return "", true, nil
		case b.slice:
			all, err := json.Marshal(s3.Records)
			return string(all), false, err
		case len(s3.Records) > 1:
			return "", false, fmt.Errorf("the S3 notification has %d records; make the payload a slice", len(s3.Records))
		}
		return string(s3.Records[0]), false, nil
	}
	return "", false, errors.New("Queue.Envelopes names an unknown envelope") // found by App.validate
}

// objectKeys returns the keys of a JSON object, up to its first error.
func objectKeys(body string) []string {
	var keys []string
	d := jsonscan.NewDecoder(body)
	for key, more := d.FirstKey(); more; key, more = d.Key() {
		keys = append(keys, key)
		d.Skip()
	}
	return keys
}

// listKeys names the fields of an object, without their values.
func listKeys(keys []string) string {
	const maxKeys = 8
	if len(keys) == 0 {
		return "an empty object"
	}
	more := ""
	if len(keys) > maxKeys {
		keys, more = keys[:maxKeys], ", …"
	}
	return "an object with the fields " + strings.Join(keys, ", ") + more
}

func hasAll(keys, fields []string) bool {
	for _, f := range fields {
		found := false
		for _, k := range keys {
			found = found || k == f
		}
		if !found {
			return false
		}
	}
	return true
}
