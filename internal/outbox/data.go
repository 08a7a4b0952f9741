package outbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Stamp is an instant as messages show it: RFC 3339 in UTC with six digits of the second; null when
// zero.
type Stamp struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	out := append(make([]byte, 0, len(stampLayout)+2), '"')
	return append(s.UTC().AppendFormat(out, stampLayout), '"'), nil
}

// Encode makes the body of a message whose data encodes to a JSON object.
func Encode(t Type, at time.Time, data any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // receivers see what was meant: <, > and & too
	if err := e.Encode(data); err != nil {
		return nil, fmt.Errorf("encode the data of %s: %w", t, err)
	}
	text := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(text) == 0 || text[0] != '{' {
		return nil, fmt.Errorf("the data of %s is no JSON object", t)
	}
	return Body(t, at, text), nil
}

// OrgData is the data of product_org.updated.
type OrgData struct {
	UpdateID     string      `json:"update_id"`
	Environment  string      `json:"environment"`
	APIKeyID     string      `json:"api_key_id"`
	RequestID    string      `json:"request_id"`
	OccurredAt   Stamp       `json:"occurred_at"`
	ReceivedAt   Stamp       `json:"received_at"`
	ReplayedAt   Stamp       `json:"replayed_at"` // null: it was applied when it arrived
	Organization OrgValues   `json:"organization"`
	Changes      []OrgChange `json:"changes"`
}

// OrgValues is what is known of an organisation once the update is applied.
type OrgValues struct {
	ID          string                     `json:"id"`
	OrgID       string                     `json:"org_id"` // as its senders know it
	Values      map[string]json.RawMessage `json:"values"`
	LastEventAt Stamp                      `json:"last_event_at"`
	CreatedAt   Stamp                      `json:"created_at"`
}

// OrgChange is what the update did to one value.
type OrgChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"` // null: there was none
	After  json.RawMessage `json:"after"`
}

// KeyData is the data of api_key.* messages: members of the key as the management API shows it, and
// what the type adds. Never a value, nor a hash of one.
type KeyData struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Prefix         string `json:"key_prefix"` // for display: sk_live_a2f9
	Environment    string `json:"environment"`
	EndpointType   string `json:"endpoint_type"`
	Status         string `json:"status"` // active, expired or revoked
	CreatedAt      Stamp  `json:"created_at"`
	ExpiresAt      Stamp  `json:"expires_at"`                 // null: never
	PreviousEndsAt *Stamp `json:"previous_ends_at,omitempty"` // api_key.rotated: when the value before it ends
	Days           int    `json:"days,omitempty"`             // api_key.expiring: within 30, 7 or 1 days
	Reason         string `json:"reason,omitempty"`           // api_key.deactivated: manual, leaked or maker_removed
	By             string `json:"by"`                         // who did it, as the audit log names them
}

// RejectedData is the data of ingest.rejected.
type RejectedData struct {
	RequestID   string        `json:"request_id"`
	Environment string        `json:"environment"`
	APIKeyID    string        `json:"api_key_id"`
	Route       string        `json:"route"`
	Source      *string       `json:"source"`
	Status      int           `json:"status"`
	Code        string        `json:"code"`
	Message     string        `json:"message"`
	Accepted    int           `json:"accepted"`
	Duplicates  int           `json:"duplicates"`
	Rejected    int           `json:"rejected"`
	ReceivedAt  Stamp         `json:"received_at"`
	Errors      []RefusedItem `json:"errors"` // the first 20
}

// RefusedItem says why one item of a request was refused.
type RefusedItem struct {
	Index   int     `json:"index"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Field   *string `json:"field"`
}

// EndpointData is the data of endpoint.* messages.
type EndpointData struct {
	ID           string `json:"id"`
	URL          string `json:"url"`
	Description  string `json:"description"`
	Environment  string `json:"environment"`
	Reason       string `json:"reason,omitempty"`      // endpoint.disabled: manual, gone or failing
	Percent      int    `json:"percent,omitempty"`     // endpoint.failing: of the way to being disabled
	FailingSince Stamp  `json:"failing_since"`         // null: it is not failing
	DisablesAt   *Stamp `json:"disables_at,omitempty"` // endpoint.failing
	LastError    string `json:"last_error,omitempty"`
	By           string `json:"by,omitempty"`
}

// TestData is the data of a webhook.test message that nobody edited.
type TestData struct {
	EndpointID string `json:"endpoint_id"`
	Message    string `json:"message"`
}
