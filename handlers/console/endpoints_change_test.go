package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

func stored(t *testing.T, a *apptest.App, id string) endpoints.Item {
	t.Helper()
	e, err := a.Endpoints.Get(t.Context(), a.Owner, id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// target is an endpoint as the workers see it, with its secrets and headers.
func target(t *testing.T, a *apptest.App, id string) endpoints.Target {
	t.Helper()
	found, err := a.Endpoints.Config(t.Context(), []string{id})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d targets, %v", len(found), err)
	}
	return found[0]
}

func onlyEndpoint(t *testing.T, a *apptest.App) models.Endpoint {
	t.Helper()
	var all []models.Endpoint
	if err := a.DB.Read.Find(&all).Error; err != nil || len(all) != 1 {
		t.Fatalf("%d endpoints, %v", len(all), err)
	}
	return all[0]
}

func TestANewEndpointShowsItsSecretAndHowToVerify(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		b := signIn(t, a, ownerEmail)
		form := b.Get(endpointList).Want(http.StatusOK).Follow("Create endpoint").Want(http.StatusOK).
			Shows("signal.received", "api_key.*", "Sample of product_org.updated", "All events", "Private and local addresses are refused")
		s := form.Submit("Create endpoint", map[string]string{
			"URL": hook + "?tenant=acme", "Description": "Billing", "All events": "on", "One after the other, in order": "on", "Requests a second": "20",
			"Name of header 1": "X-Tenant", "Value of header 1": "acme",
		}).Want(http.StatusOK)
		secret := s.Value("signing-secret")
		s.Shows("Endpoint created: 127.0.0.1:9", secret, "Verify what arrives", "Done, view endpoint")
		if got := s.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control = %q", got)
		}
		e := onlyEndpoint(t, a)
		if seen := target(t, a, e.ID); seen.Secrets[0].Reveal() != secret || !seen.Ordered || seen.RateLimit != 20 || seen.Headers.Get("X-Tenant") != "acme" || e.Environment != models.Live {
			t.Errorf("stored %+v", seen)
		}
		page := endpointList + "/" + e.ID
		for _, path := range []string{page, page + "/edit", page + "/secret", page + "/rotation", endpointList, "/w/acme/audit"} {
			b.Get(path).Want(http.StatusOK).Hides(secret, strings.TrimPrefix(secret, "whsec_"))
		}
		b.Get(page).Shows("Billing", hook+"?tenant=acme", "* (all events)", "One after the other", "20 a second", "X-Tenant: ••••", "whsec_••••", "created the endpoint Billing")
	})
}

func TestTheEndpointFormSaysWhatIsWrongAtEachField(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get(endpointList+"/new?env=test").Shows("Test environment.").Submit("Create endpoint", map[string]string{
		"URL": "ftp://files.example.com/", "Description": "Keep this", "Source": "Not A Source", "Requests at a time": "many", "Requests a second": "-3",
		"Name of header 2": "webhook-id", "Value of header 2": "mine", "Own signing secret": "whsec_short",
	}).Want(http.StatusUnprocessableEntity)
	s.Shows("Choose at least one event type.", "Use 1 to 100 requests at a time.", "signing secret", "Use the source as it stands", "Keep this", "many").Hides("whsec_short")
	for _, field := range []string{"url", "event_types", "source", "concurrency", "rate_limit", "headers", "secret"} {
		if !strings.Contains(s.Body, `href="#field-`+field+`"`) || !strings.Contains(s.Body, `id="field-`+field+`"`) {
			t.Errorf("nothing leads to the field %s", field)
		}
	}
	if got := s.Value("header_name_2"); got != "webhook-id" {
		t.Errorf("the header's name came back as %q", got)
	}
	if !strings.Contains(s.Body, `<details class="disclosure min-w-0" open`) {
		t.Error("the part with the mistakes is closed")
	}
}

func TestAFormSentTwiceMakesOneEndpoint(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	form := b.Get(endpointList + "/new")
	fields := map[string]string{"URL": hook, "All events": "on"}
	first := form.Submit("Create endpoint", fields).Want(http.StatusOK)
	form.Submit("Create endpoint", fields).Want(http.StatusConflict).Shows("This form has made its endpoint already").Hides(first.Value("signing-secret")).
		Follow("View endpoint").At(endpointList + "/" + onlyEndpoint(t, a).ID)
	b.Get(endpointList+"/new").Submit("Create endpoint", fields).Want(http.StatusOK)
	b.Get(endpointList).Shows("All 2")
}

