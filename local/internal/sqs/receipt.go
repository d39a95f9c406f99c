package sqs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// receiptVersion is the version of this service's receipt handles. A handle has the
// queue, the message, the number of the receive, and a signature.
const receiptVersion = 1

const receiptBytes = 1 + 8 + 8 + 8 + 16

// handle returns the receipt handle of the receive that holds m.
func (q *Queue) handle(m *message) string {
	b := make([]byte, 0, receiptBytes)
	b = append(b, receiptVersion)
	b = binary.BigEndian.AppendUint64(b, q.id)
	b = binary.BigEndian.AppendUint64(b, m.seq)
	b = binary.BigEndian.AppendUint64(b, m.receipt)
	return base64.StdEncoding.EncodeToString(append(b, q.s.sign(b)...))
}

// sign returns a 16-byte signature of data with the service's key.
func (s *Service) sign(data []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(data)
	return mac.Sum(nil)[:16]
}

// held is the result of looking up a receipt handle in this queue.
type held struct {
	m       *message // nil if the message no longer exists
	current bool     // no later receive has superseded the handle
}

// find looks up a receipt handle. Another queue's handle, or an invalid one, is an error.
func (q *Queue) find(handle string) (held, error) {
	b, err := base64.StdEncoding.DecodeString(handle)
	if handle == "" {
		return held{}, errMissing("ReceiptHandle")
	}
	if err != nil || len(b) != receiptBytes || !hmac.Equal(q.s.sign(b[:receiptBytes-16]), b[receiptBytes-16:]) {
		return held{}, errReceiptHandle(handle)
	}
	if b[0] != receiptVersion {
		return held{}, errIDFormat()
	}
	if binary.BigEndian.Uint64(b[1:]) != q.id {
		return held{}, errReceiptHandle(handle)
	}
	m := q.messages[binary.BigEndian.Uint64(b[9:])]
	return held{m, m != nil && m.receipt == binary.BigEndian.Uint64(b[17:])}, nil
}

func errExpired(handle string) error {
	return errInvalidValue(handle, "ReceiptHandle", "The receipt handle has expired.")
}

// Delete deletes a received message. Deleting it again is no error. On a FIFO queue the
// handle must not have expired. On a standard queue a superseded handle has no effect.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html (2026-11)
func (q *Queue) Delete(handle string) error {
	_, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return err
	}
	h, err := q.find(handle)
	switch {
	case err != nil:
		return err
	case h.m == nil:
		return nil
	case q.fifo && (!h.current || h.m.state != inFlight):
		return errExpired(handle)
	case !h.current:
		return nil
	}
	q.remove(h.m)
	q.counters.Deleted++
	q.notify() // the group's next message may be received now
	return nil
}

// ChangeVisibility makes a message in flight visible after d, 0 to 12 hours. A message
// may be in flight for at most 12 hours in total. On a FIFO queue the handle must not have
// expired. On a standard queue a superseded handle serves too, and a message that is
// visible stays so: LocalStack's captures of AWS, 2026-03.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html (2026-11)
func (q *Queue) ChangeVisibility(handle string, d time.Duration) error {
	now, err := q.lock()
	defer q.s.mu.Unlock()
	if err != nil {
		return err
	}
	seconds := int(d / time.Second)
	if d < 0 || seconds > maxVisibilitySeconds {
		return errInvalidValue(seconds, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	h, err := q.find(handle)
	switch {
	case err != nil:
		return err
	case h.m == nil:
		return errInvalidValue(handle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	case q.fifo && (!h.current || h.m.state != inFlight):
		return errExpired(handle)
	case h.m.state != inFlight:
		return nil
	case now.Add(d).Sub(h.m.receivedAt) > maxVisibilitySeconds*time.Second:
		return errInvalidValue(seconds, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	q.hidden.remove(h.m)
	h.m.visibleAt = now.Add(d)
	q.hidden.add(h.m)
	q.settle(now)
	q.notify()
	return nil
}

// ReturnNow makes a message in flight visible at once.
func (q *Queue) ReturnNow(handle string) error { return q.ChangeVisibility(handle, 0) }
