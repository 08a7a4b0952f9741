package console_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

const oldKey = "tm-old-key-of-the-shop-4711"

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestAKeyInUseIsImportedByItsHashAndWorksOn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		s := b.Get(keyList).Follow("Import a key").Want(http.StatusOK).Shows("sha256sum").
			Submit("Import key", map[string]string{"Name": "Shop", "SHA-256 of the key": digest(oldKey), "Shown as": "tm-old"}).Want(http.StatusOK)
		k := only(t, a)
		s.At(keyList+"/"+k.ID).Shows("Key imported.", "tm-old••••", "Latchkey has never had the key itself").Hides(oldKey)
		if !accepted(t, a, oldKey) {
			t.Error("the imported key is refused")
		}
		b.Get(keyList).Shows("tm-old••••")
		again := b.Post(keyList+"/import", url.Values{"name": {"Twice"}, "sha256": {digest(oldKey)}, "environment": {"live"}, "endpoint_type": {"signal_staging"}, "expires": {"never"}})
		again.Want(http.StatusUnprocessableEntity).Shows("A key with this value exists already")
		b.Get(keyList + "/" + k.ID + "/rotation").Shows("Its new value is made by Latchkey")
	})
}

func TestAnImportWithASharedSecretShowsTheSecretOnce(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	sum := sha256.Sum256([]byte(oldKey))
	form := b.Get(keyList + "/import")
	fields := map[string]string{"Name": "Shop", "SHA-256 of the key": base64.StdEncoding.EncodeToString(sum[:]), "secret": "on"}
	s := form.Submit("Import key", fields).Want(http.StatusOK).Shows("Key imported: Shop", "Copy the shared secret now.")
	s.Hides("Copy your key now", `id="new-key"`)
	secret := s.Value("new-key-secret")
	if accepted(t, a, oldKey) || !accepted(t, a, oldKey, "X-Api-Secret", secret) {
		t.Error("the secret is not asked for, or is wrong")
	}
	form.Submit("Import key", fields).Want(http.StatusConflict).Shows("This form has made its key already").Hides(secret)
	b.Get(keyList + "/" + only(t, a).ID).Hides(secret)
}

func TestARefusedImportComesBackWithItsValues(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	page := b.Get(keyList + "/import")
	page.Submit("Import key", map[string]string{"Name": "Shop", "SHA-256 of the key": "abc"}).Want(http.StatusUnprocessableEntity).
		Shows("64 hexadecimal digits", "abc", "Shop")
	page.Submit("Import key", map[string]string{"Name": " ", "SHA-256 of the key": digest("x"), "Shown as": "with space"}).
		Want(http.StatusUnprocessableEntity).Shows("Give the key a name", "visible characters without spaces")
	page.Submit("Import key", map[string]string{"Name": "Orgs", "SHA-256 of the key": digest("orgs"), "endpoint_type": "product_orgs"}).
		Want(http.StatusOK).Shows("Key imported.", "This key has no payload template yet.")
	made := only(t, a)
	if !strings.HasPrefix(made.KeyPrefix, "imported") {
		t.Errorf("shown as %q", made.KeyPrefix)
	}
}
