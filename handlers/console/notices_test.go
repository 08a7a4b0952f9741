package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/models"
)

func remind(t *testing.T, a *apptest.App) {
	t.Helper()
	if err := a.Hygiene.Remind(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func report(t *testing.T, a *apptest.App, k keys.Created) {
	t.Helper()
	if _, err := a.Leaks.Report(t.Context(), leaks.Reporter{Name: "GitHub secret scanning"}, []leaks.Token{{Value: k.Value.Reveal(), URL: "https://git.example/acme/app"}}); err != nil {
		t.Fatal(err)
	}
}

func endingIn(d time.Duration, a *apptest.App) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.ExpiresAt = a.Clock.Now().Add(d) }
}

func TestHomeTellsOfAnExpiryUntilSomebodyDismissesIt(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Ending"), endingIn(6*24*time.Hour+time.Hour, a))
	posted(t, a, k, `{"event":"x"}`)
	remind(t, a)
	b := signIn(t, a, ownerEmail)
	var s *apptest.Screen
	apptest.Eventually(t, "the count of the request", func() bool {
		s = b.Get("/w/acme").Want(http.StatusOK)
		return strings.Contains(s.Text(), "It received 1 request in the last 24 hours.")
	})
	s.Shows("Key Ending expires in 6 days", "It ends on ")
	if got := s.Link("Key Ending expires in 6 days"); got != keyPage(k) {
		t.Errorf("leads to %s", got)
	}
	b.Get("/w/acme/signals").Hides("Keys that cannot wait")
	s.Submit("Dismiss: Key Ending expires in 6 days", nil).Want(http.StatusOK).At("/w/acme").Shows("Notice dismissed.").Hides("Key Ending expires in 6 days")
	remind(t, a)
	b.Get("/w/acme").Hides("Key Ending expires in 6 days")
	b.Get("/w/acme/audit").Shows("gave notice that the API key Ending expires soon", "dismissed a notice about Ending")
}

func TestAKeyThatEndsWithinADayIsToldOfOnEveryPage(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Last day"), endingIn(3*24*time.Hour+time.Minute, a))
	a.Clock.Advance(52 * time.Hour)
	remind(t, a)
	b := signIn(t, a, ownerEmail)
	s := b.Get("/w/acme/signals").Want(http.StatusOK).Shows("Key Last day expires in 20 hours.")
	if got := s.Link("Show key"); got != keyPage(k) {
		t.Errorf("leads to %s", got)
	}
	member(t, a, access.Viewer).Get("/w/acme/signals").Want(http.StatusOK).Hides("Keys that cannot wait", "Show key")
	if err := a.Keys.ChangeExpiry(t.Context(), a.Owner, k.Key.ID, time.Time{}); err != nil {
		t.Fatal(err)
	}
	b.Get("/w/acme/signals").Hides("Keys that cannot wait", "Show key")
}

func TestALeakIsToldOfOnEveryPageWithWhatBecameOfTheKey(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Leaky"))
	report(t, a, k)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme/signals").Shows("Key Leaky was reported as leaked and is deactivated.")
	home := b.Get("/w/acme").Shows("Key Leaky was reported as leaked and is deactivated", "Reported by GitHub secret scanning.", "https://git.example/acme/app")
	home.Hides(k.Value.Reveal())
	b.Get("/w/acme/audit").Shows("system", "took a report that the API key Leaky has leaked").Hides(k.Value.Reveal())
}

func TestALeakOfAKeyThatOnlyAlertsSaysWhatIsLeftToDo(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Alerting"), func(f *keys.CreateForm) { f.OnLeak = models.OnLeakAlert })
	report(t, a, k)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme").Shows("Key Alerting was reported as leaked", "it still works. Rotate or deactivate it now.")
	if err := a.Keys.Deactivate(t.Context(), a.Owner, k.Key.ID, ""); err != nil {
		t.Fatal(err)
	}
	b.Get("/w/acme").Shows("It has ended since.")
}

func TestAllNoticesAreDismissedAtOnceWithAndWithoutScript(t *testing.T) {
	a := app(t)
	for _, name := range []string{"One", "Two", "Three"} {
		report(t, a, a.NewKey(t, called(name)))
	}
	b := signIn(t, a, ownerEmail)
	home := b.Get("/w/acme").Shows("Notices", "Dismiss all")
	b.Get("/w/acme/signals").Shows("3 notices about keys cannot wait.")
	one := home.Body[strings.Index(home.Body, "/w/acme/notices/0"):]
	path, _, _ := strings.Cut(one, `"`)
	b.Post(path, nil, "HX-Request", "true").Want(http.StatusOK).Shows("Notice dismissed.", "Dismiss all").Hides("<html")
	b.Get("/w/acme").Submit("Dismiss all", nil).At("/w/acme").Shows("Dismissed 2 notices.").Hides("reported as leaked")
}

func TestAnotherWorkspacesNoticesAreNotThere(t *testing.T) {
	a := app(t)
	theirs := elsewhere(t, a)
	report(t, a, theirs)
	var id string
	if err := a.DB.Read.Raw("SELECT CAST(id AS TEXT) FROM notices").Scan(&id).Error; err != nil || id == "" {
		t.Fatalf("notice %q, %v", id, err)
	}
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme").Hides("Alien key")
	b.Post("/w/acme/notices/"+id+"/dismissal", nil).Want(http.StatusNotFound)
	signIn(t, a, "stranger@example.com").Get("/w/elsewhere").Shows("Key Alien key was reported as leaked")
}
