package console

import (
	"net/http"

	"latchkey/internal/endpoints"
	"latchkey/internal/signing"
	"latchkey/views"
	"latchkey/views/ui"
)

const maskedSecret = signing.Prefix + "••••"

// secretView is what an endpoint's page tells of its signing secret, without the secret.
func (s *server) secretView(c Ctx, e endpoints.Item) views.EndpointSecretView {
	href := visit(c).path(endpointsPath, e.ID)
	since := s.time(c, e.SecretSince.Time, "")
	p := views.EndpointSecretView{
		Facts:      []ui.Fact{{Label: "Secret", Value: maskedSecret, Mono: true}, {Label: "Signs since", Time: &since}},
		RevealHref: href + "/secret", RotateHref: href + "/rotation", VerifyHref: href + "/" + tabTest + "#verification",
	}
	if e.Rotating {
		ends := s.time(c, e.PreviousEndsAt.Time, "")
		p.Until = ends.Absolute
		p.Rotation = &views.EndpointRotation{
			Title:   "Two secrets sign until " + ends.Absolute + ".",
			Text:    "The old one stops in " + shortSpan(e.PreviousEndsAt.Sub(s.Now())) + ". Give every receiver the new one before then.",
			EndHref: href + "/rotation/end",
		}
		p.RotateHref = ""
	}
	return p
}

// revealSecret shows the secrets that sign, in the answer to a POST alone; the audit log notes it.
func (s *server) revealSecret(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	found, err := s.Endpoints.Reveal(c.Request().Context(), visit(c).Actor, e.ID)
	if err != nil {
		return err
	}
	part := s.secretView(c, e)
	part.Value = found.Secret.Reveal()
	if e.Rotating {
		part.Previous = found.Previous.Reveal()
	}
	if isHTMX(c) {
		return write(c, http.StatusOK, views.EndpointSecret(part))
	}
	p := s.revealedEndpoint(c, e, found.Secret)
	p.Page, p.Title = s.endpointShell(c, "Signing secret"), "Signing secret of "+hostOf(e.URL)
	p.Previous, p.Until, p.Text = part.Previous, part.Until, "The audit log has noted that you have seen it."
	return s.render(c, http.StatusOK, views.EndpointRevealed(p), nil)
}

// backToSecret is where a reload of a revealed secret leads: it is never in the answer to a GET.
func (s *server) backToSecret(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	return redirect(c, visit(c).path(endpointsPath, e.ID)+"#secret")
}

// revealedEndpoint is the page that shows a secret. Its title and frame are the caller's.
func (s *server) revealedEndpoint(c Ctx, e endpoints.Item, secret signing.Secret) views.EndpointRevealedView {
	href := visit(c).path(endpointsPath, e.ID)
	return views.EndpointRevealedView{
		URL: e.URL, Secret: secret.Reveal(), PageHref: href, TestHref: href + "/" + tabTest,
		Text: "The receiver verifies with it that a message is from here. The endpoint's page can show it again; the audit log notes that.",
		Code: verificationCode(secret.Reveal()),
	}
}
