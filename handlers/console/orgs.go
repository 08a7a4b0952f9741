package console

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/orgs"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	orgsPath = "product-orgs"
	// maxOrgColumns bounds the custom fields that a list shows.
	maxOrgColumns = 8
)

func (s *server) orgRoutes() []Route {
	const list = "/w/:slug/" + orgsPath
	return []Route{
		{GET, list, In(access.ReadData), s.listOrgs},
		{GET, list + "/export.csv", In(access.ReadData), s.exportOrgsCSV},
		{GET, list + "/export.ndjson", In(access.ReadData), s.exportOrgsNDJSON},
		{GET, list + "/:id", In(access.ReadData), s.showOrg},
	}
}

func (s *server) listOrgs(c Ctx) error {
	v, q, ctx := visit(c), orgQuery(c), c.Request().Context()
	if looksSecret(q.Get("q")) {
		return s.secretSearched(c, orgsPath, q)
	}
	f := orgFilter(v, q)
	count, err := s.Orgs.Count(ctx, v.Actor, f)
	if err != nil {
		return err
	}
	f.At = orgs.Cursor{Before: c.QueryParam("before"), After: c.QueryParam("after")}
	found, err := s.Orgs.List(ctx, v.Actor, f)
	if err != nil {
		return err
	}
	here := v.path(orgsPath)
	filter, err := s.orgFilterView(c, q, here)
	if err != nil {
		return err
	}
	p := views.OrgsView{
		Page:    s.shell(c, page{Title: "Product orgs", Nav: navOrgs, HasEnv: true}),
		CSVHref: withQuery(here+"/export.csv", q), NDJSONHref: withQuery(here+"/export.ndjson", q),
		Filter: filter, Columns: orgColumns(here, q), Paging: orgPages(here, q, found.Paging), Count: orgCount(count, filter.Bar.ClearHref != ""),
	}
	for _, item := range found.Items {
		p.Rows = append(p.Rows, s.orgRow(c, item, q["col"]))
	}
	if found.Paused {
		p.SearchNote = orgPause(found.Paging)
	}
	if len(p.Rows) == 0 && !found.Paused {
		p.Count, p.Empty = "", s.noOrgs(c, filter.Bar.ClearHref)
	}
	return s.render(c, http.StatusOK, views.Orgs(p), nil)
}

// secretSearched answers a search for what looks like a key or a secret without repeating it.
func (s *server) secretSearched(c Ctx, list string, q url.Values) error {
	if err := s.flash(c, "That looked like a key or a secret, so it was not searched for.", true); err != nil {
		return err
	}
	return redirect(c, withQuery(visit(c).path(list), withValue(q, "q", "")))
}

// noOrgs is the text of an empty list: none match, or none yet with what changes it.
func (s *server) noOrgs(c Ctx, clearHref string) *ui.EmptyStateProps {
	if clearHref != "" {
		return noMatch("No product orgs match.", "No organisation of this environment fits the search and filters.", clearHref)
	}
	v := visit(c)
	p := &ui.EmptyStateProps{
		Icon: ui.IconBuilding, Title: "No product orgs yet.",
		Text: "Organisations appear here when a system posts an update with a Product org key. With a key in place of the dots, this line sends a first one:",
		Code: s.sampleOf(c, v.Env, keyTypeNamed(models.ProductOrgs)).curl(), CodeLabel: "Example request",
	}
	if v.Actor.Can(access.ManageKeys) {
		p.ActionLabel, p.Primary = "Create Product org key", true
		p.ActionHref = withQuery(v.path(keysPath, "new"), withValue(envQuery(v.Env), "type", models.ProductOrgs))
	}
	return p
}

func (s *server) orgRow(c Ctx, item orgs.Item, custom []string) views.OrgRow {
	row := views.OrgRow{
		ID: item.ID, Href: visit(c).path(orgsPath, item.ID), Name: item.OrgKey,
		Plan: item.State.Text("plan"), Trial: item.State.Text("trial_status"),
		Users: grouped(item.State.Text("user_count")), MRR: money(item.State), Updated: s.time(c, item.UpdatedAt.Time, ""),
	}
	if name := item.State.Text("name"); name != "" {
		row.Name, row.OrgID = name, item.OrgKey
	}
	for _, name := range custom {
		row.Custom = append(row.Custom, views.OrgCell{Label: strings.TrimPrefix(name, customPrefix), Text: valueText(item.State[name].Value)})
	}
	return row
}

// orgFilters are the parameters of the list beside its place: what narrows it, its order and the
// custom fields that it shows.
var orgFilters = []string{"q", "plan", "trial", "sort"}

func orgQuery(c Ctx) url.Values {
	q := envQuery(visit(c).Env)
	for _, name := range orgFilters {
		if value := strings.TrimSpace(c.QueryParam(name)); value != "" && len(value) <= 1000 {
			q.Set(name, value)
		}
	}
	if orderNamed(q.Get("sort")).Value == orgOrders[0].Value {
		q.Del("sort")
	}
	for _, name := range c.QueryParams()["col"] {
		if strings.HasPrefix(name, customPrefix) && len(name) <= 256 && len(q["col"]) < maxOrgColumns && !slices.Contains(q["col"], name) {
			q.Add("col", name)
		}
	}
	return q
}

func orgFilter(v *visitor, q url.Values) orgs.Filter {
	o := orderNamed(q.Get("sort"))
	return orgs.Filter{
		Environment: v.Env, Search: q.Get("q"), Plan: q.Get("plan"), TrialStatus: q.Get("trial"), Sort: o.Sort, Ascending: o.Ascending,
	}
}

func (s *server) exportOrgsCSV(c Ctx) error {
	return s.exportOrgs(c, "text/csv; charset=utf-8", "csv", s.Orgs.WriteCSV)
}

func (s *server) exportOrgsNDJSON(c Ctx) error {
	return s.exportOrgs(c, "application/x-ndjson", "ndjson", s.Orgs.WriteNDJSON)
}

type orgExporter func(context.Context, access.Actor, orgs.Filter, io.Writer) error

// exportOrgs streams what the same filters list, all pages of it.
func (s *server) exportOrgs(c Ctx, contentType, extension string, export orgExporter) error {
	v := visit(c)
	startDownload(c, contentType, v.Workspace.Slug+"-product-orgs-"+v.Env+"."+extension)
	return export(c.Request().Context(), v.Actor, orgFilter(v, orgQuery(c)), c.Response())
}
