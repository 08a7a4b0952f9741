package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	application "latchkey/internal/app"

	"latchkey/handlers"
	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/apptest"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

const endpointList = "/w/acme/settings/endpoints"

// hook is an address that the tests' instance may send to.
const hook = "http://127.0.0.1:9/hooks/latchkey"

// newEndpoint makes a live endpoint of Acme that is told everything.
func newEndpoint(t *testing.T, a *apptest.App, change ...func(*endpoints.Form)) endpoints.Created {
	t.Helper()
	f := endpoints.Form{URL: hook, Environment: models.Live, EventTypes: []string{"*"}}
	for _, c := range change {
		c(&f)
	}
	made, err := a.Endpoints.Create(t.Context(), a.Owner, f)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func at(address string) func(*endpoints.Form) {
	return func(f *endpoints.Form) { f.URL = address }
}

// set changes what the workers know of an endpoint.
func set(t *testing.T, a *apptest.App, id string, columns map[string]any) {
	t.Helper()
	done := a.DB.Write.Model(&models.EndpointState{}).Where("endpoint_id = ?", id).Updates(columns)
	if done.Error != nil || done.RowsAffected != 1 {
		t.Fatalf("%d states changed, %v", done.RowsAffected, done.Error)
	}
}

// owed writes deliveries of an endpoint.
func owed(t *testing.T, a *apptest.App, e endpoints.Created, status string, n int) {
	t.Helper()
	for range n {
		d := models.Delivery{
			EndpointID: e.ID, MessageID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: e.WorkspaceID,
			EventType: "signal.received", Status: status, CreatedAt: models.At(a.Clock.Now()),
		}
		if err := a.DB.Write.Create(&d).Error; err != nil {
			t.Fatal(err)
		}
	}
}

// alienEndpoint is one of a workspace that Acme's members are not in.
func alienEndpoint(t *testing.T, a *apptest.App) endpoints.Created {
	t.Helper()
	stranger := join(t, a, access.Viewer, "stranger@example.com")
	w, err := a.Accounts.CreateWorkspace(t.Context(), stranger.Account.ID, "Elsewhere", accounts.Client{})
	if err != nil {
		t.Fatal(err)
	}
	made, err := a.Endpoints.Create(t.Context(), access.Actor{AccountID: stranger.Account.ID, WorkspaceID: w.ID, Role: access.Owner, Label: "stranger"},
		endpoints.Form{URL: hook, Description: "Alien endpoint", Environment: models.Live, EventTypes: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTheEndpointListShowsEachWithItsHealth(t *testing.T) {
	a := app(t)
	now := a.Clock.Now()
	good, bad, off := newEndpoint(t, a, at("http://127.0.0.1:9/good")), newEndpoint(t, a, at("http://127.0.0.1:9/bad")), newEndpoint(t, a, at("http://127.0.0.1:9/off"))
	slow := newEndpoint(t, a, at("http://127.0.0.1:9/slow"), func(f *endpoints.Form) { f.EventTypes = []string{"signal.received", "api_key.*"} })
	newEndpoint(t, a, at("http://127.0.0.1:9/trial"), func(f *endpoints.Form) { f.Environment = models.Test })
	alienEndpoint(t, a)
	for _, m := range []models.EndpointMinute{{EndpointID: good.ID, Delivered: 199, Failed: 1}, {EndpointID: bad.ID, Failed: 7}} {
		m.Minute = now.Unix()/60 - 5
		if err := a.DB.Write.Create(&m).Error; err != nil {
			t.Fatal(err)
		}
	}
	set(t, a, good.ID, map[string]any{"last_success_at": models.At(now.Add(-2 * time.Minute))})
	set(t, a, bad.ID, map[string]any{"failing_since": models.At(now.Add(-3 * time.Hour)), "paused_until": models.At(now.Add(time.Minute))})
	set(t, a, slow.ID, map[string]any{"paused_until": models.At(now.Add(time.Minute))})
	if err := a.Endpoints.Disable(t.Context(), a.Owner, off.ID); err != nil {
		t.Fatal(err)
	}
	b := signIn(t, a, ownerEmail)
	s := b.Get(endpointList).Want(http.StatusOK).Shows(
		"99 % 199 of 200", "2 minutes ago", "0 % 0 of 7", "Failing for 3 hours", "Paused", "Disabled: by hand", "Active", "All events", "signal.received, +1",
		"All 4", "Failing 1", "Disabled 1", "Showing 4 of 4")
	s.Hides("/trial", "Alien endpoint", good.Secret.Reveal())
	if s := b.Get(endpointList + "?status=failing"); !s.HasLink("http://127.0.0.1:9/bad") || s.HasLink("http://127.0.0.1:9/good") {
		t.Error("the tab Failing lists something else")
	}
	b.Get(endpointList+"?env=test").Shows("/trial", "Test environment.", "All 1").Hides("/good")
	found := b.Get(endpointList).Submit("Search", map[string]string{"q": "/SLOW"}).At(endpointList).Shows("All 1", "Clear filters")
	if !found.HasLink("http://127.0.0.1:9/slow") {
		t.Error("the search does not find it")
	}
}

func TestAnEmptyEndpointListSaysWhatEndpointsAreFor(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get(endpointList+"?env=test").Shows("No test endpoints yet.", "latchkey listen --forward-to", "--environment test", "Create endpoint")
	s := b.Get(endpointList+"?env=test&status=failing&q=x").Shows("No endpoints match.", "Clear filters").Hides("latchkey listen")
	if got := s.Link("Clear filters"); got != endpointList+"?env=test" {
		t.Errorf("Clear filters leads to %s", got)
	}
}

func TestEveryEndpointPageTreatsAnotherWorkspacesEndpointAsNotFound(t *testing.T) {
	a := app(t)
	theirs := alienEndpoint(t, a)
	b := signIn(t, a, ownerEmail)
	for _, path := range []string{"", "/edit", "/secret", "/rotation", "/rotation/end", "/status", "/deletion"} {
		b.Get(endpointPage(theirs)+path).Want(http.StatusNotFound).Hides("Alien endpoint", "127.0.0.1:9")
	}
	fields := url.Values{"url": {"http://127.0.0.1:9/mine"}, "type": {"*"}, "to": {"disabled"}, "grace": {"now"}, "confirm": {"127.0.0.1:9"}}
	for _, path := range []string{"/edit", "/secret", "/rotation", "/rotation/end", "/status", "/deletion"} {
		b.Post(endpointPage(theirs)+path, fields).Want(http.StatusNotFound).Hides("Alien endpoint", theirs.Secret.Reveal())
	}
	var stored models.Endpoint
	if err := a.DB.Read.Take(&stored, "id = ?", theirs.ID).Error; err != nil || stored.Version != theirs.Version {
		t.Errorf("it has changed: version %d, %v", stored.Version, err)
	}
}

func TestAnEditorNeitherSeesNorReachesEndpoints(t *testing.T) {
	a := app(t)
	e := newEndpoint(t, a)
	b := member(t, a, access.Editor)
	for _, path := range []string{endpointList, endpointList + "/new", endpointPage(e), endpointPage(e) + "/edit", endpointPage(e) + "/deletion"} {
		b.Get(path).Want(http.StatusForbidden).Shows("Your role (Editor) does not allow this.").Hides(hook)
	}
	b.Post(endpointPage(e)+"/secret", nil).Want(http.StatusForbidden).Hides(e.Secret.Reveal())
	if b.Get("/profile").HasLink("Endpoints") {
		t.Error("the navigation offers endpoints to an Editor")
	}
	if d := member(t, a, access.Developer); !d.Get(endpointPage(e)).Want(http.StatusOK).Hides("Audit log of this endpoint").HasLink("Endpoints") {
		t.Error("the navigation hides endpoints from a Developer")
	}
}

func TestWithoutASecretKeyNoEndpointCanBeMade(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t), func(o *application.Options, _ *handlers.Options) { o.Secrets = nil })
	b := signIn(t, a, ownerEmail)
	b.Get(endpointList).Want(http.StatusOK).Shows("LATCHKEY_SECRET_KEY", "openssl rand -base64 32")
	b.Get(endpointList + "/new").Want(http.StatusOK).Shows("LATCHKEY_SECRET_KEY").Hides("Requests at a time")
	b.Post(endpointList, url.Values{"url": {hook}, "environment": {"live"}, "type": {"*"}}).Want(http.StatusConflict).Shows("LATCHKEY_SECRET_KEY")
}

func TestAFailingEndpointTellsHowFarItIsOnItsWay(t *testing.T) {
	a := app(t)
	e := newEndpoint(t, a)
	owed(t, a, e, models.DeliveryFailed, 2)
	b := signIn(t, a, ownerEmail)
	for _, step := range []struct {
		hours int
		says  string
		hides []string
	}{
		{2, "Failing for 2 hours", []string{"% of the way"}},
		{60, "50 % of the way to being disabled.", nil},
		{90, "75 % of the way to being disabled.", nil},
		{119, "99 % of the way to being disabled.", nil},
	} {
		set(t, a, e.ID, map[string]any{"failing_since": models.At(a.Clock.Now().Add(-time.Duration(step.hours) * time.Hour)), "last_error": "Nothing listens at 127.0.0.1:9."})
		s := b.Get(endpointPage(e)).Want(http.StatusOK).Shows(step.says, "The last attempt: Nothing listens at 127.0.0.1:9.", "It will be disabled in", "2 failed for good").Hides(step.hides...)
		if got := s.Link("Retry all failed since then"); !strings.HasPrefix(got, endpointPage(e)+"/replays/new?kind=failed&since=20") {
			t.Errorf("the retry leads to %s", got)
		}
	}
	set(t, a, e.ID, map[string]any{"failing_since": nil})
	b.Get(endpointPage(e)).Hides("It will be disabled", "Failing for")
}

func TestADisabledEndpointSaysWhyAndWhatWasSkipped(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	for reason, says := range map[string]string{models.DisabledGone: "It answered 410 Gone", models.DisabledFailing: "Every attempt failed for five days."} {
		e := newEndpoint(t, a)
		owed(t, a, e, models.DeliverySkipped, 3)
		if err := a.Endpoints.DisableBySystem(t.Context(), e.ID, reason, "The receiver is away."); err != nil {
			t.Fatal(err)
		}
		s := b.Get(endpointPage(e)).Want(http.StatusOK).Shows("Disabled just now.", says, "3 messages were skipped so far", "Enable endpoint").Hides("Replay skipped messages")
		s.Follow("Enable endpoint").Submit("Enable endpoint", nil).At(endpointPage(e)).Shows("New messages are sent to it from now on.", "3 messages were skipped while it was disabled.")
		if got := b.Get(endpointPage(e)).Link("Replay skipped messages"); got != endpointPage(e)+"/replays/new?kind=skipped" {
			t.Errorf("the replay leads to %s", got)
		}
	}
}
