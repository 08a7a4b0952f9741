package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestAllThatFailedIsPlannedReplayedAndWatched(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusInternalServerError, "down")
	e := endpointTo(t, a, k.URL)
	var ids []string
	for range 3 {
		ids = append(ids, tried(t, a, e, `{"type":"webhook.test","data":{}}`))
	}
	b := signIn(t, a, ownerEmail)
	plan := b.Get(endpointPage(e, "deliveries")).Follow("Retry all failed since…").Want(http.StatusOK)
	plan.Shows("Nothing has been sent yet.", "Retry 3 failed deliveries", "Oldest message", "at 50 a second")
	plan = plan.Submit("Update plan", map[string]string{"Messages from": "the last hour", "At most, a second": "2"}).Want(http.StatusOK)
	plan.Shows("2 seconds", "at 2 a second", "Retry 3 failed deliveries")

	changed := plan.Submit("Retry 3 failed deliveries", map[string]string{"At most, a second": "900"}).Want(http.StatusOK)
	changed.Shows("Nothing was started: you changed the choices.", "at 900 a second", "Nothing has been sent yet.")
	k.says(http.StatusOK, "thanks")
	run := plan.Submit("Retry 3 failed deliveries", nil).Want(http.StatusOK).Shows("Started.", "Released", "of 3", "at 2 a second")
	path := run.URL.Path
	untilShown(t, b, path, "All of them are delivered.").Shows("Released 3 of 3.").Hides("Stop</button>")
	for _, id := range ids {
		if got := k.bodies(id); len(got) != 2 {
			t.Errorf("%s was received %d times", id, len(got))
		}
	}
	part := b.Get(path, "HX-Request", "true").Want(http.StatusOK).Hides("<html", "hx-trigger")
	if !strings.Contains(part.Body, "<progress") {
		t.Error("the part has no bar")
	}
	b.Post(path+"/stop", nil).Want(http.StatusConflict).Shows("ended already")
	again := b.Get(run.Link("Plan another")).Want(http.StatusOK).Shows("Earlier runs", "Finished", "3 of 3 released, 3 delivered", "Nothing of this endpoint has this state")
	again.Hides("Retry 3")
	b.Post(endpointPage(e, "replays"), url.Values{"kind": {"failed"}, "since": {"all"}, "rate": {"5"}}).Want(http.StatusConflict).Shows("nothing to send again")
}

func TestARunIsStoppedAndTheRestStays(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusInternalServerError, "down")
	e := endpointTo(t, a, k.URL)
	for range 8 {
		tried(t, a, e, `{"type":"webhook.test","data":{}}`)
	}
	k.says(http.StatusOK, "thanks")
	b := signIn(t, a, ownerEmail)
	run := b.Post(endpointPage(e, "replays"), url.Values{"kind": {"failed"}, "since": {"1h"}, "rate": {"1"}}).Want(http.StatusOK)
	list := b.Get(endpointPage(e, "deliveries")).Want(http.StatusOK).Shows("Progress", "Stop")
	if got := list.Link("Open its page"); got != run.URL.Path {
		t.Errorf("the list leads to %s", got)
	}
	stopped := b.Get(run.URL.Path).Submit("Stop", nil).Want(http.StatusOK).At(run.URL.Path)
	stopped.Shows("Stopped. What was released goes on.", "of 8. The rest stays failed.")
	b.Get(endpointPage(e, "deliveries")).Hides("Open its page")
	b.Get("/w/acme/audit").Shows("replay")
}

func TestAPlanSaysWhatOfItIsWrong(t *testing.T) {
	a := app(t)
	e := endpointTo(t, a, newTaker(t).URL)
	b := signIn(t, a, ownerEmail)
	here := endpointPage(e, "replays", "new") + "?kind=failed"
	for query, text := range map[string]string{
		"&rate=0":                         "Enter a number from 1 to 1000.",
		"&rate=1001":                      "Enter a number from 1 to 1000.",
		"&rate=fast":                      "Enter a number from 1 to 1000.",
		"&since=time&at=":                 "Enter a date and time",
		"&since=yesterday":                "Enter a date and time",
		"&since=time&at=2999-01-01T00:00": "Choose a time in the past.",
	} {
		b.Get(here + query).Want(http.StatusUnprocessableEntity).Shows(text)
	}
	b.Get(here + "&since=" + url.QueryEscape(a.Clock.Now().Add(-time.Hour).Format(time.RFC3339))).Want(http.StatusOK).Shows("Nothing of this endpoint")
	b.Get(endpointPage(e, "replays", "new") + "?kind=everything").Want(http.StatusOK).Shows("Retry failed deliveries")
	b.Post(endpointPage(e, "replays"), url.Values{"kind": {"failed"}, "rate": {"-1"}}).Want(http.StatusUnprocessableEntity).Shows("Enter a number from 1 to 1000.")
}

func TestWhatWasSkippedIsReplayedOnceTheEndpointIsEnabled(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	e := endpointTo(t, a, k.URL)
	if err := a.Endpoints.Disable(t.Context(), a.Owner, e.ID); err != nil {
		t.Fatal(err)
	}
	posted(t, a, a.NewKey(t), `{"event":"kept","email":"ada@example.com"}`)
	b := signIn(t, a, ownerEmail)
	list := untilShown(t, b, endpointPage(e, "deliveries"), "signal.received")
	list.Shows("Skipped", "Disabled just now.", "Enable endpoint").Hides("Replay skipped")
	b.Get(endpointPage(e, "replays", "new") + "?kind=skipped").Want(http.StatusOK).Shows("The endpoint is disabled. Enable it first").Hides(`action="` + endpointPage(e, "replays") + `"`)
	if err := a.Endpoints.Enable(t.Context(), a.Owner, e.ID); err != nil {
		t.Fatal(err)
	}
	plan := b.Get(endpointPage(e, "deliveries")).Follow("Replay skipped").Want(http.StatusOK).Shows("Replay skipped deliveries", "any time")
	button := "Replay 1 skipped delivery"
	if !strings.Contains(plan.Text(), button) {
		button = "Replay 2 skipped deliveries" // the key's own creation is told too
	}
	run := plan.Submit(button, nil).Want(http.StatusOK)
	untilShown(t, b, run.URL.Path, "All of them are delivered.")
}
