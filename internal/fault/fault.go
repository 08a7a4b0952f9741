// Package fault classifies errors: what kind it is, and the one sentence a person may read.
//
// An error that is not a fault is internal: logged with the request id, never shown. The package
// knows nothing of HTTP handlers or databases, only the status that each kind maps to.
package fault

import (
	"errors"
	"net/http"
	"time"
)

// Kind is the class of an error.
type Kind int

// The kinds; Internal is what every unclassified error counts as.
const (
	Internal Kind = iota
	Invalid       // the input breaks a rule; Fields may say which
	NotFound
	Forbidden
	Unauthenticated
	Conflict // the thing is no longer in the state that the change needs
	TooMany  // throttled; RetryAfter says for how long
	Unavailable
)

var statuses = map[Kind]int{
	Internal:        http.StatusInternalServerError,
	Invalid:         http.StatusUnprocessableEntity,
	NotFound:        http.StatusNotFound,
	Forbidden:       http.StatusForbidden,
	Unauthenticated: http.StatusUnauthorized,
	Conflict:        http.StatusConflict,
	TooMany:         http.StatusTooManyRequests,
	Unavailable:     http.StatusServiceUnavailable,
}

// Error is a classified error with a sentence for people.
type Error struct {
	Kind       Kind
	Message    string
	Fields     map[string]string // form field -> sentence, for Invalid
	RetryAfter time.Duration     // for TooMany and Unavailable
	cause      error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.cause }

// New makes a fault with a sentence for people.
func New(kind Kind, message string) *Error { return &Error{Kind: kind, Message: message} }

// Wrap makes a fault that keeps its cause for the log.
func Wrap(kind Kind, message string, cause error) *Error {
	return &Error{Kind: kind, Message: message, cause: cause}
}

// Retry makes a TooMany or Unavailable fault that says when to come back.
func Retry(kind Kind, message string, after time.Duration) *Error {
	return &Error{Kind: kind, Message: message, RetryAfter: after}
}

// Fields collects one sentence a form field.
type Fields map[string]string

// Add keeps the first sentence of a field.
func (f Fields) Add(field, sentence string) {
	if _, taken := f[field]; !taken {
		f[field] = sentence
	}
}

// Err is nil without sentences, else an Invalid fault that holds them.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "Some fields need another look.", Fields: f}
}

// KindOf tells an error's kind; Internal when it is not a fault, or nil.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is tells whether err is a fault of that kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// FieldsOf returns the field sentences of an Invalid fault, never nil.
func FieldsOf(err error) Fields {
	var e *Error
	if errors.As(err, &e) && e.Fields != nil {
		return e.Fields
	}
	return Fields{}
}

// Status is the HTTP status of the error's kind.
func Status(err error) int { return statuses[KindOf(err)] }
