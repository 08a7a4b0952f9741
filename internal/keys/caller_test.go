package keys_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

func (w *world) wantAPI(s *keys.Service, value string, reason error) *keys.Caller {
	w.t.Helper()
	c, err := s.AuthenticateAPI(w.t.Context(), value)
	if !errors.Is(err, reason) {
		w.t.Errorf("AuthenticateAPI: %v, want %v", err, reason)
	}
	return c
}

func TestACallerActsForItsKeysMakerWithItsScopes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		end := noon.Add(time.Hour)
		made := w.create(named("CI"), program(access.SignalsRead), expiring(end))
		c := w.wantAPI(w.s, made.Value.Reveal(), nil)
		if c.Key.ID != made.Key.ID || c.Workspace.ID != w.owner.WorkspaceID || c.Workspace.Plan != models.PlanEnterprise || c.Scopes.String() != "signals:read" {
			t.Errorf("caller %+v", c)
		}
		origin := access.Origin{IP: "192.0.2.1", RequestID: "r"}
		a := c.Actor(origin)
		if !a.IsProgram() || a.KeyID != made.Key.ID || a.Maker() != w.owner.AccountID || a.AccountID != "" || a.Role != "" ||
			a.WorkspaceID != w.owner.WorkspaceID || !a.KeyExpiry.Equal(end) || a.Origin != origin || a.Label != "CI ("+made.Key.KeyPrefix+")" {
			t.Errorf("actor %+v", a)
		}
		w.now = end
		if c := w.wantAPI(w.s, made.Value.Reveal(), keys.ErrExpired); c == nil || c.Key.ID != made.Key.ID {
			t.Errorf("the refusal belongs to %+v", c)
		}
	})
}

func TestTheAPITakesNoOtherKeys(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		if c := w.wantAPI(w.s, w.create().Value.Reveal(), keys.ErrUnknown); c == nil {
			t.Error("whose webhook key it is, is not told")
		}
		for _, value := range []string{"", "x", "no such key at all", "sk_live_a2f9_" + "0000000000000000000000000000000000000000000000000"} {
			if c := w.wantAPI(w.s, value, keys.ErrUnknown); c != nil {
				t.Errorf("%q: %+v", value, c)
			}
		}
	})
}

func TestEveryInstanceSeesChangesOfAPIKeysAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		made := w.create(program(access.SignalsRead))
		before := made.Value.Reveal()
		w.wantAPI(elsewhere, before, nil)

		r := w.rotate(made.Key.ID, time.Hour)
		after := r.Value.Reveal()
		if c := w.wantAPI(elsewhere, before, nil); !c.Credential.Previous || !c.Credential.EndsAt.Equal(noon.Add(time.Hour)) {
			t.Errorf("the old value is %+v", c.Credential)
		}
		w.wantAPI(elsewhere, after, nil)

		narrow := access.Scopes{}
		if _, err := w.s.Change(t.Context(), w.owner, made.Key.ID, keys.Patch{Scopes: &narrow}, -1); err != nil {
			t.Fatal(err)
		}
		if c := w.wantAPI(elsewhere, after, nil); len(c.Scopes) != 0 {
			t.Errorf("scopes %v", c.Scopes)
		}

		if err := w.s.FinishRotation(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		w.wantAPI(elsewhere, before, keys.ErrExpired)
		w.wantAPI(elsewhere, after, nil)

		if _, err := w.s.Revoke(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		if c := w.wantAPI(elsewhere, after, keys.ErrDeactivated); c == nil {
			t.Error("no caller with the refusal")
		}
		w.wantAPI(elsewhere, before, keys.ErrDeactivated)
	})
}

func TestNoCallThatBeginsAfterAnEndGetsThrough(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		for round := range 5 {
			made := w.create(program(access.SignalsRead))
			var over, stop atomic.Bool
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for !stop.Load() {
						began := over.Load()
						_, err := elsewhere.AuthenticateAPI(t.Context(), made.Value.Reveal())
						if began && err == nil || err != nil && !errors.Is(err, keys.ErrDeactivated) && !errors.Is(err, keys.ErrExpired) {
							t.Errorf("a call after the end: %v", err)
							return
						}
						if began {
							return
						}
					}
				})
			}
			var err error
			if round%2 == 0 {
				_, err = w.s.Revoke(t.Context(), w.owner, made.Key.ID)
			} else {
				_, err = w.s.Rotate(t.Context(), w.owner, made.Key.ID, keys.RotateForm{Base: -1})
			}
			over.Store(true)
			if err != nil {
				t.Error(err)
				stop.Store(true)
			}
			wg.Wait()
		}
	})
}

