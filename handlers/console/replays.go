package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/deliveries"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// The choices of since; sinceTime takes the instant from the field beside.
const (
	sinceDay  = "24h"
	sinceAll  = "all"
	sinceTime = "time"
)

var sinceOptions = []ui.Option{
	{Value: "1h", Label: "the last hour"}, {Value: sinceDay, Label: "the last 24 hours"}, {Value: "168h", Label: "the last 7 days"},
	{Value: sinceAll, Label: "any time"}, {Value: sinceTime, Label: "a date and time…"},
}

func planHref(v *visitor, endpointID, kind string) string {
	return withQuery(v.path(endpointsPath, endpointID, "replays", "new"), url.Values{"kind": {kind}})
}

// planForm is what a person chose of a run.
type planForm struct {
	kind, since, at, rate string
	from                  time.Time // what since means
	perSecond             int
}

// choices are what the form has, as text. With them a start tells whether it is the plan that was
// shown; from is then the instant of that plan, so that it sends what was counted.
func (f planForm) choices() url.Values {
	return url.Values{"since": {f.since}, "at": {f.at}, "rate": {f.rate}}
}

// shown is choices with the instant.
func (f planForm) shown() string {
	values := f.choices()
	if !f.from.IsZero() {
		values.Set("from", f.from.UTC().Format(time.RFC3339Nano))
	}
	return values.Encode()
}

// wasShown takes the instant of the plan that was shown; false when the choices are others by now.
func (f *planForm) wasShown(text string) bool {
	values, err := url.ParseQuery(text)
	if err != nil || text == "" {
		return text == "" // a start without a page
	}
	if from, err := time.Parse(time.RFC3339Nano, values.Get("from")); err == nil {
		f.from = from
	}
	values.Del("from")
	return values.Encode() == f.choices().Encode()
}

// readPlan reads the choices. What cannot be read is fault.Invalid, with the fields at and rate.
func (s *server) readPlan(c Ctx, values url.Values) (planForm, error) {
	zone := visit(c).Account.Zone
	f := planForm{kind: models.DeliveryFailed, since: values.Get("since"), at: values.Get("at"), rate: strings.TrimSpace(values.Get("rate"))}
	if values.Get("kind") == models.DeliverySkipped {
		f.kind = models.DeliverySkipped
	}
	if f.since == "" {
		f.since = map[string]string{models.DeliveryFailed: sinceDay, models.DeliverySkipped: sinceAll}[f.kind]
	}
	wrong := map[string]string{}
	ago, err := time.ParseDuration(f.since)
	exact, exactErr := time.Parse(time.RFC3339Nano, f.since)
	switch {
	case f.since == sinceAll:
	case exactErr == nil: // a link, or the start of a plan that was shown
		f.from, f.since, f.at = exact, sinceTime, exact.In(zone).Format(inputTime)
	case err == nil && ago > 0:
		f.from = s.Now().Add(-ago)
	default:
		f.since = sinceTime
		if f.from = inputInstant(f.at, zone); f.from.IsZero() {
			wrong["at"] = "Enter a date and time, like 2026-03-02T14:00."
		}
	}
	if f.rate == "" {
		f.rate = strconv.Itoa(deliveries.DefaultRate)
	}
	if f.perSecond, err = strconv.Atoi(f.rate); err != nil || f.perSecond < 1 || f.perSecond > deliveries.MaxRate {
		wrong["rate"] = "Enter a number from 1 to " + strconv.Itoa(deliveries.MaxRate) + "."
	}
	if len(wrong) > 0 {
		return f, &fault.Error{Kind: fault.Invalid, Message: "The plan cannot be made like this.", Fields: wrong}
	}
	return f, nil
}

func (s *server) planDeliveries(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	f, err := s.readPlan(c, c.QueryParams())
	var plan *views.PlanResult
	if err == nil {
		plan, err = s.planResult(c, e, f)
	}
	if err != nil {
		return s.refusedPlan(c, e, f, err)
	}
	p, err := s.planView(c, e, f)
	if err != nil {
		return err
	}
	p.Plan = plan
	return s.render(c, http.StatusOK, views.DeliveryPlan(p), nil)
}

func (s *server) replayDeliveries(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	v := visit(c)
	f, err := s.readPlan(c, form(c))
	var started deliveries.Progress
	if err == nil && !f.wasShown(form(c).Get("shown")) {
		return s.changedPlan(c, e, f)
	}
	if err == nil {
		started, err = s.Deliveries.StartReplay(c.Request().Context(), v.Actor, e.ID, deliveries.ReplayForm{Kind: f.kind, Since: f.from, Rate: f.perSecond})
	}
	if err != nil {
		return s.refusedPlan(c, e, f, err)
	}
	return s.done(c, v.path(endpointsPath, e.ID, "replays", started.ID), "Started.")
}

