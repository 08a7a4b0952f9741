package console

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/views"
	"latchkey/views/ui"
)

const auditPageSize = 50

func (s *server) auditRoutes() []Route {
	return []Route{
		{GET, "/w/:slug/audit", In(access.ReadAudit), s.audit},
		{GET, "/w/:slug/audit/export.csv", In(access.ReadAudit), s.exportAuditCSV},
		{GET, "/w/:slug/audit/export.ndjson", In(access.ReadAudit), s.exportAuditNDJSON},
	}
}

func (s *server) audit(c Ctx) error {
	v, ctx := visit(c), c.Request().Context()
	found, err := s.Audit.List(ctx, v.Actor, auditFilter(c), audit.Cursor{Before: c.QueryParam("before"), After: c.QueryParam("after")}, auditPageSize)
	if err != nil {
		return err
	}
	q, here := auditQuery(c), v.path("audit")
	p := views.AuditView{
		Page:   s.shell(c, page{Title: "Audit", Nav: navAudit}),
		Action: here, Target: q.Get("target"), Actor: q.Get("actor"), Change: q.Get("action"), From: q.Get("from"), To: q.Get("to"),
		ZoneHint: "Dates and times are in " + v.Account.Zone.String() + "; choose another zone in your profile.",
		CSVHref:  withQuery(here+"/export.csv", q), NDJSONHref: withQuery(here+"/export.ndjson", q),
		Pages: ui.PaginationProps{NewerHref: cursorHref(here, q, "after", found.Newer), OlderHref: cursorHref(here, q, "before", found.Older)},
	}
	if len(q) > 0 {
		p.ClearHref = here
	}
	if err := s.auditChoices(c, &p); err != nil {
		return err
	}
	for _, e := range found.Entries {
		p.Rows = append(p.Rows, s.auditRow(c, e))
	}
	return s.render(c, http.StatusOK, views.Audit(p), nil)
}

func (s *server) auditChoices(c Ctx, p *views.AuditView) error {
	v, ctx := visit(c), c.Request().Context()
	actors, err := s.Audit.Actors(ctx, v.Actor)
	if err != nil {
		return err
	}
	p.Actors = []ui.Option{{Value: "", Label: "Anyone"}}
	for _, a := range actors {
		p.Actors = append(p.Actors, ui.Option{Value: a.Value, Label: a.Label})
	}
	actions, err := s.Audit.Actions(ctx, v.Actor)
	p.Changes = []ui.Option{{Value: "", Label: "Any action"}}
	for _, name := range actions {
		p.Changes = append(p.Changes, ui.Option{Value: name, Label: name})
	}
	return err
}

// auditRow fills the view of one entry; the key page uses it too.
func (s *server) auditRow(c Ctx, e audit.Entry) views.AuditRow {
	row := views.AuditRow{
		ID: e.ID, Time: s.exactTime(c, e.CreatedAt.Time), Actor: e.ActorLabel, Sentence: audit.Sentence(e),
		Address: e.IP, RequestID: e.RequestID, Changes: auditChanges(e),
	}
	if e.ActorKeyID != nil {
		row.ByKey = true
		if v := visit(c); v.Actor.Can(access.ManageAPIKeys) {
			row.ActorHref = v.path(keysPath, *e.ActorKeyID)
		}
	}
	return row
}

func auditChanges(e audit.Entry) []views.AuditChange {
	before, after := members(e.Before), members(e.After)
	var names []string
	for name := range before {
		names = append(names, name)
	}
	for name := range after {
		if _, both := before[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var rows []views.AuditChange
	for _, name := range names {
		rows = append(rows, views.AuditChange{Name: name, Before: before[name], After: after[name]})
	}
	return rows
}

// members reads a JSON object into texts: strings without their quotes, the rest as it stands.
func members(object []byte) map[string]string {
	var raw map[string]json.RawMessage
	if len(object) == 0 || json.Unmarshal(object, &raw) != nil {
		return nil
	}
	out := map[string]string{}
	for name, value := range raw {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		out[name] = text
	}
	return out
}

// auditQuery is the part of the URL that filters.
func auditQuery(c Ctx) url.Values {
	q := url.Values{}
	for _, name := range []string{"target", "actor", "action", "from", "to"} {
		if value := strings.TrimSpace(c.QueryParam(name)); value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func auditFilter(c Ctx) audit.Filter {
	q, zone := auditQuery(c), visit(c).Account.Zone
	f := audit.Filter{Actor: q.Get("actor"), Action: q.Get("action"), Target: q.Get("target")}
	if from, err := time.ParseInLocation(time.DateOnly, q.Get("from"), zone); err == nil {
		f.From = from
	}
	if to, err := time.ParseInLocation(time.DateOnly, q.Get("to"), zone); err == nil {
		f.To = to.AddDate(0, 0, 1) // the whole day
	}
	return f
}

func (s *server) exportAuditCSV(c Ctx) error {
	return s.exportAudit(c, "text/csv; charset=utf-8", "csv", s.Audit.WriteCSV)
}

func (s *server) exportAuditNDJSON(c Ctx) error {
	return s.exportAudit(c, "application/x-ndjson", "ndjson", s.Audit.WriteNDJSON)
}

type exporter func(context.Context, access.Actor, audit.Filter, io.Writer) error

func (s *server) exportAudit(c Ctx, contentType, extension string, export exporter) error {
	v := visit(c)
	startDownload(c, contentType, v.Workspace.Slug+"-audit."+extension)
	return export(c.Request().Context(), v.Actor, auditFilter(c), c.Response())
}

// startDownload sends the header of a file that is streamed. An error afterwards cuts the answer
// off, so that nobody takes a part for the whole.
func startDownload(c Ctx, contentType, name string) {
	h := c.Response().Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
}

func withQuery(href string, q url.Values) string {
	if len(q) == 0 {
		return href
	}
	return href + "?" + q.Encode()
}

// cursorHref is the link to another page of the same list; empty without a cursor.
func cursorHref(href string, q url.Values, name, cursor string) string {
	if cursor == "" {
		return ""
	}
	with := url.Values{name: {cursor}}
	for k, vs := range q {
		with[k] = vs
	}
	return withQuery(href, with)
}
