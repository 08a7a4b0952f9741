package console

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"latchkey/internal/access"
	"latchkey/openapi"
	"latchkey/views"
)

const (
	apiDocsPath  = "/docs/api"
	contractPath = "/openapi.yaml"
)

func (s *server) apiDocsRoutes() []Route {
	return []Route{
		{GET, apiDocsPath, Public, s.showAPIDocs},
		{GET, contractPath, Public, s.showContract},
	}
}

// contract is the file as the page shows it; it does not change while the program runs.
var contract = sync.OnceValues(func() (*openapi.Document, error) { return openapi.Parse(openapi.Source) })

// showAPIDocs renders the contract, so that the page and the API cannot differ.
func (s *server) showAPIDocs(c Ctx) error {
	d, err := contract()
	if err != nil {
		return err
	}
	p := s.shell(c, page{Title: "API reference", Nav: navAPIDocs})
	v := newDocs(d, s.base(c)).view()
	v.Page, v.SignInHref, v.FileHref = p, signInHref(apiDocsPath), contractPath
	for _, i := range access.Presets {
		v.Presets = append(v.Presets, scopeTerm(i))
	}
	for _, i := range access.FineScopes {
		v.Scopes = append(v.Scopes, scopeTerm(i))
	}
	return s.render(c, http.StatusOK, views.APIDocs(v), nil)
}

func scopeTerm(i access.ScopeInfo) views.APIDocsTerm {
	return views.APIDocsTerm{Name: string(i.Scope), Text: []views.TextSpan{{Text: i.Text + "."}}}
}

var contractTag = sync.OnceValue(func() string {
	sum := sha256.Sum256(openapi.Source)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
})

// showContract serves the file; programs may keep it for some minutes, and then ask whether it
// changed.
func (s *server) showContract(c Ctx) error {
	h := c.Response().Header()
	h.Set("Content-Type", "application/yaml")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", contractTag())
	h.Del("Vary")
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(openapi.Source))
	return nil
}

// docs turns the contract into the page.
type docs struct {
	*openapi.Document
	base   string                       // of the API: scheme, host and path
	sent   map[string]openapi.Parameter // headers that every call with a key may have
	always map[string]openapi.Header    // headers that every answer to one has
}

func newDocs(d *openapi.Document, instance string) docs {
	out := docs{Document: d, base: instance + d.Bases[0]}
	for _, g := range d.Groups {
		for _, o := range g.Operations {
			if !o.Public {
				out.meet(o)
			}
		}
	}
	return out
}

// meet keeps of the headers those that this operation has too.
func (d *docs) meet(o openapi.Operation) {
	sent, always := map[string]openapi.Parameter{}, map[string]openapi.Header{}
	for _, p := range o.Parameters {
		if _, ok := d.sent[p.Name]; p.In == "header" && (ok || d.sent == nil) {
			sent[p.Name] = p
		}
	}
	a, _ := o.Success()
	for _, h := range a.Headers {
		if _, ok := d.always[h.Name]; ok || d.always == nil {
			always[h.Name] = h
		}
	}
	d.sent, d.always = sent, always
}

func (d docs) view() views.APIDocsView {
	v := views.APIDocsView{
		Overview: proseOf(d.Description),
		First:    curl{method: GET, url: d.base + "/me"}.String(),
		NextPage: "curl -i -H \"Authorization: Bearer $LATCHKEY_TOKEN\" \\\n  \"" + d.base + "/workspaces/$WORKSPACE_ID/api-keys?limit=100\"\n\n" +
			"Link: <" + d.base + "/workspaces/.../api-keys?cursor=...&limit=100>; rel=\"next\"",
		Repeat: curl{method: POST, url: d.base + "/workspaces/$WORKSPACE_ID/api-keys/$KEY_ID/rotate", headers: []string{"Idempotency-Key: deploy-42", `If-Match: \"3\"`}}.String(),
	}
	refusals := map[string]openapi.Answer{}
	first := true
	for _, g := range d.Groups {
		group := views.APIDocsGroup{ID: "group-" + strings.ReplaceAll(strings.ToLower(g.Name), " ", "-"), Name: g.Name, Text: g.Description}
		for _, o := range g.Operations {
			group.Operations = append(group.Operations, d.operation(o, refusals))
			if first && !o.Public {
				v.Sent, v.Headers = d.common(o)
				first = false
			}
		}
		v.Groups = append(v.Groups, group)
	}
	v.Refusals, v.Problem = refusalsOf(refusals)
	for i, m := range d.Messages {
		v.Messages = append(v.Messages, views.APIDocsMessage{ID: m.ID, Type: m.Path, Text: proseOf(m.Description), Body: bodyOf(m.Body, false)})
		for _, p := range m.Parameters {
			if i == 0 {
				v.Signed = append(v.Signed, views.APIDocsTerm{Name: p.Name, Text: spansOf(p.Description)})
			}
		}
	}
	return v
}

// common are the headers of every call, in the order of one of them.
func (d docs) common(o openapi.Operation) (sent, always []views.APIDocsTerm) {
	for _, p := range o.Parameters {
		if _, ok := d.sent[p.Name]; ok {
			sent = append(sent, parameterTerm(p))
		}
	}
	a, _ := o.Success()
	for _, h := range a.Headers {
		if _, ok := d.always[h.Name]; ok {
			always = append(always, headerTerm(h))
		}
	}
	return sent, always
}

// operation adds the refusals that it shares with others to those of the page.
func (d docs) operation(o openapi.Operation, refusals map[string]openapi.Answer) views.APIDocsOperation {
	out := views.APIDocsOperation{
		ID: o.ID, Title: o.Summary, Method: o.Method, Path: d.Bases[0] + o.Path, Text: proseOf(o.Description), Scopes: o.Scopes, Curl: d.curl(o), Body: bodyOf(o.Body, true),
	}
	switch {
	case o.Public:
		out.Access = "No key is needed"
	case len(o.Scopes) == 0:
		out.Access = "Any API-access key"
	}
	for _, p := range o.Parameters {
		if _, common := d.sent[p.Name]; !common {
			out.Parameters = append(out.Parameters, parameterTerm(p))
		}
	}
	for _, a := range o.Answers {
		if a.Status[0] == '2' {
			continue
		}
		out.Refusals = append(out.Refusals, a.Status)
		if known, ok := refusals[a.Status]; !ok || known.Shared == "" {
			refusals[a.Status] = a
		}
	}
	a, _ := o.Success()
	out.Answer = views.APIDocsAnswer{Status: a.Status, Text: spansOf(a.Description), Body: bodyOf(a.Body, false)}
	for _, h := range a.Headers {
		if _, always := d.always[h.Name]; !always && !o.Public {
			out.Answer.Headers = append(out.Answer.Headers, headerTerm(h))
		}
	}
	return out
}

func refusalsOf(all map[string]openapi.Answer) (out []views.APIDocsRefusal, example string) {
	for status, a := range all {
		code := 0
		for _, digit := range status {
			code = code*10 + int(digit-'0')
		}
		out = append(out, views.APIDocsRefusal{Status: status, Title: http.StatusText(code), Text: spansOf(a.Description)})
	}
	slices.SortFunc(out, func(a, b views.APIDocsRefusal) int { return strings.Compare(a.Status, b.Status) })
	for _, status := range []string{"422", "404"} {
		if a, ok := all[status]; ok && a.Body != nil && example == "" {
			example = a.Body.Example
		}
	}
	return out, example
}
