package console

import (
	"net/url"
	"time"

	"latchkey/internal/endpoints"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const endpointsPath = "settings/endpoints"

// The pages of one endpoint, by the last part of their path.
const (
	tabOverview   = ""
	tabDeliveries = "deliveries"
	tabTest       = "test"
)

// endpointOf is the endpoint of the path; its environment becomes the page's.
func (s *server) endpointOf(c Ctx) (endpoints.Item, error) {
	e, err := s.Endpoints.Get(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err == nil {
		visit(c).Env = e.Environment
	}
	return e, err
}

// endpointFrame is what all pages of an endpoint begin with; tab is the current one.
func (s *server) endpointFrame(c Ctx, e endpoints.Item, tab string) views.EndpointFrame {
	v := visit(c)
	f := views.EndpointFrame{
		Title: hostOf(e.URL), Text: e.Description, URL: e.URL, ListHref: v.envPath(endpointsPath),
		Badges: append(endpointBadges(e, s.Now()), envBadge(e.Environment)),
	}
	for _, t := range []struct{ path, label string }{{tabOverview, "Overview"}, {tabDeliveries, "Deliveries"}, {tabTest, "Send test event"}} {
		f.Tabs = append(f.Tabs, ui.Tab{Label: t.label, Href: v.path(endpointsPath, e.ID, t.path), Current: t.path == tab})
	}
	return f
}

// endpointShell is the frame of the pages about one endpoint: it shows the endpoint's environment,
// and no switch that could not mean anything there.
func (s *server) endpointShell(c Ctx, title string) views.Page {
	p := s.shell(c, page{Title: title, Nav: navEndpoints})
	if p.Shell != nil {
		p.Shell.Environment = visit(c).Env
	}
	return p
}

// hostOf is the part of a URL by which people know it.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return u.Host
}

// endpointBadges are the state as people read it.
func endpointBadges(e endpoints.Item, now time.Time) []ui.BadgeProps {
	if e.Status != models.EndpointEnabled {
		return []ui.BadgeProps{{Label: "Disabled: " + disabledWords[e.DisabledReason].badge, Icon: ui.IconBan, Tone: disabledWords[e.DisabledReason].tone}}
	}
	if e.Failing() {
		return []ui.BadgeProps{{Label: "Failing for " + failingSpan(e.State.FailingSince.Time, now), Tone: ui.ToneDanger}}
	}
	if e.State.PausedUntil.After(now) {
		return []ui.BadgeProps{{Label: "Paused", Tone: ui.ToneWarn, Icon: ui.IconPause}}
	}
	return []ui.BadgeProps{{Label: "Active", Tone: ui.ToneOK}}
}

// failingSpan is how long an endpoint has been failing; a first failure is no minute old.
func failingSpan(since, now time.Time) string {
	if d := now.Sub(since); d >= time.Minute {
		return longSpan(d)
	}
	return "less than a minute"
}

// disabledWords say why an endpoint is disabled.
var disabledWords = map[string]struct {
	badge, text string
	tone        ui.Tone
}{
	models.DisabledManual:  {"by hand", "Somebody disabled it.", ui.ToneNeutral},
	models.DisabledGone:    {"410 Gone", "It answered 410 Gone, which says that nothing should be sent to it any more.", ui.ToneDanger},
	models.DisabledFailing: {"failing", "Every attempt failed for five days.", ui.ToneDanger},
}
