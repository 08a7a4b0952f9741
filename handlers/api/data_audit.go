package api

import (
	"encoding/json"

	"latchkey/internal/audit"
)

type auditJSON struct {
	ID        string          `json:"id"`
	Action    string          `json:"action"`
	Actor     auditActorJSON  `json:"actor"`
	Target    auditTargetJSON `json:"target"`
	Before    json.RawMessage `json:"before"`
	After     json.RawMessage `json:"after"`
	IP        *string         `json:"ip"`
	RequestID *string         `json:"request_id"`
	CreatedAt string          `json:"created_at"`
}

type auditActorJSON struct {
	Type  string  `json:"type"` // account, api_key or system
	ID    *string `json:"id"`
	Label string  `json:"label"`
}

type auditTargetJSON struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Label string `json:"label"`
}

func listAudit(c *call) error {
	q := c.query()
	f := audit.Filter{
		Actor: q.text("actor"), Action: q.text("action"), Target: q.text("target"), TargetID: q.text("target_id"),
		From: q.instant("from"), To: q.instant("to"),
	}
	at, limit := audit.Cursor{Before: q.cursorID()}, q.limit()
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Audit.List(c.ctx(), c.actor, f, at, limit)
	if err != nil {
		return err
	}
	return c.list(each(page.Entries, auditOf), page.Older)
}

func auditOf(e audit.Entry) auditJSON {
	actor := auditActorJSON{"system", nil, e.ActorLabel}
	switch {
	case e.ActorKeyID != nil:
		actor.Type, actor.ID = "api_key", e.ActorKeyID
	case e.ActorAccountID != nil:
		actor.Type, actor.ID = "account", e.ActorAccountID
	}
	return auditJSON{
		ID: e.ID, Action: e.Action, Actor: actor, Target: auditTargetJSON{e.TargetType, e.TargetID, e.TargetLabel},
		Before: e.Before, After: e.After, IP: nullable(e.IP), RequestID: nullable(e.RequestID), CreatedAt: instant(e.CreatedAt.Time),
	}
}
