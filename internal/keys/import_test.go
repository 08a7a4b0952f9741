package keys_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

func hexOf(value string) string { return hex.EncodeToString(digest(value)) }

func TestImportedKeysKeepTheirFormatOnEveryDoor(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for value, sum := range map[string]string{
			"whk_5f2c7d":                       hexOf("whk_5f2c7d"),
			"AKIA-old key, with spaces ü":      strings.ToUpper(hexOf("AKIA-old key, with spaces ü")),
			"pk.eyJ1Ijoi":                      base64.StdEncoding.EncodeToString(digest("pk.eyJ1Ijoi")),
			"sk_live_4eC39HqLyjWDarjtT1zdp7dc": base64.RawStdEncoding.EncodeToString(digest("sk_live_4eC39HqLyjWDarjtT1zdp7dc")),
			"f3b1b2f0-8f63-4f6a-9d0a-000000":   base64.URLEncoding.EncodeToString(digest("f3b1b2f0-8f63-4f6a-9d0a-000000")),
			strings.Repeat("x", 512):           base64.RawURLEncoding.EncodeToString(digest(strings.Repeat("x", 512))),
		} {
			made, err := w.s.Import(t.Context(), w.owner, keys.ImportForm{CreateForm: form(), SHA256: sum})
			if err != nil {
				t.Fatalf("%.12q: %v", value, err)
			}
			if !made.Value.IsZero() || !made.Key.Imported || made.Key.KeyPrefix != "imported" {
				t.Errorf("made %+v", made)
			}
			cred, err := w.s.Authenticate(t.Context(), value, "")
			if err != nil || cred.ID != made.Key.ID {
				t.Errorf("%.12q: %+v, %v", value, cred, err)
			}
			if id, err := w.s.Find(t.Context(), w.owner, value); err != nil || id != made.Key.ID {
				t.Errorf("%.12q: Find = %q, %v", value, id, err)
			}
			if e := w.audit(made.Key.ID); len(e) != 1 || e[0].Action != "api_key.imported" {
				t.Errorf("audit %+v", e)
			}
		}
		api, err := w.s.Import(t.Context(), w.owner, keys.ImportForm{CreateForm: form(program(access.KeysRead)), SHA256: hexOf("legacy-ci-token"), Prefix: "legacy-ci…"})
		if err != nil || api.Key.KeyPrefix != "legacy-ci…" {
			t.Fatal(api, err)
		}
		w.wantAPI(w.s, "legacy-ci-token", nil)
	})
}

func TestImportSaysWhatIsWrong(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for name, c := range map[string]struct {
			change func(*keys.ImportForm)
			fields []string
		}{
			"no hash":       {func(f *keys.ImportForm) { f.SHA256 = "" }, []string{"sha256"}},
			"the key":       {func(f *keys.ImportForm) { f.SHA256 = "whk_5f2c7d" }, []string{"sha256"}},
			"too short":     {func(f *keys.ImportForm) { f.SHA256 = f.SHA256[:62] }, []string{"sha256"}},
			"no hex":        {func(f *keys.ImportForm) { f.SHA256 = strings.Repeat("g", 64) }, []string{"sha256"}},
			"of nothing":    {func(f *keys.ImportForm) { f.SHA256 = hexOf("") }, []string{"sha256"}},
			"long prefix":   {func(f *keys.ImportForm) { f.Prefix = strings.Repeat("p", 25) }, []string{"prefix"}},
			"broken prefix": {func(f *keys.ImportForm) { f.Prefix = "a\x00b" }, []string{"prefix"}},
			"prefix is key": {func(f *keys.ImportForm) { f.Prefix = "whk_5f2c7d" }, []string{"prefix"}},
			"several":       {func(f *keys.ImportForm) { f.Name, f.SHA256 = "", "?" }, []string{"name", "sha256"}},
		} {
			t.Run(name, func(t *testing.T) {
				f := keys.ImportForm{CreateForm: form(), SHA256: hexOf("whk_5f2c7d")}
				c.change(&f)
				_, err := w.s.Import(t.Context(), w.owner, f)
				want(t, err, fault.Invalid, c.fields...)
			})
		}
		if n := w.keyCount(); n != 0 {
			t.Errorf("%d keys", n)
		}
		_, err := w.s.Import(t.Context(), as(w.owner, access.Viewer), keys.ImportForm{CreateForm: form(), SHA256: hexOf("whk_5f2c7d")})
		want(t, err, fault.Forbidden)
	})
}

func TestAValueBelongsToOneKeyForGood(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.rotate(made.Key.ID, 0)
		first, err := w.s.Import(t.Context(), w.owner, keys.ImportForm{CreateForm: form(), SHA256: hexOf("shared-value")})
		if err != nil {
			t.Fatal(err)
		}
		for _, actor := range []access.Actor{w.owner, w.alien} {
			for _, sum := range []string{hexOf("shared-value"), hexOf(made.Value.Reveal())} { // imported, and retired
				_, err := w.s.Import(t.Context(), actor, keys.ImportForm{CreateForm: form(), SHA256: sum})
				want(t, err, fault.Invalid, "sha256")
			}
		}
		if n := w.keyCount(); n != 2 {
			t.Errorf("%d keys", n)
		}
		w.wantRefusal(w.s, made.Value.Reveal(), keys.ErrExpired)

		// A rotation gives it a value of ours; the imported one lives through the grace.
		r := w.rotate(first.Key.ID, time.Hour)
		if w.stored(first.Key.ID).Imported || !strings.HasPrefix(r.Value.Reveal(), "sk_live_") {
			t.Errorf("rotated %+v", r)
		}
		w.wantRefusal(w.s, "shared-value", nil)
		w.wantRefusal(w.s, r.Value.Reveal(), nil)
		w.now = noon.Add(time.Hour)
		w.wantRefusal(w.s, "shared-value", keys.ErrExpired)
	})
}

func TestATypoOfAKeyOfOursIsNotLookedUp(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	value := w.create().Value.Reveal()
	typo := value[:len(value)-1] + "0"
	if typo == value {
		typo = value[:len(value)-1] + "1"
	}
	// Were it looked up, it would be found.
	if err := w.db.Write.Create(&models.APIKey{
		ID: "0195938e-0000-7000-8000-000000000000", WorkspaceID: w.owner.WorkspaceID, Name: "Typo", Environment: models.Live,
		EndpointType: models.SignalStaging, KeyPrefix: "sk_live_typo", KeyHash: digest(typo), Status: models.KeyActive, OnError: models.OnErrorReject,
		CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}).Error; err != nil {
		t.Fatal(err)
	}
	w.wantRefusal(w.s, typo, keys.ErrUnknown)
	for _, odd := range []string{"short", "with\x00control", "broken\xffutf8-text", strings.Repeat("x", 513)} {
		w.wantRefusal(w.s, odd, keys.ErrUnknown)
	}
}
