package console_test

import (
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/mapping"
	"latchkey/internal/orgs"
	"latchkey/models"
)

func waitingPage(k keys.Created) string { return keyPage(k) + "/waiting" }

// corrected saves a template that finds the org's id in another place.
func corrected(t *testing.T, a *apptest.App, k keys.Created) {
	t.Helper()
	found, _, err := a.Templates.ForKey(t.Context(), a.Owner, k.Key.ID)
	if err != nil {
		t.Fatal(err)
	}
	rows := mapping.Template{Rows: []mapping.Row{{Target: "org_id", From: []string{"account.id", "groupId"}, Required: true}, from("plan", "account.plan")}}
	if _, err := a.Templates.Save(t.Context(), a.Owner, found.Template.ID, found.Template.Version, rows, ""); err != nil {
		t.Fatal(err)
	}
}

func failing(t *testing.T, a *apptest.App, k keys.Created, body string) {
	t.Helper()
	if r := a.Post(t, orgURL+k.Value.Reveal(), body); r.Status != http.StatusUnprocessableEntity {
		t.Fatalf("answer %d %s", r.Status, r.Body)
	}
}

func TestWhatFailedIsPreviewedAndReplayedOnceUnderTheCorrectedTemplate(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := everything(t, a, "Billing")
		for _, id := range []string{"w1", "w2", "w3"} {
			failing(t, a, k, `{"account":{"id":"`+id+`","plan":"team"}}`)
		}
		failing(t, a, k, `{"nothing":true}`)
		b := member(t, a, access.Editor)
		s := b.Get(waitingPage(k)).Want(http.StatusOK).Shows("4 failed.", "Failed", "org_id", "Use as sample", "Replay this one")
		marked(t, s, templatePage(k)+"?sample=update%3A")
		s.Follow("Preview replay").Want(http.StatusOK).Shows("Still failing", "a replay would change nothing").Hides("Replay all")
		corrected(t, a, k)
		s = s.Follow("Preview replay").Want(http.StatusOK).Shows("Would apply", "w1", "team", "Still fails", "Replay all 4", "Under version 2")
		if n, _ := a.Orgs.Count(t.Context(), a.Owner, orgs.Filter{Environment: models.Live}); n.All != 0 {
			t.Errorf("the preview made %d organisations", n.All)
		}
		s.Submit("Replay all 4", nil).Want(http.StatusOK).Shows("Replay started.")
		apptest.Eventually(t, "the replay to end", func() bool {
			last, err := a.Orgs.LastReplay(t.Context(), a.Owner, k.Key.ID)
			return err == nil && last != nil && last.Status == "finished"
		})
		last, err := a.Orgs.LastReplay(t.Context(), a.Owner, k.Key.ID)
		if err != nil {
			t.Fatal(err)
		}
		at := waitingPage(k) + "/replays/" + last.ID
		b.Get(at).Want(http.StatusOK).Shows("Replay finished: 4 of 4 updates.", "3 applied, 1 still waiting").Hides("Stop replay")
		b.Get(at, "HX-Request", "true").Want(http.StatusOK).Shows("Replay finished").Hides("<html", "hx-trigger")
		b.Get(waitingPage(k)).Want(http.StatusOK).Shows("1 failed.", "Replay finished")
		b.Get(orgList).Shows("w1", "w2", "w3")
		page := b.Get(theOrg(t, a, models.Live, "w1")).Want(http.StatusOK).Shows("Replayed ", "Template version 2")
		if n := strings.Count(page.Body, ">Applied<"); n > 1 {
			t.Errorf("applied %d times", n)
		}
	})
}

func TestOneWaitingUpdateIsLookedAtAndReplayedByItself(t *testing.T) {
	a := app(t)
	k := everything(t, a, "Billing")
	failing(t, a, k, `{"account":{"id":"first"}}`)
	failing(t, a, k, `{"account":{"id":`+quoted(attack)+`}}`)
	corrected(t, a, k)
	found, err := a.Orgs.Waiting(t.Context(), a.Owner, k.Key.ID, orgs.Cursor{}, 0)
	if err != nil || len(found.Items) != 2 {
		t.Fatalf("%d wait, %v", len(found.Items), err)
	}
	b := signIn(t, a, ownerEmail)
	one := waitingPage(k) + "/" + found.Items[1].ID
	s := b.Get(one).Want(http.StatusOK).Shows("Waiting update", "first", "Why it waits", "Use as sample")
	b.Get(one + "/raw").Want(http.StatusOK).Shows(`{"account":{"id":"first"}}`)
	if hostile := b.Get(waitingPage(k) + "/" + found.Items[0].ID).Want(http.StatusOK); strings.Contains(hostile.Body, "<script>alert") {
		t.Error("a payload is markup")
	}
	s.Submit("Replay this one", nil).Want(http.StatusOK)
	apptest.Eventually(t, "the replay to end", func() bool {
		left, err := a.Orgs.WaitingCount(t.Context(), a.Owner, k.Key.ID)
		return err == nil && left.Total() == 1
	})
	b.Get(one).Want(http.StatusNotFound)
	b.Get(orgList).Shows("first")
}

func TestWhatWaitsIsToldOnTheFirstPage(t *testing.T) {
	a := app(t)
	send(t, a, a.NewKey(t))
	k := everything(t, a, "Billing")
	failing(t, a, k, `{}`)
	marked(t, signIn(t, a, ownerEmail).Get("/w/acme").Shows("Updates that wait for a template", "1 failed"), waitingPage(k))
	member(t, a, access.Viewer).Get("/w/acme").Want(http.StatusOK).Hides("Updates that wait for a template")
}

func TestAKeyThatTakesNoUpdatesHasNothingWaiting(t *testing.T) {
	a := app(t)
	k := a.NewKey(t)
	b := signIn(t, a, ownerEmail)
	b.Get(waitingPage(k)).Want(http.StatusNotFound)
	b.Get(waitingPage(everything(t, a, "Billing"))).Want(http.StatusOK).Shows("Nothing waits.").Hides("Preview replay")
	member(t, a, access.Viewer).Get(waitingPage(k)).Want(http.StatusForbidden)
}
