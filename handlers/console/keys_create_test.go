package console_test

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/keys"
	"latchkey/models"
)

// only returns the workspace's one key.
func only(t *testing.T, a *apptest.App) keys.Item {
	t.Helper()
	page, err := a.Keys.List(t.Context(), a.Owner, keys.Filter{})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%d keys, %v; want one", len(page.Items), err)
	}
	return page.Items[0]
}

func TestANewKeyIsShownOnceAndWorks(t *testing.T) {
	a := app(t)
	b := member(t, a, access.Editor)
	s := b.Get(keyList).Follow("Create key").Want(http.StatusOK).
		Submit("Create key", map[string]string{"Name": "Shop", "secret": "on", "Expiration": "Never"}).Want(http.StatusOK)
	s.Shows("Key created: Shop", "This is the only time the full key is shown.", "Waiting for the first request...")
	key, secret := s.Value("new-key"), s.Value("new-key-secret")
	s.Shows(a.URL+"/api/signal-staging/webhook/"+key, "X-Api-Secret: "+secret, "Authorization: Bearer "+key)
	if got := s.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	if got := a.Post(t, "/api/signal-staging/webhook/"+key, `{"event":"form_submitted"}`, "X-Api-Secret", secret); got.Status != http.StatusOK {
		t.Fatalf("the new key: %d %s", got.Status, got.Body)
	}
	k := only(t, a)
	if k.Name != "Shop" || k.Environment != models.Live || !k.ExpiresAt.IsZero() || k.SecretHash == nil {
		t.Errorf("stored %+v", k.APIKey)
	}
	owner := signIn(t, a, ownerEmail)
	for _, path := range []string{keyList, keyList + "/" + k.ID, keyList + "/" + k.ID + "/deactivation", keyList + "/new?like=" + k.ID, "/w/acme/audit", "/w/acme/requests?key=" + k.ID} {
		owner.Get(path).Hides(key, key[len("sk_live_a2f9_"):], secret)
	}
}

func TestAFormThatIsSentTwiceMakesOneKeyAndShowsItOnce(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	form := b.Get(keyList + "/new?env=test")
	first := form.Submit("Create key", map[string]string{"Name": "Shop", "secret": "on"}).Want(http.StatusOK)
	again := form.Submit("Create key", map[string]string{"Name": "Shop", "secret": "on"}).Want(http.StatusConflict)
	again.Shows("This form has made its key already", "can't be shown again", "Test environment.").
		Hides(first.Value("new-key"), first.Value("new-key-secret"))
	if k := only(t, a); k.Environment != models.Test {
		t.Errorf("environment = %s", k.Environment)
	}
	like := again.Follow("Create another like it").Want(http.StatusOK)
	if like.Value("name") != "Shop" || like.Value("nonce") == form.Value("nonce") {
		t.Error("the new form is not filled in, or is the old one")
	}
	like.Submit("Create key", nil).Want(http.StatusOK).Shows("sk_test_", "Shared secret")
}

func TestARefusedFormComesBackWithItsValuesAndSentences(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyList+"/new").Submit("Create key", map[string]string{
		"Name": " ", "environment": "test", "secret": "on", "Expiration": "At a date and time", "Date and time": "2001-02-03T04:05",
	}).Want(http.StatusUnprocessableEntity)
	s.Shows("Give the key a name", "Choose a time in the future", "2001-02-03T04:05")
	fixed := s.Submit("Create key", map[string]string{"Name": "Shop", "Expiration": "1 year"}).Want(http.StatusOK)
	fixed.Shows("sk_test_", "Shared secret")
	for _, expires := range []string{"", "at", "soon"} {
		b.Post(keyList, url.Values{"name": {"x"}, "environment": {"live"}, "endpoint_type": {"signal_staging"}, "expires": {expires}}).
			Want(http.StatusUnprocessableEntity)
	}
	b.Post(keyList, url.Values{"name": {"x"}, "environment": {"live"}, "endpoint_type": {"nothing"}, "expires": {"never"}}).
		Want(http.StatusUnprocessableEntity).Shows("Choose what the key is for")
	b.Post(keyList, url.Values{"name": {"x"}, "environment": {"live"}, "endpoint_type": {"product_orgs"}, "expires": {"never"}}).
		Want(http.StatusUnprocessableEntity).Shows("A Product org key needs a payload template")
	only(t, a)
}

