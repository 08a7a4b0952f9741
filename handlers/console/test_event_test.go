package console_test

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/models"
)

func testPage(k keys.Created) string { return keyPage(k) + "/test" }

// orgKey is a key whose template reads what the own sample sends.
func orgKey(t *testing.T, a *apptest.App) keys.Created {
	t.Helper()
	return a.NewKey(t, func(f *keys.CreateForm) {
		f.Name, f.EndpointType, f.Environment = "CRM", models.ProductOrgs, models.Test
		f.Template = &mapping.Template{Rows: []mapping.Row{
			{Target: "org_id", From: []string{"$.org_id"}, Required: true},
			{Target: "plan", From: []string{"$.plan"}, Required: true},
			{Target: "mrr", From: []string{"$.mrr"}},
		}}
	})
}

func TestATestEventGoesThroughTheGatewayAndShowsWhatWasRead(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t, called("Website"), forTest)
		b := signIn(t, a, ownerEmail)
		s := b.Get(keyPage(k)).Follow("Send a test event").Want(http.StatusOK).At(testPage(k)).Hides("This is a Live key.")
		s = s.Submit("Send test event", nil).Want(http.StatusOK).
			Shows("200 OK", "Accepted.", "form_submitted", "ada@example.com", "user_1042", "console-test-").Hides(k.Value.Reveal())
		stored := a.AllSignals(t)
		if len(stored) != 1 || stored[0].Environment != models.Test || stored[0].APIKeyID != k.Key.ID {
			t.Fatalf("stored %+v", stored)
		}
		s.Follow("Open the signal").Want(http.StatusOK).Shows("form_submitted")
		s.Follow("Request in the log").Want(http.StatusOK).Shows("Latchkey console (test event)", "200 Accepted")
		b.Get(keyPage(k)).Hides("used from a browser")
		if entry, _ := lastAudit(t, a, "api_key.test_sent"); entry.TargetID != k.Key.ID || entry.ActorLabel != ownerEmail {
			t.Errorf("audit %+v", entry)
		}
	})
}

func TestSendingASampleTwiceIsADuplicateOnlyWithItsOwnID(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	page := b.Get(testPage(k))
	for range 2 {
		page.Submit("Send test event", nil).Shows("Accepted.")
	}
	page.Submit("Send test event", map[string]string{"own_id": "on"}).Shows("Accepted.", "form-2026-0001")
	page.Submit("Send test event", map[string]string{"own_id": "on"}).Shows("A duplicate", "Open the signal that came first")
	if n := a.CountSignals(t); n != 3 {
		t.Errorf("%d signals, want 3", n)
	}
}

func TestEveryVendorsSampleIsAcceptedAsItsOwnSource(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	names := options(b.Get(testPage(k)), "sample")
	if len(names) < 20 {
		t.Fatalf("only %d samples", len(names))
	}
	for _, name := range names {
		s := b.Get(testPage(k) + "?sample=" + name).Want(http.StatusOK)
		s.Submit("Send test event", nil).Want(http.StatusOK).Shows("200 OK").Hides("adapter_mismatch")
	}
	sources := map[string]bool{}
	for _, signal := range a.AllSignals(t) {
		sources[signal.Source] = true
	}
	if len(sources) != 20 { // the 19 vendors, and none
		t.Errorf("sources %v", sources)
	}
}

// options are the values of a select.
func options(s *apptest.Screen, name string) []string {
	_, rest, _ := strings.Cut(s.Body, `<select`)
	list, _, _ := strings.Cut(rest, `</select>`)
	var values []string
	for part := range strings.SplitSeq(list, `<option value="`) {
		if value, _, ok := strings.Cut(part, `"`); ok && strings.Contains(value, "/") {
			values = append(values, value)
		}
	}
	return values
}

func TestAVendorsHeadersGoWithItsSample(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get(testPage(k)+"?sample=github/issues-opened").Shows("X-GitHub-Event: issues", "/webhook/github/")
	s.Submit("Send test event", nil).Want(http.StatusOK)
	line := a.Logged(t, lastSignal(t, a).RequestID)
	if line.Source != "github" || !strings.Contains(string(line.Headers), "X-Github-Event") {
		t.Errorf("log line %+v %s", line, line.Headers)
	}
}

func lastSignal(t *testing.T, a *apptest.App) models.Signal {
	t.Helper()
	all := a.AllSignals(t)
	if len(all) == 0 {
		t.Fatal("nothing stored")
	}
	return all[len(all)-1]
}

func TestARejectedTestEventSaysWhy(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	page := b.Get(testPage(k))
	page.Submit("Send test event", map[string]string{"Payload": `{"email":"ada@example.com"}`}).Want(http.StatusOK).
		Shows("400 Bad Request", "Rejected.", "missing_event", "does not say what happened")
	page.Submit("Send test event", map[string]string{"Payload": "{\n x}"}).Shows("invalid_json", "{ x}")
	page.Submit("Send test event", map[string]string{"Payload": " "}).Shows("empty_body")
	page.Submit("Send test event", map[string]string{"Payload": `[{"event":"a"},{}]`}).
		Shows("207 Multi-Status", "Item 1: accepted", "Item 2: rejected", "An item needs the member event")
}

