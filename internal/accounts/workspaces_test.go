package accounts_test

import (
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/fault"
)

func TestWorkspacesOfOneNameGetDifferentAddresses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		slugs := make([]string, 4)
		errs := atOnce(4, func(i int) error {
			ws, err := w.CreateWorkspace(t.Context(), ada.AccountID, "Acme", browser)
			slugs[i] = ws.Slug
			return err
		})
		if n := succeeded(errs); n != 4 {
			t.Fatalf("%d of 4 were created: %v", n, errs)
		}
		seen := map[string]bool{"acme": true}
		for _, slug := range slugs {
			if seen[slug] {
				t.Errorf("address %q is given twice", slug)
			}
			seen[slug] = true
			b, err := w.Enter(t.Context(), ada.AccountID, slug)
			if err != nil || b.Role != access.Owner || b.Workspace.Plan != "enterprise" || b.Workspace.RawRetentionDays != 30 {
				t.Errorf("entered %q as %+v, %v", slug, b, err)
			}
		}
	})
}

func TestSettingsAreCheckedWrittenAndAudited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		bad := accounts.WorkspaceSettings{Name: "", RawRetentionDays: 0, RejectedRetentionDays: 3651, RateLimit: 1_000_001, PolicyMaxAgeDays: -1}
		err := w.ChangeSettings(t.Context(), ada, bad)
		wantKind(t, err, fault.Invalid)
		if len(fault.FieldsOf(err)) != 5 {
			t.Errorf("sentences = %v, want one a field", fault.FieldsOf(err))
		}
		good := accounts.WorkspaceSettings{Name: "Acme Europe", RawRetentionDays: 90, RejectedRetentionDays: 7, RateLimit: 600}
		if err := w.ChangeSettings(t.Context(), ada, good); err != nil {
			t.Fatal(err)
		}
		ws, err := w.Workspace(t.Context(), ada)
		if err != nil || ws.Name != "Acme Europe" || ws.RawRetentionDays != 90 || ws.Slug != "acme" {
			t.Errorf("workspace = %+v, %v", ws, err)
		}
		e := w.audited("workspace.settings_changed")
		if got, want := string(e.After), `{"name":"Acme Europe","raw_retention_days":90}`; got != want {
			t.Errorf("after = %s, want %s", got, want)
		}
		editor := w.join(ada, "ed@example.com", access.Editor)
		wantKind(t, w.ChangeSettings(t.Context(), editor, good), fault.Forbidden)
	})
}

func TestTheLastUsedWorkspaceIsRemembered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		other, err := w.CreateWorkspace(t.Context(), ada.AccountID, "Zeta", browser)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RememberWorkspace(t.Context(), w.account(ada.AccountID), other.ID); err != nil {
			t.Fatal(err)
		}
		b, err := w.LastUsed(t.Context(), w.account(ada.AccountID))
		if err != nil || b.Workspace.Slug != "zeta" {
			t.Errorf("last used = %q, %v", b.Workspace.Slug, err)
		}
	})
}

func TestPreferencesAreChecked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.account(w.setUp().AccountID)
		err := w.ChangePreferences(t.Context(), a, accounts.Preferences{Theme: "pink", TimeZone: "Mars/Olympus"}, browser)
		wantKind(t, err, fault.Invalid)
		if len(fault.FieldsOf(err)) != 2 {
			t.Errorf("sentences = %v", fault.FieldsOf(err))
		}
		if err := w.ChangePreferences(t.Context(), a, accounts.Preferences{Theme: "dark", TimeZone: "Asia/Kolkata", ShortcutsOff: true}, browser); err != nil {
			t.Fatal(err)
		}
		if a = w.account(a.ID); a.Theme != "dark" || a.TimeZone != "Asia/Kolkata" || !a.ShortcutsOff {
			t.Errorf("account = %+v", a)
		}
		if err := w.Rename(t.Context(), a, "  Ada   Lovelace ", browser); err != nil || w.account(a.ID).Name != "Ada Lovelace" {
			t.Errorf("renamed to %q, %v", w.account(a.ID).Name, err)
		}
		w.audited("account.preferences_changed")
	})
}
