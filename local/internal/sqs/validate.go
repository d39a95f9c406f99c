package sqs

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	queueName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	fifoName      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,75}\.fifo$`)
	entryID       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)
	punctuatedID  = regexp.MustCompile("^[A-Za-z0-9!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]{1,128}$")
	attributeName = regexp.MustCompile(`^[\p{L}0-9_.-]{1,256}$`) // letters of all scripts: LocalStack's captures of AWS, 2026-03
	number        = regexp.MustCompile(`^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$`)
)

// validText reports whether SQS accepts all characters of s.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html (2026-11)
func validText(s string) bool {
	for i, r := range s {
		switch {
		case r == 0x9 || r == 0xA || r == 0xD, r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r < utf8.RuneError, r >= 0x10000:
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// size returns the message's size for the size limit: body and attributes.
func (in *SendInput) size() int {
	n := len(in.Body)
	for name, a := range in.Attributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

// validate checks a message for its queue. batch says that it is a batch entry; AWS then
// words two errors differently.
func (in *SendInput) validate(q *Queue, batch bool) error {
	if in.Body == "" {
		return errMissing("MessageBody")
	}
	if !validText(in.Body) {
		return errContents()
	}
	if err := validateAttributes("user", in.Attributes); err != nil {
		return err
	}
	for name, a := range in.SystemAttributes {
		if name != attrTraceHeader {
			return errInvalidParameter("Message system attribute name '%s' is invalid.", name)
		}
		if a.DataType != "String" || a.StringValue == nil || *a.StringValue == "" {
			return errInvalidParameter("Message (system) attribute '%s' must contain a non-empty value of type 'String'.", name)
		}
	}
	if in.size() > q.maxSize {
		invalid := "are invalid"
		if batch {
			invalid = "cannot be validated"
		}
		return errInvalidParameter("One or more parameters %s. Reason: Message must be shorter than %d bytes.", invalid, q.maxSize)
	}
	if in.Delay != nil && (*in.Delay < 0 || *in.Delay > maxDelaySeconds) {
		return errInvalidValue(*in.Delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	if in.GroupID != "" && !punctuatedID.MatchString(in.GroupID) {
		return errID(in.GroupID, attrGroupID)
	}
	if in.DeduplicationID != "" && !punctuatedID.MatchString(in.DeduplicationID) {
		return errID(in.DeduplicationID, attrDeduplicationID)
	}
	const wrongKind = "The request include parameter that is not valid for this queue type."
	if !q.fifo {
		if in.DeduplicationID != "" {
			return errInvalidValue(in.DeduplicationID, "MessageDeduplicationId", wrongKind)
		}
		return nil
	}
	if in.Delay != nil && *in.Delay != 0 {
		return errInvalidValue(*in.Delay, "DelaySeconds", wrongKind)
	}
	if in.GroupID == "" {
		err := errMissing("MessageGroupId")
		if batch {
			err = errInvalidParameter("%s", err.Message)
		}
		return err
	}
	if in.DeduplicationID == "" && !q.contentDedup {
		return errInvalidParameter("The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// validateAttributes checks message attributes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html (2026-11)
func validateAttributes(kind string, attributes map[string]Attribute) error {
	if len(attributes) > maxAttributes {
		return errInvalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), maxAttributes)
	}
	for name, a := range attributes {
		lower := strings.ToLower(name)
		if !attributeName.MatchString(name) || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
			strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
			return errInvalidParameter("Message (%s) attribute name '%s' is invalid: it can hold up to 256 letters, digits, '-', '_' and single periods inside, and must not start with AWS. or Amazon.", kind, name)
		}
		if a.DataType == "" {
			return errInvalidParameter("The message attribute '%s' must contain non-empty message attribute type.", name)
		}
		base, _, _ := strings.Cut(a.DataType, ".")
		if base != "String" && base != "Number" && base != "Binary" || utf8.RuneCountInString(a.DataType) > maxAttributeChars {
			return errInvalidParameter("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		}
		if a.StringListValues != nil || a.BinaryListValues != nil {
			return errUnsupported("Message attribute list values in SendMessage operation are not supported.")
		}
		empty := a.StringValue == nil || *a.StringValue == ""
		if base == "Binary" {
			empty = len(a.BinaryValue) == 0
		}
		if empty || (base == "Binary") == (a.StringValue != nil) {
			return errInvalidParameter("Message (%s) attribute '%s' must contain a non-empty value of type '%s'.", kind, name, base)
		}
		if base == "Binary" {
			continue
		}
		if !validText(*a.StringValue) {
			return errInvalidParameter("Message (%s) attribute '%s' has invalid characters in its value.", kind, name)
		}
		if base == "Number" && !validNumber(*a.StringValue) {
			return errInvalidParameter("Can't cast the value of message (%s) attribute '%s' to a number.", kind, name)
		}
	}
	return nil
}

// validNumber reports whether s is a number of up to 38 significant digits
// between -10^128 and 10^126.
func validNumber(s string) bool {
	if !number.MatchString(s) {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "e")
	digits := strings.Trim(strings.NewReplacer("+", "", "-", "", ".", "").Replace(mantissa), "0")
	if len(digits) > maxNumberDigits {
		return false
	}
	value, _, err := big.ParseFloat(strings.TrimSpace(s), 10, 200, big.ToNearestEven)
	if err != nil {
		return false
	}
	low, _, _ := big.ParseFloat("-1e128", 10, 200, big.ToNearestEven)
	high, _, _ := big.ParseFloat("1e126", 10, 200, big.ToNearestEven)
	return value.Cmp(low) >= 0 && value.Cmp(high) <= 0
}

// sha256Hex returns the content-based deduplication id of a body.
func sha256Hex(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
