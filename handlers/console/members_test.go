package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/keys"
)

func TestMembersPageShowsPeopleInvitationsAndTheTableOfRoles(t *testing.T) {
	a := app(t)
	join(t, a, access.Editor, "ed@acme.example")
	s := signIn(t, a, ownerEmail).Get("/w/acme/settings/members").Want(http.StatusOK).
		Shows("Olive Owner", "You", "ed@acme.example", "Editor", "No open invitations.", "What each role may do")
	for _, row := range access.Table {
		s.Shows(row.Label)
	}
}

func TestRoleIsChangedByPlainFormAndByHTMX(t *testing.T) {
	a := app(t)
	ed := join(t, a, access.Editor, "ed@acme.example").Account.ID
	b := signIn(t, a, ownerEmail)
	path := "/w/acme/settings/members/" + ed + "/role"
	b.Get(path).Want(http.StatusOK).Shows("Change the role of").
		Submit("Change role", map[string]string{"role": "developer"}).
		At("/w/acme/settings/members").Shows("is now a Developer.")

	dialog := b.Get(path, "HX-Request", "true").Want(http.StatusOK).Hides("<html")
	if !strings.Contains(dialog.Body, `hx-target="#member-`+ed) {
		t.Error("the dialog's form does not name the row")
	}
	row := b.Post(path, url.Values{"role": {"admin"}}, "HX-Request", "true").Want(http.StatusOK).Hides("<html").Shows("is now an Admin.")
	if !strings.Contains(row.Body, `id="member-`+ed+`"`) {
		t.Error("the answer is not the row")
	}
	refused := b.Post(path, url.Values{"role": {"emperor"}}, "HX-Request", "true").Want(http.StatusUnprocessableEntity).Shows("Choose one of the roles.")
	if refused.Header.Get("HX-Retarget") != "#dialog-content" {
		t.Error("the dialog would not stay open")
	}
	b.Post(path, url.Values{"role": {""}}).Want(http.StatusUnprocessableEntity).Shows("Choose one of the roles.")
}

func TestRemovedMemberIsSignedOutAndTheirKeysAreDealtWith(t *testing.T) {
	a := app(t)
	theirs := member(t, a, access.Developer)
	dev := a.Owner
	dev.AccountID = accountOf(t, a, "developer@acme.example")
	made, err := a.Keys.Create(t.Context(), dev, keys.CreateForm{Name: "Theirs", Environment: "live", EndpointType: "signal_staging"})
	if err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	path := "/w/acme/settings/members/" + dev.AccountID + "/removal"
	b.Get(path).Want(http.StatusOK).Shows("What should become of their keys?", "1 active key").
		Submit("Remove member", map[string]string{"keys": "deactivate"}).
		At("/w/acme/settings/members").Shows("was removed and signed out.").Hides("developer@acme.example")
	theirs.Get("/profile").At("/sign-in")
	key, err := a.Keys.Get(t.Context(), a.Owner, made.Key.ID)
	if err != nil || key.Status != "deactivated" {
		t.Errorf("key = %q, %v; want deactivated", key.Status, err)
	}
	b.Get(path).Want(http.StatusNotFound)
}

func TestRemovalByHTMXTakesTheRowAway(t *testing.T) {
	a := app(t)
	id := join(t, a, access.Viewer, "vi@acme.example").Account.ID
	b := signIn(t, a, ownerEmail)
	path := "/w/acme/settings/members/" + id + "/removal"
	b.Get(path, "HX-Request", "true").Hides("<html", "What should become of their keys?")
	s := b.Post(path, url.Values{"keys": {"keep"}}, "HX-Request", "true").Want(http.StatusOK).
		Shows("was removed and signed out.").Hides("<tr", "<html")
	if s.Header.Get("HX-Reswap") != "delete" {
		t.Error("the row would stay")
	}
}

func TestTheLastOwnerStaysOne(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	path := "/w/acme/settings/members/" + a.Owner.AccountID
	b.Post(path+"/role", url.Values{"role": {"viewer"}}).Want(http.StatusConflict).Shows("A workspace needs an Owner")
	toast := b.Post(path+"/role", url.Values{"role": {"viewer"}}, "HX-Request", "true").Want(http.StatusConflict).
		Shows("A workspace needs an Owner").Hides("<html")
	if toast.Header.Get("HX-Reswap") != "none" {
		t.Error("the error would take the row's place")
	}
	b.Post(path+"/removal", url.Values{"keys": {"keep"}}).Want(http.StatusConflict)
}

func TestAnAdminCannotTouchOwners(t *testing.T) {
	a := app(t)
	b := member(t, a, access.Admin)
	owner := "/w/acme/settings/members/" + a.Owner.AccountID
	b.Post(owner+"/role", url.Values{"role": {"viewer"}}).Want(http.StatusForbidden)
	b.Post(owner+"/removal", url.Values{"keys": {"keep"}}).Want(http.StatusForbidden)
	b.Post("/w/acme/settings/members/invitations", url.Values{"role": {"owner"}}).Want(http.StatusForbidden)
	b.Get("/w/acme/settings/members").Shows("Only an Owner may change an Owner.")
	b.Get("/w/acme/settings/members/invitations/new").Shows("Only an Owner may make owners.")
}

func TestAnotherWorkspacesMemberIsNotFoundByID(t *testing.T) {
	a := app(t)
	stranger := join(t, a, access.Viewer, "stranger@acme.example").Account
	b := signIn(t, a, ownerEmail)
	b.Get("/workspaces/new").Submit("Create workspace", map[string]string{"Name": "Other"})
	unknown := strings.Replace(stranger.ID, stranger.ID[:8], "00000000", 1)
	for _, id := range []string{stranger.ID, unknown, "not-an-id"} {
		for _, what := range []string{"role", "removal"} {
			path := "/w/other/settings/members/" + id + "/" + what
			b.Get(path).Want(http.StatusNotFound).Hides("stranger@acme.example")
			b.Post(path, url.Values{"role": {"viewer"}, "keys": {"keep"}}).Want(http.StatusNotFound)
		}
	}
}

func accountOf(t *testing.T, a *apptest.App, email string) string {
	t.Helper()
	list, err := a.Accounts.Members(t.Context(), a.Owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Email == email {
			return m.AccountID
		}
	}
	t.Fatalf("no member %s", email)
	return ""
}
