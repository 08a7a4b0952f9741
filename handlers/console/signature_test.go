package console_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"latchkey/handlers"
	"latchkey/internal/access"
	application "latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/secretbox"
	"latchkey/models"
)

const hubSecret = "it's a secret of GitHub's webhook"

func signaturePage(k keys.Created) string { return keyPage(k) + "/signature" }

// hubSignature is what GitHub sends in X-Hub-Signature-256.
func hubSignature(secret, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// requireGitHub has a key ask for GitHub's signature, as a person would.
func requireGitHub(t *testing.T, b *apptest.Browser, k keys.Created) *apptest.Screen {
	t.Helper()
	return b.Get(signaturePage(k)).Want(http.StatusOK).
		Submit("Require signature", map[string]string{"scheme": "github", "Signing secret": " " + hubSecret + "\n"}).
		Want(http.StatusOK).At(signaturePage(k))
}

func TestARequiredSignatureIsAskedOfEveryRequest(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t, called("GitHub"))
		b := signIn(t, a, ownerEmail)
		body := `{"action":"opened","event":"x"}`
		url := gatewayURL + "github/" + k.Value.Reveal()
		if got := a.Post(t, url, body); got.Status != http.StatusOK { // now the instance knows the key as it was
			t.Fatalf("before: %d %s", got.Status, got.Body)
		}
		requireGitHub(t, b, k).Shows("Signature required from now on.", "X-Hub-Signature-256", "None in the request log").Hides(hubSecret)

		got := a.Post(t, url, body)
		if got.Status != http.StatusUnauthorized || got.Code(t) != "invalid_source_signature" {
			t.Fatalf("without a signature: %d %s", got.Status, got.Body)
		}
		id := logged(t, a, got)
		if got := a.Post(t, url, body, "X-Hub-Signature-256", hubSignature(hubSecret, body)); got.Status != http.StatusOK {
			t.Errorf("with the right one: %d %s", got.Status, got.Body)
		}
		if got := a.Post(t, url, body+" ", "X-Hub-Signature-256", hubSignature(hubSecret, body)); got.Status != http.StatusUnauthorized {
			t.Errorf("over other bytes: %d %s", got.Status, got.Body)
		}
		bulk := a.Post(t, "/api/signal-staging/bulk/"+k.Value.Reveal(), body)
		if bulk.Status != http.StatusUnauthorized || bulk.Code(t) != "invalid_source_signature" {
			t.Errorf("bulk: %d %s", bulk.Status, bulk.Body)
		}
		for _, page := range []string{keyPage(k), signaturePage(k)} {
			b.Get(page).Shows("Last failure", "127.0.0.1").Hides(hubSecret)
		}
		b.Get(requestList+"/"+id).Shows("invalid_source_signature", "The key asks for the vendor's own signature")

		b.Get(signaturePage(k)).Submit("Turn off signature", nil).Shows("Signature no longer required.").Hides("Last failure")
		if got := a.Post(t, url, body+"  "); got.Status != http.StatusOK {
			t.Errorf("turned off: %d %s", got.Status, got.Body)
		}
	})
}

func TestTheLastFailureIsTheNewest(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	requireGitHub(t, b, k)
	old := logged(t, a, a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`))
	newest := logged(t, a, a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`, "X-Hub-Signature-256", "sha256=00"))
	b.Get(signaturePage(k)).Want(http.StatusOK).Hides(old)
	if s := b.Get(signaturePage(k)); !strings.Contains(s.Body, requestList+"/"+newest) {
		t.Errorf("the page does not lead to %s", newest)
	}
}

func TestTheSecretIsStoredSealedAndAuditedWithoutItsText(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		b := signIn(t, a, ownerEmail)
		requireGitHub(t, b, k)
		stored, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
		if err != nil {
			t.Fatal(err)
		}
		if stored.SignatureScheme != "github" || strings.Contains(string(stored.SignatureSecret), hubSecret) {
			t.Errorf("stored %q %q", stored.SignatureScheme, stored.SignatureSecret)
		}
		plaintext, err := apptest.Secrets(t).Open(stored.SignatureSecret, "api_key:"+k.Key.ID+":signature")
		if err != nil || string(plaintext) != hubSecret {
			t.Errorf("it opens as %q, %v; white space around what was pasted must go", plaintext, err)
		}
		b.Get("/w/acme/audit").Shows("changed the source signature of the API key").Hides(hubSecret)
	})
}

