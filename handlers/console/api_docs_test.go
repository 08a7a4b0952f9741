package console_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/openapi"
)

func TestTheAPIReferenceShowsEveryOperationOfTheContract(t *testing.T) {
	a := app(t)
	s := member(t, a, access.Viewer).Get("/w/acme").Follow("API reference").Want(http.StatusOK).At("/docs/api")
	d, err := openapi.Parse(openapi.Source)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range d.Groups {
		for _, o := range g.Operations {
			if s.Link(o.Summary) != "#"+o.ID || strings.Count(s.Body, `id="`+o.ID+`"`) != 1 {
				t.Errorf("%s has no anchor of its own", o.ID)
			}
			s.Shows(o.Method+" /api/v1"+o.Path, o.Summary)
		}
	}
	for _, m := range d.Messages {
		if s.Link(m.Path) != "#"+m.ID || strings.Count(s.Body, `id="`+m.ID+`"`) != 1 {
			t.Errorf("%s has no anchor of its own", m.Path)
		}
	}
	s.Shows("webhook-id", "webhook-timestamp", "webhook-signature")
	for _, i := range append(append([]access.ScopeInfo{}, access.Presets...), access.FineScopes...) {
		s.Shows(string(i.Scope), i.Text)
	}
	s.Shows("X-RateLimit-Remaining", "Idempotency-Key", "If-Match", "insufficient_scope", "Retry-After", `rel="next"`)
}

func TestTheReferencesCallsGoToThisInstance(t *testing.T) {
	a := app(t)
	s := apptest.NewBrowser(t, a.URL).Get("/docs/api").Want(http.StatusOK)
	s.Shows(`curl -X POST -H "Authorization: Bearer $LATCHKEY_TOKEN"`, `"`+a.URL+`/api/v1/workspaces/$WORKSPACE_ID/api-keys/$KEY_ID/rotate"`)
	if strings.Contains(s.Body, `"http://localhost`) {
		t.Error("a call goes elsewhere")
	}
}

func TestTheReferenceIsOpenToVisitorsWhoSeeNothingElse(t *testing.T) {
	a := app(t)
	s := apptest.NewBrowser(t, a.URL).Get("/docs/api").Want(http.StatusOK)
	s.Hides("/w/acme", ownerEmail, `action="/sign-out"`)
	if back := s.Follow("Sign in").Want(http.StatusOK); !strings.Contains(back.URL.String(), "docs") {
		t.Errorf("signing in does not lead back: %s", back.URL)
	}
}

func TestTheContractIsServedAsItIs(t *testing.T) {
	a := app(t)
	b := apptest.NewBrowser(t, a.URL)
	s := b.Get("/openapi.yaml").Want(http.StatusOK)
	if s.Body != string(openapi.Source) || s.Header.Get("Content-Type") != "application/yaml" || !strings.Contains(s.Header.Get("Cache-Control"), "max-age") {
		t.Errorf("%d bytes, headers %v", len(s.Body), s.Header)
	}
	if again := b.Get("/openapi.yaml", "If-None-Match", s.Header.Get("ETag")); again.Status != http.StatusNotModified || again.Body != "" {
		t.Errorf("asked again: %d with %d bytes", again.Status, len(again.Body))
	}
}
