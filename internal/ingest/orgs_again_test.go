package ingest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

// TestWhatOnlyLooksLikeARepetitionIsApplied: senders of snapshots have members that mean something
// else than in events.
func TestWhatOnlyLooksLikeARepetitionIsApplied(t *testing.T) {
	const org = "3b0d6f0e-8a52-4f3c-9a51-0c6d3c1f0b11"
	plan := func(rest string) func(string) string {
		return func(plan string) string { return `{"plan":"` + plan + `",` + rest + `}` }
	}
	cases := map[string]struct {
		template []string
		body     func(plan string) string
	}{
		"the organisation's uuid is no message id": {[]string{"!org_id", "$.uuid", "plan", "$.plan"}, plan(`"uuid":"` + org + `"`)},
		"created_at is no time of the update":      {[]string{"!org_id", "$.id", "plan", "$.plan"}, plan(`"id":"acme","created_at":"2021-05-01T00:00:00Z"`)},
		"a time that stays the same": {
			[]string{"!org_id", "$.id", "plan", "$.plan", "occurred_at", "$.since"}, plan(`"id":"globex","since":"2021-05-01T00:00:00Z"`),
		},
	}
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				k := orgKey(t, a, rows(c.template...))
				for _, now := range []string{"team", "free", "team"} {
					got := a.Post(t, orgURL(k), c.body(now))
					v := got.JSON(t)
					if got.Status != http.StatusOK || v["duplicate"] != false || names(v["applied"]) != "plan" {
						t.Fatalf("to %s: %d %s", now, got.Status, got.Body)
					}
				}
				if v := a.Post(t, orgURL(k), c.body("team")).JSON(t); v["duplicate"] != true {
					t.Errorf("the same once more: %v", v)
				}
			})
		}
	})
}

// TestAnOldUpdateSentAgainIsADuplicateEvenAfterANewerOne has changed what it said.
func TestAnOldUpdateSentAgainIsADuplicateEvenAfterANewerOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, usual)
		const old = `{"org":"acme","plan":"team","at":"2026-01-01T00:00:00Z"}`
		first := a.Post(t, orgURL(k), old).JSON(t)
		a.Post(t, orgURL(k), `{"org":"acme","plan":"free","at":"2026-01-02T00:00:00Z"}`)
		if v := a.Post(t, orgURL(k), old).JSON(t); v["duplicate"] != true || v["id"] != first["id"] {
			t.Errorf("answer %v", v)
		}
		if plan := stateOf(t, a, "acme")["plan"]; plan != `"free"` {
			t.Errorf("plan %s", plan)
		}
	})
}

// TestAStoppedReplayCountsWhatItDid, its last step too, and is in the audit log.
func TestAStoppedReplayCountsWhatItDid(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, nil, func(f *keys.CreateForm) { f.CaptureFirst = true })
		var items []string
		for i := range 900 {
			items = append(items, fmt.Sprintf(`{"org":"o%d","plan":"team"}`, i))
		}
		if got := a.Post(t, orgURL(k)+"/batch", "["+strings.Join(items, ",")+"]"); got.Status != http.StatusOK {
			t.Fatalf("answer %d %s", got.Status, got.Body)
		}
		ctx := t.Context()
		if _, err := a.Templates.Save(ctx, a.Owner, *k.Key.TemplateID, 0, *usual, ""); err != nil {
			t.Fatal(err)
		}
		id, err := a.Ingest.StartReplay(ctx, a.Owner, k.Key.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		stopped := a.Ingest.StopReplay(ctx, a.Owner, id)
		if stopped != nil && !fault.Is(stopped, fault.NotFound) { // it may have been faster
			t.Fatal(stopped)
		}
		var r models.OrgReplay
		var applied int64
		apptest.Eventually(t, "the counts of the replay", func() bool {
			if err := a.DB.Read.Where("id = ?", id).Take(&r).Error; err != nil {
				t.Fatal(err)
			}
			if err := a.DB.Read.Model(&models.ProductOrgUpdate{}).Where("status = 'applied'").Count(&applied).Error; err != nil {
				t.Fatal(err)
			}
			return r.Status != "running" && r.Applied == applied
		})
		var entries int64
		if a.DB.Read.Model(&models.AuditEntry{}).Where("action = 'product_orgs.replay_stopped'").Count(&entries); (entries == 1) != (stopped == nil) {
			t.Errorf("%d audit entries, stop: %v", entries, stopped)
		}
	})
}
