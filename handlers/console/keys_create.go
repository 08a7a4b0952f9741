package console

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"latchkey/internal/keys"
	"latchkey/internal/templates"
	"latchkey/models"
	"latchkey/views"
)

// Where a new Product org key gets its template from.
const (
	templateMade  = "make"
	templateSaved = "saved"
	templateLater = "capture"
)

var newKeyFields = []string{
	"name", "endpoint_type", "environment", "template_from", "template", "on_error", "scopes", "expires", "expires_at", "secret", "source",
}

// newKey shows the form; ?type= chooses what the key is for, ?like= fills it in from another key,
// and ?sample= names a payload to make the template from.
func (s *server) newKey(c Ctx) error {
	v := visit(c)
	policy, err := s.keyPolicy(c)
	if err != nil {
		return err
	}
	values := map[string]string{
		"endpoint_type": keyTypes[0].Value, "environment": v.Env, "expires": policy.preferred(),
		"template_from": templateMade, "on_error": models.OnErrorReject,
	}
	if t := keyTypeNamed(c.QueryParam("type")); t.Path != "" {
		values["endpoint_type"] = t.Value
	}
	e := templateEditor{}
	if id := c.QueryParam("like"); id != "" {
		if err := s.fillLike(c, id, values, &e); err != nil {
			return err
		}
	}
	if e.Sample, err = s.loadSample(c, "", c.QueryParam("sample"), ""); err != nil {
		return err
	}
	return s.newKeyPage(c, http.StatusOK, views.Form{Values: values}, e, uuid.NewString())
}

func (s *server) newKeyPage(c Ctx, status int, f views.Form, e templateEditor, nonce string) error {
	p, err := s.newKeyView(c, f, e, nonce)
	if err != nil {
		return err
	}
	if f := p.Form.Values; f["endpoint_type"] == models.APIAccess && whyNoAPI(visit(c).Actor, keyPolicy{Plan: visit(c).Workspace.Plan}) != "" {
		f["endpoint_type"] = keyTypes[0].Value // a disabled card sends nothing
	}
	return s.render(c, status, views.NewKey(p), nil)
}

// fillLike fills the form in from another key.
func (s *server) fillLike(c Ctx, id string, values map[string]string, e *templateEditor) error {
	v, ctx := visit(c), c.Request().Context()
	k, err := s.Keys.Get(ctx, v.Actor, id)
	if err != nil {
		return err
	}
	values["name"], values["environment"], values["endpoint_type"] = k.Name, k.Environment, k.EndpointType
	if k.SecretHash != nil {
		values["secret"] = "on"
	}
	values["scopes"] = k.Scopes
	v.Env = k.Environment
	if k.EndpointType != models.ProductOrgs {
		return nil
	}
	values["on_error"] = k.OnError
	t, _, err := s.Templates.ForKey(ctx, v.Actor, id)
	switch {
	case err != nil:
		return err
	case t.Template.Name != "":
		values["template_from"], values["template"] = templateSaved, t.Template.ID
	case t.Waiting():
		values["template_from"] = templateLater
	default:
		e.Rows = rowsOf(t.Rows)
	}
	return nil
}

// createKey answers with the one page that ever shows the new key. The buttons of the template's
// editor post here too, and come back with the form.
func (s *server) createKey(c Ctx) error {
	v, f := visit(c), form(c)
	if f.Get("environment") == testEnv {
		v.Env = testEnv
	}
	e, err := s.readEditor(c, "")
	if err != nil {
		return err
	}
	if isHTMX(c) || editorPressed(f.Get("do"), f.Get("endpoint_type"), f.Get("template_from")) {
		return s.editNewTemplate(c, e)
	}
	wanted := s.createForm(c, e)
	if err := s.protectLike(c, &wanted); err != nil {
		return err
	}
	made, err := s.Keys.Create(c.Request().Context(), v.Actor, wanted)
	var before keys.AlreadyMade
	if errors.As(err, &before) {
		return s.alreadyMade(c, before.KeyID)
	}
	if err != nil {
		p, viewErr := s.newKeyView(c, s.newKeyForm(c, err), e, f.Get("nonce"))
		if viewErr != nil {
			return viewErr
		}
		if found := templates.FindingsOf(err); len(found) > 0 {
			delete(p.Form.Errors, "template")
			_, at := templateOf(e.Rows)
			for _, f := range found {
				p.RowErrors = append(p.RowErrors, rowError(f, at))
			}
		}
		return s.refused(c, err, views.NewKey(p), nil)
	}
	return s.render(c, http.StatusOK, views.RevealedKey(s.revealView(c, made, e)), nil)
}

// newKeyForm is the form as it was sent; scopes are several fields.
func (s *server) newKeyForm(c Ctx, err error) views.Form {
	f := atField(sent(c, err, newKeyFields, newKeyFields))
	f.Values["scopes"] = scopesOf(form(c)).String()
	return f
}

// editorPressed tells a button of the editor from the one that makes the key. Enter presses either,
// by what the form is about.
func editorPressed(do, endpointType, from string) bool {
	if do == "enter" {
		return endpointType == models.ProductOrgs && from == templateMade
	}
	return do != ""
}

// editNewTemplate shows the form again after a button of the editor.
func (s *server) editNewTemplate(c Ctx, e templateEditor) error {
	f := form(c)
	tried := !e.act(f.Get("do")) || isTest(f.Get("do"))
	if isHTMX(c) {
		return s.swapEditor(c, visit(c).path(keysPath), "", e, tried)
	}
	return s.newKeyPage(c, http.StatusOK, s.newKeyForm(c, nil), e, f.Get("nonce"))
}

func (s *server) createForm(c Ctx, e templateEditor) keys.CreateForm {
	v, f := visit(c), form(c)
	out := keys.CreateForm{
		Name: f.Get("name"), Environment: f.Get("environment"), EndpointType: f.Get("endpoint_type"),
		ExpiresAt:  expiryOf(f.Get("expires"), f.Get("expires_at"), s.Now(), v.Account.Zone),
		WithSecret: f.Get("secret") != "", Nonce: f.Get("nonce"),
	}
	if out.EndpointType == models.APIAccess {
		out.WithSecret, out.Scopes = false, scopesOf(f)
	}
	if out.EndpointType != models.ProductOrgs {
		return out
	}
	out.OnError = f.Get("on_error")
	switch f.Get("template_from") {
	case templateMade:
		rows := toSave(e.Rows)
		out.Template = &rows
	case templateSaved:
		out.TemplateID = f.Get("template")
	case templateLater:
		out.CaptureFirst = true
	}
	return out
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
		Page: s.keyShell(c, "Key already created"), Name: k.Name, Masked: masked(k.APIKey),
		KeyHref: href, LikeHref: likeHref(c, id), EndHref: href + "/deactivation", ListHref: v.envPath(keysPath),
		Ended: k.Status != models.KeyActive,
	}), nil)
}

func (s *server) revealView(c Ctx, made keys.Created, e templateEditor) views.RevealedKeyView {
	p := s.reveal(c, made.Key, made.Value.Reveal(), made.Secret.Reveal())
	p.Page, p.Title = s.keyShell(c, "Key created"), "Key created: "+made.Key.Name
	if body := e.Sample.compact(); body != "" && made.Key.EndpointType == models.ProductOrgs && form(c).Get("template_from") == templateMade {
		p.Body = body
		p.Examples = webhookExamples(s.base(c)+keyTypeNamed(models.ProductOrgs).Path, p.Key, p.Secret, body)
	}
	return p
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
