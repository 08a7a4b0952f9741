package orgs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/orgs"
	"latchkey/models"
)

func TestEachValueOfAnOrganisationTellsWhereItIsFrom(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		kept := w.update(models.UpdateApplied)
		o := w.org("acme", []string{"mrr", "12345678901234567890.12", "plan", `"<b>"`}, func(o *models.ProductOrg) {
			state, _ := orgs.Decode(o.Fields)
			field := state["mrr"]
			field.Update = kept.ID
			state["mrr"] = field
			o.Fields = state.Encode()
		})
		got, err := w.s.Get(t.Context(), w.viewer(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		mrr, plan := got.Values[0], got.Values[1]
		if mrr.Name != "mrr" || string(mrr.Value) != "12345678901234567890.12" || mrr.RequestID != kept.RequestID || mrr.From.Name != "Billing" {
			t.Errorf("mrr %+v", mrr)
		}
		if plan.Name != "plan" || plan.RequestID != "" || plan.From.ID != w.key || plan.At != noon.UnixMicro() {
			t.Errorf("plan, whose update is gone: %+v", plan)
		}
	})
}

func TestAnotherWorkspacesOrganisationDoesNotExist(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		o := w.org("alien", nil, func(o *models.ProductOrg) { o.WorkspaceID = w.other.WorkspaceID })
		u := w.update(models.UpdateFailed, of(o), func(u *models.ProductOrgUpdate) { u.WorkspaceID, u.APIKeyID = w.other.WorkspaceID, w.alien })
		r := models.OrgReplay{ID: w.id(), WorkspaceID: w.other.WorkspaceID, APIKeyID: w.alien, Status: "running", UptoID: u.ID, StartedAt: models.At(noon), UpdatedAt: models.At(noon)}
		w.create(&r)
		ctx := t.Context()
		for what, try := range map[string]func(id string) error{
			"get":     func(id string) error { _, err := w.s.Get(ctx, w.mine, id); return err },
			"history": func(id string) error { _, err := w.s.History(ctx, w.mine, id, orgs.Cursor{}, 0); return err },
			"points":  func(id string) error { _, err := w.s.Points(ctx, w.mine, id); return err },
		} {
			for _, id := range []string{o.ID, w.id(), "no id", ""} {
				if err := try(id); !fault.Is(err, fault.NotFound) {
					t.Errorf("%s %q: %v", what, id, err)
				}
			}
		}
		if _, err := w.s.Payload(ctx, w.mine, u.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("payload: %v", err)
		}
		if p, err := w.s.LastPayload(ctx, w.mine, w.alien); p != nil || err != nil {
			t.Errorf("last payload %v, %v", p, err)
		}
		if items, n, err := w.s.UpdateOfRequest(ctx, w.mine, u.RequestID); len(items) != 0 || n != 0 || err != nil {
			t.Errorf("of request: %v, %v", items, err)
		}
		if found, err := w.s.Waiting(ctx, w.mine, w.alien, orgs.Cursor{}, 0); len(found.Items) != 0 || err != nil {
			t.Errorf("waiting: %v, %v", found, err)
		}
		if _, err := w.s.WaitingUpdate(ctx, w.mine, w.alien, u.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("waiting update: %v", err)
		}
		if n, err := w.s.WaitingCount(ctx, w.mine, w.alien); n.Total() != 0 || err != nil {
			t.Errorf("waiting count: %v, %v", n, err)
		}
		if _, err := w.s.Replay(ctx, w.mine, r.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("replay: %v", err)
		}
		if last, err := w.s.LastReplay(ctx, w.mine, w.alien); last != nil || err != nil {
			t.Errorf("last replay: %v, %v", last, err)
		}
	})
}

