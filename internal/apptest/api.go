package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/models"
)

// API is a program that calls the management API with a key. Every answer is held against the
// contract: what it does not document fails the test.
type API struct {
	Key  string // the value sent as Bearer; empty: none
	Base string // /api/v1 unless changed

	t        testing.TB
	url      string
	client   *http.Client
	contract *Contract
}

// NewAPIKey makes an API-access key with scopes, as the owner.
func (a *App) NewAPIKey(t *testing.T, scopes ...access.Scope) keys.Created {
	t.Helper()
	return a.NewKey(t, func(f *keys.CreateForm) {
		f.Name, f.EndpointType, f.Scopes = "Program", models.APIAccess, scopes
	})
}

// Program is a program with a new key of the owner's workspace.
func (a *App) Program(t *testing.T, scopes ...access.Scope) *API {
	t.Helper()
	return a.ProgramWith(t, a.NewAPIKey(t, scopes...).Value.Reveal())
}

// ProgramWith is a program with this key.
func (a *App) ProgramWith(t *testing.T, key string) *API {
	t.Helper()
	return &API{Key: key, Base: "/api/v1", t: t, url: a.URL, client: a.Server.Client(), contract: LoadContract(t)}
}

// InWorkspace is the path of something of the owner's workspace.
func (a *App) InWorkspace(path string) string { return "/workspaces/" + a.Owner.WorkspaceID + path }

// Get, Post, Patch and Delete call a path below the base, with headers given as pairs.
func (p *API) Get(path string, headers ...string) Reply {
	p.t.Helper()
	return p.Do(http.MethodGet, path, "", headers...)
}

// Post sends JSON.
func (p *API) Post(path, body string, headers ...string) Reply {
	p.t.Helper()
	return p.Do(http.MethodPost, path, body, headers...)
}

// Patch sends JSON.
func (p *API) Patch(path, body string, headers ...string) Reply {
	p.t.Helper()
	return p.Do(http.MethodPatch, path, body, headers...)
}

// Delete sends no body.
func (p *API) Delete(path string, headers ...string) Reply {
	p.t.Helper()
	return p.Do(http.MethodDelete, path, "", headers...)
}

// Do makes any call, and fails the test when the contract does not allow the answer.
func (p *API) Do(method, path, body string, headers ...string) Reply {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.url+p.Base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if p.Key != "" {
		req.Header.Set("Authorization", "Bearer "+p.Key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return p.checked(req, Reply{res.StatusCode, res.Header, text.Bytes()})
}

// Serve makes a call without a network, for many of them: h is the server's handler. A stream is
// left once it has begun.
func (p *API) Serve(h http.Handler, req *http.Request) Reply {
	p.t.Helper()
	ctx, leave := context.WithCancel(req.Context())
	defer leave()
	w := &listener{httptest.NewRecorder(), leave}
	h.ServeHTTP(w, req.WithContext(ctx))
	if req.Method == http.MethodHead {
		w.Body.Reset() // as the server of net/http leaves it out
	}
	return p.checked(req, Reply{w.Code, w.Header(), w.Body.Bytes()})
}

// listener leaves a stream when something of it arrives.
type listener struct {
	*httptest.ResponseRecorder
	leave func()
}

func (l *listener) Write(b []byte) (int, error) {
	if l.Header().Get("Content-Type") == "text/event-stream" {
		l.leave()
	}
	return l.ResponseRecorder.Write(b)
}

func (p *API) checked(req *http.Request, reply Reply) Reply {
	p.t.Helper()
	if err := p.contract.Check(req, reply); err != nil {
		p.t.Errorf("%s %s: the contract does not allow the answer %d: %v\n%s", req.Method, req.URL, reply.Status, err, reply.Body)
	}
	return reply
}

var nextLink = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// Pages follows the Link headers from a path to the end of its list, and returns all items.
func (p *API) Pages(path string) []map[string]any {
	p.t.Helper()
	var all []map[string]any
	for seen := map[string]bool{}; path != ""; {
		if seen[path] {
			p.t.Fatalf("the pages go round: %s", path)
		}
		seen[path] = true
		reply := p.Get(path)
		if reply.Status != http.StatusOK {
			p.t.Fatalf("GET %s: %d %s", path, reply.Status, reply.Body)
		}
		var page []map[string]any
		if err := json.Unmarshal(reply.Body, &page); err != nil {
			p.t.Fatalf("GET %s: %v", path, err)
		}
		all = append(all, page...)
		path = ""
		if m := nextLink.FindStringSubmatch(reply.Header.Get("Link")); m != nil {
			path = strings.TrimPrefix(m[1], p.url+p.Base)
		}
	}
	return all
}

// ProblemCode is the code of a problem; empty when the answer is none.
func (a Reply) ProblemCode() string {
	var problem struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(a.Body, &problem)
	return problem.Code
}

// ProblemFields are the members and parameters that a problem names.
func (a Reply) ProblemFields() []string {
	var problem struct {
		Errors []struct {
			Field string `json:"field"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(a.Body, &problem)
	names := []string{}
	for _, e := range problem.Errors {
		names = append(names, e.Field)
	}
	return names
}

func decodeAny(body []byte) (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err
}
