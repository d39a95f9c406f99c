package sqs

import (
	"container/list"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Names of message system attributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html (2026-11)
const (
	attrSenderID        = "SenderId"
	attrSentTimestamp   = "SentTimestamp"
	attrReceiveCount    = "ApproximateReceiveCount"
	attrFirstReceive    = "ApproximateFirstReceiveTimestamp"
	attrSequenceNumber  = "SequenceNumber"
	attrDeduplicationID = "MessageDeduplicationId"
	attrGroupID         = "MessageGroupId"
	attrTraceHeader     = "AWSTraceHeader"
	attrDeadLetterARN   = "DeadLetterQueueSourceArn"
	attrAll             = "All"
)

var systemAttributeNames = []string{attrAll, attrSenderID, attrSentTimestamp, attrReceiveCount, attrFirstReceive,
	attrSequenceNumber, attrDeduplicationID, attrGroupID, attrTraceHeader, attrDeadLetterARN}

// Attribute is the value of a message attribute, in the API's shape:
//
//	{"DataType": "String", "StringValue": "acme"}
//	{"DataType": "Binary", "BinaryValue": "AAE="}
type Attribute struct {
	// DataType is String, Number or Binary, or one of these with a label after a
	// dot, such as "Number.float".
	DataType string `json:"DataType"`
	// StringValue is the value of a String or Number.
	StringValue *string `json:"StringValue,omitempty"`
	// BinaryValue is the value of a Binary.
	BinaryValue []byte `json:"BinaryValue,omitempty"`

	// The API reserves these; a message that has one is refused.
	StringListValues []string `json:"StringListValues,omitempty"`
	BinaryListValues [][]byte `json:"BinaryListValues,omitempty"`
}

// SendInput is a message to send. Body is required, and on a FIFO queue GroupID.
type SendInput struct {
	// Body is the message's text.
	Body string
	// Attributes are up to 10 message attributes.
	Attributes map[string]Attribute
	// SystemAttributes may hold AWSTraceHeader.
	SystemAttributes map[string]Attribute
	// Delay hides the message at first, in seconds from 0 to 900. Nil means the queue's
	// delay. FIFO queues accept only nil and 0.
	Delay *int
	// GroupID is the message group.
	GroupID string
	// DeduplicationID is the deduplication id of a FIFO message. If the queue has
	// ContentBasedDeduplication, "" means the hash of the body.
	DeduplicationID string
	// SenderID identifies the sender. "" means the account.
	SenderID string
	// TraceHeader becomes AWSTraceHeader unless SystemAttributes has one. Requests carry it
	// as X-Amzn-Trace-Id.
	// https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html (2026-11)
	TraceHeader string
}

// SendResult is the answer of SQS to an accepted message.
type SendResult struct {
	MessageID string
	// MD5OfBody and the other digests are in lower-case hexadecimal; the digest of no
	// attributes is "".
	MD5OfBody             string
	MD5OfAttributes       string
	MD5OfSystemAttributes string
	// SequenceNumber orders the messages of a group; "" on a standard queue.
	SequenceNumber string
}

// Message is a message as one receive returned it.
type Message struct {
	ID            string
	ReceiptHandle string
	Body          string
	MD5OfBody     string
	// Attributes is shared between receives and must not be changed.
	Attributes map[string]Attribute
	// System holds all system attributes of the message.
	System map[string]string
}

// state is a message's state in its queue.
type state uint8

const (
	delayed  state = iota // sent, still hidden by a delay
	visible               // can be received
	inFlight              // received, neither deleted nor returned
	gone                  // deleted, expired, purged or moved
)

// message is a message in a queue. The service's lock guards it.
type message struct {
	content
	seq            uint64 // its order in this queue; unique in the service
	sequenceNumber string
	sentAt         time.Time
	firstReceived  time.Time // zero before the first receive
	receives       int       // over all its queues
	deliveries     int       // from this queue, for its redrive policy
	sourceARN      string    // the queue that dead-lettered it

	state      state
	visibleAt  time.Time
	receivedAt time.Time // the last receive
	receipt    uint64    // number of the receive that holds it, or held it last

	readyPos, hiddenPos, agePos int
	group                       *group
	elem                        *list.Element // in its group
}

// content is the part of a message that its sender sets.
type content struct {
	id                    string
	body                  string
	attributes            map[string]Attribute
	md5OfBody             string
	md5OfAttributes       string
	md5OfSystemAttributes string
	groupID               string
	deduplicationID       string
	senderID              string
	traceHeader           string
}

// received returns the message for the receive that holds it.
func (m *message) received(handle string) Message {
	system := map[string]string{
		attrSenderID:      m.senderID,
		attrSentTimestamp: millis(m.sentAt),
		attrReceiveCount:  strconv.Itoa(m.receives),
		attrFirstReceive:  millis(m.firstReceived),
	}
	for name, value := range map[string]string{
		attrSequenceNumber:  m.sequenceNumber,
		attrDeduplicationID: m.deduplicationID,
		attrGroupID:         m.groupID,
		attrTraceHeader:     m.traceHeader,
		attrDeadLetterARN:   m.sourceARN,
	} {
		if value != "" {
			system[name] = value
		}
	}
	return Message{ID: m.id, ReceiptHandle: handle, Body: m.body, MD5OfBody: m.md5OfBody, Attributes: m.attributes, System: system}
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func md5Hex(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes digests message attributes as SQS does. Sorted by name, each
// contributes its name, its type, one byte for the kind of value, and its value. All
// except that byte follow their length. It returns "" for no attributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html (2026-11)
func md5OfAttributes(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var data []byte
	field := func(s string) {
		data = binary.BigEndian.AppendUint32(data, uint32(len(s)))
		data = append(data, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		field(name)
		field(a.DataType)
		if a.StringValue != nil {
			data = append(data, 1)
			field(*a.StringValue)
		} else {
			data = append(data, 2)
			field(string(a.BinaryValue))
		}
	}
	return md5Hex(data)
}
