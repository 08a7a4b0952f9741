package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/keys"
	"latchkey/models"
)

// apiForm is the form of a new API-access key as a browser sends it.
func apiForm(name, preset string, scopes ...string) url.Values {
	return url.Values{
		"name": {name}, "endpoint_type": {models.APIAccess}, "environment": {models.Live}, "expires": {"90d"},
		"scope_preset": {preset}, "scope": scopes,
	}
}

func inAPI(scopes ...access.Scope) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.EndpointType, f.Scopes = models.APIAccess, scopes }
}

func scopesAre(t *testing.T, a *apptest.App, id, want string) {
	t.Helper()
	k, err := a.Keys.Get(t.Context(), a.Owner, id)
	if err != nil {
		t.Fatal(err)
	}
	if k.Scopes != want {
		t.Errorf("scopes = %q, want %q", k.Scopes, want)
	}
}

// setPolicy writes a workspace's key policy, or its plan, past the settings page.
func setWorkspace(t *testing.T, a *apptest.App, set string, args ...any) {
	t.Helper()
	if err := a.DB.Write.Exec("UPDATE workspaces SET "+set+" WHERE id = ?", append(args, a.Owner.WorkspaceID)...).Error; err != nil {
		t.Fatal(err)
	}
}

func TestAnAPIAccessKeyIsShownOnceWithCallsThatWork(t *testing.T) {
	a := app(t)
	b := member(t, a, access.Developer)
	b.Get(keyList+"/new").Shows("API access", "read:workspace", "Read everything in the workspace but members and the audit log.",
		"can do nothing but ask GET /api/v1/me", "/api/v1/me'")
	s := b.Post(keyList, apiForm("CI", "read:workspace", "keys:read", "templates:write")).Want(http.StatusOK).
		Shows("Key created: CI", "This is the only time the full key is shown.", "Waiting for the first request...", "GET /api/v1/workspaces/me")
	s.Hides("Webhook URL", "Send a test event", "X-Api-Secret")
	key := s.Value("new-key")
	s.Shows("curl '"+a.URL+"/api/v1/workspaces/me' \\ -H 'Authorization: Bearer "+key+"'", "http.MethodGet", "urllib.request")
	k := only(t, a)
	scopesAre(t, a, k.ID, "read:workspace templates:write")
	if got := a.Send(t, http.MethodGet, "/api/v1/workspaces/me", nil, "Authorization", "Bearer "+key); got.Status != http.StatusOK {
		t.Errorf("the shown call: %d %s", got.Status, got.Body)
	}
	owner := signIn(t, a, ownerEmail)
	page := owner.Get(keyList+"/"+k.ID).Shows("API access", a.URL+"/api/v1", "Answered", "Refused", "templates:write", "Granted by the preset read:workspace, and one by one.")
	page.Hides("Source signature", "Send a test event", "Recent requests", "/webhook", "Shared secret")
	for _, path := range []string{"", "/scopes", "/addresses", "/protection", "/rotation", "/deactivation"} {
		owner.Get(keyList+"/"+k.ID+path).Want(http.StatusOK).Hides(key, key[len("sk_live_a2f9_"):])
	}
}

func TestAKeyWithoutScopesIsOfferedTheOneCallThatItMayMake(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Post(keyList, apiForm("Nothing", "")).Want(http.StatusOK).Shows("GET /api/v1/me", a.URL+"/api/v1/me'").Hides("/workspaces/me")
	if got := a.Send(t, http.MethodGet, "/api/v1/me", nil, "Authorization", "Bearer "+s.Value("new-key")); got.Status != http.StatusOK {
		t.Errorf("the shown call: %d %s", got.Status, got.Body)
	}
	k := only(t, a)
	scopesAre(t, a, k.ID, "")
	b.Get(keyList+"/"+k.ID).Shows("No scopes.", "can do nothing but ask GET /api/v1/me")
}

func TestThePageOfANewAPIKeyHearsOfItsFirstCall(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := a.NewKey(t, inAPI(access.ReadWorkspace))
	lines := stream(t, a, b, k)
	a.Send(t, http.MethodGet, "/api/v1/me", nil, "Authorization", "Bearer "+k.Value.Reveal())
	until(t, lines, "First request received from 127.0.0.1")
	until(t, lines, "event: done")
}

