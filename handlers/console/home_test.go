package console_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/keys"
)

func TestHomeLeadsToTheFirstEventAndThenShowsTheDay(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	s := b.Get("/w/acme").Want(http.StatusOK).Shows("Create a key", "Send your first event", "See it arrive", "Waiting for your first event...").Hides("curl")
	if got := s.Link("Create key"); got != keyList+"/new" {
		t.Errorf("Create key leads to %s", got)
	}

	k := a.NewKey(t)
	b.Get("/w/acme").Shows("Create a key Done", "curl '"+a.URL+gatewayURL+"sk_live_••••'").Hides(k.Value.Reveal(), ">Create key<")

	posted(t, a, k, `{}`)
	b.Get("/w/acme").Shows("A request arrived and was rejected.")

	posted(t, a, k, `{"event":"hello"}`)
	part := b.Get("/w/acme/onboarding", "HX-Request", "true").Want(http.StatusOK).Shows("Your first event has arrived.", "See it arrive Done").Hides("<html", "hx-trigger")
	part.Follow("See the signal").Want(http.StatusOK).Shows("hello")

	apptest.Eventually(t, "the day's numbers", func() bool {
		return strings.Contains(b.Get("/w/acme").Text(), "Accepted today 1")
	})
	b.Get("/w/acme").Shows("Rejected today 1", "Events in the last 24 hours", "No key expires in the next 14 days.").Hides("Waiting for your first event")
	b.Get("/w/acme?env=test").Shows("Create a key", "Waiting for your first event...")
}

func TestTheChecklistAsksForItselfWithoutThePage(t *testing.T) {
	a := app(t)
	b := signIn(t, a, ownerEmail)
	b.Get("/w/acme").Want(http.StatusOK)
	part := b.Get("/w/acme/onboarding?env=test", "HX-Request", "true").Want(http.StatusOK).Hides("<html")
	if !strings.Contains(part.Body, `hx-get="/w/acme/onboarding?env=test"`) {
		t.Error("the checklist forgets its environment")
	}
	b.Get("/w/acme/onboarding").Want(http.StatusOK).At("/w/acme")
}

func TestHomeNamesKeysThatNeedALookToThoseWhoMayManageThem(t *testing.T) {
	a := app(t)
	idle := a.NewKey(t, called("Forgotten"))
	a.Clock.Advance(40 * 24 * time.Hour)
	a.NewKey(t, called("Ending"), func(f *keys.CreateForm) { f.ExpiresAt = a.Clock.Now().Add(73 * time.Hour) })
	busy := a.NewKey(t, called("Busy"))
	posted(t, a, busy, `{"event":"x"}`)
	b := signIn(t, a, ownerEmail)
	s := b.Get("/w/acme").Want(http.StatusOK).Shows("Ending", "in 3 days", "Forgotten", "Never").Hides("Busy")
	if got := s.Link("Forgotten"); got != keyPage(idle) {
		t.Errorf("leads to %s", got)
	}
	member(t, a, access.Viewer).Get("/w/acme").Want(http.StatusOK).Shows("Accepted today").Hides("Forgotten", "Ending", keyList)
}

func TestAViewerIsToldWhoMayCreateTheFirstKey(t *testing.T) {
	a := app(t)
	s := member(t, a, access.Viewer).Get("/w/acme").Want(http.StatusOK).Shows("Your role may not create keys.")
	s.Hides(keyList)
}

func TestHomeCountsAPICallsApartFromEventsAndSaysWhatCouldBeTidiedUp(t *testing.T) {
	a := app(t)
	program := apiKey(t, a, access.ReadWorkspace)
	posted(t, a, a.NewKey(t, called("Endless")), `{"event":"x"}`)
	for range 3 {
		apptest.NewBrowser(t, a.URL).Get("/api/v1/me", "Authorization", "Bearer "+program.Value.Reveal()).Want(http.StatusOK)
	}
	b := signIn(t, a, ownerEmail)
	apptest.Eventually(t, "the day's numbers", func() bool {
		text := b.Get("/w/acme").Text()
		return strings.Contains(text, "Accepted today 1 ") && strings.Contains(text, "API calls today 3 ")
	})
	b.Get("/w/acme").Shows("Key hygiene 2 findings to look at").Follow("2").At(hygienePage).Shows("Endless", "CI")
	b.Get("/w/acme").Follow("3").At(keyList).Shows("CI").Hides("Endless")
	member(t, a, access.Viewer).Get("/w/acme").Want(http.StatusOK).Shows("API calls today 3").Hides("Key hygiene", hygienePage)
}
