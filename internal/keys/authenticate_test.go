package keys_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
)

// refusal is the error of presenting a key, nil when it authenticates.
func refusal(t *testing.T, s *keys.Service, value, secret string) error {
	t.Helper()
	_, err := s.Authenticate(t.Context(), value, secret)
	return err
}

func TestAuthenticateChecksInTheOrderOfTheContract(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(withSecret, expiring(noon.Add(time.Hour)))
		value, secret := made.Value.Reveal(), made.Secret.Reveal()
		check := func(what, secret string, want error) {
			t.Helper()
			cred, err := w.s.Authenticate(t.Context(), value, secret)
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
			if cred == nil || cred.ID != made.Key.ID || cred.WorkspaceID != w.owner.WorkspaceID {
				t.Errorf("%s: credential = %+v", what, cred)
			}
		}
		check("right", secret, nil)
		check("without its secret", "", keys.ErrSecretMissing)
		check("with a wrong secret", secret+"x", keys.ErrSecretWrong)
		w.now = noon.Add(time.Hour)
		check("expired, whatever the secret", "", keys.ErrExpired)
		check("expired", secret, keys.ErrExpired)
		if _, err := w.s.Revoke(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		check("deactivated before expired", "", keys.ErrDeactivated)
	})
}

func TestEveryUnknownKeyLooksTheSame(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		value := w.create().Value.Reveal()
		never := keys.New(db, keys.Options{Now: func() time.Time { return w.now }, Random: strings.NewReader(strings.Repeat("latchkey", 100))})
		unstored, err := never.Create(t.Context(), w.alien, form())
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write.Exec("DELETE FROM api_keys WHERE id = ?", unstored.Key.ID).Error; err != nil {
			t.Fatal(err)
		}
		for _, presented := range []string{"", "x", value[:len(value)-1], strings.ToUpper(value), value + "0", unstored.Value.Reveal(), strings.Repeat("a", 10_000)} {
			cred, err := w.s.Authenticate(t.Context(), presented, "")
			if !errors.Is(err, keys.ErrUnknown) || cred != nil {
				t.Errorf("%.20q: %v, %v", presented, cred, err)
			}
		}
	})
}

func TestAChangeIsSeenAtOnceByTheInstanceThatMadeIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		value := made.Value.Reveal()
		if err := refusal(t, w.s, value, ""); err != nil {
			t.Fatal(err)
		}
		if err := w.s.ChangeExpiry(t.Context(), w.owner, made.Key.ID, noon.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(time.Minute)
		if err := refusal(t, w.s, value, ""); !errors.Is(err, keys.ErrExpired) {
			t.Errorf("after its new expiry: %v", err)
		}
		w.now = noon
		if err := w.s.Deactivate(t.Context(), w.owner, made.Key.ID, ""); err != nil {
			t.Fatal(err)
		}
		if err := refusal(t, w.s, value, ""); !errors.Is(err, keys.ErrDeactivated) {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestAnExpiryMovedByAnotherInstanceIsSeenAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		made := w.create(expiring(noon.Add(time.Second)))
		if err := refusal(t, elsewhere, made.Value.Reveal(), ""); err != nil {
			t.Fatal(err)
		}
		if err := w.s.ChangeExpiry(t.Context(), w.owner, made.Key.ID, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(2 * time.Second)
		if err := refusal(t, elsewhere, made.Value.Reveal(), ""); err != nil {
			t.Errorf("the key lives on, but here: %v", err)
		}
	})
}

func TestAnotherInstanceForgetsWhatItReadWithinHalfAMinute(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		made := w.create()
		if err := refusal(t, elsewhere, made.Value.Reveal(), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.Revoke(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(31 * time.Second)
		if err := refusal(t, elsewhere, made.Value.Reveal(), ""); !errors.Is(err, keys.ErrDeactivated) {
			t.Errorf("31 s after its end: %v", err)
		}
	})
}

func TestADatabaseThatFailsIsNotAnUnknownKey(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	value := w.create().Value.Reveal()
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	err := refusal(t, w.s, value, "")
	for _, known := range []error{nil, keys.ErrUnknown, keys.ErrDeactivated, keys.ErrExpired} {
		if errors.Is(err, known) {
			t.Errorf("error = %v", err)
		}
	}
}

func TestADisplayPrefixNamesItsWorkspaceOnlyWhenItIsTheOnlyOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		if id, err := w.s.ByPrefix(t.Context(), k.KeyPrefix); err != nil || id != w.owner.WorkspaceID {
			t.Errorf("ByPrefix = %q, %v", id, err)
		}
		twin := w.createAs(w.alien).Key
		if err := db.Write.Exec("UPDATE api_keys SET key_prefix = ? WHERE id = ?", k.KeyPrefix, twin.ID).Error; err != nil {
			t.Fatal(err)
		}
		for _, prefix := range []string{k.KeyPrefix, "sk_live_none"} {
			if id, err := w.s.ByPrefix(t.Context(), prefix); err != nil || id != "" {
				t.Errorf("ByPrefix(%q) = %q, %v", prefix, id, err)
			}
		}
	})
}
