package hygiene_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/models"
)

// mended fixes the one finding of a kind by its option and checks that the finding is gone, that
// the sentence names the key, and that fixing it again is a conflict.
func (w *world) mended(kind, fix string, k models.APIKey, action string) models.APIKey {
	w.t.Helper()
	offered := w.finding(kind).Fixes
	if !slices.ContainsFunc(offered, func(o hygiene.Option) bool { return o.Fix == fix && o.Label != "" && o.Text != "" }) {
		w.t.Errorf("%s offers %+v, not %s", kind, offered, fix)
	}
	done, err := w.fix(fix, k)
	if err != nil || !strings.Contains(done, k.Name) {
		w.t.Fatalf("%s: %q, %v", fix, done, err)
	}
	if page := w.list(hygiene.Filter{Kind: kind}); len(page.Findings) != 0 {
		w.t.Errorf("%s: still found: %+v", fix, page.Findings)
	}
	if _, err := w.fix(fix, k); !fault.Is(err, fault.Conflict) {
		w.t.Errorf("%s again: %v, want a conflict", fix, err)
	}
	log := w.audited(k)
	if log[len(log)-1] != action {
		w.t.Errorf("%s: audit %v, want %s at its end", fix, log, action)
	}
	return w.stored(k)
}

func TestKeysThatNobodyUsesAreDeactivatedWithOneClick(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		for _, kind := range []string{hygiene.NeverUsed, hygiene.Idle90, hygiene.Browser, hygiene.MakerLeft} {
			w := newWorld(t, db)
			k := w.create(kind).Key
			switch kind {
			case hygiene.NeverUsed:
				w.now = noon.Add(8 * day)
			case hygiene.Idle90:
				w.used(k, noon)
				w.now = noon.Add(91 * day)
			case hygiene.Browser:
				w.seen(k, "browser_seen_at", noon.Add(time.Minute))
			case hygiene.MakerLeft:
				w.exec("UPDATE api_keys SET created_by = ? WHERE id = ?", uuid.NewString(), k.ID)
			}
			if after := w.mended(kind, kind, k, "api_key.deactivated"); after.Status != models.KeyDeactivated {
				t.Errorf("%s: status %s", kind, after.Status)
			}
			w.exec("DELETE FROM workspaces WHERE id = ?", w.owner.WorkspaceID)
			w.exec("DELETE FROM accounts")
		}
	})
}

func TestWhoTakesAKeyOverAnswersForIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		leaver := w.member(w.owner.WorkspaceID, "lea")
		made, err := w.keys.Create(t.Context(), leaver, w.form("Theirs"))
		if err != nil {
			t.Fatal(err)
		}
		w.exec("DELETE FROM memberships WHERE account_id = ?", leaver.AccountID)
		if _, err := w.s.Fix(t.Context(), access.CommandLine(w.owner.WorkspaceID), hygiene.MakerLeftTake, made.Key.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("the command line took it over: %v", err)
		}
		after := w.mended(hygiene.MakerLeft, hygiene.MakerLeftTake, made.Key, "api_key.taken_over")
		if *after.CreatedBy != w.owner.AccountID || after.SettingsVersion != made.Key.SettingsVersion+1 || after.Status != models.KeyActive {
			t.Errorf("after %+v", after)
		}
		if _, err := w.keys.Authenticate(t.Context(), made.Value.Reveal(), ""); err != nil {
			t.Errorf("it no longer works: %v", err)
		}
	})
}

