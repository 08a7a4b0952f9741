package keys_test

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

func (w *world) rotate(id string, grace time.Duration) keys.Rotated {
	w.t.Helper()
	r, err := w.s.Rotate(w.t.Context(), w.owner, id, keys.RotateForm{Grace: grace, Base: -1})
	if err != nil {
		w.t.Fatalf("rotate: %v", err)
	}
	return r
}

func (w *world) wantRefusal(s *keys.Service, value string, reason error) {
	w.t.Helper()
	if err := refusal(w.t, s, value, ""); !errors.Is(err, reason) {
		w.t.Errorf("authenticate: %v, want %v", err, reason)
	}
}

func TestBothValuesWorkUntilTheGraceIsOver(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		before := made.Value.Reveal()
		w.wantRefusal(w.s, before, nil)
		w.now = noon.Add(time.Hour)
		r := w.rotate(made.Key.ID, keys.DefaultGrace)
		after := r.Value.Reveal()
		if !r.EndsAt.Equal(noon.Add(25*time.Hour)) || !r.Secret.IsZero() || after == before || !strings.HasPrefix(after, r.Key.KeyPrefix+"_") {
			t.Errorf("rotated %+v", r)
		}
		elsewhere := w.instance()
		for _, s := range []*keys.Service{w.s, elsewhere} {
			old, err := s.Authenticate(t.Context(), before, "")
			if err != nil || !old.Previous || !old.RetiredAt.Equal(w.now) || !old.EndsAt.Equal(r.EndsAt) || old.ID != made.Key.ID || old.Prefix != made.Key.KeyPrefix {
				t.Errorf("old value: %+v, %v", old, err)
			}
			if end, ends := old.Ends(); !ends || !end.Equal(r.EndsAt) {
				t.Errorf("the old value ends %v, %v", end, ends)
			}
			present, err := s.Authenticate(t.Context(), after, "")
			if err != nil || present.Previous || present.ID != made.Key.ID {
				t.Errorf("new value: %+v, %v", present, err)
			}
		}
		w.now = r.EndsAt.Add(-time.Microsecond)
		w.wantRefusal(w.s, before, nil)
		w.now = r.EndsAt
		for _, s := range []*keys.Service{w.s, elsewhere, w.instance()} {
			w.wantRefusal(s, before, keys.ErrExpired)
			w.wantRefusal(s, before, keys.ErrExpired) // from memory too
			w.wantRefusal(s, after, nil)
		}
		if cred, _ := w.s.Authenticate(t.Context(), before, ""); cred == nil || cred.ID != made.Key.ID {
			t.Errorf("the refusal belongs to %+v", cred)
		}
	})
}

func TestRotationChangesTheValueAndNothingElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(orgs, capturing, withSecret, expiring(noon.AddDate(0, 0, 90)), func(f *keys.CreateForm) {
			f.Environment, f.RateLimit, f.OnLeak, f.OnError = models.Test, 60, models.OnLeakAlert, models.OnErrorQuarantine
			f.AllowList, f.AllowListMode = "192.0.2.0/24", models.AllowListEnforce
		})
		was := w.stored(made.Key.ID)
		w.now = noon.Add(time.Hour)
		r := w.rotate(made.Key.ID, time.Hour)
		is := w.stored(made.Key.ID)
		if !is.ValueSince.Equal(w.now) || !is.PreviousEndsAt.Equal(noon.Add(2*time.Hour)) || is.SettingsVersion != was.SettingsVersion+1 {
			t.Errorf("stored %+v", is)
		}
		if !strings.HasPrefix(r.Value.Reveal(), "sk_test_") || string(is.KeyHash) != string(digest(r.Value.Reveal())) {
			t.Error("the stored hash is not that of the new value")
		}
		is.KeyHash, is.KeyPrefix, is.ValueSince, is.PreviousEndsAt = was.KeyHash, was.KeyPrefix, was.ValueSince, was.PreviousEndsAt
		is.SettingsVersion, is.UpdatedAt = was.SettingsVersion, was.UpdatedAt
		if !reflect.DeepEqual(was, is) {
			t.Errorf("something else changed:\n%+v\n%+v", was, is)
		}
		for _, value := range []string{made.Value.Reveal(), r.Value.Reveal()} {
			if err := refusal(t, w.s, value, made.Secret.Reveal()); err != nil {
				t.Errorf("with the shared secret: %v", err)
			}
			w.wantRefusal(w.s, value, keys.ErrSecretMissing)
		}
		log := w.audit(made.Key.ID)
		if len(log) != 2 || log[1].Action != "api_key.rotated" || strings.Contains(string(log[1].After), r.Value.Reveal()) {
			t.Errorf("audit %+v", log)
		}
	})
}

