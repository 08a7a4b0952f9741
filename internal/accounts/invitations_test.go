package accounts_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/fault"
)

func TestInvitationWorksOnceEvenWhenUsedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		_, token, err := w.Invite(t.Context(), ada, access.Editor, "bob@example.com")
		if err != nil {
			t.Fatal(err)
		}
		errs := atOnce(4, func(i int) error {
			_, err := w.AcceptNew(t.Context(), token, accounts.NewAccount{Name: "B", Email: fmt.Sprintf("b%d@example.com", i), Password: password}, browser)
			return err
		})
		if n := succeeded(errs); n != 1 {
			t.Fatalf("%d acceptances succeeded (%v), want 1", n, errs)
		}
		if n := w.count("SELECT COUNT(*) FROM accounts"); n != 2 {
			t.Errorf("%d accounts, want Ada and one more", n)
		}
		_, err = w.Invitation(t.Context(), token)
		wantKind(t, err, fault.NotFound)
		w.audited("member.joined")
	})
}

func TestInvitationEndsAfterSevenDaysAndWhenRevoked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		old, oldToken, err := w.Invite(t.Context(), ada, access.Viewer, "")
		if err != nil {
			t.Fatal(err)
		}
		w.clock.advance(7*24*time.Hour - time.Second)
		if _, err := w.Invitation(t.Context(), oldToken); err != nil {
			t.Errorf("before seven days: %v", err)
		}
		w.clock.advance(time.Second)
		_, err = w.Invitation(t.Context(), oldToken)
		wantKind(t, err, fault.NotFound)
		wantKind(t, w.RevokeInvitation(t.Context(), ada, old.ID), fault.NotFound)

		revoked, token, err := w.Invite(t.Context(), ada, access.Viewer, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RevokeInvitation(t.Context(), ada, revoked.ID); err != nil {
			t.Fatal(err)
		}
		_, err = w.Accept(t.Context(), token, w.account(ada.AccountID), browser)
		wantKind(t, err, fault.NotFound)
		list, err := w.Invitations(t.Context(), ada)
		if err != nil || len(list) != 0 {
			t.Errorf("open invitations = %v, %v; want none", list, err)
		}
		if n := w.count("SELECT COUNT(*) FROM invitations WHERE token_hash = ?", []byte(token)); n != 0 {
			t.Error("the token itself is in the table")
		}
	})
}

func TestAnExistingAccountJoinsByInvitation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bob := w.join(ada, "bob@example.com", access.Viewer)
		other, err := w.CreateWorkspace(t.Context(), ada.AccountID, "Other", browser)
		if err != nil {
			t.Fatal(err)
		}
		there := ada
		there.WorkspaceID = other.ID
		_, token, err := w.Invite(t.Context(), there, access.Admin, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Accept(t.Context(), token, w.account(ada.AccountID), browser)
		wantKind(t, err, fault.Conflict)
		slug, err := w.Accept(t.Context(), token, w.account(bob.AccountID), browser)
		if err != nil || slug != "other" {
			t.Fatalf("accept = %q, %v", slug, err)
		}
		in, err := w.Enter(t.Context(), bob.AccountID, "other")
		if err != nil || in.Role != access.Admin {
			t.Errorf("entered as %q, %v", in.Role, err)
		}
	})
}

func TestANewAccountCannotTakeAnEmailInUse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		_, token, err := w.Invite(t.Context(), ada, access.Viewer, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.AcceptNew(t.Context(), token, accounts.NewAccount{Name: "Eve", Email: "ADA@example.com", Password: password}, browser)
		wantKind(t, err, fault.Invalid)
		if fault.FieldsOf(err)["email"] == "" {
			t.Errorf("no sentence at the field: %v", err)
		}
		if _, err := w.Invitation(t.Context(), token); err != nil {
			t.Errorf("the failed attempt used the link up: %v", err)
		}
	})
}
