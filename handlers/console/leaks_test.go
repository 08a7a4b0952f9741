package console_test

import (
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/internal/token"
)

const leaksPage = "/w/acme/settings/api-keys/leaks"

func TestAPastedKeyIsFoundAndNeverShownAgain(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Leaky"))
	b := signIn(t, a, ownerEmail)
	text := "error: POST failed\nAuthorization: Bearer " + k.Value.Reveal() + "\nnothing else"
	s := b.Get(leaksPage).Want(http.StatusOK).Submit("Find keys", map[string]string{"Text with keys": text}).
		Want(http.StatusOK).At(leaksPage).Shows("Found 1 key of this workspace.", "Leaky", "Whole value, line 2", "The present value", "Active", "Never", "Deactivate key", "Rotate")
	s.Hides(k.Value.Reveal(), "POST failed")
	if s.URL.RawQuery != "" {
		t.Errorf("the URL holds %q", s.URL.RawQuery)
	}
	if got := s.Link("Deactivate key: Leaky"); got != keyPage(k)+"/deactivation" {
		t.Errorf("Deactivate leads to %s", got)
	}
	part := b.Post(leaksPage, url.Values{"text": {k.Value.Reveal()}}, "HX-Request", "true").Want(http.StatusOK).Shows("Leaky")
	part.Hides("<html", k.Value.Reveal())
	if got := part.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
}

func TestAKeyIsFoundByItsHashAndByItsPrefix(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Leaky"))
	hash := token.Hash(k.Value.Reveal())
	b := signIn(t, a, ownerEmail)
	b.Post(leaksPage, url.Values{"text": {hex.EncodeToString(hash[:])}}).Want(http.StatusOK).Shows("Leaky", "SHA-256 of a value, line 1")
	b.Post(leaksPage, url.Values{"text": {"x\ny\n" + k.Key.KeyPrefix}}).Want(http.StatusOK).Shows("Leaky", "Prefix only, line 3", "Cannot be told from the prefix")
}

func TestAnOldValueIsToldFromThePresentOne(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Rotated"))
	if _, err := a.Keys.Rotate(t.Context(), a.Owner, k.Key.ID, keys.RotateForm{Grace: time.Hour, Base: -1}); err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	find := url.Values{"text": {k.Value.Reveal()}}
	s := b.Post(leaksPage, find).Want(http.StatusOK).Shows("The value before the last rotation, which still works", "End old value").Hides(k.Value.Reveal())
	if s.HasLink("Deactivate key") {
		t.Error("offers to end the present value, which has not leaked")
	}
	s.Follow("End old value: Rotated").Want(http.StatusOK)
	a.Clock.Advance(2 * time.Hour)
	b.Post(leaksPage, find).Want(http.StatusOK).Shows("A value from before a rotation, which no longer works").Hides("End old value", "Deactivate key")
}

func TestWhatIsNobodysKeyIsSaidSo(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Post(leaksPage, url.Values{"text": {"just a sentence"}}).Want(http.StatusOK).Shows("Nothing in this text is a key of this workspace")
	b.Post(leaksPage, url.Values{"text": {" "}}).Want(http.StatusUnprocessableEntity).Shows("Paste a key")
	stranger := elsewhere(t, a)
	s := b.Post(leaksPage, url.Values{"text": {stranger.Value.Reveal()}}).Want(http.StatusOK).Shows("No key of this workspace was found. 1 text has the shape of a key, but is none of this workspace.")
	s.Hides(stranger.Value.Reveal(), stranger.Key.Name, stranger.Key.ID)
}

func TestAPIKeysAreFoundOnlyByWhoMayManageThem(t *testing.T) {
	a := app(t)
	k := apiKey(t, a, access.ReadWorkspace)
	find := url.Values{"text": {k.Value.Reveal()}}
	member(t, a, access.Developer).Post(leaksPage, find).Want(http.StatusOK).Shows("CI", "The present value")
	member(t, a, access.Editor).Post(leaksPage, find).Want(http.StatusOK).Hides(k.Key.ID)
	member(t, a, access.Viewer).Post(leaksPage, find).Want(http.StatusForbidden)
}

func TestTheScannerRuleIsShownAndDownloaded(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get(leaksPage).Want(http.StatusOK).Shows("gitleaks", a.URL+"/api/v1/credentials/revoke", a.URL+"/api/v1/secret-scanning/github")
	rule := s.Follow("Download scanner-rule.toml").Want(http.StatusOK)
	if !strings.Contains(rule.Body, "regex") || !strings.HasPrefix(rule.Header.Get("Content-Type"), "text/plain") ||
		!strings.Contains(rule.Header.Get("Content-Disposition"), `filename="scanner-rule.toml"`) {
		t.Errorf("%v: %s", rule.Header, rule.Body)
	}
}