func TestOfManyRotationsAtOnceOneWins(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		for _, grace := range []time.Duration{keys.DefaultGrace, 0} {
			w := newWorld(t, db)
			made := w.create()
			const calls = 50
			var wg sync.WaitGroup
			answers := make(chan error, calls)
			for range calls {
				wg.Go(func() {
					_, err := w.s.Rotate(t.Context(), w.owner, made.Key.ID, keys.RotateForm{Grace: grace, Base: made.Key.SettingsVersion})
					answers <- err
				})
			}
			wg.Wait()
			close(answers)
			won, conflicts := 0, 0
			for err := range answers {
				switch {
				case err == nil:
					won++
				case fault.Is(err, fault.Conflict):
					conflicts++
				default:
					t.Error(err)
				}
			}
			if won != 1 || conflicts != calls-1 {
				t.Errorf("grace %v: %d won, %d conflicts", grace, won, conflicts)
			}
			if n := len(w.audit(made.Key.ID)); n != 2 {
				t.Errorf("%d audit entries", n)
			}
			if err := db.Write.Exec("DELETE FROM workspaces").Error; err != nil {
				t.Fatal(err)
			}
			if err := db.Write.Exec("DELETE FROM accounts").Error; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTheOldValueDoesNotOutliveItsKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		end := noon.Add(5 * time.Minute)
		made := w.create(expiring(end))
		if r := w.rotate(made.Key.ID, keys.DefaultGrace); !r.EndsAt.Equal(end) {
			t.Errorf("the old value ends %v", r.EndsAt)
		}
		if at, err := w.s.ExtendRotation(t.Context(), w.owner, made.Key.ID, noon.Add(time.Hour)); err != nil || !at.Equal(end) {
			t.Errorf("extended to %v, %v", at, err)
		}
		w.now = end
		w.wantRefusal(w.s, made.Value.Reveal(), keys.ErrExpired)
	})
}

func TestAnEarlierExpiryOfTheKeyIsOneOfItsOldValueToo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.rotate(made.Key.ID, keys.DefaultGrace)
		if err := w.s.ChangeExpiry(t.Context(), w.owner, made.Key.ID, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := w.s.ChangeExpiry(t.Context(), w.owner, made.Key.ID, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got := w.get(made.Key.ID).PreviousEndsAt; !got.Equal(noon.Add(time.Hour)) {
			t.Errorf("the old value ends %v", got)
		}
		w.now = noon.Add(time.Hour)
		w.wantRefusal(w.s, made.Value.Reveal(), keys.ErrExpired)
	})
}

func TestAKeyThatEndedGetsNoNewValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		expired, ended := w.create(expiring(noon.Add(time.Hour))).Key, w.create().Key
		if _, err := w.s.Revoke(t.Context(), w.owner, ended.ID); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(time.Hour)
		for _, id := range []string{expired.ID, ended.ID} {
			_, err := w.s.Rotate(t.Context(), w.owner, id, keys.RotateForm{Grace: time.Hour, Base: -1})
			want(t, err, fault.Conflict)
			if len(w.values(id)) != 0 {
				t.Error("a value was retired")
			}
		}
	})
}

func (w *world) values(id string) []models.RetiredKeyValue {
	w.t.Helper()
	var rows []models.RetiredKeyValue
	if err := w.db.Read.Where("api_key_id = ?", id).Order("retired_at").Find(&rows).Error; err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func TestAKeyHasAtMostOneValueBeforeThePresentOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		second := w.rotate(made.Key.ID, time.Hour)
		_, err := w.s.Rotate(t.Context(), w.owner, made.Key.ID, keys.RotateForm{Grace: time.Hour, Base: -1})
		want(t, err, fault.Conflict)
		w.now = noon.Add(time.Hour)
		third := w.rotate(made.Key.ID, time.Hour)
		w.wantRefusal(w.s, made.Value.Reveal(), keys.ErrExpired)
		w.wantRefusal(w.s, second.Value.Reveal(), nil)
		w.wantRefusal(w.s, third.Value.Reveal(), nil)
		if n := len(w.values(made.Key.ID)); n != 2 {
			t.Errorf("%d values are known", n)
		}
	})
}

func TestWithoutAGraceTheOldValueEndsAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.wantRefusal(w.s, made.Value.Reveal(), nil)
		r := w.rotate(made.Key.ID, 0)
		w.wantRefusal(w.s, made.Value.Reveal(), keys.ErrExpired)
		if !r.EndsAt.IsZero() || w.get(made.Key.ID).Rotating {
			t.Errorf("rotated %+v", r)
		}
		w.rotate(made.Key.ID, time.Hour) // and it can be rotated again
	})
}

func TestFinishingARotationEndsTheOldValueAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		r := w.rotate(made.Key.ID, time.Hour)
		w.wantRefusal(w.s, made.Value.Reveal(), nil)
		if !w.get(made.Key.ID).Rotating {
			t.Error("the key does not rotate")
		}
		if err := w.s.FinishRotation(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		w.wantRefusal(w.s, made.Value.Reveal(), keys.ErrExpired)
		w.wantRefusal(w.instance(), made.Value.Reveal(), keys.ErrExpired)
		w.wantRefusal(w.s, r.Value.Reveal(), nil)
		if k := w.get(made.Key.ID); k.Rotating || !k.PreviousEndsAt.IsZero() {
			t.Errorf("item %+v", k)
		}
		want(t, w.s.FinishRotation(t.Context(), w.owner, made.Key.ID), fault.Conflict)
		_, err := w.s.ExtendRotation(t.Context(), w.owner, made.Key.ID, noon.Add(2*time.Hour))
		want(t, err, fault.Conflict)
		if log := w.audit(made.Key.ID); len(log) != 3 || log[2].Action != "api_key.rotation_finished" {
			t.Errorf("audit %+v", log)
		}
	})
}

