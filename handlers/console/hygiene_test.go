package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/keys"
	"latchkey/models"
)

const hygienePage = "/w/acme/settings/api-keys/hygiene"

func TestHygieneListsWhatIsFoundInWordsByKind(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Forgotten"))
	a.NewKey(t, called("Ends"), endingIn(200*24*time.Hour, a))
	a.Clock.Advance(8 * 24 * time.Hour)
	b := signIn(t, a, ownerEmail)
	s := b.Get(hygienePage).Want(http.StatusOK).Shows("Forgotten", "Never used", "No expiry", "Ends")
	if got := s.Link("Forgotten"); got != keyPage(k) {
		t.Errorf("leads to %s", got)
	}
	b.Get(hygienePage+"?kind=no_expiry").Want(http.StatusOK).Shows("Forgotten", "The key works until someone ends it.").Hides(">Ends<")
	b.Get(hygienePage+"?kind=idle_90").Want(http.StatusOK).Shows("Nothing to tidy up here", "Show all findings")
	b.Get(hygienePage + "?kind=no_such_kind").Want(http.StatusOK).Shows("Forgotten")
	b.Get(hygienePage + "?before=nonsense").Want(http.StatusOK).Shows("Forgotten")
	b.Get(hygienePage+"?env=test").Want(http.StatusOK).Shows("Nothing to tidy up", "Test environment").Hides("Forgotten")
}

func TestAFindingIsMendedByOneButtonWithoutScript(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Endless"))
	b := signIn(t, a, ownerEmail)
	s := b.Get(hygienePage + "?kind=no_expiry").Want(http.StatusOK)
	label := buttonOf(t, s.Body, "Let it end on ")
	s.Submit(label, nil).At(hygienePage).Want(http.StatusOK).Shows("Nothing to tidy up")
	item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
	if err != nil || item.ExpiresAt.IsZero() {
		t.Errorf("expires %v, %v", item.ExpiresAt, err)
	}
}

// buttonOf is the accessible name of the first control whose name begins so.
func buttonOf(t *testing.T, body, begins string) string {
	t.Helper()
	_, rest, found := strings.Cut(body, `aria-label="`+begins)
	if !found {
		t.Fatalf("no control begins with %q", begins)
	}
	label, _, _ := strings.Cut(rest, `"`)
	return begins + label
}

func TestAFixWithScriptSwapsTheListAndItsCounts(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Endless"))
	a.NewKey(t, called("Other"))
	b := signIn(t, a, ownerEmail)
	part := b.Post(keyPage(k)+"/hygiene", url.Values{"fix": {"no_expiry"}, "kind": {"no_expiry"}}, "HX-Request", "true").Want(http.StatusOK)
	part.Shows("Other", "No expiry 1").Hides("<html", ">Endless<")
	b.Post(keyPage(k)+"/hygiene", url.Values{"fix": {"no_expiry"}}).Want(http.StatusConflict)
	b.Post(keyPage(k)+"/hygiene", url.Values{"fix": {"no_such_fix"}}).Want(http.StatusUnprocessableEntity)
}

func TestEndingAKeyFromTheListIsConfirmedFirst(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Forgotten"), endingIn(300*24*time.Hour, a))
	a.Clock.Advance(8 * 24 * time.Hour)
	b := signIn(t, a, ownerEmail)
	b.Get(hygienePage).Follow("Deactivate: Forgotten").Want(http.StatusOK).
		Shows("Deactivate Forgotten", "It has never been used. Requests with this key will be rejected at once. This can't be undone.").
		Submit("Deactivate key", nil).At(hygienePage).Want(http.StatusOK).Shows("Nothing to tidy up")
	item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
	if err != nil || item.Status != models.KeyDeactivated {
		t.Errorf("status %s, %v", item.Status, err)
	}
	b.Get(keyPage(k)+"/hygiene?fix=nothing", "HX-Request", "true").Want(http.StatusNotFound)
}

func TestAKeyInUseIsEndedFromTheListOnlyByItsName(t *testing.T) {
	a := app(t)
	gone := join(t, a, access.Developer, "leaving@acme.example").Account
	dev := access.Actor{AccountID: gone.ID, WorkspaceID: a.Owner.WorkspaceID, Role: access.Developer, Label: gone.Email}
	k, err := a.Keys.Create(t.Context(), dev, keys.CreateForm{Name: "Orphan", Environment: models.Live, EndpointType: models.SignalStaging})
	if err != nil {
		t.Fatal(err)
	}
	posted(t, a, k, `{"event":"x"}`)
	if err := a.Accounts.RemoveMember(t.Context(), a.Owner, gone.ID, "keep"); err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	var used bool
	for range 100 {
		if traffic, err := a.Keys.Traffic(t.Context(), a.Owner, k.Key.ID); err == nil && traffic.Last24h > 0 {
			used = true
			break
		}
		a.Usage.Flush()
	}
	if !used {
		t.Fatal("the request was not counted")
	}
	s := b.Get(hygienePage+"?kind=maker_left").Want(http.StatusOK).Shows("Orphan", "Take it over").Follow("Deactivate: Orphan").Want(http.StatusOK)
	s = s.Submit("Deactivate key", nil).Want(http.StatusUnprocessableEntity).Shows("Type the key's name, Orphan, exactly as it stands here.")
	s.Submit("Deactivate key", map[string]string{"confirm": "Orphan"}).Want(http.StatusOK).At(hygienePage)
}

func TestAnotherWorkspacesKeyIsNotMended(t *testing.T) {
	a := app(t)
	theirs := elsewhere(t, a)
	b := signIn(t, a, ownerEmail)
	b.Post(keyPage(theirs)+"/hygiene", url.Values{"fix": {"no_expiry"}}).Want(http.StatusNotFound)
	b.Get(keyPage(theirs) + "/hygiene?fix=never_used").Want(http.StatusNotFound)
}

func TestAPIKeysAreFoundUntidyOnlyByWhoMayManageThem(t *testing.T) {
	a := app(t)
	apiKey(t, a, access.ReadWorkspace)
	member(t, a, access.Developer).Get(hygienePage).Want(http.StatusOK).Shows("CI")
	member(t, a, access.Editor).Get(hygienePage).Want(http.StatusOK).Hides(">CI<")
	member(t, a, access.Viewer).Get(hygienePage).Want(http.StatusForbidden)
}

func TestSettingsSayHowManyKeysDoNotMeetThePolicy(t *testing.T) {
	a := app(t)
	a.NewKey(t, called("Endless"))
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme/settings").Submit("Save settings", map[string]string{"Require an expiry": "on"}).Want(http.StatusOK).
		Shows("1 live key has no expiry.").Follow("Show").Want(http.StatusOK).At(hygienePage).Shows("Endless")
	setPlan(t, a, models.PlanTeam)
	b.Get("/w/acme/settings").Want(http.StatusOK).Hides("has no expiry.")
}
