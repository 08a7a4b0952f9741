package console_test

import (
	"net/http"
	"net/url"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/models"
)

func TestAKeysLimitIsSetAndTakenAway(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	b.Get(keyPage(k)).Shows("None of its own", "It is deactivated at once")
	b.Get(keyPage(k)).Follow("Change limit and leaks").Submit("Save protection", map[string]string{"Requests a minute": "2", "on_leak": "alert"}).
		At(keyPage(k)).Shows("Protection changed.", "2 requests a minute", "Only an alarm")
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} {
		if got := a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`); got.Status != want {
			t.Errorf("request %d: %d %s", i+1, got.Status, got.Body)
		}
	}
	for _, wrong := range []string{"-1", "0", "many", "1.5", "99999999"} {
		b.Get(keyPage(k)+"/protection").Submit("Save protection", map[string]string{"Requests a minute": wrong}).
			Want(http.StatusUnprocessableEntity).Shows(wrong)
	}
	b.Post(keyPage(k)+"/protection", url.Values{"rate_limit": {"5"}, "on_leak": {"nothing"}}).Want(http.StatusUnprocessableEntity)
	b.Get(keyPage(k)+"/protection").Submit("Save protection", map[string]string{"Requests a minute": ""}).Shows("None of its own")
	if got := item(t, a, k); got.RateLimit != 0 || got.OnLeak != models.OnLeakAlert {
		t.Errorf("stored %d %s", got.RateLimit, got.OnLeak)
	}
}

func TestAnAPIAccessKeyHasNoLimitOfItsOwn(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI())
	b := signIn(t, a, ownerEmail)
	b.Get(keyPage(k) + "/protection").Shows("share the workspace's limit").Hides(`name="rate_limit"`)
	b.Get(keyPage(k)+"/protection").Submit("Save protection", map[string]string{"on_leak": "alert"}).Shows("Protection changed.")
	b.Post(keyPage(k)+"/protection", url.Values{"on_leak": {"alert"}, "rate_limit": {"5"}}).Want(http.StatusUnprocessableEntity)
}

func TestADeadKeysProtectionIsShownAndStays(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	forms := map[string]*apptest.Screen{"Save protection": b.Get(keyPage(k) + "/protection"), "Save address list": b.Get(keyPage(k) + "/addresses")}
	if _, err := a.Keys.Revoke(t.Context(), a.Owner, k.Key.ID); err != nil {
		t.Fatal(err)
	}
	b.Get(keyPage(k)).Follow("Show limit and leaks").Shows("This key is deactivated.").Hides("Save protection")
	b.Get(keyPage(k)).Follow("Show address list").Shows("This key is deactivated.").Hides("Save address list")
	b.Get(keyPage(k) + "/rotation").Want(http.StatusOK).Shows("This key is deactivated.").Hides(">Rotate key<")
	forms["Save protection"].Submit("Save protection", map[string]string{"on_leak": "alert"}).Want(http.StatusConflict)
	forms["Save address list"].Submit("Save address list", map[string]string{"mode": "watch", "Addresses": "10.0.0.1"}).Want(http.StatusConflict)
}

func TestAnAddressListIsWatchedFirstAndThenEnforced(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		send(t, a, k)
		b := signIn(t, a, ownerEmail)
		page := keyPage(k) + "/addresses"
		b.Get(keyPage(k)).Follow("Change address list").Shows("LATCHKEY_TRUSTED_PROXIES").
			Submit("Save address list", map[string]string{"Addresses": "10.0.0.0/8\n2001:db8::1", "mode": "watch"}).At(page).
			Shows("What it would refuse is counted from now on.", "Would be refused Nothing", "The address that used this key last, 127.0.0.1, is not on the list.", "10.0.0.0/8", "2001:db8::1").Hides("/128")
		if !accepted(t, a, k.Value.Reveal()) {
			t.Fatal("a watched list refuses")
		}
		apptest.Eventually(t, "the request from outside to be counted", func() bool {
			n, err := a.Keys.Outside(t.Context(), a.Owner, k.Key.ID)
			return err == nil && n == 1 && !item(t, a, k).LastUsed.OutsideAt.IsZero()
		})
		b.Get(page).Shows("It would have refused 1 request since 20", "The latest came just now from 127.0.0.1.")
		b.Get(keyPage(k)).Shows("Watched: 10.0.0.0/8")

		asked := b.Get(page).Submit("Save address list", map[string]string{"mode": "enforce"}).Want(http.StatusUnprocessableEntity)
		asked.Shows("Confirm it, or add 127.0.0.1 to the list.", "Enforce it all the same")
		if !accepted(t, a, k.Value.Reveal()) {
			t.Fatal("an unconfirmed list refuses")
		}
		asked.Submit("Save address list", map[string]string{"anyway": "on"}).At(page).Shows("Requests from other addresses are refused from now on.")
		got := a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`)
		if got.Status != http.StatusForbidden || got.Code(t) != "ip_not_allowed" {
			t.Errorf("from outside: %d %s", got.Status, got.Body)
		}
		b.Get(page).Submit("Save address list", map[string]string{"Addresses": "127.0.0.1"}).At(page).Hides("is not on the list")
		if !accepted(t, a, k.Value.Reveal()) {
			t.Error("from inside: refused")
		}
		b.Get(page).Submit("Save address list", map[string]string{"mode": "off"}).Shows("It refuses nothing.")
	})
}

func TestAWrongAddressListComesBackWithItsText(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	for text, sentence := range map[string]string{
		"10.0.0.0/8, localhost": "is no address or network",
		"10.0.0.7/8":            "has bits beyond its length",
		"":                      "Add at least one address or network",
	} {
		b.Get(keyPage(k)+"/addresses").Submit("Save address list", map[string]string{"Addresses": text, "mode": "watch"}).
			Want(http.StatusUnprocessableEntity).Shows(sentence, text)
	}
	b.Post(keyPage(k)+"/addresses", url.Values{"allow_list": {"10.0.0.1"}, "mode": {"sometimes"}}).Want(http.StatusUnprocessableEntity)
	if got := item(t, a, k); got.AllowList != "" || got.AllowListMode != models.AllowListOff {
		t.Errorf("stored %q %s", got.AllowList, got.AllowListMode)
	}
}