func TestAWrongChoiceOrSecretChangesNothingAndIsNotRepeated(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	page := b.Get(signaturePage(k))
	page.Submit("Require signature", map[string]string{"Signing secret": "some secret"}).Want(http.StatusUnprocessableEntity).
		Shows("Choose who signs the requests.").Hides("some secret")
	page.Submit("Require signature", map[string]string{"scheme": "github", "Signing secret": " "}).Want(http.StatusUnprocessableEntity).Shows("Enter the signing secret.")
	page.Submit("Require signature", map[string]string{"scheme": "standard-webhooks", "Signing secret": "not!base64"}).Want(http.StatusUnprocessableEntity).Hides("not!base64")
	if got, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID); err != nil || got.SignatureScheme != "" {
		t.Errorf("scheme %q, %v", got.SignatureScheme, err)
	}
}

func TestADeactivatedKeysSignatureStaysAsItIs(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	page := requireGitHub(t, b, k)
	if _, err := a.Keys.Revoke(t.Context(), a.Owner, k.Key.ID); err != nil {
		t.Fatal(err)
	}
	page.Submit("Turn off signature", nil).Want(http.StatusConflict).Shows("deactivated")
	page.Submit("Replace signature and secret", map[string]string{"Signing secret": "x"}).Want(http.StatusConflict)
	b.Get(signaturePage(k)).Shows("This key is deactivated.").Hides("Turn off signature", "Signing secret")
}

func TestWithoutASecretKeyThePageSaysWhatToSet(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t), func(o *application.Options, _ *handlers.Options) { o.Secrets = nil })
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	b.Get(signaturePage(k)).Want(http.StatusOK).Shows("LATCHKEY_SECRET_KEY", "openssl rand -base64 32").Hides("Signing secret")
	b.Post(signaturePage(k), map[string][]string{"scheme": {"github"}, "secret": {"x"}}).Want(http.StatusConflict).Shows("LATCHKEY_SECRET_KEY")
}

func TestASecretOfAnotherKeyIsToldAndNothingIsLetThrough(t *testing.T) {
	db := apptest.SQLite(t)
	a := apptest.Start(t, db)
	k := a.NewKey(t)
	requireGitHub(t, signIn(t, a, ownerEmail), k)
	a.Stop()
	other, err := secretbox.New([]byte("another key of tests, 32 bytes -"))
	if err != nil {
		t.Fatal(err)
	}
	a = apptest.Start(t, db, func(o *application.Options, _ *handlers.Options) { o.Secrets = other })
	if got := a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`); got.Status != http.StatusServiceUnavailable {
		t.Errorf("answer %d %s", got.Status, got.Body)
	}
	b := signIn(t, a, ownerEmail)
	b.Get(signaturePage(k)).Shows("cannot be read", "another key")
	b.Get(keyPage(k)).Shows("Cannot be read")
	b.Get(signaturePage(k)).Submit("Replace signature and secret", map[string]string{"Signing secret": hubSecret}).Hides("cannot be read")
	body := `{"event":"x"}`
	if got := a.Post(t, gatewayURL+k.Value.Reveal(), body, "X-Hub-Signature-256", hubSignature(hubSecret, body)); got.Status != http.StatusOK {
		t.Errorf("after entering it again: %d %s", got.Status, got.Body)
	}
}

func TestSignatureAndTestPagesOfAnotherWorkspacesKeyAreNotFound(t *testing.T) {
	a := app(t)
	k := elsewhere(t, a)
	b := signIn(t, a, ownerEmail)
	for _, page := range []string{signaturePage(k), testPage(k)} {
		b.Get(page).Want(http.StatusNotFound)
		b.Post(page, map[string][]string{"scheme": {"github"}, "secret": {"x"}, "payload": {"{}"}}).Want(http.StatusNotFound)
	}
	b.Post(signaturePage(k)+"/removal", nil).Want(http.StatusNotFound)
	if n := a.CountSignals(t); n != 0 {
		t.Errorf("%d signals stored", n)
	}
}

func TestAViewerReachesNeitherSignatureNorTestEvents(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := member(t, a, access.Viewer)
	for _, page := range []string{signaturePage(k), testPage(k)} {
		b.Get(page).Want(http.StatusForbidden)
		b.Post(page, map[string][]string{"payload": {`{"event":"x"}`}}).Want(http.StatusForbidden)
	}
	if n := a.CountSignals(t); n != 0 {
		t.Errorf("%d signals stored", n)
	}
}

// lastAudit is the newest entry of an action.
func lastAudit(t *testing.T, a *apptest.App, action string) (entry models.AuditEntry, after map[string]any) {
	t.Helper()
	if err := a.DB.Read.Where("action = ?", action).Order("id DESC").Take(&entry).Error; err != nil {
		t.Fatalf("no entry %s: %v", action, err)
	}
	if len(entry.After) > 0 {
		if err := json.Unmarshal(entry.After, &after); err != nil {
			t.Fatal(err)
		}
	}
	return entry, after
}
