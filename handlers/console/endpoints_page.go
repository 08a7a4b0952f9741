package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) showEndpoint(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	p, err := s.endpointView(c, e)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Endpoint(p), nil)
}

func (s *server) endpointView(c Ctx, e endpoints.Item) (views.EndpointView, error) {
	v := visit(c)
	href := v.path(endpointsPath, e.ID)
	p := views.EndpointView{
		Frame: s.endpointFrame(c, e, tabOverview), EditHref: href + "/edit", Notices: s.endpointNotices(c, e), Stats: s.endpointStats(c, e),
		Facts: s.endpointFacts(c, e), Secret: s.secretView(c, e),
		Enabled: e.Status == models.EndpointEnabled, StatusHref: href + "/status", DeleteHref: href + "/deletion",
		AuditLog: v.path("audit") + "?" + url.Values{"target": {e.ID}}.Encode(),
	}
	for _, h := range e.Headers {
		p.Headers = append(p.Headers, ui.Fact{Label: h.Name, Value: h.Value})
	}
	running, err := s.runningReplay(c, e.ID)
	if err != nil {
		return p, err
	}
	switch {
	case running != nil:
		p.Notices = append(p.Notices, runningNotice(*running))
	case p.Enabled && e.Skipped > 0:
		p.Notices = append(p.Notices, skippedNotice(c, e))
	}
	if p.Chart, p.Spans, err = s.endpointChart(c, e); err != nil {
		return p, err
	}
	p.Audit, err = s.endpointAudit(c, e)
	// Last, so that a page that failed has not used up the message of the last action.
	p.Page = s.endpointShell(c, p.Frame.Title)
	return p, err
}

// runningNotice leads to the run that is under way, whoever started it.
func runningNotice(r views.DeliveryReplayView) views.EndpointNotice {
	return views.EndpointNotice{
		Banner:  ui.BannerProps{Tone: ui.ToneInfo, Title: "Deliveries are being sent again. " + r.Text, Text: r.By},
		Actions: []ui.LinkButtonProps{{Label: "See progress", Href: r.Href, Icon: ui.IconRotate}},
	}
}

func (s *server) endpointAudit(c Ctx, e endpoints.Item) ([]views.AuditRow, error) {
	v := visit(c)
	if !v.Actor.Can(access.ReadAudit) {
		return nil, nil
	}
	entries, err := s.Audit.OfTarget(c.Request().Context(), v.Actor, e.ID, keyPageAudit)
	rows := make([]views.AuditRow, 0, len(entries))
	for _, entry := range entries {
		rows = append(rows, s.auditRow(c, entry))
	}
	return rows, err
}

// endpointStats are its health in four numbers.
func (s *server) endpointStats(c Ctx, e endpoints.Item) []ui.StatProps {
	success := ui.StatProps{Label: "Success, 24 h", Value: successText(e), Hint: attemptsText(e) + " delivered"}
	switch percent := e.SuccessPercent(); {
	case percent < 0:
		success.Hint = "No attempts."
	case percent < 90:
		success.Tone = ui.ToneDanger
	case percent < 100:
		success.Tone = ui.ToneWarn
	default:
		success.Tone = ui.ToneOK
	}
	last := s.time(c, e.State.LastSuccessAt.Time, "Never")
	health := ui.StatProps{Label: "Last delivery", Value: last.Relative, Hint: last.Absolute}
	if e.State.LastSuccessAt.IsZero() {
		health.Hint = "None has succeeded yet."
	}
	if e.Failing() {
		health = ui.StatProps{Label: "Failing for", Value: failingSpan(e.State.FailingSince.Time, s.Now()), Hint: "Last delivery: " + last.Relative, Tone: ui.ToneDanger}
	}
	next := ui.StatProps{Label: "Next attempt", Value: s.endpointNext(c, e).Relative, Hint: "Nothing waits."}
	switch {
	case e.Status != models.EndpointEnabled:
		next.Hint = "It is disabled."
	case !e.NextAttemptAt.IsZero():
		next.Hint = s.time(c, e.NextAttemptAt, "").Absolute
	}
	deliveries := visit(c).path(endpointsPath, e.ID, tabDeliveries)
	pending := ui.StatProps{Label: "Waiting", Value: countedUpTo(e.Pending), Href: deliveries + "?status=" + models.DeliveryPending}
	if e.Failed > 0 {
		pending.Hint = countedUpTo(e.Failed) + " failed for good"
	}
	return []ui.StatProps{success, health, next, pending}
}

