package accounts_test

import (
	"testing"

	"github.com/google/uuid"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/fault"
)

func TestTwoOwnersWhoRemoveEachOtherAtOnceLeaveOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bob := w.join(ada, "bob@example.com", access.Owner)
		pairs := [][2]access.Actor{{ada, bob}, {bob, ada}}
		errs := atOnce(2, func(i int) error {
			return w.RemoveMember(t.Context(), pairs[i][0], pairs[i][1].AccountID, accounts.KeepKeys)
		})
		if n := succeeded(errs); n != 1 {
			t.Fatalf("%d removals succeeded (%v), want 1", n, errs)
		}
		if n := w.count("SELECT COUNT(*) FROM memberships WHERE role = 'owner'"); n != 1 {
			t.Errorf("%d owners are left, want 1", n)
		}
	})
}

func TestTheLastOwnerIsProtected(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		w.join(ada, "bob@example.com", access.Admin)
		wantKind(t, w.Leave(t.Context(), ada), fault.Conflict)
		wantKind(t, w.ChangeRole(t.Context(), ada, ada.AccountID, access.Admin), fault.Conflict)
		if n := w.count("SELECT COUNT(*) FROM memberships WHERE role = 'owner'"); n != 1 {
			t.Errorf("%d owners, want 1", n)
		}
	})
}

func TestTwoOwnersWhoStepDownAtOnceLeaveOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		both := []access.Actor{ada, w.join(ada, "bob@example.com", access.Owner)}
		errs := atOnce(2, func(i int) error {
			return w.ChangeRole(t.Context(), both[i], both[i].AccountID, access.Viewer)
		})
		if n := succeeded(errs); n != 1 {
			t.Errorf("%d stepped down (%v), want 1", n, errs)
		}
	})
}

func TestRemovalEndsThePersonsSessionsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bob := w.join(ada, "bob@example.com", access.Developer)
		token := w.signIn("bob@example.com").Token
		_, link, err := w.Invite(t.Context(), access.Actor{AccountID: ada.AccountID, WorkspaceID: ada.WorkspaceID, Role: access.Owner}, access.Viewer, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveMember(t.Context(), ada, bob.AccountID, accounts.KeepKeys); err != nil {
			t.Fatal(err)
		}
		if w.signedIn(token) {
			t.Error("the removed member is still signed in")
		}
		if _, err := w.Enter(t.Context(), bob.AccountID, "acme"); !fault.Is(err, fault.NotFound) {
			t.Errorf("entering afterwards: %v", err)
		}
		if _, err := w.Invitation(t.Context(), link); err != nil {
			t.Errorf("somebody else's invitation ended too: %v", err)
		}
		w.audited("member.removed")
	})
}

func TestInvitationsOfARemovedMemberStopWorking(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bob := w.join(ada, "bob@example.com", access.Admin)
		_, link, err := w.Invite(t.Context(), bob, access.Admin, "friend@example.com")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveMember(t.Context(), ada, bob.AccountID, accounts.KeepKeys); err != nil {
			t.Fatal(err)
		}
		_, err = w.Invitation(t.Context(), link)
		wantKind(t, err, fault.NotFound)
	})
}

func TestKeysOfALeavingMemberAreKeptHandedOverOrDeactivated(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		for choice, wantOwner := range map[string]bool{accounts.KeepKeys: false, accounts.HandOverKeys: true, accounts.DeactivateKeys: false} {
			bob := w.join(ada, choice+"@example.com", access.Editor)
			key := w.key(bob)
			m, err := w.Member(t.Context(), ada, bob.AccountID)
			if err != nil || m.ActiveKeys != 1 {
				t.Fatalf("active keys = %d, %v; want 1", m.ActiveKeys, err)
			}
			if err := w.RemoveMember(t.Context(), ada, bob.AccountID, choice); err != nil {
				t.Fatalf("%s: %v", choice, err)
			}
			handed := w.count("SELECT COUNT(*) FROM api_keys WHERE id = ? AND created_by = ?", key, ada.AccountID) == 1
			if handed != wantOwner {
				t.Errorf("%s: handed over = %v", choice, handed)
			}
			asked := len(w.deactivated) == 1 && w.deactivated[0] == bob.AccountID
			if asked != (choice == accounts.DeactivateKeys) {
				t.Errorf("%s: deactivated %v", choice, w.deactivated)
			}
			w.deactivated = nil
		}
		w.audited("api_key.handed_over")
		bob := w.join(ada, "bob@example.com", access.Editor)
		wantKind(t, w.RemoveMember(t.Context(), ada, bob.AccountID, ""), fault.Invalid)
	})
}

