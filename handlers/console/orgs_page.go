package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/mapping"
	"latchkey/internal/orgs"
	"latchkey/views"
	"latchkey/views/ui"
)

const orgPageUpdates = 25

func (s *server) showOrg(c Ctx) error {
	v, ctx, id := visit(c), c.Request().Context(), c.Param("id")
	o, err := s.Orgs.Get(ctx, v.Actor, id)
	if err != nil {
		return err
	}
	history, err := s.Orgs.History(ctx, v.Actor, id, orgs.Cursor{Before: c.QueryParam("before"), After: c.QueryParam("after")}, orgPageUpdates)
	if err != nil {
		return err
	}
	curves, err := s.Orgs.Points(ctx, v.Actor, id)
	if err != nil {
		return err
	}
	v.Env = o.Environment
	p := views.OrgView{
		Name: orText(valueText(o.State["name"].Value), o.OrgKey), OrgID: o.OrgKey, Badges: []ui.BadgeProps{envBadge(o.Environment)}, ListHref: v.envPath(orgsPath),
		Stats: orgStats(o.State), Values: s.orgValues(c, o), Facts: s.orgFacts(c, o),
		Note:   "Every update that named this organisation, the last to arrive first.",
		Paging: pagesOf(v.path(orgsPath, o.ID), history.Paging),
	}
	for _, curve := range []ui.CurveProps{
		s.curve(c, ui.CurveProps{ID: "curve-mrr", Title: "MRR", Column: "MRR", Now: money(o.State)}, curves.MRR),
		s.curve(c, ui.CurveProps{ID: "curve-users", Title: "Users", Column: "Users", Now: grouped(o.State.Text("user_count"))}, curves.Users),
	} {
		if len(curve.Points) > 1 {
			p.Curves = append(p.Curves, curve)
		}
	}
	for _, u := range history.Items {
		p.History = append(p.History, s.orgUpdate(c, u))
	}
	if len(p.History) == 0 {
		p.Note = "The retention of its updates has ended. What they said stays."
	}
	p.Page = s.detailShell(c, p.Name, navOrgs)
	return s.render(c, http.StatusOK, views.Org(p), nil)
}

func pagesOf(here string, p orgs.Paging) ui.PaginationProps {
	return ui.PaginationProps{NewerHref: cursorHref(here, nil, "after", p.Newer), OlderHref: cursorHref(here, nil, "before", p.Older)}
}

// orgStats are the numbers that people come for.
func orgStats(state orgs.State) []ui.StatProps {
	ends := valueText(state["trial_ends_at"].Value)
	if at, err := time.Parse(time.RFC3339, ends); err == nil {
		ends = "ends " + at.Format("2 Jan 2006")
	}
	return []ui.StatProps{
		{Label: "Plan", Value: orText(valueText(state["plan"].Value), "–"), Hint: valueText(state["status"].Value)},
		{Label: "MRR", Value: orText(money(state), "–")},
		{Label: "Users", Value: orText(grouped(valueText(state["user_count"].Value)), "–"), Hint: seats(state)},
		{Label: "Trial", Value: orText(valueText(state["trial_status"].Value), "–"), Hint: ends},
	}
}

func seats(state orgs.State) string {
	if n := valueText(state["seats"].Value); n != "" {
		return "of " + grouped(n) + " seats"
	}
	return ""
}

// orgValues are all values: the named fields in the order of the template's targets, the feature
// flags, then the custom ones.
func (s *server) orgValues(c Ctx, o orgs.Org) []views.OrgValue {
	place := map[string]int{}
	for i, t := range mapping.Targets() {
		place[t.Name] = i
	}
	rank := func(name string) int {
		if i, named := place[name]; named {
			return i
		}
		if strings.HasPrefix(name, customPrefix) {
			return len(place) + 1
		}
		return len(place)
	}
	values := slices.Clone(o.Values)
	slices.SortStableFunc(values, func(a, b orgs.Value) int { return cmp.Compare(rank(a.Name), rank(b.Name)) })
	out := make([]views.OrgValue, 0, len(values))
	for _, value := range values {
		out = append(out, s.orgValue(c, value))
	}
	return out
}

func (s *server) orgValue(c Ctx, value orgs.Value) views.OrgValue {
	v := visit(c)
	row := views.OrgValue{
		Field: value.Name, Value: fieldText(value.Name, value.Value), At: s.exactTime(c, time.UnixMicro(value.At)), Key: value.From.Name,
		KeyHref: keyHref(v, value.From.ID, value.From.Type),
	}
	if value.RequestID != "" {
		row.RequestHref = v.path(requestsPath, value.RequestID)
	}
	return row
}

func (s *server) orgFacts(c Ctx, o orgs.Org) []ui.Fact {
	first, last, event := s.exactTime(c, o.CreatedAt.Time), s.exactTime(c, o.UpdatedAt.Time), s.exactTime(c, o.LastEventAt.Time)
	return []ui.Fact{
		{Label: "Org ID", Value: o.OrgKey, Mono: true, Copy: true, Hint: "As the senders give it."},
		{Label: "First seen", Time: &first},
		{Label: "Last change", Time: &last, Hint: s.time(c, o.UpdatedAt.Time, "").Relative},
		{Label: "Newest event", Time: &event},
		{Label: "Updates applied", Value: ui.Count(int(o.Updates))},
		{Label: "ID in Latchkey", Value: o.ID, Mono: true, Copy: true},
	}
}

// curve places points in the reader's zone; the values are written as they were sent.
func (s *server) curve(c Ctx, p ui.CurveProps, points []orgs.Point) ui.CurveProps {
	p.Until = s.Now().UnixMicro()
	for _, point := range points {
		p.Points = append(p.Points, ui.CurvePoint{
			At: point.At.UnixMicro(), When: point.At.In(visit(c).Account.Zone).Format("2 Jan 2006, 15:04"), Y: point.Value, Text: grouped(point.Exact),
		})
	}
	return p
}

// orgUpdate is a line of a history.
func (s *server) orgUpdate(c Ctx, u orgs.Update) views.OrgUpdateView {
	v, outcome := visit(c), updateOutcomes[u.Status]
	row := views.OrgUpdateView{
		ID: u.ID, Occurred: s.exactTime(c, u.OccurredAt.Time), Received: s.exactTime(c, u.ReceivedAt.Time), Outcome: outcome.badge, Words: outcome.words,
		Problems: problemTexts(u.Found), Template: "Template version " + strconv.Itoa(u.TemplateVersion), Key: u.From.Name,
		KeyHref: keyHref(v, u.APIKeyID, u.From.Type), RequestHref: v.path(requestsPath, u.RequestID), Org: u.OrgKey,
	}
	row.Changes, row.More = changeViews(u.Did)
	if u.TemplateVersion == 0 {
		row.Template = "No template yet"
	}
	if !u.ReplayedAt.IsZero() {
		row.Replayed = "Replayed " + s.exactTime(c, u.ReplayedAt.Time).Absolute
	}
	if u.OrgID != nil {
		row.OrgHref = v.path(orgsPath, *u.OrgID)
	}
	return row
}