func TestEveryInstanceSeesChangesOfTheWorkspaceAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		value := w.create(program()).Value.Reveal()
		w.wantAPI(elsewhere, value, nil)
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			if err := tx.Exec("UPDATE workspaces SET plan = 'free', rate_limit = 7 WHERE id = ?", w.owner.WorkspaceID).Error; err != nil {
				return err
			}
			return w.s.StatesChanged(t.Context(), tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if c := w.wantAPI(elsewhere, value, nil); c.Workspace.Plan != models.PlanFree || c.Workspace.RateLimit != 7 {
			t.Errorf("workspace %+v", c.Workspace)
		}
	})
}

func TestAMembersAPIKeysEndWithTheirMembershipOnEveryInstance(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		elsewhere := w.instance()
		made := w.create(program(access.ReadWriteWorkspace))
		ci := w.caller(made.Value.Reveal()).Actor(access.Origin{})
		child := w.createAs(ci, program(access.SignalsRead))
		for _, value := range []string{made.Value.Reveal(), child.Value.Reveal()} {
			w.wantAPI(elsewhere, value, nil)
		}
		err := db.Tx(t.Context(), func(tx *gorm.DB) error {
			return w.s.DeactivateAllBy(t.Context(), tx, w.owner, w.owner.AccountID)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{made.Value.Reveal(), child.Value.Reveal()} {
			w.wantAPI(elsewhere, value, keys.ErrDeactivated)
		}
	})
}

func TestNothingHappensAfterTheCallersKeyHasEnded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		hook := w.create(named("Hook")).Key
		for name, end := range map[string]func(id string) error{
			"deactivated":        func(id string) error { _, err := w.s.Revoke(t.Context(), w.owner, id); return err },
			"rotated away":       func(id string) error { w.rotate(id, 0); return nil },
			"expired":            func(id string) error { return w.s.ChangeExpiry(t.Context(), w.owner, id, w.now.Add(time.Nanosecond)) },
			"scopes were narrow": func(id string) error { return w.narrow(id) },
			"expires earlier":    func(id string) error { return w.s.ChangeExpiry(t.Context(), w.owner, id, w.now.Add(time.Hour)) },
		} {
			t.Run(name, func(t *testing.T) {
				made := w.create(program(access.KeysWrite, access.KeysRead))
				c := w.caller(made.Value.Reveal())
				actor, guarded := c.Actor(access.Origin{}), database.Guarded(t.Context(), w.s.Guard(c))
				if err := w.s.Rename(guarded, actor, hook.ID, "By "+name); err != nil {
					t.Fatalf("while the key is valid: %v", err)
				}
				if err := end(made.Key.ID); err != nil {
					t.Fatal(err)
				}
				entries := len(w.audit(hook.ID))
				err := w.s.Rename(guarded, actor, hook.ID, "After")
				kind := fault.Unauthenticated
				if name == "scopes were narrow" || name == "expires earlier" {
					kind = fault.Forbidden
				}
				want(t, err, kind)
				if _, err := w.s.Create(guarded, actor, form()); !fault.Is(err, kind) {
					t.Errorf("create: %v", err)
				}
				if got := w.get(hook.ID); got.Name != "By "+name || len(w.audit(hook.ID)) != entries {
					t.Errorf("the key is %q with %d entries", got.Name, len(w.audit(hook.ID)))
				}
			})
		}
	})
}

func (w *world) narrow(id string) error {
	scopes := access.Scopes{access.KeysRead}
	_, err := w.s.Change(w.t.Context(), w.owner, id, keys.Patch{Scopes: &scopes}, -1)
	return err
}

func TestTheValueBeforeARotationGuardsWhileItIsValid(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		hook := w.create().Key
		made := w.create(program(access.KeysWrite, access.KeysRead))
		c := w.caller(made.Value.Reveal())
		guarded := database.Guarded(t.Context(), w.s.Guard(c))
		w.rotate(made.Key.ID, time.Hour)
		if err := w.s.Rename(guarded, c.Actor(access.Origin{}), hook.ID, "Still"); err != nil {
			t.Error(err)
		}
		if err := w.s.FinishRotation(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		want(t, w.s.Rename(guarded, c.Actor(access.Origin{}), hook.ID, "No more"), fault.Unauthenticated)
	})
}

func TestADatabaseThatFailsIsNoUnknownCaller(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	value := w.create(program()).Value.Reveal()
	w.wantAPI(w.s, value, nil)
	if err := w.db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := w.s.AuthenticateAPI(t.Context(), value)
	for _, known := range []error{nil, keys.ErrUnknown, keys.ErrDeactivated, keys.ErrExpired} {
		if errors.Is(err, known) {
			t.Errorf("error = %v", err)
		}
	}
}
