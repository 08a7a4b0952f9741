package console_test

import (
	"bufio"
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

const requestList = "/w/acme/requests"

const gatewayURL = "/api/signal-staging/webhook/"

// attack breaks out of whatever place of a page it lands in, if it may.
const attack = `"'></title></pre></script><script>alert(1)</script><img src=x onerror=alert(1)>`

// posted sends a body with a key, waits for its line in the log, and returns the line's id.
func posted(t *testing.T, a *apptest.App, k keys.Created, body string, headers ...string) string {
	t.Helper()
	r := a.Post(t, gatewayURL+k.Value.Reveal(), body, headers...)
	return logged(t, a, r)
}

func logged(t *testing.T, a *apptest.App, r apptest.Reply) string {
	t.Helper()
	id := r.Header.Get("X-Request-Id")
	a.Logged(t, id)
	return id
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func TestTheLogListsWhatArrivedWithItsKey(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Website"))
	good := posted(t, a, k, `{"event":"form_submitted","email":"ada@example.com"}`)
	bad := posted(t, a, k, `{"email":"ada@example.com"}`)
	a.Post(t, gatewayURL+a.NewKey(t, forTest).Value.Reveal(), `{"event":"only_in_test"}`)

	b := signIn(t, a, ownerEmail)
	s := b.Get(requestList).Want(http.StatusOK)
	s.Shows("200 Accepted", "form_submitted", "ada@example.com", "Website", "400 Rejected", "missing_event").Hides("only_in_test", k.Value.Reveal())
	b.Get(requestList+"?env=test").Shows("only_in_test", "Test environment").Hides("form_submitted</")

	b.Get(requestList + "?status=rejected").Want(http.StatusOK).Shows("missing_event").Hides("200 Accepted")
	b.Get(requestList + "?status=accepted").Shows("200 Accepted").Hides("400 Rejected")
	s.Submit("Search", map[string]string{"q": bad}).Want(http.StatusOK).Shows("400 Rejected").Hides("200 Accepted")
	s.Submit("Search", map[string]string{"q": "form_"}).Shows("200 Accepted").Hides("400 Rejected")
	s.Submit("Search", map[string]string{"Reason": "missing_event"}).Shows("400 Rejected").Hides("200 Accepted")
	s.Submit("Search", map[string]string{"From": "2999-01-01T00:00"}).Shows("No requests match.").Hides("200 Accepted")
	s.Submit("Search", map[string]string{"Key": "Website", "Until": "2999-01-01T00:00"}).Shows("200 Accepted", "400 Rejected")
	if page := s.Submit("Search", map[string]string{"q": good}); page.URL.Query().Get("q") != good {
		t.Errorf("the search is not in the URL: %s", page.URL)
	}
}

func TestAnEmptyLogSaysWhetherNothingCameOrNothingMatches(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	for _, path := range []string{requestList, signalList} {
		b.Get(path).Want(http.StatusOK).Shows("yet.", "curl '"+a.URL+"/api/signal-staging/webhook/sk_live_••••'").Hides("Clear filters")
		s := b.Get(path + "?q=something").Want(http.StatusOK).Shows("match.").Hides("curl")
		if s.Link("Clear filters") != path {
			t.Errorf("Clear filters leads to %s", s.Link("Clear filters"))
		}
	}
}

func TestTheLogIsPagedInBothDirections(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	for range 60 {
		a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`)
	}
	b := signIn(t, a, ownerEmail)
	first := b.Get(requestList).Want(http.StatusOK)
	if first.HasLink("Newer") {
		t.Error("the newest page leads to a newer one")
	}
	second := first.Follow("Older").Want(http.StatusOK)
	if n := strings.Count(second.Body, `id="request-`); n != 11 { // with the table's body
		t.Errorf("%d lines on the second page", n-1)
	}
	if second.HasLink("Older") {
		t.Error("the oldest page leads to an older one")
	}
	if back := second.Follow("Newer"); strings.Count(back.Body, `id="request-`) != 51 {
		t.Error("Newer does not lead back to the first 50")
	}
}

func TestAPastedKeyIsNeverEchoed(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Website"))
	posted(t, a, k, `{"event":"x"}`)
	b := signIn(t, a, ownerEmail)
	for _, list := range []string{requestList, signalList} {
		s := b.Get(list + "?q=" + k.Value.Reveal()).Want(http.StatusOK).Hides(k.Value.Reveal())
		if s.URL.Query().Get("key") != k.Key.ID {
			t.Errorf("led to %s", s.URL)
		}
		other := strings.Replace(k.Value.Reveal(), "sk_", "tk_", 1)
		b.Get(list + "?q=" + other).Want(http.StatusOK).Shows("looked like a key").Hides(other)
	}
}

func TestEachRefusalIsExplainedOnItsPage(t *testing.T) {
	a := app(t)
	open, locked, dead, expiring := a.NewKey(t), a.NewKey(t, secured), a.NewKey(t), a.NewKey(t, func(f *keys.CreateForm) {
		f.ExpiresAt = a.Clock.Now().Add(time.Hour)
	})
	if _, err := a.Keys.Revoke(t.Context(), a.Owner, dead.Key.ID); err != nil {
		t.Fatal(err)
	}
	a.Clock.Advance(2 * time.Hour)
	u := func(k keys.Created) string { return gatewayURL + k.Value.Reveal() }
	cases := map[string]struct {
		reply apptest.Reply
		says  string
	}{
		"invalid_api_key":          {a.Post(t, gatewayURL+"sk_live_none", `{"event":"x"}`), "Copy the whole key again."},
		"deactivated_api_key":      {a.Post(t, u(dead), `{"event":"x"}`), "Deactivating a key is final."},
		"expired_api_key":          {a.Post(t, u(expiring), `{"event":"x"}`), "expiry has passed"},
		"missing_api_secret":       {a.Post(t, u(locked), `{"event":"x"}`), "had no X-Api-Secret header"},
		"invalid_api_secret":       {a.Post(t, u(locked), `{"event":"x"}`, "X-Api-Secret", "wrong"), "does not hold the shared secret"},
		"endpoint_type_mismatch":   {a.Post(t, "/api/product-orgs/webhook/"+open.Value.Reveal(), `{}`), "another kind of endpoint"},
		"unsupported_content_type": {a.Post(t, u(open), `x`, "Content-Type", "text/html"), "not JSON"},
		"invalid_json":             {a.Post(t, u(open), `{"event":`), "line and column"},
		"empty_body":               {a.Post(t, u(open), ``), "The body is empty."},
		"missing_event":            {a.Post(t, u(open), `{"email":"ada@example.com"}`), "does not say what happened"},
		"atomic_rejected":          {a.Post(t, u(open)+"/batch?atomic=true", `[{"event":"x"},{}]`), "all or nothing"},
	}
	b := signIn(t, a, ownerEmail)
	for code, c := range cases {
		if got := c.reply.Code(t); got != code && code != "atomic_rejected" {
			t.Errorf("the gateway answered %s, want %s", got, code)
			continue
		}
		id := logged(t, a, c.reply)
		b.Get(requestList+"/"+id).Want(http.StatusOK).
			Shows("Why was this rejected?", code, c.says, "Request ID it got "+id).
			Hides(open.Value.Reveal(), locked.Value.Reveal(), locked.Secret.Reveal(), dead.Value.Reveal())
	}
}

func TestAPartlyRefusedBatchListsItsItemsAndItsSignals(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	r := a.Post(t, gatewayURL+k.Value.Reveal()+"/batch", `[{"event":"first_one"},{"email":"x"},{"event":"third_one"}]`)
	b := signIn(t, a, ownerEmail)
	s := b.Get(requestList+"/"+logged(t, a, r)).Want(http.StatusOK).
		Shows("Why was a part of this rejected?", "207 Partly", "Item 2", "missing_event", "2 accepted, 1 rejected", "Stored signals")
	s.Follow("third_one").Want(http.StatusOK).Shows("third_one")
}

func TestARepeatedItemLeadsToTheFirstOne(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	posted(t, a, k, `{"event":"twice"}`, "Idempotency-Key", "one")
	id := posted(t, a, k, `{"event":"twice"}`, "Idempotency-Key", "one")
	first := a.AllSignals(t)[0]
	s := signIn(t, a, ownerEmail).Get(requestList+"/"+id).Want(http.StatusOK).Shows("Nothing new was stored", "1 repeated")
	if got := s.Link("twice"); got != signalList+"/"+first.ID {
		t.Errorf("leads to %s", got)
	}
}

func TestPayloadsStayTextWhereverTheyAreShown(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	body := `{"event":` + quoted(attack) + `,"email":"ada@example.com","properties":{` + quoted(attack) + `:` + quoted(attack) + `}}`
	good := posted(t, a, k, body, "User-Agent", attack, "X-Custom", attack)
	bad := posted(t, a, k, attack+body)
	items := logged(t, a, a.Post(t, gatewayURL+k.Value.Reveal()+"/batch", `[`+body+`,{"event":1,`+quoted(attack)+`:1}]`))
	b := signIn(t, a, ownerEmail)
	pages := []string{requestList, requestList + "?status=rejected", signalList, signalList + "?event=" + url.QueryEscape(attack), "/w/acme",
		requestList + "?q=" + url.QueryEscape(attack), signalList + "?source=" + url.QueryEscape(attack)}
	for _, id := range []string{good, bad, items} {
		pages = append(pages, requestList+"/"+id)
	}
	for _, row := range a.AllSignals(t) {
		pages = append(pages, signalList+"/"+row.ID)
	}
	for _, path := range pages {
		s := b.Get(path).Want(http.StatusOK).Hides("<img src=x", "<script>alert", "</title></pre>")
		if !strings.Contains(s.Header.Get("Content-Security-Policy"), "script-src 'self'") {
			t.Errorf("%s has no policy", path)
		}
	}
	b.Get(requestList + "/" + good).Shows(attack)
}

func TestDownloadsAreFilesWithTheBytesThatWereSent(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	good, bad := " {\"event\":\"x\",\"n\":1.10}\n", "<script>alert(1)</script>"
	b := signIn(t, a, ownerEmail)
	for body, extension := range map[string]string{good: ".json", bad: ".txt"} {
		id := posted(t, a, k, body)
		s := b.Get(requestList + "/" + id + "/body").Want(http.StatusOK)
		if s.Body != body {
			t.Errorf("downloaded %q, sent %q", s.Body, body)
		}
		wantFile(t, s, "request-"+id+extension)
	}
	row := a.AllSignals(t)[0]
	s := b.Get(signalList + "/" + row.ID + "/raw").Want(http.StatusOK)
	if s.Body != good {
		t.Errorf("downloaded %q", s.Body)
	}
	wantFile(t, s, "signal-"+row.ID+".json")
}

func wantFile(t *testing.T, s *apptest.Screen, name string) {
	t.Helper()
	if got := s.Header.Get("Content-Disposition"); got != `attachment; filename="`+name+`"` {
		t.Errorf("Content-Disposition = %q", got)
	}
	if got := s.Header.Get("X-Content-Type-Options"); got != "nosniff" {
		t.Errorf("X-Content-Type-Options = %q", got)
	}
	if strings.Contains(s.Header.Get("Content-Type"), "html") {
		t.Errorf("Content-Type = %q", s.Header.Get("Content-Type"))
	}
}

func TestARequestRejectedBeforeItsBodySaysThatThereIsNone(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, secured)
	id := posted(t, a, k, `{"event":"x"}`)
	b := signIn(t, a, ownerEmail)
	b.Get(requestList + "/" + id).Want(http.StatusOK).Shows("before its body was read")
	b.Get(requestList + "/" + id + "/body").Want(http.StatusNotFound)
}

func TestAViewerSeesRequestsAndSignalsButNoWayToKeys(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, called("Website"))
	id := posted(t, a, k, `{"event":"x"}`)
	b := member(t, a, access.Viewer)
	for _, path := range []string{requestList, requestList + "/" + id, signalList, signalList + "/" + a.AllSignals(t)[0].ID, "/w/acme"} {
		b.Get(path).Want(http.StatusOK).Hides(keyList, k.Key.KeyPrefix)
	}
	b.Get(requestList + "/" + id).Shows("Website")
}