func TestMoreRowsKeepWhatWasTyped(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get(endpointList+"/new").Submit("More rows", map[string]string{"URL": hook, "All events": "on", "Name of header 3": "X-Three", "Value of header 3": "3"}).Want(http.StatusOK)
	if s.Value("url") != hook || s.Value("header_name_3") != "X-Three" || s.Value("header_name_6") != "" {
		t.Error("what was typed is gone, or there are no more rows")
	}
	s.Submit("Create endpoint", nil).Want(http.StatusOK).Shows("Endpoint created")
}

func TestEditingKeepsWhatIsNotTyped(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t, called("Shop"))
		e := newEndpoint(t, a, func(f *endpoints.Form) {
			f.EventTypes, f.Headers = []string{"api_key.*", "webhook.*"}, []endpoints.Header{{Name: "X-Token", Value: "hidden-value"}, {Name: "X-Old", Value: "old"}}
		})
		b := signIn(t, a, ownerEmail)
		page := b.Get(endpointPage(e)+"/edit").Want(http.StatusOK).Hides("hidden-value", "Own signing secret")
		page.Submit("Save changes", map[string]string{"Description": "Ops", "Key": "Shop", "Name of header 2": "", "Requests at a time": "3"}).
			Want(http.StatusOK).At(endpointPage(e)).Shows("Endpoint saved.", "Ops", "Only about key Shop")
		got, seen := stored(t, a, e.ID), target(t, a, e.ID)
		if got.EventTypes != "api_key.* webhook.*" || got.Concurrency != 3 || got.APIKeyID == nil || *got.APIKeyID != k.Key.ID || got.URL != e.URL {
			t.Errorf("stored %+v", got.Endpoint)
		}
		if seen.Headers.Get("X-Token") != "hidden-value" || len(seen.Headers) != 1 {
			t.Errorf("headers %v", seen.Headers)
		}
		page.Submit("Save changes", map[string]string{"Description": "Too late"}).Want(http.StatusConflict).Shows("was changed by someone else", "Too late")
		b.Get(endpointPage(e)+"/edit").Submit("Save changes", map[string]string{"url": "file:///etc/passwd"}).Want(http.StatusUnprocessableEntity).Shows("file:///etc/passwd")
	})
}

func TestASecretIsOnlyInTheAnswerToAReveal(t *testing.T) {
	a := app(t)
	e := newEndpoint(t, a)
	b := signIn(t, a, ownerEmail)
	s := b.Get(endpointPage(e)).Hides(e.Secret.Reveal()).Submit("Reveal secret", nil).Want(http.StatusOK)
	s.Shows("Signing secret of 127.0.0.1:9", e.Secret.Reveal(), "The audit log has noted")
	if got := s.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	part := b.Post(endpointPage(e)+"/secret", nil, "HX-Request", "true").Want(http.StatusOK).Shows(e.Secret.Reveal())
	if strings.Contains(part.Body, "<html") {
		t.Error("htmx got a whole page")
	}
	b.Get(endpointPage(e) + "/secret").At(endpointPage(e)).Hides(e.Secret.Reveal())
	if entry, _ := lastAudit(t, a, "endpoint.secret_revealed"); entry.TargetID != e.ID || entry.ActorLabel != ownerEmail {
		t.Errorf("audited %+v", entry)
	}
}

