package console

import (
	"net/http"
	"net/url"
	"strconv"

	"latchkey/internal/deliveries"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) showDeliveryReplay(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	v := visit(c)
	r, err := s.Deliveries.Replay(c.Request().Context(), v.Actor, e.ID, c.Param("replay"))
	if err != nil {
		return err
	}
	shown := s.deliveryReplay(c, r)
	if isHTMX(c) {
		if c.QueryParam("brief") != "" { // the list of deliveries asks
			shown.Href, shown.PollHref = shown.PollHref, briefly(shown.PollHref)
		}
		return write(c, http.StatusOK, views.DeliveryReplay(shown))
	}
	words := planWords[r.Kind]
	p := views.DeliveryReplayPageView{
		Title: words.title, Text: words.text, BackHref: v.path(endpointsPath, e.ID, tabDeliveries), Again: planHref(v, e.ID, r.Kind), Replay: shown,
	}
	p.Page = s.endpointShell(c, words.title+" of "+hostOf(e.URL))
	return s.render(c, http.StatusOK, views.DeliveryReplayPage(p), nil)
}

func (s *server) stopDeliveryReplay(c Ctx) error {
	v := visit(c)
	r, err := s.Deliveries.StopReplay(c.Request().Context(), v.Actor, c.Param("id"), c.Param("replay"))
	if err != nil {
		return err
	}
	return s.done(c, v.path(endpointsPath, r.EndpointID, "replays", r.ID), "Stopped. What was released goes on.")
}

// runningReplay is the run of an endpoint that is under way, for its list of deliveries.
func (s *server) runningReplay(c Ctx, endpointID string) (*views.DeliveryReplayView, error) {
	found, err := s.Deliveries.Replays(c.Request().Context(), visit(c).Actor, endpointID)
	if err != nil || len(found) == 0 || found[0].Status != deliveries.Running {
		return nil, err
	}
	p := s.deliveryReplay(c, found[0])
	p.Href, p.PollHref = p.PollHref, briefly(p.PollHref)
	return &p, nil
}

func briefly(href string) string { return href + "?brief=1" }

func (s *server) deliveryReplay(c Ctx, r deliveries.Progress) views.DeliveryReplayView {
	v := visit(c)
	here := v.path(endpointsPath, r.EndpointID, "replays", r.ID)
	p := views.DeliveryReplayView{
		Title: "Progress", PollHref: here, Percent: strconv.FormatInt(min(100, 100*r.Released/max(1, r.Total)), 10),
		By:    "Started " + s.time(c, r.StartedAt.Time, "").Relative + " by " + orText(r.StartedLabel, "somebody") + ", at " + strconv.Itoa(r.Rate) + " a second. " + s.sinceWords(c, r),
		Stats: replayStats(r),
	}
	of := ui.Count(int(r.Released)) + " of " + ui.Count(int(r.Total))
	switch r.Status {
	case deliveries.Running:
		p.Running, p.Every, p.Stop, p.Text = true, askSoon, here+"/stop", "Released "+of+" so far."
	case deliveries.Finished:
		p.Text = "Released " + of + ". " + s.afterwards(r)
	case deliveries.Stopped:
		p.Ended = &ui.BannerProps{Tone: ui.ToneInfo, Title: "Stopped after " + of + ". The rest stays " + r.Kind + "."}
	default:
		p.Ended = &ui.BannerProps{Tone: ui.ToneDanger, Title: "Ended after " + of + ".", Text: orText(r.Problem, "It could not go on.")}
	}
	if !p.Running && r.Waiting > 0 {
		p.Every = askLater
		if s.Now().Sub(r.FinishedAt.Time) < soon {
			p.Every = askSoon
		}
	}
	if r.Failed > 0 {
		p.Failed = withQuery(v.path(endpointsPath, r.EndpointID, tabDeliveries), url.Values{"status": {models.DeliveryFailed}})
	}
	return p
}

func (s *server) sinceWords(c Ctx, r deliveries.Progress) string {
	what := "Messages that " + map[string]string{models.DeliveryFailed: "failed", models.DeliverySkipped: "were skipped"}[r.Kind]
	return what + " since " + s.time(c, r.Since.Time, "").Absolute + "."
}

// afterwards says what became of what a finished run released.
func (s *server) afterwards(r deliveries.Progress) string {
	switch {
	case r.Waiting > 0:
		return ui.Count(int(r.Waiting)) + " not yet delivered."
	case r.Failed+r.Skipped > 0:
		return "Not all of them arrived."
	default:
		return "All of them are delivered."
	}
}

func replayStats(r deliveries.Progress) []ui.StatProps {
	stats := []ui.StatProps{
		{Label: "Released", Value: ui.Count(int(r.Released)), Hint: "of " + ui.Count(int(r.Total))},
		{Label: "Delivered", Value: ui.Count(int(r.Delivered))},
		{Label: "Waiting", Value: ui.Count(int(r.Waiting)), Hint: "for an attempt, or another"},
		{Label: "Failed again", Value: ui.Count(int(r.Failed)), Tone: failingTone(int(r.Failed))},
	}
	if r.Skipped > 0 {
		stats = append(stats, ui.StatProps{Label: "Skipped", Value: ui.Count(int(r.Skipped)), Hint: "the endpoint was disabled"})
	}
	return stats
}

var replayBadges = map[string]ui.BadgeProps{
	deliveries.Running:  {Label: "Running", Tone: ui.ToneInfo, Icon: ui.IconClock},
	deliveries.Finished: {Label: "Finished", Tone: ui.ToneOK},
	deliveries.Stopped:  {Label: "Stopped", Icon: ui.IconPause},
	deliveries.Broken:   {Label: "Ended early", Tone: ui.ToneDanger},
}

func (s *server) earlierReplay(c Ctx, r deliveries.Progress) views.EarlierReplay {
	counts := ui.Count(int(r.Released)) + " of " + ui.Count(int(r.Total)) + " released, " + ui.Count(int(r.Delivered)) + " delivered"
	if r.Failed > 0 {
		counts += ", " + ui.Count(int(r.Failed)) + " failed again"
	}
	return views.EarlierReplay{
		Href: visit(c).path(endpointsPath, r.EndpointID, "replays", r.ID), When: s.exactTime(c, r.StartedAt.Time),
		Kind: map[string]string{models.DeliveryFailed: "Failed", models.DeliverySkipped: "Skipped"}[r.Kind], Status: replayBadges[r.Status],
		Counts: counts, By: r.StartedLabel,
	}
}
