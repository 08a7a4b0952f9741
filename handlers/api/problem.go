package api

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keys"
)

// The codes of problems. They are part of the contract.
const (
	codeInvalidToken       = "invalid_token"
	codeInsufficientScope  = "insufficient_scope"
	codePlanRequired       = "plan_required"
	codeEndpointType       = "endpoint_type_mismatch"
	codeIPNotAllowed       = "ip_not_allowed"
	codeForbidden          = "forbidden"
	codeNotFound           = "not_found"
	codeWorkspaceMismatch  = "workspace_mismatch"
	codeValidationFailed   = "validation_failed"
	codeInvalidJSON        = "invalid_json"
	codeUnknownMember      = "unknown_member"
	codeUnknownParameter   = "unknown_parameter"
	codeInvalidURL         = "invalid_url"
	codeInvalidHeader      = "invalid_header"
	codeInvalidSignature   = "invalid_signature"
	codeConflict           = "conflict"
	codePreconditionFailed = "precondition_failed"
	codeInProgress         = "idempotency_in_progress"
	codeMismatch           = "idempotency_mismatch"
	codeRateLimited        = "rate_limited"
	codeMethodNotAllowed   = "method_not_allowed"
	codeTooLarge           = "payload_too_large"
	codeRequestTimeout     = "request_timeout"
	codeContentType        = "unsupported_content_type"
	codeStorage            = "storage_unavailable"
	codeInternal           = "internal_error"
)

// problem is an error answer (RFC 9457). It is an error, so that handlers can return it.
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Code      string       `json:"code"`
	RequestID string       `json:"request_id"`
	Errors    []fieldError `json:"errors,omitempty"`

	challenge  string        // header WWW-Authenticate
	allow      string        // header Allow
	retryAfter time.Duration // header Retry-After
	ofKey      bool          // the key is refused whatever it asks for
	cause      error         // for the log
}

type fieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (p *problem) Error() string {
	if p.cause != nil {
		return p.Code + ": " + p.cause.Error()
	}
	return p.Code + ": " + p.Detail
}

func (p *problem) Unwrap() error { return p.cause }

func newProblem(status int, code, detail string) *problem {
	return &problem{Status: status, Code: code, Detail: detail}
}

func (p *problem) fill(c Ctx) {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	p.Title = http.StatusText(p.Status)
	p.RequestID = requestID(c)
}

// problemOf turns any error into the problem that the caller is told. What is unclassified comes
// from the database: the caller may try again.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	p = &problem{cause: err}
	var f *fault.Error
	if !errors.As(err, &f) {
		p.Status, p.Code, p.retryAfter = http.StatusServiceUnavailable, codeStorage, 5*time.Second
		p.Detail = "The database did not answer. Nothing is known to have changed; send the call again."
		return p
	}
	p.Status, p.Code, p.Detail, p.retryAfter = fault.Status(err), codeOf(err), f.Message, f.RetryAfter
	switch f.Kind {
	case fault.NotFound:
		p.Detail = notFoundText
	case fault.Unauthenticated:
		p.challenge, p.ofKey = challenge, true
	case fault.Unavailable, fault.TooMany:
		p.retryAfter = max(p.retryAfter, time.Second)
	}
	for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
		p.Errors = append(p.Errors, fieldError{field, f.Fields[field]})
	}
	if len(p.Errors) > 0 {
		p.Detail = "Some members or parameters are not right; errors tells which. Nothing was changed."
	}
	return p
}

var codes = map[fault.Kind]string{
	fault.Internal:        codeInternal,
	fault.Invalid:         codeValidationFailed,
	fault.NotFound:        codeNotFound,
	fault.Forbidden:       codeForbidden,
	fault.Unauthenticated: codeInvalidToken,
	fault.Conflict:        codeConflict,
	fault.TooMany:         codeRateLimited,
	fault.Unavailable:     codeStorage,
}

func codeOf(err error) string {
	if errors.Is(err, keys.ErrPlan) {
		return codePlanRequired
	}
	return codes[fault.KindOf(err)]
}
