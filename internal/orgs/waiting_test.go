package orgs_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/orgs"
	"latchkey/models"
)

func TestWhatWaitsIsListedAndCountedByKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		second, inTest := w.apiKey(w.mine, "analytics", models.Live), w.apiKey(w.mine, "Sandbox", models.Test)
		w.apiKey(w.mine, "Quiet", models.Live)
		with := func(key string) func(*models.ProductOrgUpdate) {
			return func(u *models.ProductOrgUpdate) { u.APIKeyID = key }
		}
		failed := w.update(models.UpdateFailed, func(u *models.ProductOrgUpdate) {
			u.Problems = []byte(`[{"row":0,"target":"org_id","path":"$.id","code":"required_missing","problem":"Nothing stands at $.id."}]`)
		})
		w.update(models.UpdateApplied)
		held := w.update(models.UpdateQuarantined)
		w.update(models.UpdateQuarantined, with(second))
		w.update(models.UpdateFailed, with(inTest))
		w.update(models.UpdateFailed, func(u *models.ProductOrgUpdate) { u.WorkspaceID, u.APIKeyID = w.other.WorkspaceID, w.alien })

		page, err := w.s.Waiting(t.Context(), w.mine, w.key, orgs.Cursor{}, 0)
		if err != nil || !slices.Equal(updateIDs(page), []string{held.ID, failed.ID}) {
			t.Errorf("waiting %v, %v", updateIDs(page), err)
		}
		if got := page.Items[1].Found; len(got) != 1 || got[0].Problem != "Nothing stands at $.id." {
			t.Errorf("problems %+v", got)
		}
		counts, err := w.s.WaitingCounts(t.Context(), w.mine, models.Live)
		want := []orgs.KeyWaiting{{ID: second, Name: "analytics", Held: 1}, {ID: w.key, Name: "Billing", Failed: 1, Held: 1}}
		if diff := cmp.Diff(want, counts); diff != "" || err != nil {
			t.Errorf("counts %v %s", err, diff)
		}
		one, err := w.s.WaitingCount(t.Context(), w.mine, inTest)
		if err != nil || one.Total() != 1 {
			t.Errorf("count of one: %+v, %v", one, err)
		}
	})
}

func TestOnlyWhatWaitsCanBeLookedAtAsWaiting(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		held, applied := w.update(models.UpdateQuarantined), w.update(models.UpdateApplied)
		if u, err := w.s.WaitingUpdate(t.Context(), w.mine, w.key, held.ID); err != nil || u.ID != held.ID {
			t.Errorf("held: %+v, %v", u, err)
		}
		for _, id := range []string{applied.ID, "x", w.id()} {
			if _, err := w.s.WaitingUpdate(t.Context(), w.mine, w.key, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", id, err)
			}
		}
	})
}

func TestTheNewestReplayOfAKeyIsFound(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		if last, err := w.s.LastReplay(t.Context(), w.mine, w.key); last != nil || err != nil {
			t.Errorf("none yet: %v, %v", last, err)
		}
		var newest models.OrgReplay
		for _, status := range []string{"finished", "running"} {
			newest = models.OrgReplay{ID: w.id(), WorkspaceID: w.mine.WorkspaceID, APIKeyID: w.key, TemplateVersion: 3, Status: status, Total: 7, UptoID: w.id(), StartedAt: models.At(noon), UpdatedAt: models.At(noon)}
			w.create(&newest)
		}
		last, err := w.s.LastReplay(t.Context(), w.mine, w.key)
		if err != nil || last.ID != newest.ID || last.Total != 7 {
			t.Errorf("last %+v, %v", last, err)
		}
		one, err := w.s.Replay(t.Context(), w.mine, newest.ID)
		if diff := cmp.Diff(*last, one); diff != "" || err != nil {
			t.Errorf("by id: %v %s", err, diff)
		}
	})
}