func TestATestEventAsksForNeitherSecretNorSignatureOfAnybodyElse(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, secured)
	b := signIn(t, a, ownerEmail)
	requireGitHub(t, b, k)
	b.Get(testPage(k)).Submit("Send test event", nil).Shows("200 OK", "X-Api-Secret: ••••", "asks for the vendor's signature").Hides(k.Secret.Reveal())
	// What a sender can set makes nobody trusted.
	for _, header := range [][]string{{"User-Agent", "Latchkey console (test event)"}, {"X-Api-Key", k.Key.ID}, {"Sec-Fetch-Site", "same-origin"}} {
		if got := a.Post(t, gatewayURL+k.Value.Reveal(), `{"event":"x"}`, header...); got.Status < 400 {
			t.Errorf("%v: %d", header, got.Status)
		}
	}
}

func TestAKeyThatHasEndedSendsNoTestEvents(t *testing.T) {
	a := app(t)
	dead := a.NewKey(t)
	short := a.NewKey(t, func(f *keys.CreateForm) { f.ExpiresAt = a.Clock.Now().Add(time.Hour) })
	b := signIn(t, a, ownerEmail)
	pages := []*apptest.Screen{b.Get(testPage(dead)), b.Get(testPage(short))}
	if _, err := a.Keys.Revoke(t.Context(), a.Owner, dead.Key.ID); err != nil {
		t.Fatal(err)
	}
	a.Clock.Advance(2 * time.Hour)
	for i, state := range []string{"deactivated", "expired"} {
		pages[i].Submit("Send test event", nil).Want(http.StatusConflict).Shows("This key is " + state)
	}
	b.Get(testPage(dead)).Shows("This key is deactivated.").Hides("Send test event</button>")
	if b.Get(keyPage(dead)).HasLink("Send a test event") {
		t.Error("a dead key's page offers a test event")
	}
	if n := a.CountSignals(t); n != 0 {
		t.Errorf("%d signals stored", n)
	}
}

func TestATestEventOfALiveKeySaysThatItIsRealData(t *testing.T) {
	a := app(t)
	signIn(t, a, ownerEmail).Get(testPage(a.NewKey(t))).Shows("This is a Live key.", "stored among the real data")
}

func TestATestUpdateShowsWhatItChanged(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a)
		b := signIn(t, a, ownerEmail)
		page := b.Get(testPage(k)).Want(http.StatusOK).Shows("/api/product-orgs/webhook/")
		s := page.Submit("Send test event", nil).Want(http.StatusOK).Shows("200 OK", "org_1042", "team", "was unknown", "490", "Version 1")
		s.Follow("Open the organisation").Want(http.StatusOK).Shows("org_1042")
		page.Submit("Send test event", nil).Shows("Unchanged", "The values were so already.")
		page.Submit("Send test event", map[string]string{"Payload": `{"org_id":"org_1042","plan":"enterprise"}`}).Shows("enterprise", "was team")
		page.Submit("Send test event", map[string]string{"Payload": `{"org_id":"org_1042"}`}).
			Shows("422 Unprocessable Entity", "mapping_failed", "plan").Follow("Edit the template").Want(http.StatusOK)
		b.Get(keyPage(k)).Shows("Payload template", "1 failed").Follow("Look and replay").Want(http.StatusOK)
	})
}

func TestSamplesOfAProductOrgKeyNameAnAccount(t *testing.T) {
	a := app(t)
	k := orgKey(t, a)
	b := signIn(t, a, ownerEmail)
	names := options(b.Get(testPage(k)), "sample")
	list := strings.Join(names, " ")
	if !strings.Contains(list, "segment/group") || strings.Contains(list, "segment/page") {
		t.Errorf("samples %v", names)
	}
}

func TestTheLastPayloadCanBeSentAgain(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	a.Post(t, gatewayURL+"github/"+k.Value.Reveal(), `{"action":"opened","number":7}`, "X-GitHub-Event", "issues", "X-Custom", "1")
	b := signIn(t, a, ownerEmail)
	b.Get(testPage(k)+"?sample=last").Shows(`{"action":"opened","number":7}`, "X-GitHub-Event: issues", "/webhook/github/").Hides("X-Custom").
		Submit("Send test event", nil).Shows("200 OK", "issues")
	b.Get(testPage(k) + "?sample=nobody/nothing").Want(http.StatusOK).Shows("There is no such sample any more.")
}

// TestTheCurlLineIsOneCommandWhateverThePayload holds the quoting, by a shell.
func TestTheCurlLineIsOneCommandWhateverThePayload(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	payload := "{\"event\":\"it's $HOME `date` \\\\ \\\"x\\\"\"}"
	s := b.Get(testPage(k)).Submit("Send test event", map[string]string{"Payload": payload}).Shows("200 OK")
	_, rest, found := strings.Cut(s.Body, `aria-label="The same request with curl"><code>`)
	line, _, _ := strings.Cut(rest, "</code>")
	line = strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(line)
	if !found || !strings.HasPrefix(line, "curl ") {
		t.Fatalf("no curl line in the page")
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf '%s\\n' "+strings.TrimPrefix(line, "curl ")).Output()
	if err != nil || !strings.HasSuffix(string(out), "--data-raw\n"+payload+"\n") {
		t.Errorf("the shell reads %q, %v", out, err)
	}
}

func TestAnEditorMaySendTestEvents(t *testing.T) {
	a := app(t)
	k := a.NewKey(t, forTest)
	member(t, a, access.Editor).Get(testPage(k)).Submit("Send test event", nil).Want(http.StatusOK).Shows("200 OK")
}
