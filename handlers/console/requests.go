package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/signals"
	"latchkey/views"
	"latchkey/views/ui"
)

const requestsPath = "requests"

func (s *server) requestRoutes() []Route {
	const list, one = "/w/:slug/" + requestsPath, "/w/:slug/" + requestsPath + "/:id"
	return []Route{
		{GET, list, In(access.ReadData), s.listRequests},
		{GET, list + "/live", In(access.ReadData), s.followRequests},
		{GET, one, In(access.ReadData), s.showRequest},
		{GET, one + "/body", In(access.ReadData), s.downloadRequest},
	}
}

func (s *server) listRequests(c Ctx) error {
	v, q := visit(c), logQuery(c)
	if looksSecret(q.Get("q")) {
		return s.pastedKey(c, requestsPath, q)
	}
	f := requestFilter(c, q)
	live := c.QueryParam("live") != ""
	if !live {
		f.At = signals.Cursor{Before: c.QueryParam("before"), After: c.QueryParam("after")}
	}
	found, err := s.Signals.Requests(c.Request().Context(), v.Actor, f)
	if err != nil {
		return err
	}
	shown := q
	if live {
		shown = withValue(q, "live", "1") // filters keep the log live
	}
	p, err := s.requestsView(c, shown, found)
	if err != nil {
		return err
	}
	if live {
		p.Live = &ui.LiveProps{URL: liveHref(v, q, found), Target: views.RequestRowsTarget, Swap: "innerMorph", OffHref: withQuery(v.path(requestsPath), q)}
	}
	return s.render(c, http.StatusOK, views.Requests(p), nil)
}

func (s *server) requestsView(c Ctx, q url.Values, found signals.RequestPage) (views.RequestsView, error) {
	v := visit(c)
	here := v.path(requestsPath)
	filter, err := s.logFilter(c, q, here)
	if err != nil {
		return views.RequestsView{}, err
	}
	filter.Codes = codeOptions
	filter.Code = q.Get("code")
	filter.Bar.SearchLabel, filter.Bar.SearchPlaceholder = "Search requests", "Request ID, event, email or code"
	p := views.RequestsView{
		Page: s.shell(c, page{Title: "Requests", Nav: navRequests, HasEnv: true}),
		Tabs: statusTabs(here, q), Filter: filter, LiveHref: withQuery(here, withValue(q, "live", "1")),
		Rows: s.requestRows(c, found.Items), SearchNote: s.searchNote(c, found.Paging), Paging: pages(here, q, found.Paging),
	}
	if len(p.Rows) == 0 && p.SearchNote == "" {
		p.Empty = s.noRequests(c, q, filter.Bar.ClearHref)
	}
	return p, nil
}

// noRequests is the text of an empty log: none match, or none yet with what changes it.
func (s *server) noRequests(c Ctx, q url.Values, clearHref string) *ui.EmptyStateProps {
	if clearHref != "" || q.Get("status") != "" {
		return noMatch("No requests match.", "No request of this environment fits the search and filters.", visit(c).envPath(requestsPath))
	}
	return &ui.EmptyStateProps{
		Icon: ui.IconActivity, Title: "No requests yet.",
		Text: "Whatever a sender tries will be listed here, rejected requests too. With a key in place of the dots, this line sends a first one:",
		Code: s.sampleOf(c, visit(c).Env, keyTypes[0]).curl(), CodeLabel: "Example request",
	}
}

func noMatch(title, text, clearHref string) *ui.EmptyStateProps {
	return &ui.EmptyStateProps{Icon: ui.IconSearch, Title: title, Text: text, ActionLabel: "Clear filters", ActionHref: clearHref}
}

func statusTabs(here string, q url.Values) []ui.Tab {
	var tabs []ui.Tab
	for _, t := range [][2]string{{"", "All"}, {signals.Accepted, "Accepted"}, {signals.Rejected, "Rejected"}} {
		tabs = append(tabs, ui.Tab{Label: t[1], Href: withQuery(here, withValue(q, "status", t[0])), Current: q.Get("status") == t[0]})
	}
	return tabs
}

func (s *server) requestRows(c Ctx, items []signals.RequestItem) []views.RequestRow {
	v := visit(c)
	rows := make([]views.RequestRow, 0, len(items))
	for _, r := range items {
		row := views.RequestRow{
			ID: r.ID, Href: v.path(requestsPath, r.ID), Time: s.time(c, r.ReceivedAt.Time, ""), Status: requestBadge(r),
			Event: r.Event, Code: r.Code, Email: r.Email, Key: r.KeyName, Source: r.Source,
			Latency: latency(r.DurationUS), Size: byteSize(r.Bytes),
		}
		if r.APIKeyID != nil {
			row.KeyHref = keyHref(v, *r.APIKeyID, r.KeyType)
		}
		rows = append(rows, row)
	}
	return rows
}