// changedPlan leads to the plan of choices that were changed after one was shown: nothing is started
// that nobody has seen.
func (s *server) changedPlan(c Ctx, e endpoints.Item, f planForm) error {
	values := f.choices()
	values.Set("kind", f.kind)
	here := withQuery(visit(c).path(endpointsPath, e.ID, "replays", "new"), values)
	if err := s.flash(c, "Nothing was started: you changed the choices. This is the plan with them.", true); err != nil {
		return err
	}
	return redirect(c, here)
}

// refusedPlan shows the form again with what is wrong; any other error is returned.
func (s *server) refusedPlan(c Ctx, e endpoints.Item, f planForm, err error) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	p, problem := s.planView(c, e, f)
	if problem != nil {
		return problem
	}
	p.Form = sent(c, err, nil, []string{"since", "at", "rate"})
	if text := p.Form.Errors["since"]; text != "" && f.since == sinceTime {
		delete(p.Form.Errors, "since")
		p.Form.Errors["at"] = text
	}
	return s.refused(c, err, views.DeliveryPlan(p), nil)
}

// planWords are the texts of both kinds.
var planWords = map[string]struct{ title, text, noun, verb string }{
	models.DeliveryFailed: {"Retry failed deliveries", "Sends again what failed for good: each message with its own id and bytes, and a whole schedule of attempts.",
		"failed delivery", "Retry"},
	models.DeliverySkipped: {"Replay skipped deliveries", "Sends what was kept while the endpoint was disabled: each message with its own id and bytes, the oldest first.",
		"skipped delivery", "Replay"},
}

// countedDeliveries is "1 failed delivery", "1,200 failed deliveries".
func countedDeliveries(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return ui.Count(int(n)) + " " + strings.TrimSuffix(noun, "y") + "ies"
}

func (s *server) planView(c Ctx, e endpoints.Item, f planForm) (views.DeliveryPlanView, error) {
	v, words := visit(c), planWords[f.kind]
	p := views.DeliveryPlanView{
		Title: words.title, Text: words.text, BackHref: v.path(endpointsPath, e.ID, tabDeliveries), Notices: s.endpointOff(c, e),
		Here: v.path(endpointsPath, e.ID, "replays", "new"), Kind: f.kind, Since: f.since, Sinces: sinceOptions, At: f.at,
		ZoneHint: "In " + v.Account.Zone.String() + ". It counts when “a date and time…” is chosen above.",
		Rate:     f.rate, MaxRate: strconv.Itoa(deliveries.MaxRate),
	}
	earlier, err := s.Deliveries.Replays(c.Request().Context(), v.Actor, e.ID)
	for _, r := range earlier {
		p.Earlier = append(p.Earlier, s.earlierReplay(c, r))
	}
	p.Page = s.endpointShell(c, words.title+" of "+hostOf(e.URL))
	return p, err
}

func (s *server) planResult(c Ctx, e endpoints.Item, f planForm) (*views.PlanResult, error) {
	v, words := visit(c), planWords[f.kind]
	plan, err := s.Deliveries.Plan(c.Request().Context(), v.Actor, e.ID, f.kind, f.from)
	if err != nil {
		return nil, err
	}
	p := &views.PlanResult{Shown: f.shown(), Stats: []ui.StatProps{{Label: "To send again", Value: ui.Count(int(plan.Count))}}}
	if plan.Count > 0 {
		p.Stats = append(p.Stats,
			ui.StatProps{Label: "Oldest message", Value: s.time(c, plan.Oldest, "").Relative, Hint: s.time(c, plan.Oldest, "").Absolute},
			ui.StatProps{Label: "Newest message", Value: s.time(c, plan.Newest, "").Relative, Hint: s.time(c, plan.Newest, "").Absolute},
			ui.StatProps{Label: "Time to release them", Value: spanText(plan.Took(f.perSecond)), Hint: "at " + f.rate + " a second"},
		)
	}
	switch {
	case plan.Count == 0:
		p.Text = "Nothing of this endpoint has this state in this time, so there is nothing to send."
	case !plan.Enabled:
		p.Text = "The endpoint is disabled. Enable it first; nothing is lost meanwhile."
	case plan.Running != "":
		p.Text = "Another run of this endpoint is under way. Wait for its end, or stop it first."
		p.Running = v.path(endpointsPath, e.ID, "replays", plan.Running)
	default:
		p.Action, p.Submit = v.path(endpointsPath, e.ID, "replays"), words.verb+" "+countedDeliveries(plan.Count, words.noun)
		p.Text = "Nothing has been sent yet. Receivers may get a message again that they already have; its webhook-id is the same. You can stop at any time."
	}
	return p, nil
}

// spanText is a duration as people say it.
func spanText(d time.Duration) string {
	switch {
	case d < time.Minute:
		return counted(int(d/time.Second), "second")
	case d < 2*time.Hour:
		return "about " + counted(int((d+time.Minute/2)/time.Minute), "minute")
	default:
		return "about " + counted(int((d+time.Hour/2)/time.Hour), "hour")
	}
}
