package endpoints_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

func (w *world) replay(e endpoints.Item) models.DeliveryReplay {
	w.t.Helper()
	r := models.DeliveryReplay{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: e.WorkspaceID, EndpointID: e.ID, Kind: models.DeliveryFailed, Since: models.At(noon),
		Rate: 1, Status: "running", Total: 5, UptoID: uuid.NewString(), StartedLabel: "x", StartedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.insert(&r)
	return r
}

func (w *world) replayOf(id string) models.DeliveryReplay {
	w.t.Helper()
	r, err := gorm.G[models.DeliveryReplay](w.db.Read).Where("id = ?", id).Take(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func TestDisablingSkipsAFewPendingOnesAtOnceAndStopsTheReplay(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made, other := w.create(), w.create()
		for range 3 {
			w.delivery(made.Item)
		}
		w.delivery(made.Item, ended(models.DeliveryDelivered))
		w.delivery(other.Item)
		replay := w.replay(made.Item)
		for range 2 { // the second time changes nothing
			if err := w.s.Disable(t.Context(), w.owner, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		got := w.get(made.ID)
		if got.Status != models.EndpointDisabled || got.DisabledReason != models.DisabledManual || !got.DisabledAt.Equal(noon) || got.Version != 2 || got.Pending != 0 || got.Skipped != 3 {
			t.Errorf("disabled %+v", got)
		}
		if s := w.statuses(made.ID); s["skipped"] != 3 || s["delivered"] != 1 || s["pending"] != 0 || w.statuses(other.ID)["pending"] != 1 {
			t.Errorf("deliveries %v, of the other %v", s, w.statuses(other.ID))
		}
		if r := w.replayOf(replay.ID); r.Status != "stopped" || r.Problem == "" || r.FinishedAt.IsZero() {
			t.Errorf("replay %+v", r)
		}
		actions, before, after := w.said(made.ID)
		if fmt.Sprint(actions) != "[endpoint.created endpoint.disabled]" || before["status"] != "enabled" || after["reason"] != "manual" || after["skipped"] != 3.0 {
			t.Errorf("log %v %v %v", actions, before, after)
		}
	})
}

func TestEnablingForgetsTheFailures(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.exec("UPDATE endpoint_states SET failing_since = ?, failures = 9, warned = 90, paused_until = ?, last_error = 'x' WHERE endpoint_id = ?",
			models.At(noon), models.At(noon.AddDate(0, 0, 1)), made.ID)
		w.delivery(made.Item)
		if err := w.s.DisableBySystem(t.Context(), made.ID, models.DisabledFailing, "Five days without a success."); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.s.Enable(t.Context(), w.owner, made.ID); err != nil {
				t.Fatal(err)
			}
		}
		got := w.get(made.ID)
		if got.Status != models.EndpointEnabled || got.DisabledReason != "" || !got.DisabledAt.IsZero() || got.Version != 3 || got.Failing() || !got.DisablesAt.IsZero() ||
			got.State.Failures != 0 || got.State.Warned != 0 || !got.State.PausedUntil.IsZero() || got.Skipped != 1 || got.Pending != 0 {
			t.Errorf("enabled %+v", got)
		}
		if n := w.notices("dismissed_at IS NULL"); n != 0 {
			t.Errorf("%d notices are open", n)
		}
		if actions, before, _ := w.said(made.ID); actions[len(actions)-1] != "endpoint.enabled" || len(actions) != 3 || before["reason"] != "failing" {
			t.Errorf("log %v %v", actions, before)
		}
	})
}

func (w *world) notices(where string) (n int) {
	w.t.Helper()
	if err := w.db.Read.Raw("SELECT COUNT(*) FROM notices WHERE " + where).Scan(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestTheSystemDisablesOnceAndTellsPeopleAndOtherEndpoints(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		all := func(f *endpoints.Form) { f.EventTypes = []string{"*"} }
		made, other := w.create(all), w.create(all)
		elsewhere := w.create(all, func(f *endpoints.Form) { f.Environment = models.Test })
		w.delivery(made.Item)
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				if err := w.s.DisableBySystem(t.Context(), made.ID, models.DisabledGone, "It answered 410."); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		if got := w.get(made.ID); got.DisabledReason != models.DisabledGone || got.Skipped != 1 || got.Pending != 0 {
			t.Errorf("disabled %+v", got)
		}
		actions, _, after := w.said(made.ID)
		if fmt.Sprint(actions) != "[endpoint.created endpoint.disabled]" || after["detail"] != "It answered 410." {
			t.Errorf("log %v %v", actions, after)
		}
		if n := w.notices("kind = 'endpoint.disabled'"); n != 1 {
			t.Errorf("%d notices", n)
		}
		told, err := gorm.G[models.Message](db.Read).Where("event_type = 'endpoint.disabled'").Find(t.Context())
		if err != nil || len(told) != 1 {
			t.Fatalf("%d messages, %v", len(told), err)
		}
		if s := w.statuses(other.ID); s["pending"] != 1 || len(w.statuses(elsewhere.ID)) != 0 || w.statuses(made.ID)["skipped"] != 1 {
			t.Errorf("told: the other %v, the other environment's %v, itself %v", s, w.statuses(elsewhere.ID), w.statuses(made.ID))
		}
	})
}

func TestDeletingWipesTheSecretsAndEndsAFewPendingOnesAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		if _, _, err := w.s.RotateSecret(t.Context(), w.owner, made.ID, endpoints.MaxGrace, ""); err != nil {
			t.Fatal(err)
		}
		w.delivery(made.Item)
		version, replay := w.version(), w.replay(made.Item)
		if err := w.s.Delete(t.Context(), w.owner, made.ID); err != nil {
			t.Fatal(err)
		}
		row := w.row(made.ID)
		if row.Status != models.EndpointDeleted || row.Secret != nil || row.PreviousSecret != nil || row.Headers != nil {
			t.Errorf("left %+v", row)
		}
		if w.statuses(made.ID)["pending"] != 0 || w.version() <= version || w.replayOf(replay.ID).Status != "stopped" {
			t.Error("it goes on")
		}
		if targets, err := w.s.Config(t.Context(), []string{made.ID}); err != nil || len(targets) != 0 {
			t.Errorf("workers still know %v, %v", targets, err)
		}
		if actions, before, _ := w.said(made.ID); actions[len(actions)-1] != "endpoint.deleted" || before["url"] != made.URL {
			t.Errorf("log %v %v", actions, before)
		}
	})
}

func TestOfDisablingAndChangingAtOnceBothAreMadeInSomeOrder(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for range 5 {
			made := w.create()
			w.delivery(made.Item)
			var work sync.WaitGroup
			work.Go(func() {
				if err := w.s.Disable(t.Context(), w.owner, made.ID); err != nil {
					t.Error(err)
				}
			})
			work.Go(func() {
				if _, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{Ordered: ptr(true)}, -1); err != nil {
					t.Error(err)
				}
			})
			work.Wait()
			if got := w.get(made.ID); got.Status != models.EndpointDisabled || !got.Ordered || got.Version != 3 || got.Pending != 0 {
				t.Errorf("%+v", got)
			}
		}
	})
}