func requestFilter(c Ctx, q url.Values) signals.RequestFilter {
	v := visit(c)
	f := signals.RequestFilter{
		Environment: v.Env, KeyID: q.Get("key"), Code: q.Get("code"), Source: q.Get("source"), Search: q.Get("q"),
		Event: q.Get("event"), Email: q.Get("email"),
		From: inputInstant(q.Get("from"), v.Account.Zone), To: inputInstant(q.Get("to"), v.Account.Zone),
	}
	if status := q.Get("status"); status == signals.Accepted || status == signals.Rejected {
		f.Status = status
	}
	return f
}

// logFilters are the parameters that narrow the requests and the signals.
var logFilters = []string{"q", "status", "key", "event", "email", "source", "code", "from", "to"}

// logQuery is the part of the URL that says what is listed, without the place in the list.
func logQuery(c Ctx) url.Values {
	q := url.Values{}
	for _, name := range logFilters {
		if value := strings.TrimSpace(c.QueryParam(name)); value != "" {
			q.Set(name, value)
		}
	}
	if visit(c).Env == testEnv {
		q.Set("env", testEnv)
	}
	return q
}

func withValue(q url.Values, name, value string) url.Values {
	out := url.Values{}
	for k, vs := range q {
		out[k] = vs
	}
	out.Del(name)
	if value != "" {
		out.Set(name, value)
	}
	return out
}

// logFilter fills the form above a list.
func (s *server) logFilter(c Ctx, q url.Values, here string) (views.LogFilter, error) {
	v := visit(c)
	names, err := s.Signals.KeyNames(c.Request().Context(), v.Actor, v.Env)
	if err != nil {
		return views.LogFilter{}, err
	}
	f := views.LogFilter{
		Bar: ui.FilterBarProps{Action: here, SearchName: "q", SearchValue: q.Get("q")},
		Key: q.Get("key"), Keys: []ui.Option{{Value: "", Label: "All keys"}},
		Event: q.Get("event"), Email: q.Get("email"), Source: q.Get("source"), From: q.Get("from"), To: q.Get("to"),
		ZoneHint: "Times are in " + v.Account.Zone.String() + "; choose another zone in your profile.",
	}
	for _, k := range names {
		f.Keys = append(f.Keys, ui.Option{Value: k.ID, Label: k.Name})
	}
	for _, name := range logFilters {
		set := q.Get(name) != ""
		if set && name != "status" {
			f.Bar.ClearHref = v.envPath(strings.TrimPrefix(here, v.path()+"/"))
		}
		f.More = f.More || set && slices.Contains([]string{"event", "email", "source", "code", "from", "to"}, name)
	}
	for _, name := range []string{"env", "status", "live"} {
		if value := q.Get(name); value != "" {
			f.Bar.Hidden = append(f.Bar.Hidden, ui.HiddenField{Name: name, Value: value})
		}
	}
	return f, nil
}

// codeOptions offer the reasons that a whole request or its items can be refused for.
var codeOptions = func() []ui.Option {
	options := []ui.Option{{Value: "", Label: "Any reason"}}
	for _, code := range signals.Codes() {
		options = append(options, ui.Option{Value: code, Label: code})
	}
	return options
}()

// searchNote says how far a search has looked, when it has not looked at everything yet.
func (s *server) searchNote(c Ctx, p signals.Paging) string {
	if p.SearchedTo.IsZero() {
		return ""
	}
	at := s.time(c, p.SearchedTo, "")
	if p.Older == "" {
		return "Searched up to " + at.Absolute + ". Go on with Newer."
	}
	return "Searched back to " + at.Absolute + ". Go on with Older."
}

func pages(here string, q url.Values, p signals.Paging) ui.PaginationProps {
	return ui.PaginationProps{NewerHref: cursorHref(here, q, "after", p.Newer), OlderHref: cursorHref(here, q, "before", p.Older)}
}

// pastedKey answers a search for a whole key: it leads to what came with it, and repeats it nowhere.
func (s *server) pastedKey(c Ctx, list string, q url.Values) error {
	v := visit(c)
	id, err := s.Keys.Find(c.Request().Context(), v.Actor, q.Get("q"))
	if err != nil {
		return err
	}
	q = withValue(withValue(q, "q", ""), "key", id)
	if id == "" {
		if err := s.flash(c, "That looked like a key or a secret. No key of this workspace that you may open has this value.", true); err != nil {
			return err
		}
	}
	return redirect(c, withQuery(v.path(list), q))
}

// inputInstant reads what a datetime-local field sends; zero when it is none.
func inputInstant(text string, zone *time.Location) time.Time {
	for _, layout := range []string{inputTime, "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at
		}
	}
	return time.Time{}
}
