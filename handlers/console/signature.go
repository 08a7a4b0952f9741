package console

import (
	"errors"
	"net/http"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/secretbox"
	"latchkey/internal/source"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const signaturePath = "signature"

// signatureCode is what the gateway answers to a request without the signature that it asks for.
const signatureCode = "invalid_source_signature"

func (s *server) signatureRoutes() []Route {
	const one = "/w/:slug/" + keysPath + "/:id/" + signaturePath
	return []Route{
		{GET, one, In(access.ManageKeys), s.showSignature},
		{POST, one, In(access.ManageKeys), s.requireSignature},
		{POST, one + "/removal", In(access.ManageKeys), s.dropSignature},
	}
}

func (s *server) showSignature(c Ctx) error {
	p, err := s.signatureView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Signature(p), nil)
}

func (s *server) requireSignature(c Ctx) error {
	v, f, id := visit(c), form(c), c.Param("id")
	err := s.Ingest.RequireSignature(c.Request().Context(), v.Actor, id, f.Get("scheme"), f.Get("secret"))
	if err == nil {
		return s.done(c, v.path(keysPath, id, signaturePath), "Signature required from now on.")
	}
	p, viewErr := s.signatureView(c)
	if viewErr != nil {
		return viewErr
	}
	p.Form = sent(c, err, []string{"scheme"}, []string{"scheme", "secret"})
	return s.refused(c, err, views.Signature(p), nil)
}

func (s *server) dropSignature(c Ctx) error {
	v, id := visit(c), c.Param("id")
	if err := s.Ingest.DropSignature(c.Request().Context(), v.Actor, id); err != nil {
		return err
	}
	return s.done(c, v.path(keysPath, id, signaturePath), "Signature no longer required.")
}

func (s *server) signatureView(c Ctx) (views.SignatureView, error) {
	v := visit(c)
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, c.Param("id"))
	if err != nil {
		return views.SignatureView{}, err
	}
	v.Env = k.Environment
	here := v.path(keysPath, k.ID, signaturePath)
	p := views.SignatureView{
		Name: k.Name, BackHref: v.path(keysPath, k.ID), Notices: s.signatureNotices(k), Facts: signatureFacts(k), Effects: signatureEffects,
		NoFailure: "None in the request log.", Submit: "Require signature",
		Form: views.Form{Values: map[string]string{"scheme": k.SignatureScheme}},
	}
	if k.SignatureScheme != "" {
		p.Submit = "Replace signature and secret"
		if p.Failure, err = s.signatureFailure(c, k); err != nil {
			return p, err
		}
	}
	if k.Status == models.KeyActive {
		if s.Ingest.CanKeepSecrets() {
			p.Action, p.Schemes = here, schemeCards()
		}
		if k.SignatureScheme != "" {
			p.OffAction = here + "/removal"
		}
	}
	p.Page = s.keyShell(c, "Source signature of "+k.Name)
	return p, nil
}

var signatureEffects = []string{
	"A request without a right signature gets 401 invalid_source_signature, and nothing of it is stored. It stands in the request log with the reason.",
	"Where the vendor signs the time too, a request whose time is more than 5 minutes off is refused: nobody can record one and send it again later.",
	"The bulk URL refuses this key: a stream cannot be checked before it is stored.",
	"The key, and its shared secret if it has one, are asked for as before.",
	"Test events from this console go through without a signature.",
}

// signatureNotices are what stands in the way.
func (s *server) signatureNotices(k keys.Item) []ui.BannerProps {
	var notices []ui.BannerProps
	if k.Status != models.KeyActive {
		notices = append(notices, ui.BannerProps{Tone: ui.ToneInfo, Title: "This key is deactivated.", Text: "Its requests are rejected in any case, and its settings can no longer be changed."})
	}
	if k.Status == models.KeyActive && !s.Ingest.CanKeepSecrets() {
		notices = append(notices, ui.BannerProps{
			Tone: ui.ToneWarn, Title: "This instance has no key to encrypt signing secrets with.",
			Text: "Whoever runs it makes one with: openssl rand -base64 32, sets LATCHKEY_SECRET_KEY to it on every instance, and starts them again. LATCHKEY_SECRET_KEY_FILE may name a file that holds it.",
		})
	}
	if problem := unreadableSecret(s.Ingest.SignatureReadable(k.APIKey)); problem != "" {
		notices = append(notices, ui.BannerProps{Tone: ui.ToneDanger, Title: "The stored secret cannot be read, so requests with this key get 503.", Text: problem})
	}
	return notices
}

func unreadableSecret(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, secretbox.ErrNoKey):
		return "LATCHKEY_SECRET_KEY is not set. Whoever runs the instance sets it again, to the same value as before."
	case errors.Is(err, secretbox.ErrOtherKey):
		return "It was encrypted with another key than this instance has now. Whoever runs it puts LATCHKEY_SECRET_KEY or the file secret.key back; or enter the signing secret again here."
	default:
		return "It is damaged. Enter the signing secret again."
	}
}

func signatureFacts(k keys.Item) []ui.Fact {
	if k.SignatureScheme == "" {
		return nil
	}
	scheme := source.SchemeNamed(k.SignatureScheme)
	if scheme == nil {
		return []ui.Fact{{Label: "Signed by", Value: k.SignatureScheme, Hint: "This version does not know it. Choose again, or run the version that did."}}
	}
	return []ui.Fact{
		{Label: "Signed by", Value: scheme.Title},
		{Label: "Header", Value: scheme.Header, Mono: true},
		{Label: "Secret", Value: "Set", Hint: scheme.SecretWhere},
	}
}

// schemeCards explain each scheme on its card, so that nothing has to appear when one is chosen.
func schemeCards() []ui.RadioCard {
	var cards []ui.RadioCard
	for _, s := range source.Schemes() {
		cards = append(cards, ui.RadioCard{Value: s.Name, Label: s.Title, Text: "Header " + s.Header + ". " + joinSentences(s.SecretHint, s.SecretWhere)})
	}
	return cards
}

// signatureFailure is the newest request of a key that was refused for its signature.
func (s *server) signatureFailure(c Ctx, k keys.Item) (*views.SignatureFailure, error) {
	v := visit(c)
	r, err := s.Signals.LastRefusal(c.Request().Context(), v.Actor, k.Environment, k.ID, signatureCode)
	if err != nil || r == nil {
		return nil, err
	}
	return &views.SignatureFailure{
		Time: s.time(c, r.ReceivedAt.Time, ""), Text: r.Message, From: from(r.IP, r.UserAgent), Href: v.path(requestsPath, r.ID),
	}, nil
}
