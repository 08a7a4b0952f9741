package client

import (
	"context"
	"iter"
	"net/url"
	"time"
)

// Request is one request that the gateway answered, accepted or refused.
type Request struct {
	ID          string    `json:"id"` // the X-Request-Id that the sender got
	WorkspaceID string    `json:"workspace_id"`
	Environment string    `json:"environment"`
	APIKeyID    string    `json:"api_key_id"`
	Route       string    `json:"route"`
	Source      string    `json:"source"`
	Status      int       `json:"status"`
	Code        string    `json:"code"`    // of the refusal
	Message     string    `json:"message"` // what the sender read
	Accepted    int       `json:"accepted"`
	Duplicates  int       `json:"duplicates"`
	Rejected    int       `json:"rejected"`
	Event       string    `json:"event"` // of the first item
	Email       string    `json:"email"`
	SignalID    string    `json:"signal_id"` // of a single item
	Bytes       int64     `json:"bytes"`
	DurationUS  int64     `json:"duration_us"`
	IP          string    `json:"ip"`
	UserAgent   string    `json:"user_agent"`
	ReceivedAt  time.Time `json:"received_at"`

	// Of Request, not of Requests.
	Headers      map[string]string `json:"headers,omitempty"` // secrets masked
	Refused      []RefusedItem     `json:"refused,omitempty"`
	Body         string            `json:"body,omitempty"`
	BodyEncoding string            `json:"body_encoding,omitempty"` // utf-8 or base64; empty: the body was not kept
}

// RefusedItem is why one of several items was refused.
type RefusedItem struct {
	Index   int    `json:"index"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field"`
}

// RequestFilter chooses among requests; Status is accepted or rejected. Without an Environment they
// are those of live.
type RequestFilter struct {
	Environment, Status, Code, Event, Email, Source, APIKeyID string
	Search                                                    string
	From, To                                                  time.Time
}

// Requests goes over the log of requests, the newest first. It needs requests:read.
func (c *Client) Requests(ctx context.Context, f RequestFilter) iter.Seq2[Request, error] {
	q := url.Values{}
	set(q, "environment", f.Environment)
	set(q, "status", f.Status)
	set(q, "code", f.Code)
	set(q, "event", f.Event)
	set(q, "email", f.Email)
	set(q, "source", f.Source)
	set(q, "api_key_id", f.APIKeyID)
	set(q, "search", f.Search)
	setTime(q, "from", f.From)
	setTime(q, "to", f.To)
	return list[Request](ctx, c, q, "requests")
}

// Request reads one request with its headers and body, as far as they were kept.
func (c *Client) Request(ctx context.Context, id string) (Request, error) {
	return get[Request](ctx, c, "requests", id)
}
