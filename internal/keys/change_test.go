package keys_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
)

func TestRenameChangesTheNameAndNothingElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		w.now = noon.Add(time.Minute)
		if err := w.s.Rename(t.Context(), w.owner, k.ID, "  Shop "); err != nil {
			t.Fatal(err)
		}
		got := w.stored(k.ID)
		if got.Name != "Shop" || !got.UpdatedAt.Equal(w.now) {
			t.Errorf("stored %+v", got)
		}
		want(t, w.s.Rename(t.Context(), w.owner, k.ID, ""), fault.Invalid, "name")
		if err := w.s.Rename(t.Context(), w.owner, k.ID, "Shop"); err != nil {
			t.Fatal(err)
		}
		if n := len(w.audit(k.ID)); n != 2 {
			t.Errorf("%d audit entries, want those of the creation and of one change", n)
		}
	})
}

func TestExpiryCanBeSetMovedAndClearedWhileAKeyIsActive(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		for _, at := range []time.Time{noon.Add(time.Hour), noon.Add(48 * time.Hour), {}} {
			if err := w.s.ChangeExpiry(t.Context(), w.owner, k.ID, at); err != nil {
				t.Fatal(err)
			}
			if got := w.stored(k.ID).ExpiresAt; !got.Equal(at) {
				t.Errorf("expires %v, want %v", got, at)
			}
		}
		want(t, w.s.ChangeExpiry(t.Context(), w.owner, k.ID, noon), fault.Invalid, "expires")
	})
}

func TestExpiryOfADeadKeyStays(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		expired, ended := w.create(expiring(noon.Add(time.Hour))).Key, w.create().Key
		if _, err := w.s.Revoke(t.Context(), w.owner, ended.ID); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(time.Hour)
		for _, id := range []string{expired.ID, ended.ID} {
			want(t, w.s.ChangeExpiry(t.Context(), w.owner, id, w.now.Add(time.Hour)), fault.Conflict)
			want(t, w.s.ChangeExpiry(t.Context(), w.owner, id, time.Time{}), fault.Conflict)
		}
		if got := w.get(expired.ID).State(w.now); got != "expired" {
			t.Errorf("state = %q", got)
		}
	})
}

func TestDeactivateIsFinal(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		if err := w.s.Deactivate(t.Context(), w.owner, k.ID, ""); err != nil {
			t.Fatal(err)
		}
		got := w.get(k.ID)
		if got.State(w.now) != "deactivated" || !got.DeactivatedAt.Equal(noon) || got.DeactivatedBy != "Olive Owner" {
			t.Errorf("item = %+v", got)
		}
		want(t, w.s.Deactivate(t.Context(), w.owner, k.ID, ""), fault.Conflict)
		if again, err := w.s.Revoke(t.Context(), w.owner, k.ID); err != nil || again {
			t.Errorf("Revoke of a dead key = %v, %v", again, err)
		}
		if n := len(w.audit(k.ID)); n != 2 {
			t.Errorf("%d audit entries, want one for each change", n)
		}
	})
}

func TestDeactivatingAKeyInUseAsksForItsName(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create(named("Production – eu")).Key
		w.arrived(k, noon.Add(-23*time.Hour), 7, 0)
		for _, typed := range []string{"", "production – eu", "Production"} {
			want(t, w.s.Deactivate(t.Context(), w.owner, k.ID, typed), fault.Invalid, "confirm")
		}
		if got := w.get(k.ID).State(w.now); got != "active" {
			t.Fatalf("state = %q", got)
		}
		if err := w.s.Deactivate(t.Context(), w.owner, k.ID, " Production – eu "); err != nil {
			t.Error(err)
		}
	})
}

func TestTrafficOfYesterdayAsksForNoName(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		w.arrived(k, noon.Add(-25*time.Hour), 7, 0)
		w.arrived(k, noon.Add(-time.Hour), 0, 3) // refused requests are no traffic to cut off
		if err := w.s.Deactivate(t.Context(), w.owner, k.ID, ""); err != nil {
			t.Error(err)
		}
	})
}

func TestEveryChangeIsInTheAuditLogWithoutSecrets(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(withSecret)
		id := made.Key.ID
		for _, err := range []error{
			w.s.Rename(t.Context(), w.owner, id, "Shop"),
			w.s.ChangeExpiry(t.Context(), w.owner, id, noon.Add(time.Hour)),
			w.s.Deactivate(t.Context(), w.owner, id, ""),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		var actions []string
		for _, e := range w.audit(id) {
			actions = append(actions, e.Action)
			if *e.ActorAccountID != w.owner.AccountID || *e.WorkspaceID != w.owner.WorkspaceID || e.ActorLabel != w.owner.Label ||
				e.IP != w.owner.Origin.IP || e.RequestID != w.owner.Origin.RequestID || !e.CreatedAt.Equal(noon) {
				t.Errorf("entry = %+v", e)
			}
			all := strings.Join([]string{e.TargetLabel, string(e.Before), string(e.After)}, " ")
			for _, secret := range []string{made.Value.Reveal(), made.Secret.Reveal(), made.Value.Reveal()[len("sk_live_a2f9_"):]} {
				if strings.Contains(all, secret) {
					t.Errorf("%s holds a secret", e.Action)
				}
			}
		}
		want := "api_key.created api_key.renamed api_key.expiry_changed api_key.deactivated"
		if got := strings.Join(actions, " "); got != want {
			t.Errorf("actions = %s, want %s", got, want)
		}
	})
}

func TestAChangeThatFailsLeavesNoAuditEntry(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create().Key
		viewer := w.owner
		viewer.Role = access.Viewer
		if err := w.s.Rename(t.Context(), viewer, k.ID, "Mine"); err == nil {
			t.Error("a Viewer renamed a key")
		}
		if err := w.s.Deactivate(t.Context(), viewer, k.ID, ""); err == nil {
			t.Error("a Viewer deactivated a key")
		}
		if err := w.s.ChangeExpiry(t.Context(), viewer, k.ID, noon.Add(time.Hour)); err == nil {
			t.Error("a Viewer changed an expiry")
		}
		if n := len(w.audit(k.ID)); n != 1 || w.get(k.ID).Name != "Website" {
			t.Errorf("%d entries; key %+v", n, w.get(k.ID))
		}
	})
}

func TestKeysOfAMemberWhoLeavesCanAllBeEnded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		old := w.create(expiring(noon.Add(time.Hour)))
		w.now = noon.Add(26 * time.Hour)
		mine := []keys.Created{w.create(), w.create(), w.create(expiring(w.now.Add(time.Hour)))}
		w.now = w.now.Add(2 * time.Hour) // the last of them has just expired
		ended := w.create()
		if _, err := w.s.Revoke(t.Context(), w.owner, ended.Key.ID); err != nil {
			t.Fatal(err)
		}
		others := w.createAs(access.CommandLine(w.owner.WorkspaceID))
		err := w.db.Tx(t.Context(), func(tx *gorm.DB) error {
			return w.s.DeactivateAllBy(t.Context(), tx, w.owner, w.owner.AccountID)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mine {
			if got := w.get(m.Key.ID).State(w.now); got != "deactivated" || len(w.audit(m.Key.ID)) != 2 {
				t.Errorf("state %q with %d entries", got, len(w.audit(m.Key.ID)))
			}
		}
		if got := w.get(others.Key.ID).State(w.now); got != "active" {
			t.Errorf("another maker's key is %s", got)
		}
		if got := w.get(old.Key.ID).State(w.now); got != "expired" || len(w.audit(old.Key.ID)) != 1 {
			t.Errorf("the key that expired long ago is %s", got)
		}
	})
}