func TestAnotherWorkspacesRequestsAndSignalsAreNotFound(t *testing.T) {
	a := app(t)
	alien := elsewhere(t, a)
	id := posted(t, a, alien, `{"event":"alien_event"}`)
	row := a.AllSignals(t)[0]
	b := signIn(t, a, ownerEmail)
	for _, path := range []string{requestList + "/" + id, requestList + "/" + id + "/body", signalList + "/" + row.ID, signalList + "/" + row.ID + "/raw"} {
		b.Get(path).Want(http.StatusNotFound).Hides("alien_event")
	}
	for _, path := range []string{
		requestList + "?q=" + id, requestList + "?key=" + alien.Key.ID, signalList + "?q=" + row.ID, signalList + "?key=" + alien.Key.ID,
		signalList + "/export.csv", signalList + "/export.ndjson",
	} {
		b.Get(path).Want(http.StatusOK).Hides("alien_event", "Alien key")
	}
}

// follow opens a stream as the page's script does.
func follow(t *testing.T, a *apptest.App, b *apptest.Browser, path string) *bufio.Scanner {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html, text/event-stream")
	r.Header.Set("Accept-Encoding", "gzip")
	for _, c := range b.Cookies() {
		r.AddCookie(c)
	}
	res, err := a.Server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return lines
}

