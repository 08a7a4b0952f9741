package console

import (
	"net/url"
	"slices"
	"strings"

	"latchkey/internal/orgs"
	"latchkey/views"
	"latchkey/views/ui"
)

// orgOrder is an order of the list, as the URL and people name it.
type orgOrder struct {
	Value, Label string
	Sort         orgs.Sort
	Ascending    bool
}

// orgOrders has the order of a list without a choice first.
var orgOrders = []orgOrder{
	{"updated-desc", "Last update, newest first", orgs.ByUpdate, false},
	{"updated-asc", "Last update, oldest first", orgs.ByUpdate, true},
	{"mrr-desc", "MRR, highest first", orgs.ByMRR, false},
	{"mrr-asc", "MRR, lowest first", orgs.ByMRR, true},
	{"users-desc", "Users, most first", orgs.ByUsers, false},
	{"users-asc", "Users, fewest first", orgs.ByUsers, true},
}

func orderNamed(value string) orgOrder {
	if i := slices.IndexFunc(orgOrders, func(o orgOrder) bool { return o.Value == value }); i >= 0 {
		return orgOrders[i]
	}
	return orgOrders[0]
}

// orgFilterView fills the form above the list.
func (s *server) orgFilterView(c Ctx, q url.Values, here string) (views.OrgFilter, error) {
	v, ctx := visit(c), c.Request().Context()
	plans, err := s.Orgs.Plans(ctx, v.Actor, v.Env)
	if err != nil {
		return views.OrgFilter{}, err
	}
	trials, err := s.Orgs.TrialStatuses(ctx, v.Actor, v.Env)
	if err != nil {
		return views.OrgFilter{}, err
	}
	custom, err := s.Orgs.CustomColumns(ctx, v.Actor, v.Env)
	if err != nil {
		return views.OrgFilter{}, err
	}
	f := views.OrgFilter{
		Bar: ui.FilterBarProps{
			Action: here, SearchName: "q", SearchValue: q.Get("q"), SearchLabel: "Search product orgs", SearchPlaceholder: "Name, org ID or domain",
		},
		Plan: q.Get("plan"), Plans: choices("All plans", plans, q.Get("plan")),
		Trial: q.Get("trial"), Trials: choices("Any trial status", trials, q.Get("trial")),
		Sort: orderNamed(q.Get("sort")).Value, Chosen: len(q["col"]) > 0,
	}
	for _, o := range orgOrders {
		f.Sorts = append(f.Sorts, ui.Option{Value: o.Value, Label: o.Label})
	}
	for _, name := range withChosen(custom, q["col"]...) {
		f.Custom = append(f.Custom, views.OrgColumn{Name: name, Label: strings.TrimPrefix(name, customPrefix), Shown: slices.Contains(q["col"], name)})
	}
	if q.Get("q") != "" || f.Plan != "" || f.Trial != "" {
		// The order and the columns narrow nothing: they stay.
		f.Bar.ClearHref = withQuery(here, withValue(withValue(withValue(q, "q", ""), "plan", ""), "trial", ""))
	}
	if env := q.Get("env"); env != "" {
		f.Bar.Hidden = []ui.HiddenField{{Name: "env", Value: env}}
	}
	return f, nil
}

// withChosen adds what is chosen though nothing offers it any more, so that it can be taken back.
func withChosen(offered []string, chosen ...string) []string {
	for _, value := range chosen {
		if value != "" && !slices.Contains(offered, value) {
			offered = append(offered, value)
		}
	}
	return offered
}

func choices(all string, offered []string, chosen string) []ui.Option {
	options := []ui.Option{{Value: "", Label: all}}
	for _, value := range withChosen(offered, chosen) {
		options = append(options, ui.Option{Value: value, Label: value})
	}
	return options
}

// orgColumns are the headers; those of an order lead to it, and when it is that already, to its
// reverse.
func orgColumns(here string, q url.Values) []ui.Column {
	columns := []ui.Column{{Label: "Name"}, {Label: "Plan"}, {Label: "Trial"}, sorted(here, q, "Users", orgs.ByUsers), sorted(here, q, "MRR", orgs.ByMRR)}
	columns[3].Align, columns[4].Align = ui.Right, ui.Right
	for _, name := range q["col"] {
		columns = append(columns, ui.Column{Label: strings.TrimPrefix(name, customPrefix)})
	}
	return append(columns, sorted(here, q, "Last update", orgs.ByUpdate))
}

func sorted(here string, q url.Values, label string, by orgs.Sort) ui.Column {
	now, to := orderNamed(q.Get("sort")), string(by)+"-desc"
	column := ui.Column{Label: label}
	if now.Sort == by {
		column.Sorted = ui.Descending
		if now.Ascending {
			column.Sorted = ui.Ascending
		} else {
			to = string(by) + "-asc"
		}
	}
	if to == orgOrders[0].Value {
		to = ""
	}
	column.SortHref = withQuery(here, withValue(q, "sort", to))
	return column
}

func orgPages(here string, q url.Values, p orgs.Paging) ui.PaginationProps {
	return ui.PaginationProps{
		NewerHref: cursorHref(here, q, "after", p.Newer), OlderHref: cursorHref(here, q, "before", p.Older), NewerLabel: "Previous", OlderLabel: "Next",
	}
}

func orgPause(p orgs.Paging) string {
	where := "Next"
	if p.Older == "" {
		where = "Previous"
	}
	return "The search paused here, since it has looked through 20,000 organisations. Go on with " + where + "."
}

func orgCount(n orgs.Counts, filtered bool) string {
	all := countedText(n.All, "organisation")
	switch {
	case n.AtLeast:
		return "More than " + all + "."
	case filtered:
		return ui.Count(int(n.Match)) + " of " + all + "."
	default:
		return all + "."
	}
}

// countedText is counted with a comma at each thousand.
func countedText(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return ui.Count(int(n)) + " " + noun + "s"
}
