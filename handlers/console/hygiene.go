package console

import (
	"net/http"
	"net/url"

	"latchkey/internal/access"
	"latchkey/internal/hygiene"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	hygienePath     = keysPath + "/hygiene"
	hygienePart     = "hygiene" // of one key
	hygienePageSize = 50
)

func (s *server) hygieneRoutes() []Route {
	const one = "/w/:slug/" + keysPath + "/:id/" + hygienePart
	return []Route{
		{GET, "/w/:slug/" + hygienePath, In(access.ManageKeys), s.listFindings},
		{GET, one, In(access.ManageKeys), s.confirmFix},
		{POST, one, In(access.ManageKeys), s.fixFinding},
	}
}

// hygieneQuery is what the list's URL says.
type hygieneQuery struct{ Env, Kind, Before string }

func hygieneQueryOf(q url.Values, env string) hygieneQuery {
	return hygieneQuery{Env: env, Kind: kindNamed(q.Get("kind")).Kind, Before: q.Get("before")}
}

func (q hygieneQuery) href(v *visitor) string {
	values := envQuery(q.Env)
	for name, value := range map[string]string{"kind": q.Kind, "before": q.Before} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return withQuery(v.path(hygienePath), values)
}

// first is the same list from its beginning.
func (q hygieneQuery) first() hygieneQuery {
	q.Before = ""
	return q
}

// of is the list of another kind; all of them when it is empty.
func (q hygieneQuery) of(kind string) hygieneQuery { return hygieneQuery{Env: q.Env, Kind: kind} }

func (q hygieneQuery) hidden() []ui.HiddenField {
	return []ui.HiddenField{{Name: "kind", Value: q.Kind}, {Name: "before", Value: q.Before}}
}

// listFindings shows what could be tidied up, one row a finding.
func (s *server) listFindings(c Ctx) error {
	v := visit(c)
	list, err := s.findings(c, hygieneQueryOf(c.QueryParams(), v.Env))
	if err != nil {
		return err
	}
	p := views.HygieneView{
		Page: s.shell(c, page{Title: "Key hygiene", Nav: navKeys, HasEnv: true}), BackHref: v.envPath(keysPath), Findings: list,
	}
	return s.render(c, http.StatusOK, views.Hygiene(p), nil)
}

func (s *server) findings(c Ctx, q hygieneQuery) (views.FindingsView, error) {
	v := visit(c)
	found, err := s.Hygiene.List(c.Request().Context(), v.Actor,
		hygiene.Filter{Environment: q.Env, Kind: q.Kind, Before: q.Before, Limit: hygienePageSize})
	if err != nil {
		return views.FindingsView{}, err
	}
	p := views.FindingsView{Tabs: hygieneTabs(v, q, found.Counts), Text: kindNamed(q.Kind).Text}
	for _, f := range found.Findings {
		p.Rows = append(p.Rows, s.findingRow(c, q, f))
	}
	if found.Next != "" {
		p.Paging.OlderHref = hygieneQuery{Env: q.Env, Kind: q.Kind, Before: found.Next}.href(v)
	}
	if q.Before != "" {
		p.Paging.NewerHref = q.first().href(v)
	}
	p.Paging.Summary = "Showing " + ui.Count(len(p.Rows)) + " of " + counted(found.Counts[q.Kind], "finding")
	if len(p.Rows) == 0 {
		p.Empty = nothingToTidy(v, q, found.Counts[""])
	}
	return p, nil
}

func nothingToTidy(v *visitor, q hygieneQuery, all int) *ui.EmptyStateProps {
	if all > 0 {
		return &ui.EmptyStateProps{
			Icon: ui.IconCheckCircle, Title: "Nothing to tidy up here", Text: "No " + q.Env + " key has this finding any more.",
			ActionLabel: "Show all findings", ActionHref: q.of("").href(v),
		}
	}
	return &ui.EmptyStateProps{
		Icon: ui.IconCheckCircle, Title: "Nothing to tidy up",
		Text: "Every active " + q.Env + " key is in use, has an end and belongs to a member.",
	}
}

// hygieneTabs are the kinds that were found, and the one that is shown.
func hygieneTabs(v *visitor, q hygieneQuery, counts map[string]int) []ui.Tab {
	tabs := []ui.Tab{{Label: "All", Count: ui.Count(counts[""]), Href: q.of("").href(v), Current: q.Kind == ""}}
	for _, k := range hygiene.Kinds() {
		if n := counts[k.Kind]; n > 0 || q.Kind == k.Kind {
			tabs = append(tabs, ui.Tab{Label: k.Title, Count: ui.Count(n), Href: q.of(k.Kind).href(v), Current: q.Kind == k.Kind})
		}
	}
	return tabs
}

// kindNamed is the kind of that name; the zero one when there is none.
func kindNamed(name string) hygiene.KindInfo {
	for _, k := range hygiene.Kinds() {
		if k.Kind == name {
			return k
		}
	}
	return hygiene.KindInfo{}
}

func (s *server) findingRow(c Ctx, q hygieneQuery, f hygiene.Finding) views.FindingRow {
	v := visit(c)
	href := v.path(keysPath, f.Key.ID)
	row := views.FindingRow{
		ID: "finding-" + f.Kind + "-" + f.Key.ID, Name: f.Key.Name, Href: href, Masked: masked(f.Key.APIKey),
		Kind: kindNamed(f.Kind).Title, Text: f.Text, Since: s.time(c, f.Since, "–"),
		Action: href + "/" + hygienePart, Hidden: q.hidden(),
	}
	for _, o := range f.Fixes {
		fix := views.FixButton{Fix: o.Fix, Label: o.Label, Text: o.Text, Danger: o.Danger}
		if o.Danger {
			fix.ConfirmHref = withQuery(row.Action, url.Values{"fix": {o.Fix}, "kind": {q.Kind}, "before": {q.Before}})
		}
		row.Fixes = append(row.Fixes, fix)
	}
	return row
}
