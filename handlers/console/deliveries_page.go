package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/deliveries"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// attemptsShown bounds a page; somebody may have sent a message again a hundred times.
const attemptsShown = 50

// How often a page asks again: soon while something is about to happen, else now and then.
const (
	askSoon  = "2s"
	askLater = "30s"
	soon     = 2 * time.Minute
)

var errNoDelivery = fault.New(fault.NotFound, "This delivery does not exist, or its retention has ended.")

// delivery is the message of the path, for the endpoint of the path.
func (s *server) delivery(c Ctx) (endpoints.Item, deliveries.Detail, error) {
	e, err := s.endpointOf(c)
	if err != nil {
		return e, deliveries.Detail{}, err
	}
	id, ok := outbox.ParseID(c.Param("message"))
	if !ok {
		return e, deliveries.Detail{}, errNoDelivery
	}
	d, err := s.Deliveries.Get(c.Request().Context(), visit(c).Actor, e.ID, id)
	return e, d, err
}

func (s *server) showDelivery(c Ctx) error {
	e, d, err := s.delivery(c)
	if err != nil {
		return err
	}
	state := s.deliveryState(c, e, d)
	if isHTMX(c) {
		return write(c, http.StatusOK, views.DeliveryState(state))
	}
	v, id := visit(c), outbox.PublicID(d.MessageID)
	here := v.path(endpointsPath, e.ID, tabDeliveries, id)
	p := views.DeliveryView{
		Title: d.EventType, Message: id, Badges: []ui.BadgeProps{envBadge(e.Environment)}, ListHref: v.path(endpointsPath, e.ID, tabDeliveries),
		Notices: s.endpointOff(c, e), State: state, Facts: s.deliveryFacts(c, e, d), Headers: requestHeaders(e, id, nil),
		Body: *payloadView("Body of the message", d.Message.Body, here+"/body"),
	}
	if tested(d) {
		p.Badges = append(p.Badges, ui.BadgeProps{Label: "Test event", Icon: ui.IconTest})
	}
	p.Page = s.endpointShell(c, d.EventType+" to "+hostOf(e.URL))
	return s.render(c, http.StatusOK, views.Delivery(p), nil)
}

// tested tells that a person made the message up.
func tested(d deliveries.Detail) bool {
	return len(d.Attempts) > 0 && d.Attempts[0].Cause == models.CauseTest
}

func (s *server) downloadDelivery(c Ctx) error {
	_, d, err := s.delivery(c)
	if err != nil {
		return err
	}
	return attachment(c, outbox.PublicID(d.MessageID), d.Message.Body)
}

func (s *server) retryDelivery(c Ctx) error {
	v := visit(c)
	id, ok := outbox.ParseID(c.Param("message"))
	if !ok {
		return errNoDelivery
	}
	if err := s.Deliveries.Retry(c.Request().Context(), v.Actor, c.Param("id"), id); err != nil {
		return err
	}
	return s.done(c, v.path(endpointsPath, c.Param("id"), tabDeliveries, outbox.PublicID(id)), "It is sent again now.")
}

func (s *server) deliveryState(c Ctx, e endpoints.Item, d deliveries.Detail) views.DeliveryStateView {
	here := visit(c).path(endpointsPath, e.ID, tabDeliveries, outbox.PublicID(d.MessageID))
	p := views.DeliveryStateView{Href: here, Status: deliveryBadge(d.Delivery), Sentence: s.deliverySentence(c, d)}
	if d.Status == models.DeliveryPending {
		p.Next, p.Every = s.comingAttempt(c, e, d.Delivery), askLater
		if d.NextAttemptAt.Sub(s.Now()) < soon {
			p.Every = askSoon
		}
	}
	if e.Status == models.EndpointEnabled && (d.Status != models.DeliveryPending || d.NextAttemptAt.After(s.Now())) {
		p.Retry = here + "/retry"
	}
	for i := len(d.Attempts) - 1; i >= 0 && len(p.Attempts) < attemptsShown; i-- {
		a := s.attemptView(c, d.Attempts[i])
		if i < len(d.Attempts)-1 {
			a.Fix = "" // the newest one says it
		}
		p.Attempts = append(p.Attempts, a)
	}
	if hidden := len(d.Attempts) - len(p.Attempts); hidden > 0 {
		p.More = "The " + counted(hidden, "attempt") + " before are not shown."
	}
	return p
}

func (s *server) deliverySentence(c Ctx, d deliveries.Detail) string {
	switch {
	case d.Status == models.DeliveryDelivered:
		return "The endpoint took it " + s.time(c, d.FinishedAt.Time, "").Relative + ", with " + counted(d.Delivery.Attempts, "attempt") + "."
	case d.Status == models.DeliveryFailed && tested(d):
		return "A test event is sent once, so no attempt follows by itself."
	case d.Status == models.DeliveryFailed:
		return "No attempt is left. It stays here until its retention ends, and can be sent again."
	case d.Status == models.DeliverySkipped:
		return "The endpoint was disabled, so nothing was sent. It can be sent once the endpoint is enabled."
	case d.Step > 0:
		return "The last attempt failed; another one follows."
	default:
		return "It is to be sent."
	}
}

// comingAttempt says what is to come, and what may hold it up.
func (s *server) comingAttempt(c Ctx, e endpoints.Item, d models.Delivery) *views.NextAttemptView {
	n := &views.NextAttemptView{Number: nextNumber(d), When: s.time(c, d.NextAttemptAt.Time, "")}
	if d.NextAttemptAt.Sub(s.Now()) < atOnce {
		n.When.Relative = "in a few seconds"
	}
	switch paused := e.State.PausedUntil; {
	case paused.After(s.Now()) && paused.Sub(d.NextAttemptAt.Time) > time.Second:
		n.Note = "The endpoint is paused until " + s.time(c, paused.Time, "").Absolute + ", after failures in a row or because it asked for it; so it may be later."
	case d.Ordered:
		n.Note = "This endpoint gets its messages in order, so those before it go first."
	}
	return n
}

func (s *server) attemptView(c Ctx, a models.DeliveryAttempt) views.AttemptView {
	p := views.AttemptView{
		ID: strconv.Itoa(a.Number), Number: "Attempt " + strconv.Itoa(a.Number), OK: a.Error == "", Outcome: attemptBadge(a.Status, a.Error), Cause: attemptCauses[a.Cause],
		At: s.exactTime(c, a.StartedAt.Time), Duration: latency(a.DurationUS), Error: a.Error, Detail: a.Detail, Fix: attemptFix(a.Status, a.Error),
	}
	if a.Error == "" {
		p.Fix = ""
	}
	p.Answer, p.Cut, p.NoAnswer = answerOf(a.Status, a.Response, a.Truncated)
	return p
}

// answerOf is what an endpoint answered, as text: it is somebody else's, and never more than that.
func answerOf(status int, response []byte, truncated bool) (text, cut, none string) {
	text = strings.ToValidUTF8(strings.ReplaceAll(string(response), "\x00", "\uFFFD"), "\uFFFD")
	if truncated {
		cut = "The first " + byteSize(int64(len(response))) + " of the answer; the rest was not read."
	}
	if text == "" && status > 0 {
		none = "The answer had no body."
	}
	return text, cut, none
}
