package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/google/uuid"

	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

var defaultConcurrency = strconv.Itoa(endpoints.DefaultConcurrency)

func (s *server) newEndpoint(c Ctx) error {
	f := views.Form{Values: map[string]string{"environment": visit(c).Env, "concurrency": defaultConcurrency}}
	p, err := s.newEndpointView(c, f, nil, moreRows(nil), uuid.NewString())
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.EndpointForm(p), nil)
}

func (s *server) newEndpointView(c Ctx, f views.Form, types outbox.Patterns, rows []views.EndpointHeaderRow, nonce string) (views.EndpointFormView, error) {
	v := visit(c)
	p, err := s.endpointFormView(c, f, types, rows)
	if err != nil {
		return p, err
	}
	if p.Keys, err = s.endpointKeys(c, models.Live, models.Test); err != nil {
		return p, err
	}
	p.KeysHint = "One of the environment chosen above."
	p.Title, p.Submit, p.Back, p.BackHref = "Create endpoint", "Create endpoint", "Endpoints", v.envPath(endpointsPath)
	p.Action, p.Nonce, p.Locked, p.OwnSecret = v.path(endpointsPath), nonce, s.noSecretKey(), true
	p.Environments = endpointEnvironments
	p.Page = s.endpointShell(c, "Create endpoint")
	return p, nil
}

var endpointEnvironments = []ui.RadioCard{
	{Value: models.Live, Label: "Live", Text: "Told of real data. It can't be changed later.", Icon: ui.IconGlobe},
	{Value: models.Test, Label: "Test", Text: "Told of test data only. May be plain http.", Icon: ui.IconTest},
}

// createEndpoint answers with the new endpoint's secret. The button that adds rows posts here too,
// and comes back with the form.
func (s *server) createEndpoint(c Ctx) error {
	v, f := visit(c), form(c)
	if f.Get("environment") == testEnv {
		v.Env = testEnv
	}
	types, rows, nonce := outbox.Patterns(f["type"]), headerRows(f), nonceOf(f)
	if f.Get("do") == "rows" {
		p, err := s.newEndpointView(c, sent(c, nil, endpointShown, endpointOrder), types, moreRows(rows), nonce)
		if err != nil {
			return err
		}
		p.Advanced = true
		return s.render(c, http.StatusOK, views.EndpointForm(p), nil)
	}
	made, err := s.Endpoints.Create(c.Request().Context(), v.Actor, endpoints.Form{
		URL: f.Get("url"), Description: f.Get("description"), Environment: f.Get("environment"), EventTypes: types,
		Source: f.Get("source"), APIKeyID: f.Get("api_key_id"), Ordered: f.Get("ordered") != "",
		Concurrency: numberOf(f.Get("concurrency")), RateLimit: numberOf(f.Get("rate_limit")),
		Headers: customHeaders(rows), Secret: f.Get("secret"), Nonce: nonce,
	})
	var before endpoints.AlreadyMade
	switch {
	case errors.As(err, &before):
		return s.endpointMade(c, before.EndpointID)
	case err != nil:
		p, viewErr := s.newEndpointView(c, sent(c, err, endpointShown, endpointOrder), types, rows, nonce)
		if viewErr != nil {
			return viewErr
		}
		return s.refused(c, err, views.EndpointForm(p), nil)
	}
	return s.render(c, http.StatusOK, views.EndpointRevealed(s.createdEndpoint(c, made)), nil)
}

func (s *server) createdEndpoint(c Ctx, made endpoints.Created) views.EndpointRevealedView {
	p := s.revealedEndpoint(c, made.Item, made.Secret)
	p.Page, p.Title = s.endpointShell(c, "Endpoint created"), "Endpoint created: "+hostOf(made.URL)
	if made.Warning != "" {
		p.Notices = append(p.Notices, ui.BannerProps{Tone: ui.ToneWarn, Title: "The endpoint is there, with a doubt about its URL.", Text: made.Warning})
	}
	return p
}

// nonceOf is the form's nonce; what is no nonce of ours makes nothing once.
func nonceOf(f url.Values) string {
	id, err := uuid.Parse(f.Get("nonce"))
	if err != nil {
		return ""
	}
	return id.String()
}

// endpointMade says that the form was sent before.
func (s *server) endpointMade(c Ctx, id string) error {
	v := visit(c)
	e, err := s.Endpoints.Get(c.Request().Context(), v.Actor, id)
	if err != nil {
		return err
	}
	v.Env = e.Environment
	return s.render(c, http.StatusConflict, views.EndpointAlreadyMade(views.EndpointAlreadyMadeView{
		Page: s.endpointShell(c, "Endpoint already created"), URL: e.URL, PageHref: v.path(endpointsPath, id), ListHref: v.envPath(endpointsPath),
	}), nil)
}
