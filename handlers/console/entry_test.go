package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/handlers"
	"latchkey/internal/accounts"
	product "latchkey/internal/app"
	"latchkey/internal/apptest"
)

// unset is an instance that nobody has set up.
func unset(t *testing.T) (*product.App, string) {
	t.Helper()
	a := product.New(apptest.SQLite(t), product.Options{Now: time.Now, Accounts: accounts.Config{Hash: apptest.CheapHash}})
	server := httptest.NewServer(handlers.New(a, handlers.Options{}))
	t.Cleanup(server.Close)
	return a, server.URL
}

func TestFirstRunLeadsToSetUpAndThenNeverAgain(t *testing.T) {
	_, base := unset(t)
	b := apptest.NewBrowser(t, base)
	b.NotFollowing().Get("/").Want(http.StatusSeeOther)
	form := b.Get("/").Want(http.StatusOK).At("/setup")
	form.Submit("Create workspace", map[string]string{"Your name": "Ada", "Email": "ada", "Password": "short"}).
		Want(http.StatusUnprocessableEntity).
		Shows("Enter an email address", "Use at least 10 characters.", "Enter a name for the workspace", "Ada").
		Hides("short\"")
	b.NotFollowing().Get("/setup").Submit("Create workspace", map[string]string{
		"Your name": "Ada", "Email": "ada@example.com", "Password": apptest.Password, "Workspace": "Acme", "time_zone": "Europe/Berlin",
	}).Want(http.StatusSeeOther)
	b.Get("/profile").Want(http.StatusOK).At("/profile").Shows("ada@example.com", "Europe/Berlin")
	apptest.NewBrowser(t, base).Get("/setup").Want(http.StatusNotFound)
	apptest.NewBrowser(t, base).Get("/").At("/sign-in")
}

func TestSetUpOverAProxyNeedsTheToken(t *testing.T) {
	a, base := unset(t)
	b := apptest.NewBrowser(t, base)
	for _, forwarded := range []string{"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"} {
		b.Get("/setup", forwarded, "127.0.0.1").Want(http.StatusForbidden).Shows("Open the set-up link that the server printed")
	}
	rebound := strings.Replace(base, "http://127.0.0.1", "", 1)
	r, err := http.NewRequest(http.MethodGet, base+"/setup", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example" + rebound
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("by another host's name: %d, want 403", res.StatusCode)
	}
	token, err := a.Accounts.IssueSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Get("/setup?token="+token, "X-Forwarded-For", "203.0.113.9").Want(http.StatusOK)
}

func TestSignInSaysTheSameWhicheverIsWrongAndKeepsTheEmail(t *testing.T) {
	a := app(t)
	for _, email := range []string{ownerEmail, "nobody@acme.example"} {
		s := apptest.NewBrowser(t, a.URL).Get("/sign-in").
			Submit("Sign in", map[string]string{"Email": email, "Password": "wrong password"}).
			Want(http.StatusUnprocessableEntity).
			Shows("That email and password don't match.").
			Hides("wrong password")
		if got := s.Value("email"); got != email {
			t.Errorf("the email field holds %q", got)
		}
	}
}