// countedUpTo says "more than" of what was not counted to its end.
func countedUpTo(n int64) string {
	if n > endpoints.CountedUpTo {
		return "more than " + ui.Count(endpoints.CountedUpTo)
	}
	return ui.Count(int(n))
}

// endpointSpans are the charts of the page.
var endpointSpans = []struct {
	name, tab, unit, layout string
	span                    time.Duration
}{
	{"24h", "24 hours", "15 minutes from", "15:04", 24 * time.Hour},
	{"7d", "7 days", "2 hours from", "Mon 15:04", 7 * 24 * time.Hour},
}

func (s *server) endpointChart(c Ctx, e endpoints.Item) (ui.ChartProps, []ui.Tab, error) {
	v, chosen := visit(c), endpointSpans[0]
	for _, span := range endpointSpans {
		if span.name == c.QueryParam("span") {
			chosen = span
		}
	}
	buckets, err := s.Endpoints.Chart(c.Request().Context(), v.Actor, e.ID, chosen.span)
	if err != nil {
		return ui.ChartProps{}, nil, err
	}
	chart := ui.ChartProps{
		ID: "attempts-chart", Title: "Attempts in the last " + chosen.tab, Unit: chosen.unit, AcceptedName: "Delivered", RejectedName: "Failed",
	}
	for _, b := range buckets {
		chart.Buckets = append(chart.Buckets, ui.Bucket{Label: b.Start.In(v.Account.Zone).Format(chosen.layout), Accepted: int(b.Delivered), Rejected: int(b.Failed)})
	}
	var tabs []ui.Tab
	for _, span := range endpointSpans {
		tabs = append(tabs, ui.Tab{Label: span.tab, Href: v.path(endpointsPath, e.ID) + "?span=" + span.name + "#attempts", Current: span.name == chosen.name})
	}
	return chart, tabs, nil
}

func (s *server) endpointFacts(c Ctx, e endpoints.Item) []ui.Fact {
	created := s.time(c, e.CreatedAt.Time, "")
	facts := []ui.Fact{
		{Label: "Events", Value: eventsList(e.Types), Mono: true},
	}
	if e.Source != "" {
		facts = append(facts, ui.Fact{Label: "Only about source", Value: e.Source, Mono: true})
	}
	if e.APIKeyID != nil {
		facts = append(facts, ui.Fact{Label: "Only about key", Value: orText(e.APIKeyName, *e.APIKeyID), Href: visit(c).path(keysPath, *e.APIKeyID)})
	}
	rate := "No limit"
	if e.RateLimit > 0 {
		rate = ui.Count(e.RateLimit) + " a second"
	}
	return append(facts,
		ui.Fact{Label: "Order", Value: yesNo(e.Ordered, "One after the other", "As they come"), Hint: yesNo(e.Ordered, "A message waits for the one before it.", "")},
		ui.Fact{Label: "Requests at a time", Value: strconv.Itoa(e.Concurrency)},
		ui.Fact{Label: "Rate", Value: rate},
		ui.Fact{Label: "Created", Time: &created, Hint: "by " + endpointMaker(e)},
		ui.Fact{Label: "Endpoint ID", Value: e.ID, Mono: true, Copy: true},
	)
}

// eventsList writes patterns for people.
func eventsList(types outbox.Patterns) string {
	if slices.Contains(types, "*") {
		return "* (all events)"
	}
	return strings.Join(types, ", ")
}

// endpointMaker names a person, or an API-access key and who answers for it.
func endpointMaker(e endpoints.Item) string {
	if e.CreatedByKey == nil {
		return orCommandLine(e.CreatedByName)
	}
	return "the API key " + orText(e.CreatedByKeyName, "that is gone") + " of " + orCommandLine(e.CreatedByName)
}