func TestTheHistoryHasEveryUpdateTheLastToArriveFirst(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		o := w.org("acme", nil)
		var want []string
		for i, status := range []string{models.UpdateApplied, models.UpdateStale, models.UpdateUnchanged, models.UpdateDuplicate, models.UpdateApplied} {
			u := w.update(status, of(o), did(change("mrr", fmt.Sprint(i), `1e2`)))
			want = append([]string{u.ID}, want...)
		}
		w.update(models.UpdateApplied, of(w.org("other", nil)))
		w.update(models.UpdateFailed)
		for size := 1; size <= 6; size++ {
			var got []string
			at := orgs.Cursor{}
			var page orgs.Updates
			for {
				var err error
				if page, err = w.s.History(t.Context(), w.viewer(), o.ID, at, size); err != nil {
					t.Fatal(err)
				}
				got = append(got, updateIDs(page)...)
				if page.Older == "" {
					break
				}
				at = orgs.Cursor{Before: page.Older}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d a page: %v, want %v", size, got, want)
			}
			back := updateIDs(page)
			for page.Newer != "" {
				var err error
				if page, err = w.s.History(t.Context(), w.viewer(), o.ID, orgs.Cursor{After: page.Newer}, size); err != nil {
					t.Fatal(err)
				}
				back = append(updateIDs(page), back...)
			}
			if !slices.Equal(back, want) {
				t.Errorf("%d a page, back: %v, want %v", size, back, want)
			}
		}
		page, _ := w.s.History(t.Context(), w.mine, o.ID, orgs.Cursor{}, 1)
		u := page.Items[0]
		if u.From.Name != "Billing" || len(u.Did) != 1 || string(u.Did[0].After) != "1e2" || u.Raw != nil {
			t.Errorf("update %+v", u)
		}
	})
}

func updateIDs(page orgs.Updates) []string {
	var ids []string
	for _, u := range page.Items {
		ids = append(ids, u.ID)
	}
	return ids
}

func TestACurveStandsWhereTheEventsWereAndTellsTheNumbersAsSent(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		o := w.org("acme", nil)
		at := func(hour int) func(*models.ProductOrgUpdate) {
			return func(u *models.ProductOrgUpdate) {
				n := 1.0
				u.OccurredAt, u.MRR = models.At(noon.Add(time.Duration(hour)*time.Hour)), &n
			}
		}
		w.update(models.UpdateApplied, of(o), at(3), did(change("mrr", "", "830.10")))
		w.update(models.UpdateApplied, of(o), at(5), did(change("mrr", "830.10", "900"), change("user_count", "", "7")))
		late := change("mrr", "900", "12345678901234567890")
		late.Stale = true
		w.update(models.UpdateStale, of(o), at(4), did(late))
		w.update(models.UpdateApplied, of(o), at(6), did(change("plan", "", `"team"`)))
		w.update(models.UpdateUnchanged, of(o), at(7))
		w.update(models.UpdateApplied, of(o), at(8), did(change("mrr", "900", "null")))
		got, err := w.s.Points(t.Context(), w.viewer(), o.ID)
		if err != nil {
			t.Fatal(err)
		}
		if texts := pointTexts(got.MRR); texts != "15:830.10 16:12345678901234567890 17:900" {
			t.Errorf("MRR %s", texts)
		}
		if texts := pointTexts(got.Users); texts != "17:7" {
			t.Errorf("users %s", texts)
		}
	})
}

func pointTexts(points []orgs.Point) string {
	var texts []string
	for _, p := range points {
		texts = append(texts, fmt.Sprintf("%d:%s", p.At.Hour(), p.Exact))
	}
	return strings.Join(texts, " ")
}

func TestTheUpdatesOfARequestStandInItsOrder(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		request := w.id()
		for i := range 25 {
			w.update(models.UpdateApplied, func(u *models.ProductOrgUpdate) {
				u.RequestID, u.ItemIndex, u.Problems = request, 24-i, []byte(`[{"row":2,"target":"mrr","code":"type_clash","problem":"No number."}]`)
			})
		}
		items, total, err := w.s.UpdateOfRequest(t.Context(), w.viewer(), request)
		if err != nil || total != 25 || len(items) != 20 {
			t.Fatalf("%d of %d, %v", len(items), total, err)
		}
		for i, u := range items {
			if u.ItemIndex != i || len(u.Found) != 1 || u.Found[0].Target != "mrr" {
				t.Errorf("item %d: %+v", i, u)
			}
		}
	})
}

func TestAPayloadComesBackToTheByte(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		raw := []byte("{\"a\":\"\\u0000\",\"a\":1e400,\"b\":\"\xff\"}")
		w.update(models.UpdateApplied)
		u := w.update(models.UpdateFailed, func(u *models.ProductOrgUpdate) { u.Raw = raw })
		last, err := w.s.LastPayload(t.Context(), w.viewer(), w.key)
		if err != nil || last.UpdateID != u.ID || string(last.Raw) != string(raw) || last.RequestID != u.RequestID || !last.ReceivedAt.Equal(noon) {
			t.Errorf("last payload %+v, %v", last, err)
		}
		one, err := w.s.Payload(t.Context(), w.viewer(), u.ID)
		if diff := cmp.Diff(last, one); diff != "" || err != nil {
			t.Errorf("by id: %v %s", err, diff)
		}
	})
}
