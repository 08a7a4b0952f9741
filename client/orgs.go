package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"
)

// Org is a product organisation as its newest updates say.
type Org struct {
	ID           string                     `json:"id"`
	WorkspaceID  string                     `json:"workspace_id"`
	Environment  string                     `json:"environment"`
	OrgID        string                     `json:"org_id"` // as the sender calls it
	Name         string                     `json:"name"`
	Domain       string                     `json:"domain"`
	Plan         string                     `json:"plan"`
	TrialStatus  string                     `json:"trial_status"`
	Values       map[string]json.RawMessage `json:"values"` // all of them, by the template's targets
	UpdatesCount int64                      `json:"updates_count"`
	LastEventAt  time.Time                  `json:"last_event_at"`
	CreatedAt    time.Time                  `json:"created_at"`
	UpdatedAt    time.Time                  `json:"updated_at"`

	Origins map[string]Origin `json:"origins,omitempty"` // of each value; of Org, not of Orgs
}

// Origin is the update that gave an organisation a value.
type Origin struct {
	OccurredAt time.Time `json:"occurred_at"`
	APIKeyID   string    `json:"api_key_id"`
	UpdateID   string    `json:"update_id"`
	RequestID  string    `json:"request_id"`
}

// OrgFilter chooses among organisations. Sort and Order are those of openapi.yaml; without an
// Environment they are those of live.
type OrgFilter struct {
	Environment, Search, Plan, TrialStatus string
	Sort, Order                            string
}

// Orgs goes over the organisations. It needs product_orgs:read.
func (c *Client) Orgs(ctx context.Context, f OrgFilter) iter.Seq2[Org, error] {
	q := url.Values{}
	set(q, "environment", f.Environment)
	set(q, "search", f.Search)
	set(q, "plan", f.Plan)
	set(q, "trial_status", f.TrialStatus)
	set(q, "sort", f.Sort)
	set(q, "order", f.Order)
	return list[Org](ctx, c, q, "product-orgs")
}

// Org reads one organisation, with where each value is from. The id is Org.ID, not the sender's.
func (c *Client) Org(ctx context.Context, id string) (Org, error) {
	return get[Org](ctx, c, "product-orgs", id)
}

// OrgUpdate is one received update of an organisation, whatever became of it.
type OrgUpdate struct {
	ID              string      `json:"id"`
	ProductOrgID    string      `json:"product_org_id"`
	OrgID           string      `json:"org_id"`
	Environment     string      `json:"environment"`
	Status          string      `json:"status"`
	APIKeyID        string      `json:"api_key_id"`
	RequestID       string      `json:"request_id"`
	ItemIndex       int         `json:"item_index"`
	TemplateID      string      `json:"template_id"`
	TemplateVersion int         `json:"template_version"`
	MessageID       string      `json:"message_id"`
	Warnings        []string    `json:"warnings"`
	Changes         []OrgChange `json:"changes"`
	Problems        []Finding   `json:"problems"`
	OccurredAt      time.Time   `json:"occurred_at"`
	ReceivedAt      time.Time   `json:"received_at"`
	ReplayedAt      time.Time   `json:"replayed_at"` // zero: it was not replayed
}

// OrgChange is what an update said of one value. A stale one changed nothing: newer was known.
type OrgChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
	Stale  bool            `json:"stale"`
}

// Finding is why a payload could not be mapped.
type Finding struct {
	Row     int    `json:"row"` // of the template; -1: the whole
	Field   string `json:"field"`
	Target  string `json:"target"`
	Path    string `json:"path"`
	Code    string `json:"code"`
	Problem string `json:"problem"`
}

// OrgUpdates goes over what was received of one organisation, the newest first.
func (c *Client) OrgUpdates(ctx context.Context, id string) iter.Seq2[OrgUpdate, error] {
	return list[OrgUpdate](ctx, c, url.Values{}, "product-orgs", id, "updates")
}