func TestWhatARoleMayNotGrantIsThereWithTheReason(t *testing.T) {
	a := app(t)
	b := member(t, a, access.Developer)
	s := b.Get(keyList + "/new?type=api_access").Shows("Your role (Developer) does not allow this. Ask one of: Owner, Admin.")
	for _, scope := range []string{"admin:full", "members:read", "audit:read"} {
		if !disabled(s, scope) {
			t.Errorf("a Developer may tick %s", scope)
		}
		form := apiForm("CI", "", scope)
		if scope == "admin:full" {
			form = apiForm("CI", scope)
		}
		b.Post(keyList, form).Want(http.StatusForbidden).Shows("Your role (Developer) may not grant: " + scope)
	}
	if disabled(s, "keys:write") || disabled(signIn(t, a, ownerEmail).Get(keyList+"/new"), "admin:full") {
		t.Error("what may be granted is disabled")
	}
	if page, err := a.Keys.List(t.Context(), a.Owner, keys.Filter{}); err != nil || len(page.Items) != 0 {
		t.Errorf("%d keys were made, %v", len(page.Items), err)
	}
}

// disabled tells whether the control with this value is.
func disabled(s *apptest.Screen, value string) bool {
	_, after, found := strings.Cut(s.Body, `value="`+value+`"`)
	tag, _, _ := strings.Cut(after, ">")
	return found && strings.Contains(tag, "disabled")
}

func TestAnEditorMakesNoAPIAccessKeysAndSeesNone(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI(), called("Robot"))
	b := member(t, a, access.Editor)
	if s := b.Get(keyList + "/new").Shows("Your role (Editor) does not allow this. Ask one of: Owner, Admin, Developer."); !disabled(s, models.APIAccess) {
		t.Error("the card is enabled")
	}
	b.Post(keyList, apiForm("CI", "read:workspace")).Want(http.StatusForbidden)
	b.Get(keyList).Hides("Robot", "API access")
	for _, path := range []string{"", "/rotation", "/addresses", "/protection"} {
		b.Get(keyPage(k) + path).Want(http.StatusNotFound).Hides("Robot")
	}
	b.Get(keyPage(k) + "/scopes").Want(http.StatusForbidden).Hides("Robot")
}

func TestThePlanFreeSaysWhyThereIsNoAPIAccess(t *testing.T) {
	a := app(t)
	setWorkspace(t, a, "plan = ?", models.PlanFree)
	b := signIn(t, a, ownerEmail)
	for _, page := range []string{"/new?type=api_access", "/import"} {
		if s := b.Get(keyList + page).Shows("The plan of this workspace, free, has no API access."); !disabled(s, models.APIAccess) {
			t.Error("the card is enabled")
		}
	}
	b.Post(keyList, apiForm("CI", "read:workspace")).Want(http.StatusForbidden).Shows("The plan of this workspace has no API access.")
}

func TestTheKeyPolicyLeavesOnlyWhatItAllows(t *testing.T) {
	a := app(t)
	setWorkspace(t, a, "policy_max_age_days = 45, policy_require_secret = ?", true)
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyList+"/new").Shows("lets a key live for 45 days at most", "45 days", "30 days", "The policy of this workspace asks for one.")
	s.Hides(">90 days<", ">Never<")
	s.Submit("Create key", map[string]string{"Name": "Shop"}).Want(http.StatusOK).Shows("Shared secret")
	k := only(t, a)
	if left := k.ExpiresAt.Sub(k.CreatedAt.Time).Hours() / 24; left < 44.9 || left > 45 {
		t.Errorf("the form begins with %f days", left)
	}
	refused := b.Post(keyList, url.Values{"name": {"x"}, "environment": {"live"}, "endpoint_type": {"signal_staging"}, "expires": {"never"}}).
		Want(http.StatusUnprocessableEntity)
	refused.Shows("lets a key live for 45 days", "asks for a shared secret with every webhook key")
	if !strings.Contains(refused.Body, `id="field-secret-error"`) || !strings.Contains(refused.Body, `id="field-expires-error"`) {
		t.Error("the sentences do not stand at their fields")
	}
	b.Get(keyList+"/"+k.ID).Shows("45 days at most", "rotate it for longer").Hides(">90 days<")
	setWorkspace(t, a, "plan = ?", models.PlanTeam)
	b.Get(keyList + "/new").Shows("Never").Hides("45 days")
}

func TestAnotherLikeItTakesTheScopesAlong(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI(access.ReadWorkspace, access.AuditRead), called("CI"))
	b := signIn(t, a, ownerEmail)
	form := b.Get(keyList + "/new?like=" + k.Key.ID).Want(http.StatusOK)
	s := form.Submit("Create key", nil).Want(http.StatusOK).Shows("Key created: CI")
	made, err := a.Keys.Find(t.Context(), a.Owner, s.Value("new-key"))
	if err != nil {
		t.Fatal(err)
	}
	scopesAre(t, a, made, "read:workspace audit:read")
}
