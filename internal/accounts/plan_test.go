package accounts_test

import (
	"context"
	"errors"
	"testing"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// strict is a form with each limit and the whole policy set.
var strict = accounts.WorkspaceSettings{
	Name: "Acme", RawRetentionDays: 30, RejectedRetentionDays: 7,
	RateLimit: 1200, PolicyMaxAgeDays: 90, PolicyRequireExpiry: true, PolicyRequireSecret: true,
}

func (w *world) workspace(actor access.Actor) models.Workspace {
	w.t.Helper()
	ws, err := w.Workspace(w.t.Context(), actor)
	if err != nil {
		w.t.Fatal(err)
	}
	return ws
}

func TestNewWorkspacesHaveTheDefaultLimitAndNoPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ws := w.workspace(w.setUp())
		if ws.RateLimit != 600 || ws.PolicyMaxAgeDays != 0 || ws.PolicyRequireExpiry || ws.PolicyRequireSecret {
			t.Errorf("workspace = %+v", ws)
		}
	})
}

func TestLimitsAndPolicyAreWrittenAndAudited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		if err := w.ChangeSettings(t.Context(), ada, strict); err != nil {
			t.Fatal(err)
		}
		ws := w.workspace(ada)
		if ws.RateLimit != 1200 || ws.PolicyMaxAgeDays != 90 || !ws.PolicyRequireExpiry || !ws.PolicyRequireSecret {
			t.Errorf("workspace = %+v", ws)
		}
		e := w.audited("workspace.settings_changed")
		if got, want := string(e.After), `{"policy_max_age_days":90,"policy_require_expiry":true,"policy_require_secret":true,"rate_limit":1200}`; got != want {
			t.Errorf("after = %s, want %s", got, want)
		}
		for name, form := range map[string]func(*accounts.WorkspaceSettings){
			"rate_limit":          func(f *accounts.WorkspaceSettings) { f.RateLimit = 0 },
			"policy_max_age_days": func(f *accounts.WorkspaceSettings) { f.PolicyMaxAgeDays = 3651 },
		} {
			bad := strict
			form(&bad)
			err := w.ChangeSettings(t.Context(), ada, bad)
			if fault.FieldsOf(err)[name] == "" || len(fault.FieldsOf(err)) != 1 {
				t.Errorf("%s: %v", name, fault.FieldsOf(err))
			}
		}
	})
}

func TestAPolicyIsKeptWhileThePlanHasNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		if err := w.ChangeSettings(t.Context(), ada, strict); err != nil {
			t.Fatal(err)
		}
		if err := w.ChangePlan(t.Context(), ada, accounts.PlanChange{From: models.PlanEnterprise, To: models.PlanTeam}); err != nil {
			t.Fatal(err)
		}
		without := strict
		without.PolicyMaxAgeDays, without.PolicyRequireExpiry, without.PolicyRequireSecret, without.RateLimit = -1, false, false, 300
		if err := w.ChangeSettings(t.Context(), ada, without); err != nil {
			t.Fatal(err)
		}
		if ws := w.workspace(ada); ws.PolicyMaxAgeDays != 90 || !ws.PolicyRequireExpiry || !ws.PolicyRequireSecret || ws.RateLimit != 300 {
			t.Errorf("workspace = %+v", ws)
		}
	})
}

func TestOnlyAnOwnerChangesThePlanAndOnlyTheOneThatWasSeen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ada := w.setUp()
		toFree := accounts.PlanChange{From: models.PlanEnterprise, To: models.PlanFree}
		wantKind(t, w.ChangePlan(t.Context(), w.join(ada, "admin@example.com", access.Admin), toFree), fault.Forbidden)
		wantKind(t, w.ChangePlan(t.Context(), ada, accounts.PlanChange{From: models.PlanEnterprise, To: "platinum"}), fault.Invalid)
		wantKind(t, w.ChangePlan(t.Context(), ada, accounts.PlanChange{From: models.PlanTeam, To: models.PlanFree}), fault.Conflict)
		errs := atOnce(4, func(int) error { return w.ChangePlan(t.Context(), ada, toFree) })
		if n := succeeded(errs); n != 1 {
			t.Errorf("%d of 4 changed the plan: %v", n, errs)
		}
		if ws := w.workspace(ada); ws.Plan != models.PlanFree {
			t.Errorf("plan = %s", ws.Plan)
		}
		e := w.audited("workspace.plan_changed")
		if string(e.Before) != `{"plan":"enterprise"}` || string(e.After) != `{"plan":"free"}` {
			t.Errorf("audited %s -> %s", e.Before, e.After)
		}
	})
}

func TestWhatInstancesRememberIsGivenUpWithTheChangeOrNothingChanges(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		told, refuse := 0, false
		w := newWorld(t, db)
		w.Service = accounts.New(accounts.Config{
			DB: db, Now: w.clock.Now, Hash: apptest.CheapHash,
			StatesChanged: func(context.Context, *gorm.DB) error {
				told++
				if refuse {
					return errors.New("no")
				}
				return nil
			},
		})
		ada := w.setUp()
		if err := w.ChangeSettings(t.Context(), ada, strict); err != nil || told != 1 {
			t.Fatalf("told %d times, %v", told, err)
		}
		if err := w.ChangeSettings(t.Context(), ada, strict); err != nil || told != 1 {
			t.Fatalf("nothing changed: told %d times, %v", told, err)
		}
		refuse = true
		if err := w.ChangePlan(t.Context(), ada, accounts.PlanChange{From: models.PlanEnterprise, To: models.PlanFree}); err == nil || told != 2 {
			t.Fatalf("told %d times, %v", told, err)
		}
		if ws := w.workspace(ada); ws.Plan != models.PlanEnterprise {
			t.Errorf("plan = %s, though the others were not told", ws.Plan)
		}
		if n := w.count("SELECT COUNT(*) FROM audit_entries WHERE action = 'workspace.plan_changed'"); n != 0 {
			t.Errorf("%d entries of a change that did not happen", n)
		}
	})
}
