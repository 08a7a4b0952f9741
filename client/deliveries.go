package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Statuses of a delivery.
const (
	Pending   = "pending"
	Delivered = "delivered"
	Failed    = "failed"  // no attempt is left
	Skipped   = "skipped" // the endpoint was disabled
)

// Delivery is one message on its way to one endpoint.
type Delivery struct {
	ID            string    `json:"id"` // msg_..., the header webhook-id
	EndpointID    string    `json:"endpoint_id"`
	EventType     string    `json:"event_type"`
	Status        string    `json:"status"`
	AttemptsCount int       `json:"attempts_count"`
	NextAttemptAt time.Time `json:"next_attempt_at"` // zero unless pending
	LastStatus    int       `json:"last_status"`     // HTTP; 0: no answer
	LastError     string    `json:"last_error"`      // such as blocked_address or http_error
	ReplayID      string    `json:"replay_id"`
	CreatedAt     time.Time `json:"created_at"`
	FinishedAt    time.Time `json:"finished_at"`

	// Of Delivery and TestEndpoint, not of Deliveries.
	Body     json.RawMessage `json:"body,omitempty"`
	BodyText string          `json:"body_text,omitempty"` // as it is signed and sent
	Attempts []Attempt       `json:"attempts,omitempty"`
}

// Attempt is one request to an endpoint.
type Attempt struct {
	Number     int       `json:"number"` // from 1
	StartedAt  time.Time `json:"started_at"`
	DurationMS float64   `json:"duration_ms"`
	Status     int       `json:"status"` // HTTP; 0: no answer
	Error      string    `json:"error"`  // empty: it went well
	Detail     string    `json:"detail"`
	Response   string    `json:"response"`
	Truncated  bool      `json:"truncated"` // there was more of the response
	Cause      string    `json:"cause"`     // schedule, retry, replay or test
}

// DeliveryFilter chooses among deliveries; what is empty does not restrict.
type DeliveryFilter struct {
	Status, EventType string
	From, To          time.Time
}

// Deliveries goes over the deliveries to an endpoint, the newest message first. It needs
// endpoints:read.
func (c *Client) Deliveries(ctx context.Context, endpointID string, f DeliveryFilter) iter.Seq2[Delivery, error] {
	q := url.Values{}
	set(q, "status", f.Status)
	set(q, "type", f.EventType)
	setTime(q, "from", f.From)
	setTime(q, "to", f.To)
	return list[Delivery](ctx, c, q, "endpoints", endpointID, "deliveries")
}

// Delivery reads one delivery, by the id of its message. It needs endpoints:read.
func (c *Client) Delivery(ctx context.Context, endpointID, messageID string) (Delivery, error) {
	return get[Delivery](ctx, c, "endpoints", endpointID, "deliveries", messageID)
}

// RetryDelivery puts a delivery on the schedule again. It needs endpoints:write.
func (c *Client) RetryDelivery(ctx context.Context, endpointID, messageID string) error {
	path, err := c.path(ctx, "endpoints", endpointID, "deliveries", messageID, "retry")
	if err != nil {
		return err
	}
	_, err = c.do(ctx, call{method: http.MethodPost, path: path})
	return err
}

// TestEndpoint is a message to be sent at once: the sample of its type, or a Body of your own.
type TestEndpoint struct {
	EventType string          `json:"type"`
	Body      json.RawMessage `json:"body,omitempty"`
}

// TestEndpoint sends one message and waits for what becomes of it. It needs endpoints:write.
func (c *Client) TestEndpoint(ctx context.Context, endpointID string, f TestEndpoint) (Delivery, error) {
	var d Delivery
	path, err := c.path(ctx, "endpoints", endpointID, "test")
	if err != nil {
		return d, err
	}
	_, err = c.do(ctx, call{method: http.MethodPost, path: path, body: f, into: &d})
	return d, err
}

// EventType is a type of messages.
type EventType struct {
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Sample      json.RawMessage `json:"sample"` // a whole message
}

// EventTypes lists the types of messages. It needs endpoints:read.
func (c *Client) EventTypes(ctx context.Context) ([]EventType, error) {
	return get[[]EventType](ctx, c, "event-types")
}
