package console_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"latchkey/handlers"
	coreapp "latchkey/internal/app"
	"latchkey/internal/apptest"
)

// withoutTargets allows no private address.
func withoutTargets(o *coreapp.Options, _ *handlers.Options) { o.Targets = nil }

func TestATestEventIsEditedSentAndShownWithCodeThatVerifiesIt(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusCreated, `{"ok":true}`)
	e := endpointTo(t, a, k.URL)
	b := signIn(t, a, ownerEmail)
	page := b.Get(endpointPage(e, "test") + "?type=product_org.updated").Want(http.StatusOK)
	page.Shows("product_org.updated", "Verification code", "whsec_YOUR_SIGNING_SECRET").Hides(e.Secret.Reveal())
	const body = "{\r\n  \"type\": \"product_org.updated\",\r\n  \"data\": {\"plan\": \"€\"}\r\n}"
	s := page.Submit("Send test event", map[string]string{"Body": body}).Want(http.StatusOK)
	s.Shows("201 Created", "Delivered.", `{"ok":true}`, "webhook-signature").Hides(e.Secret.Reveal())
	k.mu.Lock()
	r, raw := k.got[0], k.raw[0]
	k.mu.Unlock()
	if want := strings.ReplaceAll(body, "\r\n", "\n"); raw != want {
		t.Errorf("received %q, want %q", raw, want)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(e.Secret.Reveal(), "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, r.Header.Get("webhook-id")+"."+r.Header.Get("webhook-timestamp")+"."+raw)
	signature := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if r.Header.Get("webhook-signature") != signature {
		t.Error("the signature does not fit")
	}
	s.Shows(signature, r.Header.Get("webhook-id"), "timestamp='"+r.Header.Get("webhook-timestamp")+"'")
	s.Follow("Open the delivery").Want(http.StatusOK).Shows("Delivered", "201 Created", "Test event")
	if s.HasLink("The organisation") {
		t.Error("a test event claims to be about something")
	}
}

func TestATestEventThatIsNoJSONIsRefusedAndKeptInTheForm(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	e := endpointTo(t, a, k.URL)
	b := signIn(t, a, ownerEmail)
	for _, body := range []string{"{not json", "", "[1]"} {
		s := b.Get(endpointPage(e, "test")).Submit("Send test event", map[string]string{"Body": body})
		if body == "" {
			continue // the type's sample stands in
		}
		s.Want(http.StatusUnprocessableEntity).Shows(body)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.got) > 1 {
		t.Errorf("%d requests were made", len(k.got))
	}
}

func TestATestEventThatCannotArriveSaysWhyAndWhatToDo(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	gone := newTaker(t)
	address := gone.URL
	gone.Close()
	b := signIn(t, a, ownerEmail)
	k.says(http.StatusFound, "")
	for _, c := range []struct {
		url   string
		texts []string
	}{
		{k.URL, []string{"302 Found, redirected", "Redirects are never followed: enter the final URL."}},
		{address, []string{"connect_failed", "See that the receiver runs"}},
	} {
		e := endpointTo(t, a, c.url)
		s := b.Get(endpointPage(e, "test")).Submit("Send test event", nil).Want(http.StatusOK).Shows("Not delivered.")
		s.Shows(c.texts...)
	}
}

func TestAPrivateAddressThatIsNoLongerAllowedSaysWhatToSet(t *testing.T) {
	db := apptest.SQLite(t)
	a := apptest.Start(t, db)
	e := endpointTo(t, a, newTaker(t).URL)
	a.Stop()
	strict := apptest.Start(t, db, withoutTargets)
	b := signIn(t, strict, ownerEmail)
	b.Get(endpointPage(e, "test")).Submit("Send test event", nil).Want(http.StatusOK).
		Shows("blocked_address", "Address not allowed", "LATCHKEY_WEBHOOK_ALLOW_CIDRS", "Not delivered.")
}
