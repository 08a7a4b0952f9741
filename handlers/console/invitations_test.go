package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
)

// invite makes an invitation through the console and returns its link's path.
func invite(t *testing.T, b *apptest.Browser, role, email string) string {
	t.Helper()
	s := b.Get("/w/acme/settings/members/invitations/new").Want(http.StatusOK).
		Submit("Create invitation link", map[string]string{"role": role, "Email": email}).Want(http.StatusOK).
		Shows("This is the only time it is shown.")
	link, err := url.Parse(s.Value("invitation-link"))
	if err != nil || link.Host == "" {
		t.Fatalf("link = %v, %v", link, err)
	}
	return link.Path
}

func TestInvitationLinkMakesAMemberOnceAndIsShownOnce(t *testing.T) {
	a := app(t)
	owner := signIn(t, a, ownerEmail)
	path := invite(t, owner, "editor", "ed@acme.example")
	token := strings.TrimPrefix(path, "/invitations/")
	owner.Get("/w/acme/settings/members").Shows("ed@acme.example").Hides(token)

	ed := apptest.NewBrowser(t, a.URL)
	form := ed.Get(path).Want(http.StatusOK).Shows("Join Acme", "as an Editor", "ed@acme.example")
	form.Submit("Create account and join", map[string]string{"Your name": "Ed", "Password": "short"}).
		Want(http.StatusUnprocessableEntity).Shows("Use at least 10 characters.", "Ed")
	form.Submit("Create account and join", map[string]string{"Your name": "Ed", "Password": apptest.Password})
	ed.Get("/profile").At("/profile").Shows("ed@acme.example", "Acme", "Editor")

	apptest.NewBrowser(t, a.URL).Get(path).Want(http.StatusNotFound).Shows("This invitation link is not valid")
	owner.Get("/w/acme/settings/members").Shows("ed@acme.example", "No open invitations.")
}

func TestInvitationIsAcceptedWithAnExistingAccountAfterSigningIn(t *testing.T) {
	a := app(t)
	join(t, a, access.Viewer, "vi@acme.example")
	owner := signIn(t, a, ownerEmail)
	owner.Get("/workspaces/new").Submit("Create workspace", map[string]string{"Name": "Other"})
	s := owner.Post("/w/other/settings/members/invitations", url.Values{"role": {"admin"}}).Want(http.StatusOK)
	link, err := url.Parse(s.Value("invitation-link"))
	if err != nil {
		t.Fatal(err)
	}
	vi := apptest.NewBrowser(t, a.URL)
	vi.Get(link.Path).Follow("Sign in").At("/sign-in").
		Submit("Sign in", map[string]string{"Email": "vi@acme.example", "Password": apptest.Password}).
		At(link.Path).Shows("You are signed in as vi@acme.example").
		Submit("Join workspace", nil)
	vi.Get("/w/other/settings/members").Want(http.StatusOK)
	owner.Get(link.Path).Want(http.StatusNotFound)
}

func TestRevokedInvitationNoLongerWorks(t *testing.T) {
	a := app(t)
	owner := signIn(t, a, ownerEmail)
	path := invite(t, owner, "viewer", "")
	page := owner.Get("/w/acme/settings/members").Shows("Anyone with the link")
	page.Submit("Revoke the invitation for Anyone with the link", nil).At("/w/acme/settings/members").Shows("Invitation revoked.")
	apptest.NewBrowser(t, a.URL).Get(path).Want(http.StatusNotFound)
	apptest.NewBrowser(t, a.URL).Post(path, url.Values{"name": {"X"}, "email": {"x@acme.example"}, "password": {apptest.Password}}).Want(http.StatusNotFound)
}
