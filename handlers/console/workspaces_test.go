package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/keys"
	"latchkey/models"
)

func TestWorkspaceSettingsAreChangedByAPlainForm(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme/settings").Want(http.StatusOK).Shows("Enterprise", "/w/acme").
		Submit("Save settings", map[string]string{"Name": "", "raw_retention_days": "forever", "rejected_retention_days": "7", "rate_limit": "0"}).
		Want(http.StatusUnprocessableEntity).Shows("Enter a name for the workspace.", "from 1 to 3650", "forever", "from 1 to 1000000")
	b.Get("/w/acme/settings").
		Submit("Save settings", map[string]string{"Name": "Acme Europe", "raw_retention_days": "90", "rate_limit": "1200"}).
		At("/w/acme/settings").Want(http.StatusOK).Shows("Settings saved.", "Acme Europe", "90", "1200")
}

func TestNewWorkspaceBelongsToWhoMadeIt(t *testing.T) {
	a := app(t)
	b := member(t, a, "viewer")
	b.Get("/workspaces/new").Want(http.StatusOK).Submit("Create workspace", map[string]string{"Name": "My own"})
	b.Get("/w/my-own/settings/members").Want(http.StatusOK).Shows("Owner")
	signIn(t, a, ownerEmail).Get("/w/my-own/settings/members").Want(http.StatusNotFound)
}

func TestAPolicyProposesNinetyDaysAndIsKeptAsItWasSet(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get("/w/acme/settings").Want(http.StatusOK)
	if got := s.Value("policy_max_age_days"); got != "90" {
		t.Errorf("proposes %q days, want 90", got)
	}
	s.Submit("Save settings", nil).Want(http.StatusOK)
	if w := workspace(t, a); w.PolicyMaxAgeDays != 0 {
		t.Errorf("the proposal became a policy of %d days, though the box was not ticked", w.PolicyMaxAgeDays)
	}
	tick := map[string]string{"Enforce a maximum key age": "on", "Require an expiry": "on"}
	b.Get("/w/acme/settings").Submit("Save settings", tick).Want(http.StatusOK).Shows("Settings saved.")
	if w := workspace(t, a); w.PolicyMaxAgeDays != 90 || !w.PolicyRequireExpiry || w.PolicyRequireSecret {
		t.Errorf("workspace = %+v", w)
	}
	b.Get("/w/acme/settings").Submit("Save settings", map[string]string{"policy_max_age_days": "soon"}).
		Want(http.StatusUnprocessableEntity).Shows("from 1 to 3650, or switch the maximum age off", "soon")
	b.Get("/w/acme/settings").Submit("Save settings", map[string]string{"Enforce a maximum key age": ""}).Want(http.StatusOK)
	if w := workspace(t, a); w.PolicyMaxAgeDays != 0 || !w.PolicyRequireExpiry {
		t.Errorf("workspace = %+v", w)
	}
}

func TestAPlanWithoutAPolicySaysSoAndKeepsWhatWasSet(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme/settings").Submit("Save settings", map[string]string{"Require an expiry": "on"}).Want(http.StatusOK)
	setPlan(t, a, models.PlanTeam)
	s := b.Get("/w/acme/settings").Want(http.StatusOK).Shows("The plan Team has no key policy")
	if !strings.Contains(s.Body, `name="policy_require_expiry" id="field-policy_require_expiry" disabled`) && strings.Count(s.Body, " disabled") < 4 {
		t.Error("the rules can be changed on a plan that has none")
	}
	b.Post("/w/acme/settings", url.Values{"name": {"Acme"}, "raw_retention_days": {"30"}, "rejected_retention_days": {"7"}, "rate_limit": {"600"}, "policy_require_secret": {"on"}}).Want(http.StatusOK)
	if w := workspace(t, a); !w.PolicyRequireExpiry || w.PolicyRequireSecret {
		t.Errorf("workspace = %+v", w)
	}
}

func TestThePlanIsChangedByAnOwnerWhoWasToldTheEffects(t *testing.T) {
	a := app(t)
	apiKey(t, a, access.ReadWorkspace)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme/settings").Follow("Change plan").At("/w/acme/settings/plan").Shows("Enterprise Current plan", "A key policy", "No API access").
		Follow("Change to Free").Want(http.StatusOK).
		Shows("Change from Enterprise to Free", "API access keys are refused from now on: 1 active key will stop working at once", "Webhook keys go on as they are").
		Submit("Change to Free", nil).At("/w/acme/settings").Shows("The plan is Free now.")
	if w := workspace(t, a); w.Plan != models.PlanFree {
		t.Errorf("plan = %s", w.Plan)
	}
	b.Get("/w/acme/settings/plan/change?to=team").Shows("API access keys are accepted again: 1 active key.")
	b.Get("/w/acme/settings/plan/change?to=platinum").Want(http.StatusNotFound)
	b.Get("/w/acme/settings/plan/change?to=free").Want(http.StatusConflict)
	b.Post("/w/acme/settings/plan", url.Values{"from": {"enterprise"}, "plan": {"team"}}).Want(http.StatusConflict).Shows("changed meanwhile")
	b.Get("/w/acme/audit").Shows("owner@acme.example changed the plan of Acme", "plan Before: enterprise After: free")

	admin := member(t, a, access.Admin)
	admin.Get("/w/acme/settings").Want(http.StatusOK).Shows("Only an Owner may change the plan.").Hides("/settings/plan")
	admin.Post("/w/acme/settings/plan", url.Values{"from": {"free"}, "plan": {"team"}}).Want(http.StatusForbidden)
}

func TestTheConfirmationOfAPlanIsAFragmentForTheDialog(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme/settings/plan/change?to=free", "HX-Request", "true").Want(http.StatusOK).Shows("There is no active one.").Hides("<html")
}

func workspace(t *testing.T, a *apptest.App) models.Workspace {
	t.Helper()
	w, err := a.Accounts.Workspace(t.Context(), a.Owner)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func setPlan(t *testing.T, a *apptest.App, plan string) {
	t.Helper()
	if err := a.Accounts.ChangePlan(t.Context(), a.Owner, accounts.PlanChange{From: workspace(t, a).Plan, To: plan}); err != nil {
		t.Fatal(err)
	}
}

// apiKey is a key of a program.
func apiKey(t *testing.T, a *apptest.App, scopes ...access.Scope) keys.Created {
	t.Helper()
	return a.NewKey(t, called("CI"), func(f *keys.CreateForm) { f.EndpointType, f.Scopes = models.APIAccess, scopes })
}
