package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
)

func TestScopesAreNarrowedAndWidenedOnTheirPage(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI(access.ReadWorkspace))
	b := signIn(t, a, ownerEmail)
	b.Get(keyPage(k)).Follow("Change scopes").Submit("Change scopes", map[string]string{"scope_preset": "read:write:workspace"}).
		At(keyPage(k)).Shows("Scopes changed.", "Granted by the preset read:write:workspace.")
	b.Post(keyPage(k)+"/scopes", url.Values{"scope_preset": {""}, "scope": {"audit:read", "signals:read"}}).Shows("Scopes changed.")
	scopesAre(t, a, k.Key.ID, "signals:read audit:read")
	b.Post(keyPage(k)+"/scopes", url.Values{"scope_preset": {""}}).Shows("Scopes changed.", "No scopes.")
	b.Post(keyPage(k)+"/scopes", url.Values{"scope": {"signals:delete"}}).Want(http.StatusUnprocessableEntity).Shows("There is no scope")
	b.Post(keyPage(k)+"/scopes", url.Values{"scope_preset": {"root"}}).Want(http.StatusUnprocessableEntity)
	scopesAre(t, a, k.Key.ID, "")
	b.Get("/w/acme/audit").Shows("the API key Website")
}

func TestEveryScopeThereIsCanBeChosen(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI(access.ReadWorkspace))
	b := signIn(t, a, ownerEmail)
	for _, page := range []string{keyPage(k) + "/scopes", keyList + "/new"} {
		screen := b.Get(page).Want(http.StatusOK)
		for _, scope := range access.FineScopes {
			if !strings.Contains(screen.Body, `value="`+string(scope.Scope)+`"`) {
				t.Errorf("%s does not offer %s", page, scope.Scope)
			}
		}
	}
}

func TestAScopeOfTheAPISurvivesAFormThatShowsItsParts(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI("keys:*"))
	b := signIn(t, a, ownerEmail)
	b.Post(keyPage(k)+"/scopes", url.Values{"scope_preset": {""}, "scope": {"keys:read", "keys:write"}}).At(keyPage(k)).Shows("Scopes left as they were.")
	scopesAre(t, a, k.Key.ID, "keys:*")
}

func TestAFormOfScopesThatSomebodyOvertookChangesNothing(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI(access.ReadWorkspace))
	b := signIn(t, a, ownerEmail)
	old := b.Get(keyPage(k) + "/scopes")
	b.Get(keyPage(k)+"/scopes").Submit("Change scopes", map[string]string{"scope_preset": "admin:full"}).Want(http.StatusOK)
	old.Submit("Change scopes", map[string]string{"scope_preset": "read:write:workspace"}).Want(http.StatusConflict).Shows("changed by someone else")
	scopesAre(t, a, k.Key.ID, "admin:full")
}

func TestAKeyThatMayMoreThanItsReaderIsReadOnly(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI(access.AdminFull))
	b := member(t, a, access.Developer)
	for _, path := range []string{"/scopes", "/rotation", "/addresses", "/protection"} {
		b.Get(keyPage(k)+path).Want(http.StatusOK).Shows("This key may do more than you may grant: admin:full.", "Ask one of: Owner, Admin.").
			Hides("Change scopes", ">Rotate key<", "Save address list", "Save protection")
	}
	b.Post(keyPage(k)+"/scopes", url.Values{"scope_preset": {"read:workspace"}}).Want(http.StatusConflict).Shows("may do more than you may grant")
	b.Post(keyPage(k)+"/rotation", url.Values{"grace": {"24h"}}).Want(http.StatusForbidden)
	b.Post(keyPage(k)+"/protection", url.Values{"on_leak": {"alert"}}).Want(http.StatusForbidden)
	b.Post(keyPage(k)+"/addresses", url.Values{"mode": {"watch"}, "allow_list": {"10.0.0.1"}}).Want(http.StatusForbidden)
	scopesAre(t, a, k.Key.ID, "admin:full")
}

func TestScopesTellWhenTheyWereUsedLast(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, inAPI(access.WorkspaceRead, access.SignalsRead))
	if got := a.Send(t, http.MethodGet, "/api/v1/workspaces/me", nil, "Authorization", "Bearer "+k.Value.Reveal()); got.Status != http.StatusOK {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	apptest.Eventually(t, "the scope's use to be noted", func() bool {
		used, err := a.Keys.ScopeUses(t.Context(), a.Owner, k.Key.ID)
		return err == nil && !used[access.WorkspaceRead].IsZero() && used[access.SignalsRead].IsZero()
	})
	b := signIn(t, a, ownerEmail)
	b.Get(keyPage(k)).Shows("workspace:read Read the workspace's name, plan and number of members just now", "signals:read Read the signals that arrived Never")
}

func TestWebhookKeysHaveNoScopes(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	b.Get(keyPage(k) + "/scopes").Want(http.StatusNotFound).Shows("only API-access keys have them")
	b.Post(keyPage(k)+"/scopes", url.Values{"scope_preset": {"admin:full"}}).Want(http.StatusNotFound)
	scopesAre(t, a, k.Key.ID, "")
}