func TestLiveShowsRequestsOfItsFilterAsTheyArrive(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	page := b.Get(requestList + "?status=rejected&live=1").Want(http.StatusOK)
	page.Shows("Live", "Nothing yet.")
	lines := follow(t, a, b, requestList+"/live?status=rejected")
	until(t, lines, ": live")
	posted(t, a, k, `{"event":"accepted_one"}`)
	posted(t, a, k, `{"event":"`+strings.Repeat("x", 300)+`"}`)
	text := until(t, lines, "invalid_event")
	if strings.Contains(text, "accepted_one") || strings.Contains(text, "<html") {
		t.Errorf("the stream sent: %s", text)
	}
}

func TestLiveTellsWhatItsPageHasMissed(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	seen := posted(t, a, k, `{"event":"seen"}`)
	posted(t, a, k, `{"event":"missed"}`)
	b := signIn(t, a, ownerEmail)
	text := until(t, follow(t, a, b, requestList+"/live?top="+seen), "missed")
	if !strings.Contains(text, "id: ") {
		t.Error("messages carry no id for those who connect again")
	}
}

func TestLiveEndsForAMemberWhoIsRemoved(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	in := join(t, a, access.Viewer, "viewer@acme.example")
	b := signIn(t, a, "viewer@acme.example")
	lines := follow(t, a, b, requestList+"/live")
	until(t, lines, ": live")
	if err := a.Accounts.RemoveMember(t.Context(), a.Owner, in.Account.ID, accounts.KeepKeys); err != nil {
		t.Fatal(err)
	}
	posted(t, a, k, `{"event":"after_removal"}`)
	if text := until(t, lines, "event: paused"); strings.Contains(text, "after_removal") {
		t.Error("a removed member still sees what arrives")
	}
}

func TestLiveEndsWithTheSessionAndAfterFiveMinutes(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	lines := follow(t, a, b, requestList+"/live")
	until(t, lines, ": live")
	a.Clock.Advance(6 * time.Minute)
	until(t, lines, "event: paused")

	lines = follow(t, a, b, requestList+"/live")
	until(t, lines, ": live")
	if err := a.DB.Write.Where("1 = 1").Delete(&models.Session{}).Error; err != nil {
		t.Fatal(err)
	}
	until(t, lines, "event: paused")
}

func TestLiveWithoutScriptIsThePage(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get(requestList + "/live?status=rejected").Want(http.StatusOK).At(requestList)
}
