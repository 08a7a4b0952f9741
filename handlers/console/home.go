package console

import (
	"net/http"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/internal/signals"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	idleAfter      = 30 * 24 * time.Hour
	attentionLimit = 10
)

func (s *server) homeRoutes() []Route {
	return []Route{
		{GET, "/w/:slug", In(access.ReadData), s.home},
		{GET, "/w/:slug/onboarding", In(access.ReadData), s.onboarding},
	}
}

// home shows the way to the first event, and the day's numbers once there is one.
func (s *server) home(c Ctx) error {
	v := visit(c)
	progress, err := s.Signals.Progress(c.Request().Context(), v.Actor, v.Env)
	if err != nil {
		return err
	}
	p := views.HomeView{}
	if p.Notices, err = s.homeNotices(c); err != nil {
		return err
	}
	if progress.FirstSignal == "" {
		steps := s.onboardingView(c, progress)
		p.Onboarding = &steps
	} else if err := s.fillHome(c, &p); err != nil {
		return err
	}
	p.Page = s.shell(c, page{Title: "Home", Nav: navHome, HasEnv: true})
	return s.render(c, http.StatusOK, views.Home(p), nil)
}

// onboarding is the checklist alone, for the page that waits.
func (s *server) onboarding(c Ctx) error {
	v := visit(c)
	if !isHTMX(c) {
		return redirect(c, v.envPath())
	}
	progress, err := s.Signals.Progress(c.Request().Context(), v.Actor, v.Env)
	if err != nil {
		return err
	}
	return write(c, http.StatusOK, views.Onboarding(s.onboardingView(c, progress)))
}

func (s *server) onboardingView(c Ctx, p signals.Progress) views.OnboardingView {
	v := visit(c)
	arrived := p.FirstSignal != ""
	create := ui.ChecklistItem{ID: "step-key", Title: "Create a key", Text: "Each system that sends gets a key of its own.", Done: p.HasKey, Current: !p.HasKey}
	if !p.HasKey && v.Actor.Can(access.ManageKeys) {
		create.ActionLabel, create.ActionHref = "Create key", v.envPath(keysPath, "new")
	} else if !p.HasKey {
		create.Text = "Your role may not create keys. Ask an Editor, Developer, Admin or Owner of this workspace."
	}
	send := ui.ChecklistItem{
		ID: "step-send", Title: "Send your first event", Done: arrived, Current: p.HasKey && !arrived,
		Text: "With the key, from any system that can post JSON.",
	}
	if send.Current {
		send.Text = "Put the key, which was shown once, in place of the dots."
		send.Code = s.sampleOf(c, v.Env, keyTypes[0]).curl()
	}
	see := ui.ChecklistItem{ID: "step-see", Title: "See it arrive", Text: "This page shows it by itself.", Done: arrived}
	out := views.OnboardingView{PollHref: v.envPath("onboarding"), Waiting: "Waiting for your first event...", Arrived: arrived}
	switch {
	case arrived:
		out.Waiting, out.Href = "Your first event has arrived.", v.path(signalsPath, p.FirstSignal)
		see.ActionLabel, see.ActionHref = "Go on to the day's numbers", v.envPath()
	case p.HasRequest:
		out.Waiting = "A request arrived and was rejected. Waiting for the next..."
		see.Text = "Something arrived, but was rejected. Requests says why."
		see.ActionLabel, see.ActionHref = "See why", v.envPath(requestsPath)
	}
	out.Steps = []ui.ChecklistItem{create, send, see}
	return out
}

func (s *server) fillHome(c Ctx, p *views.HomeView) error {
	v, ctx := visit(c), c.Request().Context()
	today, err := s.Signals.Today(ctx, v.Actor, v.Env, v.Account.Zone)
	if err != nil {
		return err
	}
	hint := "since midnight in " + v.Account.Zone.String()
	p.Accepted = ui.StatProps{Label: "Accepted today", Value: ui.Count(int(today.Accepted)), Hint: hint, Href: v.envPath(signalsPath)}
	p.Rejected = ui.StatProps{Label: "Rejected today", Value: ui.Count(int(today.Rejected)), Hint: hint,
		Href: withQuery(v.path(requestsPath), withValue(envQuery(v.Env), "status", signals.Rejected))}
	if today.Rejected > 0 {
		p.Rejected.Tone = ui.ToneDanger
	}
	p.APICalls = ui.StatProps{Label: "API calls today", Value: ui.Count(int(today.APICalls)), Hint: hint}
	if v.Actor.Can(access.ManageAPIKeys) {
		p.APICalls.Href = withQuery(v.path(keysPath), withValue(envQuery(v.Env), "type", models.APIAccess))
	}
	if err := s.homeChart(c, p); err != nil {
		return err
	}
	if p.Uploads, err = s.runningUploads(c, ""); err != nil {
		return err
	}
	p.AllUploads = allUploads(v)
	if p.Failing, err = s.homeEndpoints(c); err != nil {
		return err
	}
	if p.Watch = v.Actor.Can(access.ManageKeys); !p.Watch {
		return nil
	}
	waiting, err := s.Orgs.WaitingCounts(ctx, v.Actor, v.Env)
	if err != nil {
		return err
	}
	for _, k := range waiting {
		p.Waiting = append(p.Waiting, views.WaitingKey{Name: k.Name, Href: v.path(keysPath, k.ID, waitingPart), Count: waitingText(k)})
	}
	if err := s.homeHygiene(c, p); err != nil {
		return err
	}
	expiring, idle, err := s.Keys.Attention(ctx, v.Actor, v.Env, idleAfter, attentionLimit)
	for _, k := range expiring {
		p.Expiring = append(p.Expiring, views.AttentionRow{Name: k.Name, Href: v.path(keysPath, k.ID), When: s.time(c, k.ExpiresAt.Time, "")})
	}
	for _, k := range idle {
		p.Idle = append(p.Idle, views.AttentionRow{Name: k.Name, Href: v.path(keysPath, k.ID), When: s.time(c, k.LastUsed.LastUsedAt.Time, "Never")})
	}
	return err
}

// homeHygiene counts what could be tidied up.
func (s *server) homeHygiene(c Ctx, p *views.HomeView) error {
	v := visit(c)
	found, err := s.Hygiene.List(c.Request().Context(), v.Actor, hygiene.Filter{Environment: v.Env, Limit: 1})
	if err != nil {
		return err
	}
	p.Hygiene = ui.StatProps{Label: "Key hygiene", Value: "Tidy", Hint: "nothing found", Href: hygieneQuery{Env: v.Env}.href(v)}
	if n := found.Counts[""]; n > 0 {
		p.Hygiene.Value, p.Hygiene.Hint = ui.Count(n), "findings to look at"
	}
	return nil
}

func (s *server) homeChart(c Ctx, p *views.HomeView) error {
	v := visit(c)
	span := keys.SpanNamed("24h")
	buckets, err := s.Keys.WorkspaceUsage(c.Request().Context(), v.Actor, v.Env, span)
	words := spanNames[span.Name]
	p.Chart = ui.ChartProps{ID: "usage-chart", Title: words.title, Unit: words.unit}
	for _, b := range buckets {
		p.Chart.Buckets = append(p.Chart.Buckets, ui.Bucket{
			Label: bucketStart(b.Start, span, v.Account.Zone).Format(words.layout), Accepted: int(b.Accepted), Rejected: int(b.Rejected),
		})
	}
	return err
}