func TestAValueThatEndedStaysSoWhereTheClockIsBehind(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		first := w.rotate(made.Key.ID, time.Hour)
		w.now = noon.Add(10 * time.Minute)
		if err := w.s.FinishRotation(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(11 * time.Minute)
		w.rotate(made.Key.ID, time.Hour)
		w.now = noon.Add(9 * time.Minute)
		behind := w.instance()
		w.wantRefusal(behind, made.Value.Reveal(), keys.ErrExpired)
		w.wantRefusal(behind, first.Value.Reveal(), nil)
		if err := behind.FinishRotation(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Errorf("finish there: %v", err)
		}
		w.wantRefusal(w.s, first.Value.Reveal(), keys.ErrExpired)
	})
}

func TestARotationCanBeExtendedWhileTheOldValueWorks(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.rotate(made.Key.ID, time.Hour)
		elsewhere := w.instance()
		w.wantRefusal(elsewhere, made.Value.Reveal(), nil)
		until := noon.Add(keys.MaxGrace)
		for _, wrong := range []time.Time{noon, until.Add(time.Second)} {
			_, err := w.s.ExtendRotation(t.Context(), w.owner, made.Key.ID, wrong)
			want(t, err, fault.Invalid, "ends_at")
		}
		if at, err := w.s.ExtendRotation(t.Context(), w.owner, made.Key.ID, until); err != nil || !at.Equal(until) {
			t.Fatalf("extended to %v, %v", at, err)
		}
		w.now = noon.Add(time.Hour)
		w.wantRefusal(w.s, made.Value.Reveal(), nil)
		w.wantRefusal(elsewhere, made.Value.Reveal(), nil)
		w.now = until
		w.wantRefusal(elsewhere, made.Value.Reveal(), keys.ErrExpired)
		_, err := w.s.ExtendRotation(t.Context(), w.owner, made.Key.ID, until.Add(time.Hour))
		want(t, err, fault.Conflict)
	})
}

func TestAGraceIsBounded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		for _, grace := range []time.Duration{-time.Second, keys.MaxGrace + time.Second} {
			_, err := w.s.Rotate(t.Context(), w.owner, made.Key.ID, keys.RotateForm{Grace: grace, Base: -1})
			want(t, err, fault.Invalid, "grace")
		}
		_, err := w.s.Rotate(t.Context(), w.owner, made.Key.ID, keys.RotateForm{Base: 7})
		if !errors.Is(err, keys.ErrMoved) {
			t.Errorf("a rotation of what has changed: %v", err)
		}
	})
}

func TestDeactivationEndsBothValues(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		r := w.rotate(made.Key.ID, time.Hour)
		for _, value := range []string{made.Value.Reveal(), r.Value.Reveal()} {
			w.wantRefusal(w.s, value, nil)
		}
		if _, err := w.s.Revoke(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{made.Value.Reveal(), r.Value.Reveal()} {
			w.wantRefusal(w.s, value, keys.ErrDeactivated)
		}
		if w.get(made.Key.ID).Rotating {
			t.Error("a deactivated key rotates")
		}
	})
}

func TestNobodyRotatesAKeyThatTheyCouldNotMake(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		full := w.create(program(access.AdminFull)).Key
		developer, ci := as(w.owner, access.Developer), w.programWith(access.ReadWriteWorkspace)
		for name, actor := range map[string]access.Actor{"a Developer": developer, "a program": ci} {
			t.Run(name, func(t *testing.T) {
				_, err := w.s.Rotate(t.Context(), actor, full.ID, keys.RotateForm{Base: -1})
				want(t, err, fault.Forbidden, "scopes")
				if row := w.stored(full.ID); row.SettingsVersion != 0 || len(w.values(full.ID)) != 0 {
					t.Errorf("stored %+v", row)
				}
			})
		}
		limited := w.create(program(access.ReadWriteWorkspace), expiring(noon.Add(time.Hour)))
		short := w.caller(limited.Value.Reveal()).Actor(access.Origin{})
		hook := w.create().Key
		_, err := w.s.Rotate(t.Context(), short, hook.ID, keys.RotateForm{Base: -1})
		want(t, err, fault.Forbidden)
		if _, err := w.s.Rotate(t.Context(), short, limited.Key.ID, keys.RotateForm{Base: -1}); err != nil {
			t.Errorf("a key rotates itself: %v", err)
		}
		if ok, err := w.s.Revoke(t.Context(), developer, full.ID); err != nil || !ok {
			t.Errorf("a Developer ends an admin:full key: %v, %v", ok, err)
		}
	})
}
