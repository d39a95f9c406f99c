package dynamodb

import (
	"fmt"
	"net/http"
)

// Error is an error of the DynamoDB API.
type Error struct {
	// Type is the error's name with its namespace, such as
	// "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException".
	Type string
	// Status is the HTTP status.
	Status int
	// Message describes the mistake.
	Message string

	// item is the item that failed a condition, if the request asked for it.
	item item
	// reasons are the cancellation reasons of a transaction.
	reasons []reason
}

// Error implements error.
func (e *Error) Error() string { return e.Type + ": " + e.Message }

// The namespaces of errors: of the API's model, of the service's framework, and of its
// validation.
const (
	modelNamespace      = "com.amazonaws.dynamodb.v20120810#"
	serviceNamespace    = "com.amazon.coral.service#"
	validationNamespace = "com.amazon.coral.validate#"
)

func failure(kind, format string, args ...any) *Error {
	return &Error{Type: kind, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// invalid returns the error for a request that DynamoDB refuses.
func invalid(format string, args ...any) *Error {
	return failure(validationNamespace+"ValidationException", format, args...)
}

// invalidValue returns the error for an invalid value in a request.
func invalidValue(format string, args ...any) *Error {
	return invalid("One or more parameter values were invalid: "+format, args...)
}

func errMissing(parameter string) *Error {
	return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", parameter)
}

// wayOut ends the simulator's own errors, which DynamoDB does not have.
const wayOut = "set AWS_ENDPOINT_URL_DYNAMODB in .env to lead the program to another one, such as DynamoDB Local"

func notSimulated(kind, what string) *Error {
	return failure(kind, "hearth does not simulate %s; %s", what, wayOut)
}

// errNotSimulated returns the error for an unsupported part of an operation.
func errNotSimulated(what string) *Error {
	return notSimulated(validationNamespace+"ValidationException", what)
}

// errOperation returns the error for an unsupported operation.
func errOperation(name string) *Error {
	return notSimulated(serviceNamespace+"UnknownOperationException", name)
}

func errNoTable(name string) *Error {
	return failure(modelNamespace+"ResourceNotFoundException",
		"Requested resource not found: Table: %s not found: the tables here are those of the app's template; %s", name, wayOut)
}

func errUnmet(old item) *Error {
	e := failure(modelNamespace+"ConditionalCheckFailedException", "The conditional request failed")
	e.item = old
	return e
}

func errKey() *Error { return invalid("The provided key element does not match the schema") }
