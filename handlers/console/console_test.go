package console_test

import (
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"latchkey/handlers/console"
	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
)

func TestMain(m *testing.M) {
	// The access log would bury what fails.
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	os.Exit(m.Run())
}

// app is the product with Acme and its Owner.
func app(t *testing.T) *apptest.App { return apptest.Start(t, apptest.SQLite(t)) }

const ownerEmail = "owner@acme.example"

// signIn signs an account in through the sign-in page.
func signIn(t *testing.T, a *apptest.App, email string) *apptest.Browser {
	t.Helper()
	b := apptest.NewBrowser(t, a.URL)
	b.Get("/sign-in?next=/profile").Want(http.StatusOK).
		Submit("Sign in", map[string]string{"Email": email, "Password": apptest.Password}).Want(http.StatusOK)
	return b
}

// member makes an account with that role in Acme and signs it in.
func member(t *testing.T, a *apptest.App, role access.Role) *apptest.Browser {
	t.Helper()
	email := string(role) + "@acme.example"
	join(t, a, role, email)
	return signIn(t, a, email)
}

func join(t *testing.T, a *apptest.App, role access.Role, email string) accounts.SignedIn {
	t.Helper()
	_, token, err := a.Accounts.Invite(t.Context(), a.Owner, role, email)
	if err != nil {
		t.Fatal(err)
	}
	in, err := a.Accounts.AcceptNew(t.Context(), token, accounts.NewAccount{
		Name: strings.ToUpper(email[:1]) + "-" + role.Title(), Email: email, Password: apptest.Password,
	}, accounts.Client{IP: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestEveryRouteDeclaresItsAccess(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range console.Routes() {
		name := r.Method + " " + r.Path
		if r.Access == (console.Access{}) {
			t.Errorf("%s declares no access", name)
		}
		if r.Handler == nil {
			t.Errorf("%s has no handler", name)
		}
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if r.Access.InWorkspace() != strings.HasPrefix(r.Path, "/w/:slug") {
			t.Errorf("%s: a workspace in the path and a role go together", name)
		}
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			t.Errorf("%s cannot be a plain form", name)
		}
	}
}

// concrete fills a route's parameters in with things that do not exist.
func concrete(path string) string {
	path = strings.Replace(path, ":slug", "acme", 1)
	path = strings.ReplaceAll(path, "/*", "/x")
	return strings.NewReplacer(":id", "0197f0a0-0000-7000-8000-000000000000", ":token", "no-token").Replace(path)
}

func TestNobodyOpensAPageWithoutSigningIn(t *testing.T) {
	a := app(t)
	b := apptest.NewBrowser(t, a.URL).NotFollowing()
	for _, r := range console.Routes() {
		if r.Access.IsPublic() {
			continue
		}
		s := b.Do(r.Method, concrete(r.Path), nil, "Sec-Fetch-Site", "same-origin")
		if s.Status != http.StatusSeeOther || !strings.HasPrefix(s.Header.Get("Location"), "/sign-in") {
			t.Errorf("%s %s: %d to %q, want the sign-in page", r.Method, r.Path, s.Status, s.Header.Get("Location"))
		}
	}
}

func TestEachRoleOpensExactlyWhatTheTableOfRolesSays(t *testing.T) {
	a := app(t)
	for _, role := range access.Roles {
		b := signIn(t, a, ownerEmail)
		if role != access.Owner {
			b = member(t, a, role)
		}
		b = b.NotFollowing()
		for _, r := range console.Routes() {
			action := r.Access.Action()
			if action == "" || strings.Contains(r.Path, "stream") || strings.Contains(r.Path, "first-request") || strings.HasSuffix(r.Path, "/live") {
				continue
			}
			s := b.Do(r.Method, concrete(r.Path), nil, "Sec-Fetch-Site", "same-origin")
			if refused := s.Status == http.StatusForbidden; refused == access.Allows(role, action) {
				t.Errorf("%s %s as %s: %d", r.Method, r.Path, role, s.Status)
			}
			if s.Status >= http.StatusInternalServerError {
				t.Errorf("%s %s as %s: %d", r.Method, r.Path, role, s.Status)
			}
		}
	}
}

func TestRefusedPagesSayWhoMayAndLeadOut(t *testing.T) {
	a := app(t)
	b := member(t, a, access.Editor)
	b.Get("/w/acme/settings/members").Want(http.StatusForbidden).
		Shows("Your role (Editor) does not allow this.", "Owner, Admin", "Go to Home")
	home := b.Get("/profile").Want(http.StatusOK)
	for _, hidden := range []string{"Members", "Audit"} {
		if home.HasLink(hidden) {
			t.Errorf("the navigation offers %s to an Editor", hidden)
		}
	}
	if !home.HasLink("API keys") {
		t.Error("the navigation hides API keys from an Editor")
	}
}

func TestAnotherWorkspaceIsNotFoundLikeOneThatDoesNotExist(t *testing.T) {
	a := app(t)
	stranger := join(t, a, access.Viewer, "stranger@example.com")
	if _, err := a.Accounts.CreateWorkspace(t.Context(), stranger.Account.ID, "Elsewhere", accounts.Client{}); err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	for _, r := range console.Routes() {
		if !r.Access.InWorkspace() {
			continue
		}
		for _, slug := range []string{"elsewhere", "nowhere"} {
			s := b.Do(r.Method, strings.Replace(concrete(r.Path), "acme", slug, 1), nil, "Sec-Fetch-Site", "same-origin")
			if s.Status != http.StatusNotFound {
				t.Errorf("%s %s in %s: %d, want 404", r.Method, r.Path, slug, s.Status)
			}
			s.Hides("Elsewhere")
		}
	}
}

func TestRequestsFromOtherSitesChangeNothing(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	for _, r := range console.Routes() {
		if r.Method != http.MethodPost {
			continue
		}
		b.Do(r.Method, concrete(r.Path), nil, "Sec-Fetch-Site", "cross-site").Want(http.StatusForbidden)
		b.Do(r.Method, concrete(r.Path), nil, "Origin", "https://evil.example").Want(http.StatusForbidden)
	}
	b.Get("/profile").Want(http.StatusOK).Shows("Olive Owner")
}

func TestSignedInPagesAreNotCachedAndVaryByHTMX(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	for _, path := range []string{"/profile", "/w/acme/settings/members", "/w/acme/nothing-here"} {
		s := b.Get(path)
		if got := s.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control = %q", path, got)
		}
		if got := s.Header.Get("Vary"); !strings.Contains(got, "HX-Request") {
			t.Errorf("%s: Vary = %q", path, got)
		}
	}
}

func TestUnknownPagesKeepTheFrame(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get("/w/acme/nothing-here").Want(http.StatusNotFound).Shows("Page not found")
	if !s.HasLink("Signals") {
		t.Error("the navigation is gone")
	}
	s.Hides("sign-in")
}

func TestAFormLargerThanItsLimitIsRefused(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	big := map[string][]string{"name": {strings.Repeat("x", 2<<20)}}
	b.Post("/profile/name", big).Want(http.StatusUnprocessableEntity).Shows("larger than 1 MiB")
}
