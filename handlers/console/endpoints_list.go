package console

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"latchkey/internal/endpoints"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) endpointsPage(c Ctx, q endpointQuery, found endpoints.Page) templ.Component {
	v := visit(c)
	p := views.EndpointsView{
		Page:       s.shell(c, page{Title: "Endpoints", Nav: navEndpoints, HasEnv: true}),
		CreateHref: v.envPath(endpointsPath, "new"),
		Filter: ui.FilterBarProps{
			Action: v.path(endpointsPath), SearchName: "q", SearchValue: q.Search, SearchLabel: "Search endpoints",
			SearchPlaceholder: "Part of the URL or the description", Hidden: q.hidden(),
		},
		Paging: ui.PaginationProps{NewerLabel: "First page", Summary: "Showing " + ui.Count(len(found.Items)) + " of " + ui.Count(found.Counts[q.Status])},
	}
	if locked := s.noSecretKey(); locked != nil {
		p.Notices = append(p.Notices, *locked)
	}
	for _, status := range endpointStatuses {
		p.Tabs = append(p.Tabs, ui.Tab{
			Label: status.Label, Count: ui.Count(found.Counts[status.Value]), Href: q.with(status.Value).href(v), Current: q.Status == status.Value,
		})
	}
	if q.narrowed() {
		p.Filter.ClearHref = endpointQuery{Env: q.Env}.href(v)
	}
	if found.Next != "" {
		p.Paging.OlderHref = q.before(found.Next).href(v)
	}
	if q.Before != "" {
		p.Paging.NewerHref = q.before("").href(v)
	}
	for _, e := range found.Items {
		p.Rows = append(p.Rows, s.endpointRow(c, e))
	}
	if len(p.Rows) == 0 {
		p.Empty = noEndpoints(q, p)
	}
	return views.Endpoints(p)
}

// noEndpoints is the text of an empty list: none match, or none yet with what they are for.
func noEndpoints(q endpointQuery, p views.EndpointsView) *ui.EmptyStateProps {
	if q.narrowed() || q.Before != "" {
		return &ui.EmptyStateProps{
			Icon: ui.IconSearch, Title: "No endpoints match.", Text: "No endpoint of this environment fits the search and filters.",
			ActionLabel: "Clear filters", ActionHref: endpointsClear(q, p),
		}
	}
	return &ui.EmptyStateProps{
		Icon: ui.IconSend, Title: "No " + q.Env + " endpoints yet.",
		Text: "An endpoint is a URL of one of your systems. Latchkey posts to it when a signal arrives, an organisation changes or a key is about to expire. " +
			"To try it on your own machine, without an endpoint, run:",
		Code: "latchkey listen --forward-to http://localhost:3000/webhooks --environment " + q.Env, CodeLabel: "Listen on this machine",
		ActionLabel: "Create endpoint", ActionHref: p.CreateHref,
	}
}

func endpointsClear(q endpointQuery, p views.EndpointsView) string {
	if p.Filter.ClearHref != "" {
		return p.Filter.ClearHref
	}
	return p.Paging.NewerHref
}

func (s *server) endpointRow(c Ctx, e endpoints.Item) views.EndpointRowView {
	href := visit(c).path(endpointsPath, e.ID)
	row := views.EndpointRowView{
		ID: e.ID, URL: withoutScheme(e.URL), Href: href, Description: e.Description,
		Status: endpointBadges(e, s.Now()), Events: eventsText(e), EventsHint: strings.Join(e.Types, "\n"),
		Rate: successText(e), RateBad: e.SuccessPercent() >= 0 && e.SuccessPercent() < 90, Counts: attemptsText(e),
		LastDelivery: s.time(c, e.State.LastSuccessAt.Time, "Never"), NextAttempt: s.endpointNext(c, e),
		Off: e.Status != models.EndpointEnabled,
		Menu: []ui.MenuItem{
			{Label: "View", Href: href, Icon: ui.IconEye},
			{Label: "Deliveries", Href: href + "/" + tabDeliveries, Icon: ui.IconList},
			{Label: "Send test event", Href: href + "/" + tabTest, Icon: ui.IconSend},
			{Label: "Edit", Href: href + "/edit", Icon: ui.IconEdit},
		},
	}
	status := href + "/status?from=list"
	item := ui.MenuItem{Label: "Disable", Href: status, Icon: ui.IconPause, Attrs: ui.OpensDialog(status)}
	if row.Off {
		item.Label, item.Icon = "Enable", ui.IconPlay
	}
	row.Menu = append(row.Menu, item)
	return row
}

// withoutScheme leaves out what nearly all URLs begin with; http stays, since it is worth a look.
func withoutScheme(address string) string { return strings.TrimPrefix(address, "https://") }

// eventsText names the first of an endpoint's patterns.
func eventsText(e endpoints.Item) string {
	switch n := len(e.Types); {
	case n == 0:
		return "–"
	case n == 1 && e.Types[0] == "*":
		return "All events"
	case n == 1:
		return e.Types[0]
	default:
		return e.Types[0] + ", +" + strconv.Itoa(n-1)
	}
}

// successText is the share of attempts that succeeded; with failures it never says 100.
func successText(e endpoints.Item) string {
	percent := e.SuccessPercent()
	if percent < 0 {
		return "–"
	}
	return ui.Count(percent) + " %"
}

func attemptsText(e endpoints.Item) string {
	all := e.Delivered24h + e.Failed24h
	if all == 0 {
		return "no attempts"
	}
	return ui.Count(int(e.Delivered24h)) + " of " + ui.Count(int(all))
}

// endpointNext is when something will be sent; what is due already is sent now. Of what is to come
// ui.Relative would say that it was "just now".
func (s *server) endpointNext(c Ctx, e endpoints.Item) ui.TimeProps {
	if !e.NextAttemptAt.IsZero() && e.NextAttemptAt.Sub(s.Now()) < time.Second {
		return ui.TimeProps{Relative: "Now"}
	}
	if !e.NextAttemptAt.IsZero() && e.NextAttemptAt.Sub(s.Now()) < atOnce {
		return ui.TimeProps{Relative: "In seconds"}
	}
	return s.time(c, e.NextAttemptAt, "–")
}

// noSecretKey is what to do where no secret can be kept; nil where it can.
func (s *server) noSecretKey() *ui.BannerProps {
	if s.Endpoints.CanKeepSecrets() {
		return nil
	}
	return &ui.BannerProps{
		Tone: ui.ToneWarn, Title: "This instance has no key to encrypt signing secrets with, so no endpoint can be created.",
		Text: "Whoever runs it makes one with: openssl rand -base64 32, sets LATCHKEY_SECRET_KEY to it on every instance, and starts them again. LATCHKEY_SECRET_KEY_FILE may name a file that holds it.",
	}
}