func TestAnExpiryIsReadInTheReadersZone(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Post("/profile/preferences", url.Values{"theme": {"system"}, "time_zone": {"Asia/Kolkata"}}).Want(http.StatusOK)
	at := a.Clock.Now().UTC().AddDate(0, 1, 0).Truncate(time.Minute)
	local := at.Add(5*time.Hour + 30*time.Minute).Format("2006-01-02T15:04")
	b.Get(keyList+"/new").Shows("Asia/Kolkata").
		Submit("Create key", map[string]string{"Name": "Shop", "Expiration": "At a date and time", "Date and time": local}).Want(http.StatusOK)
	k := only(t, a)
	if !k.ExpiresAt.Equal(at) {
		t.Errorf("expires %v, want %v", k.ExpiresAt, at)
	}
	if got := b.Get(keyList + "/" + k.ID).Value("expires_at"); got != local {
		t.Errorf("the key's page offers %s, want %s", got, local)
	}
}

// stream opens the new key's event stream as the page's script does.
func stream(t *testing.T, a *apptest.App, b *apptest.Browser, k keys.Created) *bufio.Scanner {
	t.Helper()
	return streamAt(t, a, b, keyPage(k)+"/first-request")
}

func streamAt(t *testing.T, a *apptest.App, b *apptest.Browser, path string) *bufio.Scanner {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for _, c := range b.Cookies() {
		r.AddCookie(c)
	}
	res, err := a.Server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%d %s", res.StatusCode, got)
	}
	return bufio.NewScanner(res.Body)
}

// until reads lines up to the one that contains text.
func until(t *testing.T, lines *bufio.Scanner, text string) string {
	t.Helper()
	var read strings.Builder
	for lines.Scan() {
		read.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), text) {
			return read.String()
		}
	}
	t.Fatalf("the stream ended without %q: %s", text, read.String())
	return ""
}

func TestThePageOfANewKeyHearsOfItsFirstRequest(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	k := a.NewKey(t, secured)
	lines := stream(t, a, b, k)
	a.Post(t, "/api/signal-staging/webhook/"+k.Value.Reveal(), `{"event":"x"}`)
	until(t, lines, "401 missing_api_secret")
	a.Post(t, "/api/signal-staging/webhook/"+k.Value.Reveal(), `{"event":"x"}`, "X-Api-Secret", k.Secret.Reveal())
	until(t, lines, "First request received from 127.0.0.1.")
	rest := until(t, lines, "event: done")
	if strings.Contains(rest, "<html") || strings.Contains(rest, k.Secret.Reveal()) {
		t.Errorf("the stream holds what it should not: %s", rest)
	}
	for lines.Scan() {
	}
	if lines.Err() != nil {
		t.Errorf("the stream was cut off: %v", lines.Err())
	}
	b.Get(keyPage(k) + "/first-request").At(keyPage(k))
}

func TestAStreamEndsWhenTheServerStops(t *testing.T) {
	a := app(t)
	lines := stream(t, a, signIn(t, a, ownerEmail), a.NewKey(t))
	a.Stop()
	for lines.Scan() {
	}
}

func TestAnotherLikeItIsProtectedLikeIt(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Shop"), func(f *keys.CreateForm) {
		f.RateLimit, f.OnLeak, f.AllowList, f.AllowListMode = 60, models.OnLeakAlert, "10.0.0.0/8", models.AllowListEnforce
	})
	b := signIn(t, a, ownerEmail)
	s := b.Get(keyList+"/new?like="+k.Key.ID).Shows("Taken over from Shop: the limit of 60 requests a minute, the address list, only an alarm").
		Submit("Create key", map[string]string{"Name": "Shop 2"}).Want(http.StatusOK)
	id, err := a.Keys.Find(t.Context(), a.Owner, s.Value("new-key"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := a.Keys.Get(t.Context(), a.Owner, id)
	if err != nil || made.RateLimit != 60 || made.OnLeak != models.OnLeakAlert || made.AllowList != "10.0.0.0/8" || made.AllowListMode != models.AllowListEnforce {
		t.Errorf("made %+v, %v", made.APIKey, err)
	}
	theirs := elsewhere(t, a)
	b.Post(keyList, url.Values{"name": {"x"}, "like": {theirs.Key.ID}, "environment": {"live"}, "endpoint_type": {"signal_staging"}, "expires": {"never"}}).
		Want(http.StatusNotFound).Hides("Alien key")
}
