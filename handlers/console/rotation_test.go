package console_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

// accepted tells whether the gateway takes an event with the value.
func accepted(t *testing.T, a *apptest.App, value string, headers ...string) bool {
	t.Helper()
	return a.Post(t, gatewayURL+value, `{"event":"x"}`, headers...).Status == http.StatusOK
}

// rotate rotates a key as a person would and returns the new value.
func rotate(t *testing.T, b *apptest.Browser, k keys.Created, fields map[string]string) (*apptest.Screen, string) {
	t.Helper()
	s := b.Get(keyPage(k)).Follow("Rotate key").Want(http.StatusOK).Submit("Rotate key", fields).Want(http.StatusOK)
	return s, s.Value("new-key")
}

func item(t *testing.T, a *apptest.App, k keys.Created) keys.Item {
	t.Helper()
	got, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// oldUsed waits until a request with the old value is counted.
func oldUsed(t *testing.T, a *apptest.App, k keys.Created) {
	t.Helper()
	before := item(t, a, k).LastUsed.PreviousUsedAt
	a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`, "User-Agent", "shop/1.2")
	apptest.Eventually(t, "the old value's use to be counted", func() bool {
		return item(t, a, k).LastUsed.PreviousUsedAt.After(before.Time)
	})
}

func TestARotationShowsTheNewValueOnceAndKeepsTheOldOneForADay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t, called("Shop"), secured)
		send(t, a, k)
		b := signIn(t, a, ownerEmail)
		b.Get(keyPage(k)).Follow("Rotate key").Shows("Rotate Shop", "It received 1 event in the last 24 hours", "Go-http-client", "The shared secret stays the same", "for 24 hours")
		s, value := rotate(t, b, k, nil)
		s.Shows("New value of Shop", "This is the only time the full key is shown.", "The old value works until", "in 23 hours", "lks_••••").
			Hides(k.Value.Reveal(), k.Secret.Reveal(), "Send a test event")
		if got := s.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control = %q", got)
		}
		for what, v := range map[string]string{"old": k.Value.Reveal(), "new": value} {
			if !accepted(t, a, v, "X-Api-Secret", k.Secret.Reveal()) {
				t.Errorf("the %s value is refused", what)
			}
		}
		b.Get(keyPage(k)).Shows("Rotating", "It stops in 23 h 59 min.", "Requests with each value, last 24 hours", "Show as a table", "Extend by 24 hours", "End old value now").Hides("Rotate key")
		b.Get(keyList).Shows("Rotating")
		for _, path := range []string{"", "/rotation", "/rotation/end"} {
			b.Get(keyPage(k)+path).Want(http.StatusOK).Hides(value, value[len("sk_live_a2f9_"):], k.Value.Reveal())
		}
		a.Clock.Advance(25 * time.Hour)
		if accepted(t, a, k.Value.Reveal(), "X-Api-Secret", k.Secret.Reveal()) || !accepted(t, a, value, "X-Api-Secret", k.Secret.Reveal()) {
			t.Error("after a day the old value works, or the new one does not")
		}
	})
}

func TestARotationThatIsSentTwiceRotatesOnce(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"), forTest)
	b := signIn(t, a, ownerEmail)
	form := b.Get(keyPage(k) + "/rotation").Shows("Test environment.")
	first := form.Submit("Rotate key", nil).Want(http.StatusOK)
	again := form.Submit("Rotate key", nil).Want(http.StatusConflict)
	again.Shows("This key was rotated already", "That value was shown once", "The old value works until", "Test environment.").Hides(first.Value("new-key"))
	if !accepted(t, a, first.Value("new-key")) || !accepted(t, a, k.Value.Reveal()) {
		t.Error("the second form has ended a value")
	}
	b.Get(keyPage(k) + "/rotation").Want(http.StatusOK).Shows("This key was rotated already").Hides("<select")
	at := form.Submit("Rotate key", map[string]string{"grace": "now"}).Want(http.StatusConflict)
	at.Shows("This key was rotated already")
}

func TestAnOldValueMayEndAtOnce(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	form := b.Get(keyPage(k) + "/rotation")
	s := form.Submit("Rotate key", map[string]string{"grace": "no longer: it ends now"}).Want(http.StatusOK).Shows("The old value has ended.")
	if accepted(t, a, k.Value.Reveal()) || !accepted(t, a, s.Value("new-key")) {
		t.Error("the old value works, or the new one does not")
	}
	form.Submit("Rotate key", nil).Want(http.StatusConflict).Shows("This key was changed meanwhile")
	b.Get(keyPage(k)).Hides("Rotating", "End old value now")
	b.Get(keyPage(k) + "/rotation/end").Want(http.StatusConflict).Shows("no old value that still works")
}

func TestTheGraceIsCheckedAndCappedByTheKeysOwnExpiry(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, func(f *keys.CreateForm) { f.ExpiresAt = a.Clock.Now().Add(5 * time.Minute) })
	b := signIn(t, a, ownerEmail)
	page := b.Get(keyPage(k)+"/rotation").Shows("The key itself expires in 4 minutes", "The old value can't outlast it.")
	page.Submit("Rotate key", map[string]string{"grace": "at", "Until": "2001-01-01T00:00"}).Want(http.StatusUnprocessableEntity).
		Shows("Choose a time in the future", "2001-01-01T00:00")
	far := a.Clock.Now().UTC().AddDate(0, 3, 0).Format("2006-01-02T15:04")
	page.Submit("Rotate key", map[string]string{"grace": "at", "Until": far}).Want(http.StatusUnprocessableEntity).Shows("at most 30 days")
	b.Post(keyPage(k)+"/rotation", url.Values{"grace": {"forever"}}).Want(http.StatusUnprocessableEntity)
	if item(t, a, k).Rotating {
		t.Fatal("a refused form has rotated the key")
	}
	page.Submit("Rotate key", nil).Want(http.StatusOK).Shows("in 4 minutes")
	b.Get(keyPage(k)).Shows("It stops in 4 min.", "The key itself expires then.")
	a.Clock.Advance(6 * time.Minute)
	signIn(t, a, ownerEmail).Get(keyPage(k) + "/rotation").Want(http.StatusOK).Shows("This key is expired.").Hides(">Rotate key<")
	b.Post(keyPage(k)+"/rotation", url.Values{"grace": {"24h"}}).Want(http.StatusConflict)
}

func TestTheKeyPageTellsWhoStillUsesTheOldValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t, called("Shop"))
		b := signIn(t, a, ownerEmail)
		_, value := rotate(t, b, k, map[string]string{"grace": "for 7 days"})
		b.Get(keyPage(k)).Shows("No traffic on the old value since the rotation, just now.", "The new value has not been used yet either")
		oldUsed(t, a, k)
		b.Get(keyPage(k)).Shows("Old value still in use: 1 request in the last hour, latest from 127.0.0.1 (shop/1.2).")
		b.Get(keyPage(k)+"/rotation/end").Shows("Old value still in use", "will be rejected at once")
		a.Clock.Advance(3 * time.Hour)
		b = signIn(t, a, ownerEmail)
		k2 := k
		accepted(t, a, value)
		apptest.Eventually(t, "the new value's use to be counted", func() bool {
			u := item(t, a, k2).LastUsed
			return u.LastUsedAt.After(u.PreviousUsedAt.Time)
		})
		b.Get(keyPage(k)).Shows("No traffic on the old value for 3 hours. Safe to end.", "It stops in 6 d 20 h.")
		b.Get(keyPage(k)).Follow("End old value now").Submit("End old value", nil).At(keyPage(k)).Shows("The old value has ended.").Hides("Rotating")
		if accepted(t, a, k.Value.Reveal()) || !accepted(t, a, value) {
			t.Error("the old value works, or the new one does not")
		}
		b.Post(keyPage(k)+"/rotation/end", url.Values{}).Want(http.StatusConflict)
		b.Get("/w/acme/audit").Shows("rotated the API key Shop", "ended the old value of the API key Shop").Hides(value, k.Value.Reveal())
	})
}

func TestExtendingMovesTheEndByADayOnce(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	rotate(t, b, k, nil)
	page := b.Get(keyPage(k))
	page.Submit("Extend by 24 hours", nil).At(keyPage(k)).Shows("The old value works until", "It stops in 1 d 23 h.")
	page.Submit("Extend by 24 hours", nil).At(keyPage(k)).Shows("It stops in 1 d 23 h.")
	for _, until := range []string{"", "tomorrow", "2001-01-01T00:00:00Z", a.Clock.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)} {
		b.Post(keyPage(k)+"/rotation/extension", url.Values{"until": {until}}).Want(http.StatusUnprocessableEntity)
	}
	other := a.NewKey(t)
	b.Post(keyPage(other)+"/rotation/extension", url.Values{"until": {a.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)}}).Want(http.StatusConflict)
}

func TestTheDialogOfARotationIsAFragmentWhoseFormIsAPlainOne(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	b := signIn(t, a, ownerEmail)
	for _, path := range []string{"/rotation", "/rotation/end"} {
		if path == "/rotation/end" {
			rotate(t, b, k, nil)
		}
		b.Get(keyPage(k)+path, "HX-Request", "true").Want(http.StatusOK).Shows("Shop").Hides("<html", "<!doctype", "hx-post")
	}
	b.Get(keyPage(k)+"/rotation", "HX-Request", "true").Want(http.StatusOK).Shows("This key was rotated already").Hides("<html")
}

func TestThePageOfARotatedKeyHearsOfTheNewValueOnly(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	_, value := rotate(t, b, k, nil)
	oldUsed(t, a, k)
	lines := streamAt(t, a, b, keyPage(k)+"/first-request?value=new")
	accepted(t, a, value)
	until(t, lines, "First request received from 127.0.0.1")
	until(t, lines, "event: done")
	b.Get(keyPage(k) + "?shown=rotated").Shows("The full key was shown already, when it was rotated.")
}

func TestRotationAndProtectionOfAnotherWorkspacesKeyAreNotFound(t *testing.T) {
	a := app(t)
	theirs := elsewhere(t, a)
	b := signIn(t, a, ownerEmail)
	for _, path := range []string{"/rotation", "/rotation/end", "/scopes", "/addresses", "/protection"} {
		b.Get(keyPage(theirs)+path).Want(http.StatusNotFound).Hides("Alien key", theirs.Key.KeyPrefix)
		b.Post(keyPage(theirs)+path, url.Values{"grace": {"24h"}, "mode": {"off"}, "on_leak": {"alert"}}).Want(http.StatusNotFound).Hides("Alien key")
	}
	b.Post(keyPage(theirs)+"/rotation/extension", url.Values{"until": {a.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)}}).Want(http.StatusNotFound)
}

func TestAViewerReachesNeitherRotationNorProtection(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	b := member(t, a, access.Viewer)
	for _, path := range []string{"/rotation", "/rotation/end", "/scopes", "/addresses", "/protection"} {
		b.Get(keyPage(k) + path).Want(http.StatusForbidden).Hides("Shop")
		b.Post(keyPage(k)+path, url.Values{}).Want(http.StatusForbidden)
	}
	b.Get(keyList + "/import").Want(http.StatusForbidden)
	if got := item(t, a, k); got.Rotating || got.OnLeak != models.OnLeakDeactivate {
		t.Errorf("changed: %+v", got.APIKey)
	}
}
