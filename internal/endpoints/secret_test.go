package endpoints_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/secretbox"
	"latchkey/internal/signing"
	"latchkey/models"
)

func TestNoSecretOrHeaderValueCanBeReadInAnyTable(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(func(f *endpoints.Form) { f.Headers = []egress.Header{{Name: "X-Token", Value: "value-of-the-header"}} })
		next, _, err := w.s.RotateSecret(t.Context(), w.owner, made.ID, time.Hour, "")
		if err != nil {
			t.Fatal(err)
		}
		headers := []egress.Header{{Name: "X-Token", Value: "second-value"}}
		if _, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{Headers: &headers}, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := w.s.Reveal(t.Context(), w.owner, made.ID); err != nil {
			t.Fatal(err)
		}
		stored := dump(t, db)
		if !strings.Contains(stored, made.ID) || !strings.Contains(stored, "X-Token") {
			t.Fatal("there is nothing to search in")
		}
		for _, secret := range []string{made.Secret.Reveal(), next.Reveal(), "value-of-the-header", "second-value"} {
			for _, form := range []string{secret, strings.TrimPrefix(secret, signing.Prefix), fmt.Sprintf("%x", secret)} {
				if strings.Contains(stored, form) {
					t.Errorf("%.12s... can be read", form)
				}
			}
		}
		for _, text := range []string{fmt.Sprintf("%+v", made), fmt.Sprintf("%+v", w.get(made.ID))} {
			if strings.Contains(text, made.Secret.Reveal()) || strings.Contains(text, "value-of-the-header") {
				t.Errorf("printed: %s", text)
			}
		}
	})
}

// dump is every row of every table, bytes as hexadecimal and as text.
func dump(t *testing.T, db *database.DB) string {
	t.Helper()
	list := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if db.IsPostgres() {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	var tables []string
	if err := db.Read.Raw(list).Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		var rows []map[string]any
		if err := db.Read.Raw("SELECT * FROM " + table).Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, value := range row {
				if b, ok := value.([]byte); ok {
					fmt.Fprintf(&out, "%s %x\n", b, b)
				} else {
					fmt.Fprintf(&out, "%v\n", value)
				}
			}
		}
	}
	return out.String()
}

func (w *world) signers(id string) []signing.Secret {
	w.t.Helper()
	targets, err := w.s.Config(w.t.Context(), []string{id})
	if err != nil || len(targets) != 1 || targets[0].Problem != nil {
		w.t.Fatalf("config: %+v, %v", targets, err)
	}
	return targets[0].Secrets
}

func TestTwoSecretsSignUntilTheGraceIsOverThenOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		next, until, err := w.s.RotateSecret(t.Context(), w.owner, made.ID, 2*time.Hour, "")
		if err != nil || !until.Equal(noon.Add(2*time.Hour)) || next == made.Secret {
			t.Fatalf("until %v, %v", until, err)
		}
		shown, err := w.s.Reveal(t.Context(), w.owner, made.ID)
		if err != nil || shown.Secret != next || shown.Previous != made.Secret || !shown.PreviousEndsAt.Equal(until) {
			t.Errorf("revealed %v, %v", shown, err)
		}
		if got := w.signers(made.ID); len(got) != 2 || got[0] != next || got[1] != made.Secret || !w.get(made.ID).Rotating {
			t.Errorf("%d sign", len(got))
		}
		_, _, err = w.s.RotateSecret(t.Context(), w.owner, made.ID, time.Hour, "")
		want(t, err, fault.Conflict)
		w.now = until
		if got := w.signers(made.ID); len(got) != 1 || got[0] != next || w.get(made.ID).Rotating {
			t.Errorf("after the grace %d sign", len(got))
		}
		shown, err = w.s.Reveal(t.Context(), w.owner, made.ID)
		if err != nil || !shown.Previous.IsZero() {
			t.Errorf("after the grace the one before is shown: %v", err)
		}
		want(t, w.s.EndPreviousSecret(t.Context(), w.owner, made.ID), fault.Conflict)
		if actions, _, _ := w.said(made.ID); fmt.Sprint(actions) != "[endpoint.created endpoint.secret_rotated endpoint.secret_revealed endpoint.secret_revealed]" {
			t.Errorf("log %v", actions)
		}
	})
}

func TestTheSecretBeforeCanBeEndedAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		one, until, err := w.s.RotateSecret(t.Context(), w.owner, made.ID, 0, "")
		if err != nil || !until.IsZero() {
			t.Fatalf("until %v, %v", until, err)
		}
		if got := w.signers(made.ID); len(got) != 1 || got[0] != one {
			t.Errorf("without a grace %d sign", len(got))
		}
		own := signing.NewSecret()
		two, _, err := w.s.RotateSecret(t.Context(), w.owner, made.ID, endpoints.MaxGrace, own.Reveal())
		if err != nil || two != own || len(w.signers(made.ID)) != 2 {
			t.Fatalf("with a secret of one's own: %v", err)
		}
		if err := w.s.EndPreviousSecret(t.Context(), w.owner, made.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.signers(made.ID); len(got) != 1 || got[0] != own || w.row(made.ID).PreviousSecret != nil {
			t.Errorf("after the end %d sign", len(got))
		}
		if actions, _, _ := w.said(made.ID); actions[len(actions)-1] != "endpoint.previous_secret_ended" {
			t.Errorf("log %v", actions)
		}
		for name, c := range map[string]struct {
			grace time.Duration
			own   string
		}{"grace": {endpoints.MaxGrace + 1, ""}, "secret": {0, own.Reveal()}} {
			_, _, err := w.s.RotateSecret(t.Context(), w.owner, made.ID, c.grace, c.own)
			want(t, err, fault.Invalid, name)
		}
		_, _, err = w.s.RotateSecret(t.Context(), w.owner, made.ID, -1, "whsec_no")
		want(t, err, fault.Invalid, "grace", "secret")
	})
}

