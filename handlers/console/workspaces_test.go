package console_test

import (
	"net/http"
	"testing"
)

func TestWorkspaceSettingsAreChangedByAPlainForm(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme/settings").Want(http.StatusOK).Shows("Enterprise", "/w/acme").
		Submit("Save settings", map[string]string{"Name": "", "raw_retention_days": "forever", "rejected_retention_days": "7"}).
		Want(http.StatusUnprocessableEntity).Shows("Enter a name for the workspace.", "from 1 to 3650", "forever")
	b.Get("/w/acme/settings").
		Submit("Save settings", map[string]string{"Name": "Acme Europe", "raw_retention_days": "90"}).
		At("/w/acme/settings").Want(http.StatusOK).Shows("Settings saved.", "Acme Europe", "90")
}

func TestNewWorkspaceBelongsToWhoMadeIt(t *testing.T) {
	a := app(t)
	b := member(t, a, "viewer")
	b.Get("/workspaces/new").Want(http.StatusOK).Submit("Create workspace", map[string]string{"Name": "My own"})
	b.Get("/w/my-own/settings/members").Want(http.StatusOK).Shows("Owner")
	signIn(t, a, ownerEmail).Get("/w/my-own/settings/members").Want(http.StatusNotFound)
}