func TestAKeyWithoutAnExpiryEndsIn90DaysOrWhenThePolicySays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		for _, c := range []struct {
			kind    string
			days    int
			expiry  bool
			age     time.Duration
			endsIn  time.Duration
			expires bool // before the fix
		}{
			{hygiene.NoExpiry, 0, false, 0, 90 * day, false},
			{hygiene.PolicyExpiry, 0, true, 0, 90 * day, false},
			{hygiene.PolicyExpiry, 60, true, 10 * day, 50 * day, false},
			{hygiene.PolicyExpiry, 365, true, 10 * day, 90 * day, false},
			{hygiene.PolicyAge, 60, false, 10 * day, 50 * day, false},
			{hygiene.PolicyAge, 180, false, 0, 180 * day, true},
			{hygiene.PolicyAge, 60, false, 200 * day, 7 * day, true},
			{hygiene.PolicyAge, 3, false, 200 * day, 3 * day, true},
		} {
			w := newWorld(t, db)
			k := w.create("Key").Key
			if !c.expires {
				w.exec("UPDATE api_keys SET expires_at = NULL WHERE id = ?", k.ID)
			}
			w.exec("UPDATE api_keys SET value_since = ? WHERE id = ?", models.At(noon.Add(-c.age)), k.ID)
			w.used(k, noon)
			w.policy(c.days, c.expiry, false)
			after := w.mended(c.kind, c.kind, k, "api_key.expiry_changed")
			if got := after.ExpiresAt.Sub(noon); got != c.endsIn {
				t.Errorf("%+v: it ends in %v", c, got)
			}
			w.wantKinds(k)
			w.exec("DELETE FROM workspaces WHERE id = ?", w.owner.WorkspaceID)
			w.exec("DELETE FROM accounts")
		}
	})
}

func TestAnIdleOrUnprotectedKeyIsLetEndIn30Days(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		idle := w.create("Idle").Key
		w.used(idle, noon)
		w.now = noon.Add(40 * day)
		if after := w.mended(hygiene.Idle30, hygiene.Idle30, idle, "api_key.expiry_changed"); after.ExpiresAt.Sub(w.now) != 30*day {
			t.Errorf("ends %v", after.ExpiresAt)
		}
		bare := w.create("Bare").Key
		w.policy(0, false, true)
		if f := w.finding(hygiene.PolicySecret); !strings.Contains(f.Fixes[0].Text, "new key with a secret") {
			t.Errorf("options %+v", f.Fixes)
		}
		if after := w.mended(hygiene.PolicySecret, hygiene.PolicySecret, bare, "api_key.expiry_changed"); after.ExpiresAt.Sub(w.now) != 30*day {
			t.Errorf("ends %v", after.ExpiresAt)
		}
	})
}

func TestAKeyIsNarrowedToTheScopesItUsed(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Wide", granting(access.ReadWriteWorkspace)).Key
		for _, scope := range []access.Scope{access.KeysRead, access.SignalsRead} {
			w.insert(&models.KeyScopeUse{APIKeyID: k.ID, Scope: string(scope), LastUsedAt: models.At(noon)})
		}
		w.now = noon.Add(31 * day)
		w.used(k, w.now)
		if after := w.mended(hygiene.ScopesUnused, hygiene.ScopesUnused, k, "api_key.scopes_changed"); after.Scopes != "keys:read signals:read" {
			t.Errorf("scopes %q", after.Scopes)
		}
	})
}

func TestAnOldValueGetsADayMoreOrEnds(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		rotated := func(name string, change ...func(*keys.CreateForm)) models.APIKey {
			made := w.create(name, change...)
			if _, err := w.keys.Rotate(t.Context(), w.owner, made.Key.ID, keys.RotateForm{Grace: 20 * time.Hour, Base: -1}); err != nil {
				t.Fatal(err)
			}
			w.seen(made.Key, "previous_used_at", noon.Add(time.Minute))
			return made.Key
		}
		first := rotated("First")
		w.now = noon.Add(time.Minute)
		if after := w.mended(hygiene.OldValue, hygiene.OldValue, first, "api_key.rotation_extended"); after.PreviousEndsAt.Sub(noon) != 44*time.Hour {
			t.Errorf("ends %v", after.PreviousEndsAt)
		}
		w.now = noon
		second := rotated("Second")
		if after := w.mended(hygiene.OldValue, hygiene.OldValueEnd, second, "api_key.rotation_finished"); after.RotatingAt(w.now) {
			t.Errorf("still rotating until %v", after.PreviousEndsAt)
		}
		capped := rotated("Capped", func(f *keys.CreateForm) { f.ExpiresAt = noon.Add(10 * time.Hour) })
		if f := w.finding(hygiene.OldValue); len(f.Fixes) != 1 || f.Fixes[0].Fix != hygiene.OldValueEnd {
			t.Errorf("a value that ends with its key: offered %+v", f.Fixes)
		}
		if _, err := w.fix(hygiene.OldValue, capped); !fault.Is(err, fault.Conflict) {
			t.Errorf("extended past the key: %v", err)
		}
	})
}

