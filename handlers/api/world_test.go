package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

// world is the product with two workspaces, and programs that call its API.
type world struct {
	*apptest.App
	t     *testing.T
	alien access.Actor // owner of another workspace
}

func newWorld(t *testing.T, db *database.DB, options ...apptest.Option) *world {
	t.Helper()
	w := &world{App: apptest.Start(t, db, options...), t: t}
	account := models.Account{
		ID: uuid.NewString(), Email: "al@other.example", Name: "Al Ien", PasswordHash: "none", Theme: "system", TimeZone: "UTC",
		PasswordChangedAt: models.At(time.Now()), CreatedAt: models.At(time.Now()), UpdatedAt: models.At(time.Now()),
	}
	w.insert(&account)
	other, err := w.Accounts.CreateWorkspace(t.Context(), account.ID, "Other", accounts.Client{})
	if err != nil {
		t.Fatal(err)
	}
	w.alien = access.Actor{AccountID: account.ID, WorkspaceID: other.ID, Role: access.Owner, Label: account.Email}
	return w
}

func (w *world) insert(row any) {
	w.t.Helper()
	if err := w.DB.Write.WithContext(w.t.Context()).Create(row).Error; err != nil {
		w.t.Fatal(err)
	}
}

// program makes an API-access key of the workspace of the tests.
func (w *world) program(scopes string, change ...func(*keys.CreateForm)) keys.Created {
	w.t.Helper()
	return w.programOf(w.Owner, scopes, change...)
}

func (w *world) programOf(actor access.Actor, scopes string, change ...func(*keys.CreateForm)) keys.Created {
	w.t.Helper()
	form := keys.CreateForm{Name: "Deploy", Environment: models.Live, EndpointType: models.APIAccess, Scopes: access.ParseScopes(scopes)}
	for _, c := range change {
		c(&form)
	}
	made, err := w.Keys.Create(w.t.Context(), actor, form)
	if err != nil {
		w.t.Fatalf("create API-access key: %v", err)
	}
	return made
}

// as calls a path below /api/v1 as a program. The answer is held against the contract.
func (w *world) as(key keys.Created, method, path, body string, headers ...string) reply {
	w.t.Helper()
	return reply{w.ProgramWith(w.t, key.Value.Reveal()).Do(method, path, body, headers...), w.t}
}

// call is as, without a key.
func (w *world) call(method, path, body string, headers ...string) reply {
	w.t.Helper()
	return reply{w.ProgramWith(w.t, "").Do(method, path, body, headers...), w.t}
}

// plain asks for any path of the server, without a key.
func (w *world) plain(path string) reply {
	w.t.Helper()
	p := w.ProgramWith(w.t, "")
	p.Base = ""
	return reply{p.Get(path), w.t}
}

// here is a path of the workspace of the tests.
func (w *world) here(path string) string { return w.InWorkspace(path) }

// reply is an answer with the questions that tests ask of it.
type reply struct {
	apptest.Reply
	t *testing.T
}

func (r reply) want(status int) reply {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	}
	return r
}

// refused fails the test unless the answer is this problem, in its form.
func (r reply) refused(status int, code string) problem {
	r.t.Helper()
	var p problem
	if err := json.Unmarshal(r.Body, &p); err != nil || r.Status != status || p.Code != code {
		r.t.Fatalf("answer %d %s, want %d %s", r.Status, r.Body, status, code)
	}
	if p.Status != status || p.Title != http.StatusText(status) || p.Type != "about:blank" || p.Detail == "" ||
		p.RequestID != r.Header.Get("X-Request-Id") || r.Header.Get("Content-Type") != "application/problem+json" {
		r.t.Errorf("no proper problem: %s %s", r.Header.Get("Content-Type"), r.Body)
	}
	return p
}

type problem struct {
	Type, Title, Detail, Code string
	Status                    int
	RequestID                 string `json:"request_id"`
	Errors                    []struct{ Field, Message string }
}

func (p problem) fields() string {
	var out []string
	for _, e := range p.Errors {
		out = append(out, e.Field)
	}
	return strings.Join(out, " ")
}

// object is the answer as an object.
func (r reply) object() map[string]any {
	r.t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.Body, &v); err != nil {
		r.t.Fatalf("no object: %s", r.Body)
	}
	return v
}

// list is the answer as a bare array.
func (r reply) list() []map[string]any {
	r.t.Helper()
	var v []map[string]any
	if err := json.Unmarshal(r.Body, &v); err != nil || v == nil {
		r.t.Fatalf("no bare array: %s", r.Body)
	}
	return v
}

func (r reply) member(name string) string {
	r.t.Helper()
	text, _ := r.object()[name].(string)
	return text
}