func TestASealedSecretIsBoundToItsEndpoint(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	one, two := w.create(), w.create()
	w.exec("UPDATE endpoints SET secret = (SELECT secret FROM endpoints WHERE id = ?) WHERE id = ?", one.ID, two.ID)
	if _, err := w.s.Reveal(t.Context(), w.owner, two.ID); !fault.Is(err, fault.Conflict) {
		t.Errorf("another endpoint's secret: %v", err)
	}
}

func box(t *testing.T, key string) *secretbox.Box {
	t.Helper()
	b, err := secretbox.New([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestResealTakesEverySecretToTheNewKeyAndTheOldOneOpensNothingAnyMore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		older, newer := box(t, "the key before, of 32 bytes only"), box(t, "the key of now, of 32 bytes only")
		at := func(b *secretbox.Box) *endpoints.Service {
			return w.instance(func(o *endpoints.Options) { o.Secrets = b })
		}
		w.s = at(older)
		made := w.create(func(f *endpoints.Form) { f.Headers = []egress.Header{{Name: "X-Token", Value: "value"}} })
		rotated := w.create()
		next, _, err := w.s.RotateSecret(t.Context(), w.owner, rotated.ID, time.Hour, "")
		if err != nil {
			t.Fatal(err)
		}
		gone := w.create()
		if err := w.s.Delete(t.Context(), w.owner, gone.ID); err != nil {
			t.Fatal(err)
		}
		key := w.key(w.owner, models.Live)
		place := keys.SignatureContext(key.ID)
		if err := w.keys.SetSignature(t.Context(), w.owner, key.ID, "github", older.Seal([]byte("of github"), place)); err != nil {
			t.Fatal(err)
		}

		if n, err := at(newer).Reseal(t.Context()); n != 0 || err == nil || !strings.Contains(err.Error(), made.ID) || !strings.Contains(err.Error(), key.ID) {
			t.Errorf("without the old key: %d, %v", n, err)
		}
		both := at(newer.WithOld(older))
		w.s = both
		if got := w.signers(rotated.ID); len(got) != 2 {
			t.Errorf("with both keys %d sign", len(got))
		}
		if n, err := both.Reseal(t.Context()); n != 5 || err != nil {
			t.Errorf("resealed %d, %v", n, err)
		}
		if n, err := both.Reseal(t.Context()); n != 0 || err != nil {
			t.Errorf("again %d, %v", n, err)
		}
		w.s = at(newer)
		if got := w.signers(rotated.ID); len(got) != 2 || got[0] != next || got[1] != rotated.Secret {
			t.Errorf("with the new key alone %d sign", len(got))
		}
		targets, err := w.s.Config(t.Context(), []string{made.ID})
		if err != nil || targets[0].Problem != nil || targets[0].Headers.Get("X-Token") != "value" || targets[0].Secrets[0] != made.Secret {
			t.Errorf("with the new key alone: %+v, %v", targets, err)
		}
		row, err := gorm.G[models.APIKey](db.Read).Where("id = ?", key.ID).Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if text, err := newer.Open(row.SignatureSecret, place); err != nil || string(text) != "of github" {
			t.Errorf("the source's secret: %q, %v", text, err)
		}
		if _, err := older.Open(row.SignatureSecret, place); !errors.Is(err, secretbox.ErrOtherKey) {
			t.Errorf("the source's secret with the old key: %v", err)
		}
		for _, id := range []string{made.ID, rotated.ID} {
			targets, err := at(older).Config(t.Context(), []string{id})
			if err != nil || !errors.Is(targets[0].Problem, secretbox.ErrOtherKey) {
				t.Errorf("the old key alone: %v, %v", targets[0].Problem, err)
			}
			if _, err := at(older).Reveal(t.Context(), w.owner, id); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "LATCHKEY_SECRET_KEY_OLD") {
				t.Errorf("the old key alone: %v", err)
			}
		}
	})
}

func TestAnEndpointWhoseKeyIsLostGetsNewSecrets(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	made := w.create(func(f *endpoints.Form) { f.Headers = []egress.Header{{Name: "X-Token", Value: "value"}} })
	w.s = w.instance(func(o *endpoints.Options) { o.Secrets = box(t, "the key of now, of 32 bytes only") })
	blank, full := []egress.Header{{Name: "X-Token"}}, []egress.Header{{Name: "X-Token", Value: "new"}}
	_, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{Headers: &blank}, -1)
	want(t, err, fault.Conflict)
	next, until, err := w.s.RotateSecret(t.Context(), w.owner, made.ID, time.Hour, "")
	if err != nil || !until.IsZero() {
		t.Fatalf("until %v, %v", until, err)
	}
	if _, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{Headers: &full}, -1); err != nil {
		t.Fatal(err)
	}
	targets, err := w.s.Config(t.Context(), []string{made.ID})
	if err != nil || targets[0].Problem != nil || len(targets[0].Secrets) != 1 || targets[0].Secrets[0] != next || targets[0].Headers.Get("X-Token") != "new" {
		t.Errorf("%+v, %v", targets, err)
	}
}