// key inserts a key that by created.
func (w *world) key(by access.Actor) string {
	w.t.Helper()
	id := uuid.Must(uuid.NewV7()).String()
	hash := make([]byte, 32)
	copy(hash, id)
	now := w.clock.Now().UnixMicro()
	err := w.db.Write.Exec(`
		INSERT INTO api_keys (id, workspace_id, name, environment, endpoint_type, key_prefix, key_hash, status, created_by, created_at, updated_at)
		VALUES (?, ?, 'K', 'live', 'signal_staging', 'sk_live_abcd', ?, 'active', ?, ?, ?)`,
		id, by.WorkspaceID, hash, by.AccountID, now, now).Error
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestOnlyAnOwnerMakesAndUnmakesOwners(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		admin := w.join(ada, "admin@example.com", access.Admin)
		viewer := w.join(ada, "viewer@example.com", access.Viewer)
		wantKind(t, w.ChangeRole(t.Context(), admin, viewer.AccountID, access.Owner), fault.Forbidden)
		wantKind(t, w.ChangeRole(t.Context(), admin, admin.AccountID, access.Owner), fault.Forbidden)
		wantKind(t, w.ChangeRole(t.Context(), admin, ada.AccountID, access.Viewer), fault.Forbidden)
		wantKind(t, w.RemoveMember(t.Context(), admin, ada.AccountID, accounts.KeepKeys), fault.Forbidden)
		if _, _, err := w.Invite(t.Context(), admin, access.Owner, ""); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an Admin invited an Owner: %v", err)
		}
		if err := w.ChangeRole(t.Context(), admin, viewer.AccountID, access.Developer); err != nil {
			t.Error(err)
		}
		if err := w.ChangeRole(t.Context(), ada, admin.AccountID, access.Owner); err != nil {
			t.Error(err)
		}
	})
}

func TestAStaleRoleOfTheActorDoesNotCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bob := w.join(ada, "bob@example.com", access.Admin)
		carol := w.join(ada, "carol@example.com", access.Viewer)
		if err := w.ChangeRole(t.Context(), ada, bob.AccountID, access.Viewer); err != nil {
			t.Fatal(err)
		}
		// bob's request began when he was an Admin.
		wantKind(t, w.ChangeRole(t.Context(), bob, carol.AccountID, access.Admin), fault.Forbidden)
		if _, _, err := w.Invite(t.Context(), bob, access.Admin, ""); !fault.Is(err, fault.Forbidden) {
			t.Errorf("invite: %v", err)
		}
	})
}

func TestAnotherWorkspacesMembersAndInvitationsAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bob := w.join(ada, "bob@example.com", access.Viewer)
		invitation, _, err := w.Invite(t.Context(), ada, access.Viewer, "")
		if err != nil {
			t.Fatal(err)
		}
		other, err := w.CreateWorkspace(t.Context(), ada.AccountID, "Other", browser)
		if err != nil {
			t.Fatal(err)
		}
		there := ada
		there.WorkspaceID = other.ID
		wantKind(t, w.ChangeRole(t.Context(), there, bob.AccountID, access.Admin), fault.NotFound)
		wantKind(t, w.RemoveMember(t.Context(), there, bob.AccountID, accounts.KeepKeys), fault.NotFound)
		wantKind(t, w.RevokeInvitation(t.Context(), there, invitation.ID), fault.NotFound)
		wantKind(t, w.RevokeInvitation(t.Context(), ada, "not-an-id"), fault.NotFound)
		_, err = w.Member(t.Context(), there, bob.AccountID)
		wantKind(t, err, fault.NotFound)
		_, err = w.Member(t.Context(), ada, "not-an-id")
		wantKind(t, err, fault.NotFound)
	})
}

func TestLeavingEndsTheMembershipOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bob := w.join(ada, "bob@example.com", access.Developer)
		token := w.signIn("bob@example.com").Token
		if err := w.Leave(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
		if !w.signedIn(token) {
			t.Error("leaving signed the account out")
		}
		list, err := w.Workspaces(t.Context(), bob.AccountID)
		if err != nil || len(list) != 0 {
			t.Errorf("workspaces = %v, %v; want none", list, err)
		}
		_, err = w.LastUsed(t.Context(), w.account(bob.AccountID))
		wantKind(t, err, fault.NotFound)
	})
}
