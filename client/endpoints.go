package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Statuses of an endpoint. Failing is for EndpointFilter alone: enabled, and the last attempts failed.
const (
	Enabled  = "enabled"
	Disabled = "disabled"
	Failing  = "failing"
)

// Endpoint is a URL that messages are sent to, without its secret and the values of its headers.
type Endpoint struct {
	ID             string           `json:"id"`
	WorkspaceID    string           `json:"workspace_id"`
	Environment    string           `json:"environment"`
	URL            string           `json:"url"`
	Description    string           `json:"description"`
	EventTypes     []string         `json:"event_types"` // types, and patterns such as api_key.* and *
	Source         string           `json:"source"`      // only messages about this source; empty: any
	APIKeyID       string           `json:"api_key_id"`  // only messages about this key; empty: any
	Ordered        bool             `json:"ordered"`
	Concurrency    int              `json:"concurrency"` // requests at a time
	RateLimit      int              `json:"rate_limit"`  // requests a second; 0: no limit
	Headers        []EndpointHeader `json:"headers"`
	Status         string           `json:"status"`          // Enabled or Disabled
	DisabledReason string           `json:"disabled_reason"` // manual, gone or failing
	DisabledAt     time.Time        `json:"disabled_at"`
	Health         EndpointHealth   `json:"health"`
	PreviousEndsAt time.Time        `json:"previous_secret_ends_at"` // zero: one secret signs
	Version        int              `json:"version"`
	CreatedBy      string           `json:"created_by"` // account
	CreatedByKey   string           `json:"created_by_key_id"`
	CreatedAt      time.Time        `json:"created_at"`
	UpdatedAt      time.Time        `json:"updated_at"`

	// Secret signs the messages. It is in the answer to CreateEndpoint alone; RevealEndpointSecret
	// shows it again.
	Secret Secret `json:"secret,omitempty"`
	// Warning is what may be wrong with a URL that was just set.
	Warning string `json:"warning,omitempty"`

	ETag string `json:"-"` // for UpdateEndpoint; only of an endpoint that was read, made or changed alone
}

// EndpointHeader is a header of your own. Values are sent to the instance and never come back.
type EndpointHeader struct {
	Name  string `json:"name"`
	Value Secret `json:"value,omitempty"` // empty in a change: it stays
}

// EndpointHealth is how deliveries to an endpoint go. Times that are zero did not happen, or are not
// to come.
type EndpointHealth struct {
	Delivered24h   int64     `json:"delivered_24h"` // attempts
	Failed24h      int64     `json:"failed_24h"`
	SuccessRate24h *float64  `json:"success_rate_24h"` // 0 to 1; nil: no attempts
	FailingSince   time.Time `json:"failing_since"`
	DisablesAt     time.Time `json:"disables_at"` // unless something is delivered before
	LastSuccessAt  time.Time `json:"last_success_at"`
	LastFailureAt  time.Time `json:"last_failure_at"`
	LastError      string    `json:"last_error"`
	NextAttemptAt  time.Time `json:"next_attempt_at"`
	PausedUntil    time.Time `json:"paused_until"`
	Pending        int64     `json:"pending"` // deliveries; counts end at 10,001
	Failed         int64     `json:"failed"`
	Skipped        int64     `json:"skipped"`
}

// EndpointFilter chooses among endpoints; what is empty does not restrict.
type EndpointFilter struct {
	Environment, Status, Search string
}

// Endpoints goes over the endpoints of the workspace, the newest first. It needs endpoints:read.
func (c *Client) Endpoints(ctx context.Context, f EndpointFilter) iter.Seq2[Endpoint, error] {
	q := url.Values{}
	set(q, "environment", f.Environment)
	set(q, "status", f.Status)
	set(q, "q", f.Search)
	return list[Endpoint](ctx, c, q, "endpoints")
}

// Endpoint reads one endpoint. It needs endpoints:read.
func (c *Client) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	e, _, err := c.endpoint(ctx, call{method: http.MethodGet}, "endpoints", id)
	return e, err
}

