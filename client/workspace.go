package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"time"
)

// Member is someone of the workspace.
type Member struct {
	AccountID  string    `json:"account_id"`
	Name       string    `json:"name"`
	Email      string    `json:"email"`
	Role       string    `json:"role"`
	JoinedAt   time.Time `json:"joined_at"`
	ActiveKeys int       `json:"active_keys"` // that they made
}

// Members goes over the members of the workspace. It needs members:read.
func (c *Client) Members(ctx context.Context) iter.Seq2[Member, error] {
	return list[Member](ctx, c, url.Values{}, "members")
}

// AuditEntry is one change that someone made in the workspace.
type AuditEntry struct {
	ID        string          `json:"id"`
	Action    string          `json:"action"` // e.g. api_key.created
	Actor     AuditActor      `json:"actor"`
	Target    AuditTarget     `json:"target"`
	Before    json.RawMessage `json:"before"` // JSON object or null; secrets masked
	After     json.RawMessage `json:"after"`
	IP        string          `json:"ip"`
	RequestID string          `json:"request_id"`
	CreatedAt time.Time       `json:"created_at"`
}

// AuditActor is who did it. Type is account, api_key or system.
type AuditActor struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Label string `json:"label"`
}

// AuditTarget is what it was done to.
type AuditTarget struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Label string `json:"label"`
}

// AuditFilter chooses among the entries; what is empty does not restrict.
type AuditFilter struct {
	Actor, Action, Target, TargetID string
	From, To                        time.Time
}

// Audit goes over the audit log, the newest entry first. It needs audit:read.
func (c *Client) Audit(ctx context.Context, f AuditFilter) iter.Seq2[AuditEntry, error] {
	q := url.Values{}
	set(q, "actor", f.Actor)
	set(q, "action", f.Action)
	set(q, "target", f.Target)
	set(q, "target_id", f.TargetID)
	setTime(q, "from", f.From)
	setTime(q, "to", f.To)
	return list[AuditEntry](ctx, c, q, "audit")
}
