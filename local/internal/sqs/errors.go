package sqs

import (
	"fmt"
	"net/http"
)

// Error is an error of the SQS API.
type Error struct {
	// Type is the error's name in the JSON protocol with its namespace, such as
	// "com.amazonaws.sqs#QueueDoesNotExist".
	Type string
	// Code is the error's name in the query protocol, such as
	// "AWS.SimpleQueueService.NonExistentQueue". The SDKs prefer it.
	Code string
	// Status is the HTTP status.
	Status int
	// Message describes the mistake.
	Message string
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The namespaces of error names: of the API's model, of the two errors that every AWS
// service of this protocol has, and of the query protocol.
const (
	modelNamespace   = "com.amazonaws.sqs#"
	serviceNamespace = "com.amazon.coral.service#"
	queryNamespace   = "AWS.SimpleQueueService."
)

// modelError makes an error of the API's model, with the given query code.
func modelError(name, code string, status int, format string, args ...any) *Error {
	return &Error{modelNamespace + name, code, status, fmt.Sprintf(format, args...)}
}

// prefixedError makes an error whose query code is its name with a prefix.
func prefixedError(name string, format string, args ...any) *Error {
	return modelError(name, queryNamespace+name, http.StatusBadRequest, format, args...)
}

func errInvalidParameter(format string, args ...any) *Error {
	return &Error{serviceNamespace + "InvalidParameterValueException", "InvalidParameterValue", http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// errInvalidValue is errInvalidParameter in its usual wording.
func errInvalidValue(value any, parameter, reason string) *Error {
	return errInvalidParameter("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

// errID refuses a group id, deduplication id or receive attempt id.
func errID(id, parameter string) *Error {
	return errInvalidValue(id, parameter, parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
}

func errMissing(parameter string) *Error {
	return &Error{serviceNamespace + "MissingRequiredParameterException", "MissingParameter", http.StatusBadRequest, "The request must contain the parameter " + parameter + "."}
}

func errNoQueue() *Error {
	return modelError("QueueDoesNotExist", queryNamespace+"NonExistentQueue", http.StatusBadRequest, "The specified queue does not exist.")
}

func errQueueExists(attribute string) *Error {
	return modelError("QueueNameExists", "QueueAlreadyExists", http.StatusBadRequest, "A queue already exists with the same name and a different value for attribute %s", attribute)
}

func errDeletedRecently() *Error {
	return prefixedError("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
}

func errPurgeInProgress(queue string) *Error {
	return modelError("PurgeQueueInProgress", queryNamespace+"PurgeQueueInProgress", http.StatusForbidden, "Only one PurgeQueue operation on %s is allowed every 60 seconds.", queue)
}

func errAttributeName(name string) *Error {
	return modelError("InvalidAttributeName", "InvalidAttributeName", http.StatusBadRequest, "Unknown Attribute %s.", name)
}

func errFIFOOnly(name string) *Error {
	return modelError("InvalidAttributeName", "InvalidAttributeName", http.StatusBadRequest, "You can specify the %s only when FifoQueue is set to true.", name)
}

func errAttributeValue(name, reason string) *Error {
	message := "Invalid value for the parameter " + name + "."
	if reason != "" {
		message += " Reason: " + reason
	}
	return modelError("InvalidAttributeValue", "InvalidAttributeValue", http.StatusBadRequest, "%s", message)
}

func errContents() *Error {
	return modelError("InvalidMessageContents", "InvalidMessageContents", http.StatusBadRequest, "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.")
}

func errReceiptHandle(handle string) *Error {
	return modelError("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", http.StatusNotFound, "The input receipt handle %q is not a valid receipt handle.", handle)
}

func errIDFormat() *Error {
	return modelError("InvalidIdFormat", "InvalidIdFormat", http.StatusBadRequest, "The specified receipt handle isn't valid for the current version.")
}

func errOverLimit() *Error {
	return modelError("OverLimit", "OverLimit", http.StatusForbidden, "Too many messages have been received from the queue and neither deleted nor returned: the limit is %d.", maxInFlight)
}

func errAddress(url string) *Error {
	return modelError("InvalidAddress", "InvalidAddress", http.StatusNotFound, "The address %s is not valid for this endpoint.", url)
}

func errResource(format string, args ...any) *Error {
	return modelError("ResourceNotFoundException", "ResourceNotFoundException", http.StatusNotFound, format, args...)
}

func errUnsupported(format string, args ...any) *Error {
	return prefixedError("UnsupportedOperation", format, args...)
}
