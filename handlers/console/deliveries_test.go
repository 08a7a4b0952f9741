package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
)

func TestDeliveriesAreListedWithWhatBecameOfThem(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	e := endpointTo(t, a, k.URL)
	b := signIn(t, a, ownerEmail)
	b.Get(endpointPage(e, "deliveries")).Want(http.StatusOK).Shows("Nothing was sent yet.", "Send test event")
	delivered := tried(t, a, e, `{"type":"webhook.test","data":{"n":1}}`)
	k.says(http.StatusInternalServerError, "down")
	failed := tried(t, a, e, `{"type":"webhook.test","data":{"n":2}}`)

	s := b.Get(endpointPage(e, "deliveries")).Want(http.StatusOK)
	s.Shows(delivered, failed, "Delivered", "Failed", "500", "Retry all failed since…")
	s.Hides(e.Secret.Reveal())
	only := b.Get(endpointPage(e, "deliveries") + "?status=failed").Want(http.StatusOK).Shows(failed)
	only.Hides(delivered)
	b.Get(endpointPage(e, "deliveries")+"?type=signal.received").Shows("No deliveries match.", "Clear filters").Hides(failed)
	b.Get(endpointPage(e, "deliveries")+"?status=%27nonsense&from=x&to=y&before=z").Want(http.StatusOK).Shows(delivered, failed)
}

func TestADeliveryShowsItsAttemptsAndIsSentAgainWithTheSameBytes(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	e := endpointTo(t, a, k.URL)
	k.says(http.StatusInternalServerError, "down")
	const body = `{"type":"webhook.test","data":{"text":"ü"}}`
	id := tried(t, a, e, body)
	b := signIn(t, a, ownerEmail)
	page := endpointPage(e, "deliveries", id)
	s := b.Get(page).Want(http.StatusOK)
	s.Shows("Attempt 1", "500 Internal Server Error", "http_error", "down", "webhook-signature", "v1,<base64>", "A test event is sent once", "Test event")
	s.Hides(e.Secret.Reveal())

	k.says(http.StatusOK, "thanks")
	s.Submit("Send again", nil).Want(http.StatusOK).At(page).Shows("It is sent again now.")
	done := untilShown(t, b, page, "The endpoint took it")
	done.Shows("Attempt 2", "200 OK", "sent again by hand", "thanks")
	if got := k.bodies(id); len(got) != 2 || got[0] != body || got[1] != body {
		t.Errorf("received %q", got)
	}
	raw := b.Get(page + "/body").Want(http.StatusOK)
	if raw.Body != body || !strings.Contains(raw.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download: %q, %v", raw.Body, raw.Header)
	}
	b.Get("/w/acme/audit").Shows("webhook.test to")
}

func TestWhatAnEndpointAnswersIsTextAndNothingElse(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusBadGateway, `<script>alert("x")</script><img src=x onerror=alert(1)>`+"\x00\xff"+strings.Repeat("a", 100<<10))
	e := endpointTo(t, a, k.URL)
	b := signIn(t, a, ownerEmail)
	sent := b.Get(endpointPage(e, "test")).Submit("Send test event", nil).Want(http.StatusOK)
	for _, s := range []*apptest.Screen{sent, b.Get(sent.Link("Open the delivery"))} {
		s.Want(http.StatusOK).Hides("<script>alert", "<img src=x", "\x00", "\xff")
		s.Shows(`<script>alert("x")</script>`, "the rest was not read")
	}
}

func TestAMessageThatWaitsSaysWhenItsNextAttemptIs(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusServiceUnavailable, "busy")
	e := endpointTo(t, a, k.URL)
	key := a.NewKey(t)
	posted(t, a, key, `{"event":"order_paid","email":"ada@example.com"}`)
	b := signIn(t, a, ownerEmail)
	list := untilShown(t, b, endpointPage(e, "deliveries"), "Waiting to retry")
	list.Shows("Attempt 2 of 8", "signal.received", "503")
	var id string
	if err := a.DB.Read.Raw("SELECT CAST(message_id AS TEXT) FROM deliveries WHERE endpoint_id = ? AND event_type = 'signal.received'", e.ID).Scan(&id).Error; err != nil {
		t.Fatal(err)
	}
	page := endpointPage(e, "deliveries", outbox.PublicID(id))
	one := b.Get(page).Want(http.StatusOK).Shows("The last attempt failed; another one follows.", "Attempt 2 of 8", "Attempt 1", "busy")
	if got := one.Link("The signal"); got != "/w/acme/signals/"+id {
		t.Errorf("the signal is %s", got)
	}
	one.Shows("Send again") // the receiver may be mended before the next attempt
	part := b.Get(page, "HX-Request", "true").Want(http.StatusOK).Shows("Attempt 1").Hides("<html", "<main")
	if !strings.Contains(part.Body, `id="delivery-state"`) || !strings.Contains(part.Body, "hx-trigger=\"every ") {
		t.Errorf("the part does not ask on: %s", part.Body)
	}
	signal := b.Get("/w/acme/signals/"+id).Want(http.StatusOK).Shows("Deliveries", "Waiting to retry")
	if got := signal.Link(k.URL + "/"); got != page {
		t.Errorf("the signal leads to %s", got)
	}
	member(t, a, access.Viewer).Get("/w/acme/signals/" + id).Want(http.StatusOK).Hides(endpointPage(e))
}