func TestAFixDoesNothingWhenItsReasonIsGoneInTheLastMoment(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Unused", forever).Key
		w.now = noon.Add(8 * day)
		for fix, change := range map[string]string{
			hygiene.NeverUsed: "INSERT INTO key_last_used (api_key_id, last_used_at) SELECT id, created_at FROM api_keys WHERE id = ?",
			hygiene.NoExpiry:  "UPDATE api_keys SET settings_version = settings_version + 1 WHERE id = ?",
		} {
			// The guard of the context runs in the transaction of the fix, before the fix looks again.
			ctx := database.Guarded(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
				return tx.WithContext(ctx).Exec(change, k.ID).Error
			})
			if _, err := w.s.Fix(ctx, w.owner, fix, k.ID); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v, want a conflict", fix, err)
			}
		}
		if after := w.stored(k); after.Status != models.KeyActive || !after.ExpiresAt.IsZero() || len(w.audited(k)) != 1 {
			t.Errorf("it was changed: %+v, audit %v", after, w.audited(k))
		}
	})
}

func TestOfManyWhoFixTheSameThingOneDoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Unused").Key
		w.now = noon.Add(8 * day)
		var mu sync.Mutex
		results := map[fault.Kind]int{}
		var work sync.WaitGroup
		for range 10 {
			work.Go(func() {
				_, err := w.fix(hygiene.NeverUsed, k)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					results[-1]++
				} else {
					results[fault.KindOf(err)]++
				}
			})
		}
		work.Wait()
		if results[-1] != 1 || results[fault.Conflict] != 9 || len(w.audited(k)) != 2 {
			t.Errorf("results %v, audit %v", results, w.audited(k))
		}
	})
}

func TestFixesAreRefusedToThoseWhoMayNotAndForWhatIsNotThere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k, api := w.create("Webhook").Key, w.create("API", granting(access.KeysRead)).Key
		w.now = noon.Add(8 * day)
		viewer, editor, alien := w.owner, w.owner, w.workspace("other")
		viewer.Role, editor.Role = access.Viewer, access.Editor
		for name, c := range map[string]struct {
			who  access.Actor
			fix  string
			id   string
			kind fault.Kind
		}{
			"viewer":       {viewer, hygiene.NeverUsed, k.ID, fault.Forbidden},
			"editor":       {editor, hygiene.NeverUsed, api.ID, fault.NotFound},
			"alien":        {alien, hygiene.NeverUsed, k.ID, fault.NotFound},
			"no such key":  {w.owner, hygiene.NeverUsed, uuid.NewString(), fault.NotFound},
			"no key":       {w.owner, hygiene.NeverUsed, "x", fault.NotFound},
			"no such fix":  {w.owner, "never_used:take", k.ID, fault.Invalid},
			"not a reason": {w.owner, hygiene.Idle90, k.ID, fault.Conflict},
			"no policy":    {w.owner, hygiene.PolicySecret, k.ID, fault.Conflict},
		} {
			if _, err := w.s.Fix(t.Context(), c.who, c.fix, c.id); !fault.Is(err, c.kind) {
				t.Errorf("%s: %v, want kind %d", name, err, c.kind)
			}
		}
		if len(w.audited(k))+len(w.audited(api)) != 2 {
			t.Error("a refused fix left a trace")
		}
	})
}