// CreateEndpoint is what a new endpoint is made of; what is zero takes the instance's default.
type CreateEndpoint struct {
	URL         string           `json:"url"`
	Environment string           `json:"environment"`
	EventTypes  []string         `json:"event_types"`
	Description string           `json:"description,omitempty"`
	Source      string           `json:"source,omitempty"`
	APIKeyID    string           `json:"api_key_id,omitempty"`
	Ordered     bool             `json:"ordered,omitempty"`
	Concurrency int              `json:"concurrency,omitempty"`
	RateLimit   int              `json:"rate_limit,omitempty"`
	Headers     []EndpointHeader `json:"headers,omitempty"`
	Secret      Secret           `json:"secret,omitempty"` // your own, whsec_...; empty: a new one
}

// ErrSecretLost says that a signing secret was in an answer that did not arrive. What was asked for
// was done; RevealEndpointSecret shows the secret.
var ErrSecretLost = errors.New("the signing secret was in an answer that got lost; RevealEndpointSecret shows it again")

// CreateEndpoint makes an endpoint; its secret is in Endpoint.Secret. It needs endpoints:write.
func (c *Client) CreateEndpoint(ctx context.Context, f CreateEndpoint) (Endpoint, error) {
	e, replayed, err := c.endpoint(ctx, call{method: http.MethodPost, body: f}, "endpoints")
	if err == nil && replayed && e.Secret == "" {
		err = ErrSecretLost
	}
	return e, err
}

// UpdateEndpoint is a change: what is nil stays. With an ETag it is refused with the code
// precondition_failed when the endpoint is not as it was read any more.
type UpdateEndpoint struct {
	URL, Description *string
	EventTypes       *[]string
	Source           *string // to "": about any
	APIKeyID         *string // to "": about any
	Ordered          *bool
	Concurrency      *int
	RateLimit        *int              // to 0: no limit
	Headers          *[]EndpointHeader // all that there shall be
	ETag             string
}

func (u UpdateEndpoint) members() map[string]any {
	m := map[string]any{}
	give(m, "url", u.URL)
	give(m, "description", u.Description)
	give(m, "event_types", u.EventTypes)
	giveOrNull(m, "source", u.Source)
	giveOrNull(m, "api_key_id", u.APIKeyID)
	give(m, "ordered", u.Ordered)
	give(m, "concurrency", u.Concurrency)
	giveOrNull(m, "rate_limit", u.RateLimit)
	give(m, "headers", u.Headers)
	return m
}

// giveOrNull writes zero as null.
func giveOrNull[T comparable](m map[string]any, name string, v *T) {
	var zero T
	if give(m, name, v); v != nil && *v == zero {
		m[name] = nil
	}
}

// UpdateEndpoint changes an endpoint. It needs endpoints:write.
func (c *Client) UpdateEndpoint(ctx context.Context, id string, f UpdateEndpoint) (Endpoint, error) {
	e, _, err := c.endpoint(ctx, call{method: http.MethodPatch, body: f.members(), match: f.ETag}, "endpoints", id)
	return e, err
}

// DisableEndpoint stops sending to an endpoint; what comes meanwhile is kept as skipped. It needs
// endpoints:write.
func (c *Client) DisableEndpoint(ctx context.Context, id string) (Endpoint, error) {
	e, _, err := c.endpoint(ctx, call{method: http.MethodPost}, "endpoints", id, "disable")
	return e, err
}

// EnableEndpoint sends to an endpoint again. It needs endpoints:write.
func (c *Client) EnableEndpoint(ctx context.Context, id string) (Endpoint, error) {
	e, _, err := c.endpoint(ctx, call{method: http.MethodPost}, "endpoints", id, "enable")
	return e, err
}

// DeleteEndpoint ends an endpoint for good. It needs endpoints:write.
func (c *Client) DeleteEndpoint(ctx context.Context, id string) error {
	return c.remove(ctx, "endpoints", id)
}

// remove makes a DELETE whose answer says nothing more.
func (c *Client) remove(ctx context.Context, parts ...string) error {
	path, err := c.path(ctx, parts...)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodDelete, path: path})
	return err
}

// endpoint makes a call that is answered with an endpoint; replayed says that the answer is that of
// an earlier call with the same Idempotency-Key.
func (c *Client) endpoint(ctx context.Context, q call, parts ...string) (e Endpoint, replayed bool, err error) {
	if q.path, err = c.path(ctx, parts...); err != nil {
		return Endpoint{}, false, err
	}
	q.into = &e
	a, err := c.do(ctx, q)
	if err != nil {
		return Endpoint{}, false, err
	}
	e.ETag = a.header.Get("ETag")
	return e, a.header.Get("Idempotent-Replayed") == "true", nil
}
