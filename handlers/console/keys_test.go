package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/keys"
	"latchkey/models"
)

const keyList = "/w/acme/settings/api-keys"

func keyPage(k keys.Created) string { return keyList + "/" + k.Key.ID }

func called(name string) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.Name = name }
}

func forTest(f *keys.CreateForm) { f.Environment = models.Test }

func secured(f *keys.CreateForm) { f.WithSecret = true }

// send posts one event with a key and waits until its use is counted.
func send(t *testing.T, a *apptest.App, k keys.Created) {
	t.Helper()
	before := traffic(t, a, k)
	a.Post(t, "/api/signal-staging/webhook/"+k.Value.Reveal(), `{"event":"form_submitted"}`, "X-Api-Secret", k.Secret.Reveal())
	apptest.Eventually(t, "the event to be counted", func() bool { return traffic(t, a, k) > before })
}

func traffic(t *testing.T, a *apptest.App, k keys.Created) int64 {
	t.Helper()
	got, err := a.Keys.Traffic(t.Context(), a.Owner, k.Key.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got.Last24h
}

// elsewhere makes a key in a workspace that Acme's members are not in.
func elsewhere(t *testing.T, a *apptest.App) keys.Created {
	t.Helper()
	stranger := join(t, a, access.Viewer, "stranger@example.com")
	w, err := a.Accounts.CreateWorkspace(t.Context(), stranger.Account.ID, "Elsewhere", accounts.Client{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := a.Keys.Create(t.Context(), access.Actor{AccountID: stranger.Account.ID, WorkspaceID: w.ID, Role: access.Owner, Label: "stranger"},
		keys.CreateForm{Name: "Alien key", Environment: models.Live, EndpointType: models.SignalStaging})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTheListShowsEachKeyMaskedWithItsState(t *testing.T) {
	a := app(t)
	used, soon, ended := a.NewKey(t, called("Shop")), a.NewKey(t, called("Soon"), func(f *keys.CreateForm) {
		f.ExpiresAt = a.Clock.Now().Add(73 * time.Hour)
	}), a.NewKey(t, called("Ended"))
	a.NewKey(t, called("Trial"), forTest)
	elsewhere(t, a)
	send(t, a, used)
	if _, err := a.Keys.Revoke(t.Context(), a.Owner, ended.Key.ID); err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyList).Want(http.StatusOK)
	s.Shows("Shop", used.Key.KeyPrefix+"_••••", "Signal staging", "Active", "just now", "Never", "Expires in 3 days", "Deactivated",
		"by Olive Owner", "All 3", "Active 2", "Expiring soon 1", "Expired 0", "Deactivated 1", "Showing 3 of 3")
	s.Hides("Alien key", "Trial", used.Value.Reveal(), soon.Value.Reveal())
	if s := b.Get(keyList + "?status=deactivated"); !s.HasLink("Ended") || s.HasLink("Shop") {
		t.Error("the tab Deactivated lists something else")
	}
	if s := b.Get(keyList + "?env=test"); !s.HasLink("Trial") || s.HasLink("Shop") || !strings.Contains(s.Text(), "Test environment.") {
		t.Error("the test environment lists something else")
	}
	b.Get(keyList+"?type=signal_staging&q=shop").Shows("All 1", "Clear filters")
}

func TestAnEmptyListSaysWhyAndWhatToDo(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get(keyList+"?env=test").Shows("No test keys yet.", "curl '"+a.URL+"/api/signal-staging/webhook/sk_test_••••'", "Create key")
	s := b.Get(keyList+"?env=test&q=nothing").Shows("No keys match.", "Clear filters")
	s.Hides("curl")
	if got := s.Link("Clear filters"); got != keyList+"?env=test" {
		t.Errorf("Clear filters leads to %s", got)
	}
}

func TestLongListsPageOnAndBack(t *testing.T) {
	a := app(t)
	for range 51 {
		a.NewKey(t)
	}
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyList + "?status=active").Shows("Showing 50 of 51").Follow("Older").Shows("Showing 1 of 51")
	if got := s.URL.Query().Get("status"); got != "active" {
		t.Errorf("paging lost the tab: %s", s.URL)
	}
	if s.HasLink("Older") {
		t.Error("the last page leads on")
	}
	s.Follow("Newer").Shows("Showing 50 of 51")
}

func TestAPastedWholeKeyLeadsToItsPageAndIsNeverRepeated(t *testing.T) {
	a := app(t)
	mine, theirs := a.NewKey(t, called("Mine"), secured), elsewhere(t, a)
	b := signIn(t, a, ownerEmail)
	value := mine.Value.Reveal()
	b.Get(keyList).Submit("Search", map[string]string{"q": " " + value + " "}).At(keyPage(mine)).Hides(value)
	b.Get(keyList + "?q=" + url.QueryEscape(value)).At(keyPage(mine)).Hides(value)
	const none = "No key of this workspace has the value that you pasted."
	for what, pasted := range map[string]string{
		"another workspace's": theirs.Value.Reveal(), "mistyped": value[:len(value)-1] + "!", "cut off": value[:len(value)-4], "a shared secret": mine.Secret.Reveal(),
	} {
		s := b.Get(keyList+"?env=test").Submit("Search", map[string]string{"q": pasted}).At(keyList).Shows(none)
		if s.Hides(pasted, "Alien key"); s.URL.RawQuery != "env=test" {
			t.Errorf("%s: ended at ?%s", what, s.URL.RawQuery)
		}
		b.Get(keyList + "?q=" + url.QueryEscape(pasted)).At(keyList).Shows(none).Hides(pasted)
	}
	s := b.Get(keyList).Submit("Search", map[string]string{"q": "mi"}).At(keyList)
	if s.URL.RawQuery != "q=mi" || !s.HasLink("Mine") {
		t.Errorf("a text to search for ended at %s", s.URL)
	}
}

func TestEveryKeyPageTreatsAnotherWorkspacesKeyAsNotFound(t *testing.T) {
	a := app(t)
	theirs := elsewhere(t, a)
	b := signIn(t, a, ownerEmail)
	for _, path := range []string{"", "/first-request", "/deactivation"} {
		b.Get(keyPage(theirs)+path).Want(http.StatusNotFound).Hides("Alien key", theirs.Key.KeyPrefix)
	}
	b.Get(keyList + "/new?like=" + theirs.Key.ID).Want(http.StatusNotFound).Hides("Alien key")
	for _, path := range []string{"/name", "/expiry", "/deactivation"} {
		b.Post(keyPage(theirs)+path, url.Values{"name": {"Mine"}, "expires": {"30d"}}).Want(http.StatusNotFound).Hides("Alien key")
	}
}

func TestAViewerNeitherSeesNorReachesKeys(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	b := member(t, a, access.Viewer)
	for _, path := range []string{keyList, keyList + "/new", keyPage(k), keyPage(k) + "/deactivation"} {
		b.Get(path).Want(http.StatusForbidden).Shows("Your role (Viewer) does not allow this.").Hides("Shop", k.Key.KeyPrefix)
	}
	if b.Get("/profile").HasLink("API keys") {
		t.Error("the navigation offers keys to a Viewer")
	}
}

func TestTheKeyPageTellsFactsUseAndHistory(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"), secured)
	send(t, a, k)
	refused := a.Post(t, "/api/signal-staging/webhook", `{"event":"x"}`, "Authorization", "Bearer "+k.Value.Reveal())
	a.Logged(t, refused.Header.Get("X-Request-Id"))
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyPage(k)).Want(http.StatusOK).Shows(
		"Shop", k.Key.KeyPrefix+"_••••", "Active", "Live", "Required, in the header X-Api-Secret", "from 127.0.0.1 with Go-http-client/1.1", "by Olive Owner",
		a.URL+"/api/signal-staging/webhook/{key}", a.URL+"/api/signal-staging/webhook/{source}/{key}", a.URL+"/api/signal-staging/bulk/{key}",
		"Events in the last 24 hours", "200 Accepted", "form_submitted", "401 Rejected", "requires its shared secret",
		"created the API key Shop", "Rename key", "Change expiry", "Deactivate key")
	s.Hides(k.Value.Reveal(), k.Secret.Reveal())
	for name, label := range map[string]string{"7d": "Events in the last 7 days", "30d": "Events in the last 30 days"} {
		b.Get(keyPage(k) + "?span=" + name).Shows(label)
	}
	member(t, a, access.Editor).Get(keyPage(k)).Want(http.StatusOK).Shows("Shop").Hides("created the API key")
}

func TestADeadKeysPageShowsTheCallsThatStillArrive(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Old"))
	if _, err := a.Keys.Revoke(t.Context(), a.Owner, k.Key.ID); err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyPage(k)).Shows("This key was deactivated just now.", "No call came with it since.", "Create another like it")
	s.Hides("Change expiry", "Danger area", "{key}")
	a.Post(t, "/api/signal-staging/webhook/"+k.Value.Reveal(), `{"event":"x"}`)
	apptest.Eventually(t, "the refused call to be seen", func() bool {
		item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
		return err == nil && !item.LastUsed.LastRefusedAt.IsZero()
	})
	b.Get(keyPage(k)).Shows("Calls still arrive with it and are rejected: the latest just now from 127.0.0.1 with Go-http-client/1.1.")
	a.Clock.Advance(25 * time.Hour)
	signIn(t, a, ownerEmail).Get(keyPage(k)).Shows("It has gone quiet: the last rejected call came 1 day ago")
}

