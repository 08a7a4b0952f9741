package console

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const importPath = "import"

var importFields = []string{"name", "sha256", "prefix", "endpoint_type", "environment", "template", "scopes", "expires", "expires_at", "secret"}

func (s *server) newImport(c Ctx) error {
	policy, err := s.keyPolicy(c)
	if err != nil {
		return err
	}
	values := map[string]string{
		"endpoint_type": keyTypes[0].Value, "environment": visit(c).Env, "expires": policy.preferred(), "template": templateLater,
	}
	p := s.importView(c, views.Form{Values: values}, policy, uuid.NewString())
	return s.render(c, http.StatusOK, views.ImportKey(p), nil)
}

// importKey leads to the key's page, unless a shared secret was made that has to be shown.
func (s *server) importKey(c Ctx) error {
	v, f := visit(c), form(c)
	if f.Get("environment") == testEnv {
		v.Env = testEnv
	}
	made, err := s.Keys.Import(c.Request().Context(), v.Actor, keys.ImportForm{CreateForm: s.importForm(c), SHA256: f.Get("sha256"), Prefix: f.Get("prefix")})
	var before keys.AlreadyMade
	if errors.As(err, &before) {
		return s.alreadyMade(c, before.KeyID)
	}
	if err != nil {
		policy, policyErr := s.keyPolicy(c)
		if policyErr != nil {
			return policyErr
		}
		shown := atField(sent(c, err, importFields, importFields))
		shown.Values["scopes"] = scopesOf(f).String()
		return s.refused(c, err, views.ImportKey(s.importView(c, shown, policy, f.Get("nonce"))), nil)
	}
	if made.Secret.Reveal() == "" {
		return s.done(c, v.path(keysPath, made.Key.ID), "Key imported. Requests with it are accepted from now on.")
	}
	p := s.reveal(c, made.Key, "", made.Secret.Reveal())
	p.Page, p.Title = s.keyShell(c, "Key imported"), "Key imported: "+made.Key.Name
	p.Text = "The sender puts it into the header X-Api-Secret, beside the key that it has. Latchkey keeps a hash of it."
	return s.render(c, http.StatusOK, views.RevealedKey(p), nil)
}

func (s *server) importForm(c Ctx) keys.CreateForm {
	v, f := visit(c), form(c)
	out := keys.CreateForm{
		Name: f.Get("name"), Environment: f.Get("environment"), EndpointType: f.Get("endpoint_type"), Nonce: f.Get("nonce"),
		ExpiresAt: expiryOf(f.Get("expires"), f.Get("expires_at"), s.Now(), v.Account.Zone),
	}
	switch out.EndpointType {
	case models.APIAccess:
		out.Scopes = scopesOf(f)
	case models.ProductOrgs:
		out.OnError, out.WithSecret = models.OnErrorReject, f.Get("secret") != ""
		if t := f.Get("template"); t == templateLater {
			out.CaptureFirst = true
		} else {
			out.TemplateID = t
		}
	default:
		out.WithSecret = f.Get("secret") != ""
	}
	return out
}

func (s *server) importView(c Ctx, f views.Form, policy keyPolicy, nonce string) views.ImportKeyView {
	v := visit(c)
	p := views.ImportKeyView{
		BackHref: v.envPath(keysPath), NewHref: v.envPath(keysPath, "new"), Action: v.path(keysPath, importPath), Nonce: nonce, Form: f,
		Types: keyTypeCards(v.Actor, policy), Environments: environmentCards, Zone: v.Account.Zone.String(),
		Expirations: policy.forNew(s.Now()), ExpiryHint: joinSentences(policy.expiryHint(), "Requests are rejected from then on. You can change it while the key is active."),
		Secret:    views.NewKeySecret{On: f.Values["secret"] != "", Required: policy.Secret, Error: f.Errors["secret"]},
		Scopes:    s.scopeFields(c, access.ParseScopes(f.Values["scopes"]), f.Errors["scopes"]),
		Templates: append([]ui.Option{{Value: templateLater, Label: "Wait for the first payload"}}, s.savedTemplates(c, "")...),
	}
	p.Page = s.keyShell(c, "Import a key")
	return p
}