func TestARotatedSecretSignsBesideTheOldOneUntilThatEnds(t *testing.T) {
	a := app(t)
	e := newEndpoint(t, a)
	b := signIn(t, a, ownerEmail)
	form := b.Get(endpointPage(e)).Follow("Rotate secret").Shows("Rotate the signing secret of 127.0.0.1:9", "for 24 hours")
	s := form.Submit("Rotate secret", nil).Want(http.StatusOK).Shows("New signing secret of 127.0.0.1:9", "The old secret signs too until").Hides(e.Secret.Reveal())
	fresh := s.Value("signing-secret")
	if seen := target(t, a, e.ID); len(seen.Secrets) != 2 || seen.Secrets[0].Reveal() != fresh || seen.Secrets[1] != e.Secret {
		t.Errorf("%d secrets sign", len(seen.Secrets))
	}
	form.Submit("Rotate secret", nil).Want(http.StatusConflict).Shows("Two secrets sign until", "End old secret now").Hides(fresh)
	b.Get(endpointPage(e)).Shows("Two secrets sign until", "The old one stops in 23 h 59 min").Hides("Rotate secret", fresh, e.Secret.Reveal())
	b.Get(endpointPage(e)).Submit("Reveal secret", nil).Shows(fresh, e.Secret.Reveal(), "Signs too until")
	b.Get(endpointPage(e)).Follow("End old secret now").Shows("It would sign until").Submit("End old secret", nil).At(endpointPage(e)).Shows("The old secret has ended.", "Rotate secret").Hides("Two secrets sign")
	if seen := target(t, a, e.ID); len(seen.Secrets) != 1 || seen.Secrets[0].Reveal() != fresh {
		t.Errorf("%d secrets sign", len(seen.Secrets))
	}
	b.Get(endpointPage(e) + "/rotation/end").Want(http.StatusConflict)
	own := "whsec_" + strings.Repeat("QUFB", 8)
	b.Get(endpointPage(e)+"/rotation").Submit("Rotate secret", map[string]string{"grace": "no longer: it ends now", "Own signing secret": "whsec_x"}).Want(http.StatusUnprocessableEntity).Hides("whsec_x")
	b.Get(endpointPage(e)+"/rotation").Submit("Rotate secret", map[string]string{"grace": "no longer: it ends now", "Own signing secret": own}).Want(http.StatusOK).Shows(own, "The old secret has ended.")
	b.Post(endpointPage(e)+"/rotation", url.Values{"grace": {"10 years"}}).Want(http.StatusUnprocessableEntity).Shows("Choose how long")
}

func TestDisablingAsksFirstAndSaysWhatIsSkipped(t *testing.T) {
	a := app(t)
	e := newEndpoint(t, a)
	owed(t, a, e, models.DeliveryPending, 2)
	b := signIn(t, a, ownerEmail)
	ask := b.Get(endpointPage(e)).Follow("Disable endpoint").Shows("2 messages wait to be sent: they are skipped.")
	ask.Submit("Disable endpoint", nil).At(endpointPage(e)).Shows("Nothing is sent to it any more.", "Somebody disabled it.", "2 messages were skipped so far")
	ask.Submit("Disable endpoint", nil).Hides("Something went wrong")
	b.Get(endpointPage(e)+"/status?from=list").Submit("Enable endpoint", nil).At(endpointList).Shows("New messages are sent to it from now on.", "Active")
	b.Post(endpointPage(e)+"/status", url.Values{"to": {"deleted"}}).Want(http.StatusUnprocessableEntity)
	if got := stored(t, a, e.ID); got.Status != models.EndpointEnabled {
		t.Errorf("it is %s", got.Status)
	}
}

func TestDeletingWantsTheHostsName(t *testing.T) {
	a := app(t)
	e := newEndpoint(t, a)
	b := signIn(t, a, ownerEmail)
	ask := b.Get(endpointPage(e)).Follow("Delete endpoint").Shows("Delete the endpoint 127.0.0.1:9", hook)
	ask.Submit("Delete endpoint", map[string]string{"confirm": "127.0.0.1"}).Want(http.StatusUnprocessableEntity).Shows("Type 127.0.0.1:9 to confirm that it shall be deleted.")
	part := b.Post(endpointPage(e)+"/deletion", nil, "HX-Request", "true").Want(http.StatusUnprocessableEntity)
	if part.Header.Get("HX-Retarget") != "#dialog-content" {
		t.Error("the dialog would be closed by its error")
	}
	ask.Submit("Delete endpoint", map[string]string{"confirm": " 127.0.0.1:9 "}).At(endpointList).Shows("Deleted the endpoint 127.0.0.1:9.", "No live endpoints yet.")
	b.Get(endpointPage(e)).Want(http.StatusNotFound)
	if len(onlyEndpoint(t, a).Secret) != 0 {
		t.Error("its secret is still there")
	}
}
