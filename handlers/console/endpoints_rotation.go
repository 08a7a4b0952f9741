package console

import (
	"net/http"
	"time"

	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/views"
	"latchkey/views/ui"
)

// secretGraces are how long the old secret may go on signing.
var secretGraces = []ui.Option{
	{Value: "1h", Label: "for 1 hour"},
	{Value: "24h", Label: "for 24 hours"},
	{Value: "168h", Label: "for 7 days"},
	{Value: "now", Label: "no longer: it ends now"},
}

func (s *server) confirmSecretRotation(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	p := s.rotateSecretView(c, e)
	return s.render(c, http.StatusOK, views.RotateSecret(p), views.RotateSecretDialog(p, false))
}

func (s *server) rotateSecretView(c Ctx, e endpoints.Item) views.RotateSecretView {
	href := visit(c).path(endpointsPath, e.ID)
	p := views.RotateSecretView{
		Host: hostOf(e.URL), Graces: secretGraces, Form: views.Form{Values: map[string]string{"grace": "24h"}},
		Action: href + "/rotation", BackHref: href,
	}
	if e.Rotating {
		p.EndHref = href + "/rotation/end"
		p.Locked = &ui.BannerProps{
			Tone: ui.ToneInfo, Title: "Two secrets sign until " + s.time(c, e.PreviousEndsAt.Time, "").Absolute + ".",
			Text: "An endpoint has at most one old secret. End it now, or wait, then rotate again.",
		}
	}
	if !isHTMX(c) {
		p.Page = s.endpointShell(c, "Rotate the secret of "+p.Host)
	}
	return p
}

// rotateSecret answers with the new secret.
func (s *server) rotateSecret(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	ctx, v, f := c.Request().Context(), visit(c), form(c)
	grace, err := secretGrace(f.Get("grace"))
	if err == nil {
		secret, until, rotateErr := s.Endpoints.RotateSecret(ctx, v.Actor, e.ID, grace, f.Get("secret"))
		if rotateErr == nil {
			p := s.revealedEndpoint(c, e, secret)
			p.Page, p.Title = s.endpointShell(c, "Secret rotated"), "New signing secret of "+hostOf(e.URL)
			p.Notices = append(p.Notices, s.oldSecretNotice(c, until))
			return s.render(c, http.StatusOK, views.EndpointRevealed(p), nil)
		}
		err = rotateErr
	}
	if fault.Is(err, fault.Conflict) {
		return s.secretRotatedAlready(c, err)
	}
	p := s.rotateSecretView(c, e)
	p.Form = sent(c, err, []string{"grace"}, []string{"grace", "secret"})
	return s.refused(c, err, views.RotateSecret(p), views.RotateSecretDialog(p, false))
}

func (s *server) oldSecretNotice(c Ctx, until time.Time) ui.BannerProps {
	if !until.After(s.Now()) {
		return ui.BannerProps{Tone: ui.ToneWarn, Title: "The old secret has ended.", Text: "A receiver that still has it refuses every message from now on."}
	}
	ends := s.time(c, until, "")
	return ui.BannerProps{
		Tone: ui.ToneInfo, Title: "The old secret signs too until " + ends.Absolute + ".",
		Text: "Until then a receiver with either secret goes on working. The endpoint's page ends it earlier.",
	}
}

// secretRotatedAlready tells a rotation that came second from one that is not possible at all.
func (s *server) secretRotatedAlready(c Ctx, cause error) error {
	e, err := s.endpointOf(c)
	if err != nil || !e.Rotating {
		return cause
	}
	p := s.rotateSecretView(c, e)
	return s.render(c, http.StatusConflict, views.RotateSecret(p), views.RotateSecretDialog(p, false))
}

func secretGrace(choice string) (time.Duration, error) {
	switch choice {
	case "now":
		return 0, nil
	case "1h", "24h", "168h":
		return time.ParseDuration(choice)
	default:
		return 0, fault.Fields{"grace": "Choose how long the old secret signs too."}.Err()
	}
}

func (s *server) confirmSecretEnd(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	if !e.Rotating {
		return fault.New(fault.Conflict, "This endpoint has no old secret that still signs. There is nothing to end.")
	}
	href := visit(c).path(endpointsPath, e.ID)
	p := views.EndSecretView{Host: hostOf(e.URL), Until: s.time(c, e.PreviousEndsAt.Time, "").Absolute, Action: href + "/rotation/end", BackHref: href}
	if !isHTMX(c) {
		p.Page = s.endpointShell(c, "End the old secret of "+p.Host)
	}
	return s.render(c, http.StatusOK, views.EndSecret(p), views.EndSecretDialog(p, false))
}

func (s *server) endSecret(c Ctx) error {
	v, id := visit(c), c.Param("id")
	if err := s.Endpoints.EndPreviousSecret(c.Request().Context(), v.Actor, id); err != nil {
		return err
	}
	return s.done(c, v.path(endpointsPath, id), "The old secret has ended. The new one alone signs from now on.")
}