func TestThrottledSignInSaysTheMinutesLeft(t *testing.T) {
	a := app(t)
	b := apptest.NewBrowser(t, a.URL)
	for range 10 {
		b.Post("/sign-in", url.Values{"email": {ownerEmail}, "password": {"wrong password"}}).Want(http.StatusUnprocessableEntity)
	}
	// A made-up X-Forwarded-For is nobody's address here.
	s := b.Post("/sign-in", url.Values{"email": {ownerEmail}, "password": {apptest.Password}}, "X-Forwarded-For", "203.0.113.77").
		Want(http.StatusTooManyRequests).Shows("Try again in 15 minutes.")
	if s.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestSignInLeadsBackToThePageButNeverToAnotherSite(t *testing.T) {
	a := app(t)
	b := apptest.NewBrowser(t, a.URL)
	b.Get("/w/acme/audit?actor=x").At("/sign-in").
		Submit("Sign in", map[string]string{"Email": ownerEmail, "Password": apptest.Password}).
		Want(http.StatusOK).At("/w/acme/audit")
	for _, next := range []string{
		"https://evil.example/", "//evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "javascript:alert(1)",
		"/%09/evil.example", "evil.example", "", "/sign-out", "///evil.example",
	} {
		b := apptest.NewBrowser(t, a.URL).NotFollowing()
		s := b.Post("/sign-in", url.Values{"email": {ownerEmail}, "password": {apptest.Password}, "next": {next}}).Want(http.StatusSeeOther)
		to, err := url.Parse(s.Header.Get("Location"))
		if err != nil || to.Host != "" || to.Scheme != "" || strings.HasPrefix(s.Header.Get("Location"), "//") {
			t.Errorf("next %q leads to %q", next, s.Header.Get("Location"))
		}
	}
}

func TestSignInGivesANewSessionIDAndSignOutEndsIt(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	before := cookie(t, b, "latchkey_session")
	b.Post("/sign-in", url.Values{"email": {ownerEmail}, "password": {apptest.Password}, "next": {"/profile"}}).Want(http.StatusOK)
	after := cookie(t, b, "latchkey_session")
	if before == after {
		t.Error("signing in again kept the session id")
	}
	stolen := apptest.NewBrowser(t, a.URL)
	stolen.Get("/profile", "Cookie", "latchkey_session="+before).At("/sign-in")
	stolen.Get("/profile", "Cookie", "latchkey_session="+after).At("/profile")
	b.Get("/profile").Submit("Sign out", nil).At("/sign-in")
	stolen.Get("/profile", "Cookie", "latchkey_session="+after).At("/sign-in")
}

func cookie(t *testing.T, b *apptest.Browser, name string) string {
	t.Helper()
	for _, c := range b.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	t.Fatalf("no cookie %s", name)
	return ""
}

func TestSessionCookieIsClosedToScriptsAndOtherSites(t *testing.T) {
	a := app(t)
	s := apptest.NewBrowser(t, a.URL).NotFollowing().
		Post("/sign-in", url.Values{"email": {ownerEmail}, "password": {apptest.Password}}).Want(http.StatusSeeOther)
	set := s.Header.Get("Set-Cookie")
	for _, want := range []string{"latchkey_session=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, want) {
			t.Errorf("Set-Cookie %q lacks %s", set, want)
		}
	}
}

func TestPathsWithoutAWorkspaceLeadToTheLastUsedOne(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	for path, want := range map[string]string{
		"/":                                 "/w/acme",
		"/settings":                         "/w/acme/settings",
		"/settings/api-keys?env=test":       "/w/acme/settings/api-keys?env=test",
		"/signals":                          "/w/acme/signals",
		"/requests/some-id":                 "/w/acme/requests/some-id",
		"/settings/members/":                "/w/acme/settings/members/",
		"/audit?action=member.role_changed": "/w/acme/audit?action=member.role_changed",
	} {
		s := b.NotFollowing().Get(path).Want(http.StatusSeeOther)
		if got := s.Header.Get("Location"); got != want {
			t.Errorf("%s leads to %s, want %s", path, got, want)
		}
	}
	b.Get("/workspaces/new").Submit("Create workspace", map[string]string{"Name": "Zeta"})
	b.Get("/w/zeta/settings").Want(http.StatusOK)
	if got := b.NotFollowing().Get("/").Header.Get("Location"); got != "/w/zeta" {
		t.Errorf("/ leads to %s after using Zeta", got)
	}
}

func TestHTMXIsSentToTheSignInPageAsAWhole(t *testing.T) {
	a := app(t)
	s := apptest.NewBrowser(t, a.URL).Get("/w/acme/audit", "HX-Request", "true").Want(http.StatusOK)
	if got := s.Header.Get("HX-Redirect"); !strings.HasPrefix(got, "/sign-in?next=") {
		t.Errorf("HX-Redirect = %q", got)
	}
	s.Hides("<html")
}

func TestAnExpiredSessionLeadsBackToThePageOfTheForm(t *testing.T) {
	a := app(t)
	b := apptest.NewBrowser(t, a.URL)
	for _, headers := range [][]string{
		{"Referer", a.URL + "/profile?x=1"},
		{"HX-Request", "true", "HX-Current-URL", a.URL + "/profile?x=1"},
	} {
		s := b.NotFollowing().Post("/profile/name", url.Values{"name": {"X"}}, headers...)
		got := s.Header.Get("Location") + s.Header.Get("HX-Redirect")
		if got != "/sign-in?next=%2Fprofile%3Fx%3D1" {
			t.Errorf("%v leads to %q", headers, got)
		}
	}
}
