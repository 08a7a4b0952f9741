package console_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/apptest"
)

func TestProfileIsChangedByPlainFormsAndSaysSoOnce(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get("/profile").Submit("Save name", map[string]string{"Your name": "Olive Oil"}).
		At("/profile").Want(http.StatusOK).Shows("Olive Oil", "Name saved.")
	b.Get("/profile").Shows("Olive Oil").Hides("Name saved.")
	b.Get("/profile").Submit("Save preferences", map[string]string{"Time zone": "Nowhere"}).
		Want(http.StatusUnprocessableEntity).Shows("IANA name", "Nowhere")
	s := b.Get("/profile").Submit("Save preferences", map[string]string{"Theme": "Dark", "Time zone": "Asia/Kolkata", "shortcuts": ""}).
		Want(http.StatusOK).Shows("Preferences saved.", "IST")
	if !strings.Contains(s.Body, `data-theme="dark"`) || !strings.Contains(s.Body, `data-shortcuts="off"`) {
		t.Error("theme or shortcuts are not on the page")
	}
	b.Get("/profile").Submit("Sign out", nil)
	if s := b.Get("/sign-in"); !strings.Contains(s.Body, `data-theme="dark"`) {
		t.Error("the sign-in page forgot the theme")
	}
}

func TestPasswordChangeSignsOtherBrowsersOutAndKeepsThisOne(t *testing.T) {
	a := app(t)
	here, there := signIn(t, a, ownerEmail), signIn(t, a, ownerEmail)
	here.Get("/profile").Submit("Change password", map[string]string{"Current password": "not this one", "New password": "another fine password"}).
		Want(http.StatusUnprocessableEntity).Shows("This is not your current password.").Hides("another fine password", "not this one")
	here.Get("/profile").Submit("Change password", map[string]string{"Current password": apptest.Password, "New password": "another fine password"}).
		At("/profile").Shows("Password changed.", ownerEmail+" changed their password", ownerEmail+" signed in")
	there.Get("/profile").At("/sign-in")
}

func TestOtherSessionsCanBeSignedOut(t *testing.T) {
	a := app(t)
	here, second, third := signIn(t, a, ownerEmail), signIn(t, a, ownerEmail), signIn(t, a, ownerEmail)
	page := here.Get("/profile").Shows("This browser", "Firefox on Linux", "127.0.0.1")
	page.Submit("Sign out Firefox on Linux at 127.0.0.1", nil).At("/profile").Shows("Session ended.")
	here.Get("/profile").Submit("Sign out other sessions", nil).At("/profile").Shows("Signed out 1 other session.")
	for _, b := range []*apptest.Browser{second, third} {
		b.Get("/profile").At("/sign-in")
	}
	here.Get("/profile").At("/profile")
}

func TestLeavingAWorkspaceIsAskedAndTheLastOwnerStays(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get("/profile").Follow("Leave Acme").Want(http.StatusOK).Shows("Leave Acme?").
		Submit("Leave workspace", nil).Want(http.StatusConflict).Shows("A workspace needs an Owner")
	editor := member(t, a, "editor")
	editor.Get("/w/acme/leaving").Submit("Leave workspace", nil).At("/profile").Shows("You left Acme.")
	editor.Get("/w/acme/settings/api-keys").Want(http.StatusNotFound)
	editor.Get("/").At("/workspaces/new")
}
