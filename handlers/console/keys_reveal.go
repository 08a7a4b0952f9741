package console

import (
	"latchkey/internal/access"
	"latchkey/models"
	"latchkey/views"
)

// lostKey stands under every value that is shown once.
const lostKey = "Latchkey keeps a hash of it, so nobody can look it up later. A lost key is replaced by a new one."

// reveal is the page that shows a value, once, with examples that fit the key's type. Its title and
// frame are the caller's.
func (s *server) reveal(c Ctx, k models.APIKey, value, secret string) views.RevealedKeyView {
	v := visit(c)
	href, url := v.path(keysPath, k.ID), s.base(c)+keyTypeNamed(k.EndpointType).Path
	p := views.RevealedKeyView{
		Text: lostKey, Key: value, Secret: secret, KeyHref: href, Shown: href + "?shown=1",
		WaitURL: href + "/first-request", Waiting: "Waiting for the first request...",
	}
	if k.EndpointType == models.APIAccess {
		p.Examples = s.apiExamples(c, k, value)
		return p
	}
	if value == "" {
		return p
	}
	p.URL, p.SendTo, p.Body = url+"/"+value, keyTypeNamed(k.EndpointType).Path, keyTypeNamed(k.EndpointType).sample()
	if secret == "" && k.SecretHash != nil {
		secret = dotsForSecret
	}
	p.Examples = webhookExamples(url, value, secret, p.Body)
	return p
}

// dotsForSecret stands for a shared secret that is known to the sender alone.
const dotsForSecret = "lks_••••"

func webhookExamples(url, value, secret, body string) []views.KeyExample {
	return []views.KeyExample{{
		ID: "in-url", Title: "Key in the URL", Text: "Works with every sender.", Label: "Example with the key in the URL",
		Tabs: keyInURL(url, value, secret).sending(body).tabs(),
	}, {
		ID: "in-header", Title: "Key in a header: better, where the sender can", Label: "Example with the key in a header",
		Text: "URLs end up in the logs of proxies and senders. A header does not.",
		Tabs: keyInHeader(url, value, secret).sending(body).tabs(),
	}}
}

// apiExamples ask for something that the key's scopes allow.
func (s *server) apiExamples(c Ctx, k models.APIKey, value string) []views.KeyExample {
	path, text := "/workspaces/me", "Answers with the workspace that the key is of."
	if !access.ParseScopes(k.Scopes).Has(access.WorkspaceRead) {
		path, text = "/me", "Answers with the key's own name and scopes. What else it may ask for stands in the API reference."
	}
	return []views.KeyExample{{
		ID: "api", Title: "GET " + apiPath + path, Text: text, Label: "Example of a call", Tabs: apiCall(s.base(c)+apiPath+path, value).tabs(),
	}}
}