func TestAKeySeenFromABrowserIsFlagged(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	send(t, a, k)
	b := signIn(t, a, ownerEmail)
	b.Get(keyPage(k)).Hides("used from a browser")
	a.Post(t, "/api/signal-staging/webhook/"+k.Value.Reveal(), `{"event":"x"}`, "Origin", "https://shop.example", "Sec-Fetch-Site", "cross-site")
	apptest.Eventually(t, "the browser to be seen", func() bool {
		item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
		return err == nil && !item.LastUsed.BrowserSeenAt.IsZero()
	})
	b.Get(keyPage(k)).Shows("This key was used from a browser just now.")
}

func TestRenameAndExpiryArePlainForms(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"))
	b := signIn(t, a, ownerEmail)
	b.Get(keyPage(k)).Submit("Rename key", map[string]string{"Name": "Shop <eu>"}).At(keyPage(k)).Shows("Key renamed.", "Shop <eu>")
	s := b.Get(keyPage(k)).Submit("Rename key", map[string]string{"Name": " "}).Want(http.StatusUnprocessableEntity)
	s.Shows("Give the key a name")
	b.Get(keyPage(k)).Submit("Change expiry", map[string]string{"Expiration": "30 days"}).At(keyPage(k)).Shows("Expiry changed.", "in 29 days")
	b.Get(keyPage(k)).Submit("Change expiry", map[string]string{"Expiration": "At a date and time", "Date and time": "2001-01-01T00:00"}).
		Want(http.StatusUnprocessableEntity).Shows("Choose a time in the future", "2001-01-01T00:00")
	b.Get(keyPage(k)).Submit("Change expiry", map[string]string{"Expiration": "Never"}).At(keyPage(k)).Shows("Expires Never")
	b.Post(keyPage(k)+"/expiry", url.Values{"expires": {"nonsense"}}).Want(http.StatusUnprocessableEntity)
	if _, err := a.Keys.Revoke(t.Context(), a.Owner, k.Key.ID); err != nil {
		t.Fatal(err)
	}
	b.Post(keyPage(k)+"/expiry", url.Values{"expires": {"30d"}}).Want(http.StatusConflict).Shows("This key is deactivated")
}
