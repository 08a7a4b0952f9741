package console

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

var newKeyFields = []string{"name", "endpoint_type", "environment", "expires", "expires_at", "secret"}

// newKey shows the form; ?like= fills it in from another key.
func (s *server) newKey(c Ctx) error {
	v := visit(c)
	values := map[string]string{
		"endpoint_type": keyTypes[0].Value, "environment": v.Env, "expires": expiry90Days,
	}
	if id := c.QueryParam("like"); id != "" {
		k, err := s.Keys.Get(c.Request().Context(), v.Actor, id)
		if err != nil {
			return err
		}
		values["name"], values["environment"], values["endpoint_type"] = k.Name, k.Environment, k.EndpointType
		if k.SecretHash != nil {
			values["secret"] = "on"
		}
		v.Env = k.Environment
	}
	return s.render(c, http.StatusOK, views.NewKey(s.newKeyView(c, views.Form{Values: values}, uuid.NewString())), nil)
}

// createKey answers with the one page that ever shows the new key.
func (s *server) createKey(c Ctx) error {
	v, f := visit(c), form(c)
	made, err := s.Keys.Create(c.Request().Context(), v.Actor, keys.CreateForm{
		Name: f.Get("name"), Environment: f.Get("environment"), EndpointType: f.Get("endpoint_type"),
		ExpiresAt:  expiryOf(f.Get("expires"), f.Get("expires_at"), s.Now(), v.Account.Zone),
		WithSecret: f.Get("secret") != "", Nonce: f.Get("nonce"),
	})
	if f.Get("environment") == testEnv {
		v.Env = testEnv
	}
	var before keys.AlreadyMade
	if errors.As(err, &before) {
		return s.alreadyMade(c, before.KeyID)
	}
	if err != nil {
		shown := atField(sent(c, err, newKeyFields, newKeyFields))
		return s.refused(c, err, views.NewKey(s.newKeyView(c, shown, f.Get("nonce"))), nil)
	}
	return s.render(c, http.StatusOK, views.RevealedKey(s.revealView(c, made)), nil)
}

func (s *server) alreadyMade(c Ctx, id string) error {
	v := visit(c)
	k, err := s.Keys.Get(c.Request().Context(), v.Actor, id)
	if err != nil {
		return err
	}
	v.Env = k.Environment
	href := v.path(keysPath, id)
	return s.render(c, http.StatusConflict, views.KeyAlreadyMade(views.KeyAlreadyMadeView{
		Page: s.keyShell(c, "Key already created"), Name: k.Name, Masked: maskedKey(k.KeyPrefix),
		KeyHref: href, LikeHref: likeHref(c, id), EndHref: href + "/deactivation", ListHref: v.envPath(keysPath),
		Ended: k.Status != models.KeyActive,
	}), nil)
}

func (s *server) newKeyView(c Ctx, f views.Form, nonce string) views.NewKeyView {
	v := visit(c)
	p := views.NewKeyView{
		Page: s.keyShell(c, "Create key"), BackHref: v.envPath(keysPath), Action: v.path(keysPath), Nonce: nonce, Form: f,
		Expirations: expiryChoices, Zone: v.Account.Zone.String(),
		URL: s.base(c) + keyTypes[0].Path, Brand: s.Keys.Brand(), Body: sampleBody,
		Environments: []ui.RadioCard{
			{Value: models.Live, Label: "Live", Text: "Real data of real people.", Icon: ui.IconGlobe},
			{Value: models.Test, Label: "Test", Text: "For trying things out. Test data is kept apart everywhere.", Icon: ui.IconTest},
		},
	}
	for _, t := range keyTypes {
		p.Types = append(p.Types, ui.RadioCard{Value: t.Value, Label: t.Label, Text: t.Text, Icon: t.Icon})
	}
	return p
}

func (s *server) revealView(c Ctx, made keys.Created) views.RevealedKeyView {
	v, k := visit(c), made.Key
	href, url := v.path(keysPath, k.ID), s.base(c)+keyTypeNamed(k.EndpointType).Path
	value, secret := made.Value.Reveal(), made.Secret.Reveal()
	return views.RevealedKeyView{
		Page: s.keyShell(c, "Key created"), Name: k.Name, Key: value, Secret: secret, URL: url + "/" + value,
		InURL: keyInURL(url, value, secret).tabs(), InHeader: keyInHeader(url, value, secret).tabs(),
		SendTo: keyTypeNamed(k.EndpointType).Path, Body: sampleBody,
		WaitURL: href + "/first-request", KeyHref: href, ListHref: v.envPath(keysPath),
	}
}

// keyShell is the frame of the pages about one key: it shows the key's environment, and no switch
// that could not mean anything there.
func (s *server) keyShell(c Ctx, title string) views.Page {
	p := s.shell(c, page{Title: title, Nav: navKeys})
	if p.Shell != nil {
		p.Shell.Environment = visit(c).Env
	}
	return p
}
