package console_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/internal/access"
)

func TestHomeListsEndpointsThatFail(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusInternalServerError, "down")
	e := endpointTo(t, a, k.URL)
	posted(t, a, a.NewKey(t), `{"event":"x","email":"ada@example.com"}`)
	b := signIn(t, a, ownerEmail)
	s := untilShown(t, b, "/w/acme", "Failing endpoints")
	if got := s.Link(k.URL + "/"); got != endpointPage(e) {
		t.Errorf("leads to %s", got)
	}
	member(t, a, access.Viewer).Get("/w/acme").Want(http.StatusOK).Hides("Failing endpoints")
	member(t, a, access.Editor).Get("/w/acme").Want(http.StatusOK).Hides("Failing endpoints")
}

func TestHomeTellsOfAnEndpointThatAnsweredGone(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusGone, "")
	e := endpointTo(t, a, k.URL)
	posted(t, a, a.NewKey(t), `{"event":"x","email":"ada@example.com"}`)
	b := signIn(t, a, ownerEmail)
	host := k.URL + "/"
	home := untilShown(t, b, "/w/acme", "Endpoint "+host+" was disabled")
	home.Shows("410 Gone", "then replay what was skipped")
	if got := home.Link("Endpoint " + host + " was disabled"); got != endpointPage(e) {
		t.Errorf("leads to %s", got)
	}
	b.Get(endpointPage(e, "deliveries")).Shows("Disabled just now.", "410 Gone")
	member(t, a, access.Editor).Get("/w/acme").Want(http.StatusOK).Hides(endpointPage(e))
}

func TestHomeWarnsOfAnEndpointOnItsWayToBeingDisabled(t *testing.T) {
	a := app(t)
	k := newTaker(t)
	k.says(http.StatusInternalServerError, "down")
	e := endpointTo(t, a, k.URL)
	posted(t, a, a.NewKey(t), `{"event":"x","email":"ada@example.com"}`)
	b := signIn(t, a, ownerEmail)
	untilShown(t, b, "/w/acme", "Failing endpoints")
	a.Clock.Advance(61 * time.Hour)
	b = signIn(t, a, ownerEmail)
	host := k.URL + "/"
	home := untilShown(t, b, "/w/acme", "Endpoint "+host+" fails")
	home.Shows("Every attempt failed since", "500 Internal Server Error", "It will be disabled on", "unless one succeeds")
	if got := home.Link("Endpoint " + host + " fails"); got != endpointPage(e) {
		t.Errorf("leads to %s", got)
	}
	home.Submit("Dismiss: Endpoint "+host+" fails", nil).Shows("Notice dismissed.").Hides("Endpoint " + host + " fails")
}
