package sqs

import (
	"maps"
	"slices"
	"strings"
	"time"
)

type sendMessageRequest struct {
	onQueue
	sendEntry
}

// sendEntry is one message of SendMessage or SendMessageBatch.
type sendEntry struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]Attribute
	MessageSystemAttributes map[string]Attribute
	MessageGroupID          *string `json:"MessageGroupId"`
	MessageDeduplicationID  *string `json:"MessageDeduplicationId"`
}

func (e *sendEntry) input(c *call) SendInput {
	in := SendInput{
		Body: e.MessageBody, Attributes: e.MessageAttributes, SystemAttributes: e.MessageSystemAttributes,
		Delay: e.DelaySeconds, SenderID: c.sender(), TraceHeader: c.request.Header.Get("X-Amzn-Trace-Id"),
	}
	if e.MessageGroupID != nil {
		in.GroupID = *e.MessageGroupID
	}
	if e.MessageDeduplicationID != nil {
		in.DeduplicationID = *e.MessageDeduplicationID
	}
	return in
}

// checkIDs refuses an id that is set and empty, as AWS does: LocalStack's captures of AWS,
// 2026-03.
func (e *sendEntry) checkIDs() error {
	if id := e.MessageGroupID; id != nil && *id == "" {
		return errID(*id, attrGroupID)
	}
	if id := e.MessageDeduplicationID; id != nil && *id == "" {
		return errID(*id, attrDeduplicationID)
	}
	return nil
}

type sendMessageResult struct {
	ID                    string `json:"Id,omitempty"` // in a batch
	MD5OfMessageBody      string
	MD5OfAttributes       string `json:"MD5OfMessageAttributes,omitempty"`
	MD5OfSystemAttributes string `json:"MD5OfMessageSystemAttributes,omitempty"`
	MessageID             string `json:"MessageId"`
	SequenceNumber        string `json:",omitempty"`
}

func newSendMessageResult(id string, r *SendResult) *sendMessageResult {
	return &sendMessageResult{id, r.MD5OfBody, r.MD5OfAttributes, r.MD5OfSystemAttributes, r.MessageID, r.SequenceNumber}
}

func sendMessage(c *call, in *sendMessageRequest) (*sendMessageResult, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := in.checkIDs(); err != nil {
		return nil, err
	}
	r, err := q.Send(in.input(c))
	if err != nil {
		return nil, err
	}
	return newSendMessageResult("", r), nil
}

type receiveMessageRequest struct {
	onQueue
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	ReceiveRequestAttemptID     *string `json:"ReceiveRequestAttemptId"`
}

type receivedMessage struct {
	Attributes        map[string]string `json:",omitempty"`
	Body              string
	MD5OfBody         string
	MD5OfAttributes   string               `json:"MD5OfMessageAttributes,omitempty"`
	MessageAttributes map[string]Attribute `json:",omitempty"`
	MessageID         string               `json:"MessageId"`
	ReceiptHandle     string
}

type receiveMessageResult struct {
	Messages []receivedMessage `json:",omitempty"`
}

func receiveMessage(c *call, in *receiveMessageRequest) (*receiveMessageResult, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return nil, err
	}
	input := ReceiveInput{Max: 1}
	if in.MaxNumberOfMessages != nil {
		if input.Max = *in.MaxNumberOfMessages; input.Max < 1 || input.Max > maxReceive {
			return nil, errInvalidValue(input.Max, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
	}
	if input.Visibility, err = duration(in.VisibilityTimeout, "VisibilityTimeout", maxVisibilitySeconds); err != nil {
		return nil, err
	}
	if input.Wait, err = duration(in.WaitTimeSeconds, "WaitTimeSeconds", maxWaitSeconds); err != nil {
		return nil, err
	}
	if id := in.ReceiveRequestAttemptID; id != nil {
		if !q.fifo {
			return nil, errInvalidValue(*id, "ReceiveRequestAttemptId", "The request include parameter that is not valid for this queue type.")
		}
		if !punctuatedID.MatchString(*id) {
			return nil, errID(*id, "ReceiveRequestAttemptId")
		}
	}
	system := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, name := range system {
		if !slices.Contains(systemAttributeNames, name) {
			return nil, errAttributeName(name)
		}
	}
	messages, err := q.ReceiveMessages(c.request.Context(), input)
	if err != nil {
		return nil, err
	}
	out := &receiveMessageResult{}
	for _, m := range messages {
		if !slices.Contains(system, attrAll) {
			maps.DeleteFunc(m.System, func(name, _ string) bool { return !slices.Contains(system, name) })
		}
		attributes := selectAttributes(m.Attributes, in.MessageAttributeNames)
		out.Messages = append(out.Messages, receivedMessage{m.System, m.Body, m.MD5OfBody, md5OfAttributes(attributes), attributes, m.ID, m.ReceiptHandle})
	}
	return out, nil
}

// selectAttributes returns the message attributes that a receive requests: by name, by a
// prefix before ".*", or all by "All", ".*" or "*".
func selectAttributes(attributes map[string]Attribute, names []string) map[string]Attribute {
	selected := map[string]Attribute{}
	for attribute, value := range attributes {
		for _, name := range names {
			prefix, wild := strings.CutSuffix(name, ".*")
			if name == attrAll || name == "*" || name == attribute || wild && strings.HasPrefix(attribute, prefix) {
				selected[attribute] = value
			}
		}
	}
	return selected
}

type deleteMessageRequest struct {
	onQueue
	ReceiptHandle string
}

func deleteMessage(c *call, in *deleteMessageRequest) (empty, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, q.Delete(in.ReceiptHandle)
}

type changeVisibilityRequest struct {
	onQueue
	ReceiptHandle     string
	VisibilityTimeout *int
}

func changeMessageVisibility(c *call, in *changeVisibilityRequest) (empty, error) {
	q, err := c.QueueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	if in.VisibilityTimeout == nil {
		return empty{}, errMissing("VisibilityTimeout")
	}
	return empty{}, q.ChangeVisibility(in.ReceiptHandle, time.Duration(*in.VisibilityTimeout)*time.Second)
}
