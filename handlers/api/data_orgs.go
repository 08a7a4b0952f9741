package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"latchkey/internal/mapping"
	"latchkey/internal/orgs"
)

type orgJSON struct {
	ID          string                     `json:"id"`
	WorkspaceID string                     `json:"workspace_id"`
	Environment string                     `json:"environment"`
	OrgID       string                     `json:"org_id"`
	Name        *string                    `json:"name"`
	Domain      *string                    `json:"domain"`
	Plan        *string                    `json:"plan"`
	TrialStatus *string                    `json:"trial_status"`
	Values      map[string]json.RawMessage `json:"values"`
	Updates     int64                      `json:"updates_count"`
	LastEventAt string                     `json:"last_event_at"`
	CreatedAt   string                     `json:"created_at"`
	UpdatedAt   string                     `json:"updated_at"`
}

// wholeOrgJSON adds where each value is from.
type wholeOrgJSON struct {
	orgJSON
	Origins map[string]originJSON `json:"origins"`
}

type originJSON struct {
	OccurredAt string  `json:"occurred_at"`
	APIKeyID   string  `json:"api_key_id"`
	UpdateID   string  `json:"update_id"`
	RequestID  *string `json:"request_id"`
}

func listOrgs(c *call) error {
	q := c.query()
	f := orgs.Filter{
		Environment: q.oneEnvironment(), Search: q.text("q"), Plan: q.text("plan"), TrialStatus: q.text("trial_status"),
		Sort:      orgs.Sort(q.oneOf("sort", string(orgs.ByUpdate), string(orgs.ByMRR), string(orgs.ByUsers))),
		Ascending: q.oneOf("order", "asc", "desc") == "asc",
		Limit:     q.limit(),
	}
	// A place in one order means nothing in another: the cursor names its own.
	order := string(f.Sort) + " " + q.get("order") + " "
	at, fits := strings.CutPrefix(q.cursor(), order)
	if q.has("cursor") && (!fits || !f.Sort.IsPlace(at)) {
		q.badCursor()
	}
	f.At.Before = at
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Orgs.List(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	next := page.Older
	if next != "" {
		next = order + next
	}
	return c.list(each(page.Items, func(i orgs.Item) orgJSON { return orgOf(orgs.Org{ProductOrg: i.ProductOrg, State: i.State}) }), next)
}

func getOrg(c *call) error {
	o, err := c.api.Orgs.Get(c.ctx(), c.actor, c.param("orgId"))
	if err != nil {
		return err
	}
	whole := wholeOrgJSON{orgOf(o), map[string]originJSON{}}
	for _, v := range o.Values {
		whole.Origins[v.Name] = originJSON{instant(time.UnixMicro(v.At)), v.Key, v.Update, nullable(v.RequestID)}
	}
	return c.json(http.StatusOK, whole)
}

func orgOf(o orgs.Org) orgJSON {
	out := orgJSON{
		ID: o.ID, WorkspaceID: o.WorkspaceID, Environment: o.Environment, OrgID: o.OrgKey,
		Name: nullable(o.Name), Domain: nullable(o.Domain), Plan: nullable(o.Plan), TrialStatus: nullable(o.TrialStatus),
		Values: map[string]json.RawMessage{}, Updates: o.Updates,
		LastEventAt: instant(o.LastEventAt.Time), CreatedAt: instant(o.CreatedAt.Time), UpdatedAt: instant(o.UpdatedAt.Time),
	}
	for name, f := range o.State {
		out.Values[name] = f.Value
	}
	return out
}

type orgUpdateJSON struct {
	ID              string        `json:"id"`
	ProductOrgID    *string       `json:"product_org_id"`
	OrgID           string        `json:"org_id"`
	Environment     string        `json:"environment"`
	Status          string        `json:"status"`
	APIKeyID        string        `json:"api_key_id"`
	RequestID       string        `json:"request_id"`
	ItemIndex       int           `json:"item_index"`
	TemplateID      *string       `json:"template_id"`
	TemplateVersion int           `json:"template_version"`
	MessageID       *string       `json:"message_id"`
	Warnings        []string      `json:"warnings"`
	Changes         []changeJSON  `json:"changes"`
	Problems        []findingJSON `json:"problems"`
	OccurredAt      string        `json:"occurred_at"`
	ReceivedAt      string        `json:"received_at"`
	ReplayedAt      *string       `json:"replayed_at"`
}

type changeJSON struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
	Stale  bool            `json:"stale"`
}

type findingJSON struct {
	Row     int     `json:"row"`
	Field   *string `json:"field"`
	Target  *string `json:"target"`
	Path    *string `json:"path"`
	Code    string  `json:"code"`
	Problem string  `json:"problem"`
}

func listOrgUpdates(c *call) error {
	q := c.query()
	at, limit := orgs.Cursor{Before: q.cursorID()}, q.limit()
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Orgs.History(c.ctx(), c.actor, c.param("orgId"), at, limit)
	if err != nil {
		return err
	}
	return c.list(each(page.Items, orgUpdateOf), page.Older)
}

func orgUpdateOf(u orgs.Update) orgUpdateJSON {
	return orgUpdateJSON{
		ID: u.ID, ProductOrgID: u.OrgID, OrgID: u.OrgKey, Environment: u.Environment, Status: u.Status, APIKeyID: u.APIKeyID,
		RequestID: u.RequestID, ItemIndex: u.ItemIndex, TemplateID: u.TemplateID, TemplateVersion: u.TemplateVersion,
		MessageID: nullable(u.MessageID), Warnings: codesOf(u.Warnings), Changes: each(u.Did, changeOf), Problems: each(u.Found, findingOf),
		OccurredAt: instant(u.OccurredAt.Time), ReceivedAt: instant(u.ReceivedAt.Time), ReplayedAt: optionalInstant(u.ReplayedAt),
	}
}

func changeOf(ch orgs.Change) changeJSON { return changeJSON{ch.Field, ch.Before, ch.After, ch.Stale} }

func findingOf(f mapping.Finding) findingJSON {
	return findingJSON{f.Row, nullable(f.Field), nullable(f.Target), nullable(f.Path), f.Code, f.Problem}
}
