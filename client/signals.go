package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Signal is one stored event. What was not sent is empty.
type Signal struct {
	ID          string    `json:"id"`
	WorkspaceID string    `json:"workspace_id"`
	Environment string    `json:"environment"`
	Kind        string    `json:"kind"` // track, page, screen, identify, group or alias
	Event       string    `json:"event"`
	Email       string    `json:"email"`
	UserID      string    `json:"user_id"`
	AnonymousID string    `json:"anonymous_id"`
	GroupID     string    `json:"group_id"`
	Source      string    `json:"source"`
	MessageID   string    `json:"message_id"`
	APIKeyID    string    `json:"api_key_id"`
	RequestID   string    `json:"request_id"`
	Warnings    []string  `json:"warnings"`
	OccurredAt  time.Time `json:"occurred_at"`
	ReceivedAt  time.Time `json:"received_at"`

	Payload json.RawMessage `json:"payload,omitempty"` // what was sent; of Signal, not of Signals
}

// SignalFilter chooses among signals; what is empty does not restrict. Without an Environment they
// are those of live.
type SignalFilter struct {
	Environment, Kind, Event, Email, Source, APIKeyID, RequestID string
	Search                                                       string
	From, To                                                     time.Time
}

// Signals goes over the signals, the newest first. It needs signals:read.
func (c *Client) Signals(ctx context.Context, f SignalFilter) iter.Seq2[Signal, error] {
	q := url.Values{}
	set(q, "environment", f.Environment)
	set(q, "kind", f.Kind)
	set(q, "event", f.Event)
	set(q, "email", f.Email)
	set(q, "source", f.Source)
	set(q, "api_key_id", f.APIKeyID)
	set(q, "request_id", f.RequestID)
	set(q, "search", f.Search)
	setTime(q, "from", f.From)
	setTime(q, "to", f.To)
	return list[Signal](ctx, c, q, "signals")
}

// Signal reads one signal with its payload.
func (c *Client) Signal(ctx context.Context, id string) (Signal, error) {
	return get[Signal](ctx, c, "signals", id)
}

// get reads one thing below the workspace.
func get[T any](ctx context.Context, c *Client, parts ...string) (T, error) {
	var out T
	path, err := c.path(ctx, parts...)
	if err != nil {
		return out, err
	}
	_, err = c.do(ctx, call{method: http.MethodGet, path: path, into: &out})
	return out, err
}
