package console

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"

	"latchkey/internal/access"
	"latchkey/internal/signals"
	"latchkey/internal/source"
	"latchkey/views"
	"latchkey/views/ui"
)

const signalsPath = "signals"

func (s *server) signalRoutes() []Route {
	const list, one = "/w/:slug/" + signalsPath, "/w/:slug/" + signalsPath + "/:id"
	return []Route{
		{GET, list, In(access.ReadData), s.listSignals},
		{GET, list + "/export.csv", In(access.ReadData), s.exportSignalsCSV},
		{GET, list + "/export.ndjson", In(access.ReadData), s.exportSignalsNDJSON},
		{GET, one, In(access.ReadData), s.showSignal},
		{GET, one + "/raw", In(access.ReadData), s.downloadSignal},
	}
}

func (s *server) listSignals(c Ctx) error {
	v, q := visit(c), signalQuery(c)
	if looksSecret(q.Get("q")) {
		return s.pastedKey(c, signalsPath, q)
	}
	f := signalFilter(c, q)
	f.At = signals.Cursor{Before: c.QueryParam("before"), After: c.QueryParam("after")}
	found, err := s.Signals.Signals(c.Request().Context(), v.Actor, f)
	if err != nil {
		return err
	}
	here := v.path(signalsPath)
	filter, err := s.logFilter(c, q, here)
	if err != nil {
		return err
	}
	filter.HasEvent, filter.Kind, filter.Kinds = true, q.Get("kind"), kindOptions
	if filter.Kind != "" {
		filter.More, filter.Bar.ClearHref = true, v.envPath(signalsPath)
	}
	filter.Bar.SearchLabel, filter.Bar.SearchPlaceholder = "Search signals", "Event, email, user or id"
	p := views.SignalsView{
		Page:    s.shell(c, page{Title: "Signals", Nav: navSignals, HasEnv: true}),
		CSVHref: withQuery(here+"/export.csv", q), NDJSONHref: withQuery(here+"/export.ndjson", q),
		Filter: filter, SearchNote: s.searchNote(c, found.Paging), Paging: pages(here, q, found.Paging),
	}
	for _, item := range found.Items {
		p.Rows = append(p.Rows, s.signalRow(c, item))
	}
	if len(p.Rows) == 0 && p.SearchNote == "" {
		p.Empty = s.noSignals(c, filter.Bar.ClearHref)
	}
	return s.render(c, http.StatusOK, views.Signals(p), nil)
}

// noSignals is the text of an empty list: none match, or none yet with what changes it.
func (s *server) noSignals(c Ctx, clearHref string) *ui.EmptyStateProps {
	if clearHref != "" {
		return noMatch("No signals match.", "No signal of this environment fits the search and filters.", clearHref)
	}
	return &ui.EmptyStateProps{
		Icon: ui.IconInbox, Title: "No signals yet.",
		Text: "Events that a sender posts will be listed here. With a key in place of the dots, this line sends a first one:",
		Code: s.sampleOf(c, visit(c).Env, keyTypes[0]).curl(), CodeLabel: "Example request",
	}
}

func (s *server) signalRow(c Ctx, item signals.SignalItem) views.SignalRow {
	v := visit(c)
	row := views.SignalRow{
		ID: item.ID, Href: v.path(signalsPath, item.ID), Event: item.Event, Kind: item.Kind, Email: item.Email, Source: item.Source,
		Key: item.KeyName, KeyHref: keyHref(v, item.APIKeyID, item.KeyType), Time: s.time(c, item.ReceivedAt.Time, ""),
	}
	if n := len(item.WarningCodes()); n > 0 {
		row.Warnings = counted(n, "warning")
	}
	return row
}

// signalQuery leaves out what narrows requests alone, and adds what narrows signals alone.
func signalQuery(c Ctx) url.Values {
	q := withValue(withValue(logQuery(c), "status", ""), "code", "")
	if kind := c.QueryParam("kind"); slices.Contains(source.Kinds(), kind) {
		q.Set("kind", kind)
	}
	return q
}

var kindOptions = func() []ui.Option {
	options := []ui.Option{{Value: "", Label: "Any kind"}}
	for _, kind := range source.Kinds() {
		options = append(options, ui.Option{Value: kind, Label: kind})
	}
	return options
}()