func TestARequestThatWasRefusedTellsWhereItWasToldTo(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	e := endpointTo(t, a, k.URL)
	request := posted(t, a, a.NewKey(t), `{"email":"ada@example.com"}`)
	b := signIn(t, a, ownerEmail)
	s := untilShown(t, b, "/w/acme/requests/"+request, "Your endpoints that are told of it")
	one := b.Get(s.Link(k.URL + "/")).Want(http.StatusOK).Shows("ingest.rejected")
	if got := one.Link("The request"); got != "/w/acme/requests/"+request {
		t.Errorf("leads to %s", got)
	}
	_ = e
}

func TestDeliveriesAreForThoseWhoManageEndpoints(t *testing.T) {
	a := app(t)
	e := endpointTo(t, a, newTaker(t).URL)
	id := tried(t, a, e, `{"type":"webhook.test","data":{}}`)
	pages := []string{
		endpointPage(e, "deliveries"), endpointPage(e, "deliveries", id), endpointPage(e, "deliveries", id, "body"),
		endpointPage(e, "replays", "new"), endpointPage(e, "test"),
	}
	for _, role := range access.Roles {
		b := signIn(t, a, ownerEmail)
		if role != access.Owner {
			b = member(t, a, role)
		}
		want := http.StatusForbidden
		if access.Allows(role, access.ManageEndpoints) {
			want = http.StatusOK
		}
		for _, p := range pages {
			if got := b.Get(p).Status; got != want {
				t.Errorf("%s as %s: %d, want %d", p, role, got, want)
			}
		}
		if want == http.StatusOK {
			continue
		}
		for _, p := range []string{endpointPage(e, "deliveries", id, "retry"), endpointPage(e, "replays"), endpointPage(e, "test")} {
			if got := b.Post(p, url.Values{}).Status; got != want {
				t.Errorf("POST %s as %s: %d, want %d", p, role, got, want)
			}
		}
	}
}

func TestAnotherWorkspacesDeliveriesAreNotThere(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusInternalServerError, "secret of Acme")
	e := endpointTo(t, a, k.URL)
	id := tried(t, a, e, `{"type":"webhook.test","data":{"word":"of Acme alone"}}`)
	elsewhere(t, a)
	b := signIn(t, a, "stranger@example.com")
	there := strings.Replace(endpointPage(e), "/w/acme/", "/w/elsewhere/", 1)
	for _, p := range []string{"/deliveries", "/deliveries/" + id, "/deliveries/" + id + "/body", "/replays/new", "/replays/" + id[4:], "/test"} {
		b.Get(there + p).Want(http.StatusNotFound).Hides("of Acme")
	}
	for _, p := range []string{"/deliveries/" + id + "/retry", "/replays", "/test", "/replays/0197f0a0-0000-7000-8000-000000000000/stop"} {
		b.Post(there+p, url.Values{"since": {"all"}, "body": {"{}"}}).Want(http.StatusNotFound).Hides("of Acme")
	}
	if got := k.bodies(id); len(got) != 1 {
		t.Errorf("received %d times", len(got))
	}
}

func TestTheRequestOfAnUpdateTellsWhereItWasToldTo(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	e := endpointTo(t, a, k.URL, func(f *endpoints.Form) { f.EventTypes = []string{"product_org.*"} })
	key := everything(t, a, "Billing")
	request := logged(t, a, update(t, a, key, `{"groupId":"acme","plan":"pro"}`))
	b := signIn(t, a, ownerEmail)
	s := untilShown(t, b, "/w/acme/requests/"+request, "Your endpoints that are told of it")
	one := b.Get(s.Link(k.URL + "/")).Want(http.StatusOK).Shows("product_org.updated")
	if got := one.Link("The organisation"); got != theOrg(t, a, models.Live, "acme") {
		t.Errorf("leads to %s", got)
	}
	if !strings.HasPrefix(one.URL.Path, endpointPage(e, "deliveries", "msg_")) {
		t.Errorf("opened %s", one.URL.Path)
	}
}

func TestNoPageOfADeliveryShowsASecretOrTheValueOfACustomHeader(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	e := endpointTo(t, a, k.URL, func(f *endpoints.Form) {
		f.Headers = []egress.Header{{Name: "X-Tenant-Token", Value: "hush-hush-hush"}}
	})
	id := tried(t, a, e, `{"type":"webhook.test","data":{}}`)
	b := signIn(t, a, ownerEmail)
	for _, p := range []string{endpointPage(e, "deliveries"), endpointPage(e, "deliveries", id), endpointPage(e, "test"), endpointPage(e, "replays", "new")} {
		b.Get(p).Want(http.StatusOK).Hides(e.Secret.Reveal(), "hush-hush-hush")
	}
	b.Get(endpointPage(e, "deliveries", id)).Shows("x-tenant-token")
	b.Get(endpointPage(e, "test")).Submit("Send test event", nil).Want(http.StatusOK).Shows("x-tenant-token").Hides(e.Secret.Reveal(), "hush-hush-hush")
	if got := k.header(id, "X-Tenant-Token"); got != "hush-hush-hush" {
		t.Errorf("the receiver got %q", got)
	}
}
