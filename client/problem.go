package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// The codes of problems, as openapi.yaml has them.
const (
	CodeInvalidToken       = "invalid_token"
	CodeInsufficientScope  = "insufficient_scope"
	CodePlanRequired       = "plan_required"
	CodeEndpointType       = "endpoint_type_mismatch"
	CodeIPNotAllowed       = "ip_not_allowed"
	CodeForbidden          = "forbidden"
	CodeNotFound           = "not_found"
	CodeWorkspaceMismatch  = "workspace_mismatch"
	CodeValidationFailed   = "validation_failed"
	CodeInvalidJSON        = "invalid_json"
	CodeUnknownMember      = "unknown_member"
	CodeUnknownParameter   = "unknown_parameter"
	CodeConflict           = "conflict"
	CodePreconditionFailed = "precondition_failed"
	CodeInProgress         = "idempotency_in_progress"
	CodeMismatch           = "idempotency_mismatch"
	CodeRateLimited        = "rate_limited"
	CodeStorageUnavailable = "storage_unavailable"
	CodeInternal           = "internal_error"
)

// Problem is a refusal of the instance (RFC 9457).
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Code      string       `json:"code"`
	RequestID string       `json:"request_id"`
	Errors    []FieldError `json:"errors,omitempty"`

	// RetryAfter is how long the instance asks to wait; 0 when it does not say.
	RetryAfter time.Duration `json:"-"`
	// Scope is the one that would have done, when the token lacks it.
	Scope string `json:"-"`
}

// FieldError is what is wrong with one member of a body, or one parameter.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error is a sentence with what went wrong, field by field, and the request id.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = fmt.Sprintf("The server answered %d %s.", p.Status, http.StatusText(p.Status))
	}
	for _, e := range p.Errors {
		text += fmt.Sprintf(" %s: %s", e.Field, e.Message)
	}
	if p.Scope != "" && !strings.Contains(text, p.Scope) {
		text += " It needs the scope " + p.Scope + "."
	}
	if p.RequestID != "" {
		text += " (request " + p.RequestID + ")"
	}
	return text
}

// Field is what is wrong with one field; empty when nothing is.
func (p *Problem) Field(name string) string {
	for _, e := range p.Errors {
		if e.Field == name {
			return e.Message
		}
	}
	return ""
}

// Code is the code of the Problem in err's chain; empty when there is none.
func Code(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// maxProblem bounds what is read of a refusal, in bytes.
const maxProblem = 1 << 20

// problemOf reads a refusal; one that is no problem details is told by its status alone.
func problemOf(res *http.Response, now time.Time) *Problem {
	p := &Problem{}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if body, err := io.ReadAll(io.LimitReader(res.Body, maxProblem)); err == nil && strings.HasSuffix(kind, "json") {
		_ = json.Unmarshal(body, p)
	}
	p.Status = res.StatusCode
	if p.RequestID == "" {
		p.RequestID = res.Header.Get("X-Request-Id")
	}
	if p.Title == "" {
		p.Title = http.StatusText(res.StatusCode)
	}
	p.RetryAfter = retryAfter(res.Header, now)
	if p.Code == CodeInsufficientScope {
		p.Scope = challengeScope(res.Header.Get("WWW-Authenticate"))
	}
	if p.Detail == "" && res.StatusCode/100 == 3 {
		p.Detail = fmt.Sprintf("The server sends this call to %s, where the token does not go. Use the address that it is reached by.", res.Header.Get("Location"))
	}
	return p
}

// challengeScope is the parameter scope of a challenge (RFC 6750, section 3).
func challengeScope(challenge string) string {
	_, after, ok := strings.Cut(challenge, `scope="`)
	if !ok {
		return ""
	}
	scope, _, _ := strings.Cut(after, `"`)
	return scope
}