func signalFilter(c Ctx, q url.Values) signals.Filter {
	v := visit(c)
	return signals.Filter{
		Environment: v.Env, Kind: q.Get("kind"), Event: q.Get("event"), Email: q.Get("email"), Source: q.Get("source"), KeyID: q.Get("key"), Search: q.Get("q"),
		From: inputInstant(q.Get("from"), v.Account.Zone), To: inputInstant(q.Get("to"), v.Account.Zone),
	}
}

func (s *server) showSignal(c Ctx) error {
	v := visit(c)
	item, err := s.Signals.Signal(c.Request().Context(), v.Actor, c.Param("id"))
	if err != nil {
		return err
	}
	v.Env = item.Environment
	p := views.SignalView{
		Event: item.Event, ID: item.ID, Badges: []ui.BadgeProps{envBadge(item.Environment)}, ListHref: v.envPath(signalsPath),
		Facts: s.signalFacts(c, item), KeyFact: keyFact(v, &item.APIKeyID, item.KeyName, item.KeyPrefix, item.KeyType),
		RequestHref: v.path(requestsPath, item.RequestID), RequestID: item.RequestID,
		Payload: *payloadView("Payload of the signal", item.Raw, v.path(signalsPath, item.ID, "raw")),
	}
	for _, code := range item.WarningCodes() {
		p.Warnings = append(p.Warnings, views.WarningView{Code: code, Text: signals.WarningText(code)})
	}
	if p.Telling, err = s.telling(c, subject{id: item.ID}); err != nil {
		return err
	}
	p.Page = s.detailShell(c, item.Event, navSignals)
	return s.render(c, http.StatusOK, views.Signal(p), nil)
}

func (s *server) signalFacts(c Ctx, item signals.SignalItem) []ui.Fact {
	v := visit(c)
	received, occurred := s.exactTime(c, item.ReceivedAt.Time), s.exactTime(c, item.OccurredAt.Time)
	same := func(name, value string) string {
		return withQuery(v.path(signalsPath), withValue(envQuery(item.Environment), name, value))
	}
	facts := []ui.Fact{
		{Label: "Signal ID", Value: item.ID, Mono: true, Copy: true},
		{Label: "Event", Value: item.Event, Href: same("event", item.Event), Hint: "Leads to all of this event."},
		{Label: "Occurred", Time: &occurred, Hint: s.time(c, item.OccurredAt.Time, "").Relative},
		{Label: "Received", Time: &received, Hint: s.time(c, item.ReceivedAt.Time, "").Relative},
	}
	if item.Kind != "" {
		facts = append(facts, ui.Fact{Label: "Kind", Value: item.Kind, Href: same("kind", item.Kind), Hint: "Leads to all of this kind."})
	}
	if item.Email != "" {
		facts = append(facts, ui.Fact{Label: "Email", Value: item.Email, Href: same("email", item.Email), Hint: "Leads to all with this email."})
	}
	for _, f := range []ui.Fact{
		{Label: "User ID", Value: item.UserID}, {Label: "Anonymous ID", Value: item.AnonymousID}, {Label: "Group ID", Value: item.GroupID},
		{Label: "Message ID", Value: item.MessageID, Hint: "Sent again within 7 days, it is not stored again."},
	} {
		if f.Value != "" {
			f.Mono = true
			facts = append(facts, f)
		}
	}
	source := ui.Fact{Label: "Source", Value: "None: sent to the universal URL"}
	if item.Source != "" {
		source.Value, source.Href = item.Source, same("source", item.Source)
	}
	return append(facts, source)
}

func (s *server) downloadSignal(c Ctx) error {
	item, err := s.Signals.Signal(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err != nil {
		return err
	}
	return attachment(c, "signal-"+item.ID, item.Raw)
}

func (s *server) exportSignalsCSV(c Ctx) error {
	return s.exportSignals(c, "text/csv; charset=utf-8", "csv", s.Signals.WriteCSV)
}

func (s *server) exportSignalsNDJSON(c Ctx) error {
	return s.exportSignals(c, "application/x-ndjson", "ndjson", s.Signals.WriteNDJSON)
}

type signalExporter func(context.Context, access.Actor, signals.Filter, io.Writer) error

// exportSignals streams what the same filters list, all pages of it.
func (s *server) exportSignals(c Ctx, contentType, extension string, export signalExporter) error {
	v := visit(c)
	startDownload(c, contentType, v.Workspace.Slug+"-signals-"+v.Env+"."+extension)
	return export(c.Request().Context(), v.Actor, signalFilter(c, signalQuery(c)), c.Response())
}
