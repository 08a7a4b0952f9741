package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/keys"
)

func state(t *testing.T, a *apptest.App, k keys.Created) string {
	t.Helper()
	item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
	if err != nil {
		t.Fatal(err)
	}
	return item.State(a.Now())
}

func TestDeactivatingAKeyInUseStatesItsTrafficAndAsksForItsName(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop – eu"))
	send(t, a, k)
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyPage(k)).Follow("Deactivate key").Want(http.StatusOK).Shows("Deactivate Shop – eu",
		"It received 1 event in the last 24 hours, the latest just now from 127.0.0.1. Requests with this key will be rejected at once. This can't be undone.")
	if got := s.Link("Cancel"); got != keyPage(k) {
		t.Errorf("Cancel leads to %s", got)
	}
	s.Submit("Deactivate key", map[string]string{"confirm": "shop"}).Want(http.StatusUnprocessableEntity).Shows("Type the key's name")
	if got := state(t, a, k); got != "active" {
		t.Fatalf("state = %s", got)
	}
	s.Submit("Deactivate key", map[string]string{"confirm": "Shop – eu"}).At(keyPage(k)).Want(http.StatusOK).
		Shows("Deactivated Shop – eu. Requests with this key are rejected from now on.", "This key was deactivated just now.")
	if got := a.Post(t, "/api/signal-staging/webhook/"+k.Value.Reveal(), `{"event":"x"}`); got.Status != http.StatusUnauthorized || got.Code(t) != "deactivated_api_key" {
		t.Errorf("a request afterwards: %d %s", got.Status, got.Body)
	}
	b.Get(keyPage(k) + "/deactivation").Want(http.StatusConflict).Shows("Shop – eu is deactivated already.")
}

func TestAnUnusedKeyIsDeactivatedWithoutTyping(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, forTest)
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyPage(k)+"/deactivation?from=list").Shows("It has never been used.", "Test environment.")
	s.Hides(`name="confirm"`)
	s.Submit("Deactivate key", nil).At(keyList).Shows("Deactivated Website.", "Test environment.")
	if got := state(t, a, k); got != "deactivated" {
		t.Errorf("state = %s", got)
	}
}

func TestTheDialogSwapsTheRowAndTheCounts(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	send(t, a, k)
	a.NewKey(t, called("Other"))
	b := signIn(t, a, ownerEmail)
	htmx := []string{"HX-Request", "true", "HX-Current-URL", a.URL + keyList + "?status=active"}
	dialog := b.Get(keyPage(k)+"/deactivation?from=list", htmx...).Want(http.StatusOK)
	dialog.Shows("Deactivate Shop").Hides("<html", "<!doctype", "<h1")
	if !strings.Contains(dialog.Body, `hx-target="#key-`+k.Key.ID+`"`) {
		t.Error("the dialog's form does not swap the row")
	}
	wrong := b.Post(keyPage(k)+"/deactivation", url.Values{"from": {"list"}, "confirm": {"x"}}, htmx...).Want(http.StatusUnprocessableEntity)
	if wrong.Header.Get("HX-Retarget") != "#dialog-content" {
		t.Errorf("a refusal goes to %q", wrong.Header.Get("HX-Retarget"))
	}
	wrong.Hides("<html")
	row := b.Post(keyPage(k)+"/deactivation", url.Values{"from": {"list"}, "confirm": {"Shop"}}, htmx...).Want(http.StatusOK)
	row.Hides("<html", "<!doctype", ">Other<")
	for _, part := range []string{`<tr`, `id="key-` + k.Key.ID + `"`, "Deactivated", `id="key-tabs"`, `hx-target="#toasts"`, "Requests with this key are rejected from now on."} {
		if !strings.Contains(row.Body, part) {
			t.Errorf("the answer has no %s", part)
		}
	}
	late := b.Post(keyPage(k)+"/deactivation", url.Values{"from": {"list"}, "confirm": {"Shop"}}, htmx...).Want(http.StatusConflict)
	if late.Header.Get("HX-Reswap") != "none" || !strings.Contains(late.Body, "This key was deactivated already.") {
		t.Errorf("a late click: %q %s", late.Header.Get("HX-Reswap"), late.Body)
	}
}

func TestADatabaseThatFailsIsSaidWithWhatBecameOfTheKey(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	// The audit entry is a part of the change: without it there is none.
	if err := a.DB.Write.Exec("ALTER TABLE audit_entries RENAME TO audit_elsewhere").Error; err != nil {
		t.Fatal(err)
	}
	b.Post(keyPage(k)+"/deactivation", url.Values{}).Want(http.StatusServiceUnavailable).
		Shows("Couldn't deactivate: the database didn't answer. The key is still active. Try again.").Hides("audit_entries")
	if got := state(t, a, k); got != "active" {
		t.Errorf("state = %s", got)
	}
}
