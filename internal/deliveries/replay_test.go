package deliveries_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/deliveries"
	"latchkey/internal/fault"
	"latchkey/models"
)

func TestAPlanCountsExactlyWhatTheReplayWillSend(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e, other := w.endpoint("one"), w.endpoint("two")
		for i := range 5 {
			m := w.message(time.Duration(i) * time.Hour)
			w.delivery(e, m, models.DeliveryFailed)
			w.delivery(other, m, models.DeliveryFailed)
		}
		w.delivery(e, w.message(time.Minute), models.DeliverySkipped)
		w.delivery(e, w.message(time.Minute), models.DeliveryPending)
		plan, err := w.s.Plan(t.Context(), w.owner, e.ID, "failed", noon.Add(-2*time.Hour))
		if err != nil || plan.Count != 3 || !plan.Oldest.Equal(noon.Add(-2*time.Hour)) || !plan.Newest.Equal(noon) || plan.Running != "" || !plan.Enabled {
			t.Errorf("plan %+v, %v", plan, err)
		}
		if plan.Took(2) != 2*time.Second || plan.Took(0) != time.Second {
			t.Errorf("took %v, %v", plan.Took(2), plan.Took(0))
		}
		if all, err := w.s.Plan(t.Context(), w.owner, e.ID, "failed", time.Time{}); err != nil || all.Count != 5 {
			t.Errorf("of all time %+v, %v", all, err)
		}
		if none, err := w.s.Plan(t.Context(), w.owner, e.ID, "skipped", noon); err != nil || none.Count != 0 || !none.Oldest.IsZero() {
			t.Errorf("nothing %+v, %v", none, err)
		}
		_, err = w.s.Plan(t.Context(), w.owner, e.ID, "delivered", noon.Add(time.Hour))
		want(t, err, fault.Invalid, "kind", "since")
	})
}

func TestAReplayIsStartedOnceAndStopped(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e := w.endpoint("one")
		newest := w.message(time.Hour)
		w.delivery(e, newest, models.DeliverySkipped)
		w.delivery(e, w.message(2*time.Hour), models.DeliverySkipped)
		w.delivery(e, w.message(40*time.Hour), models.DeliverySkipped)
		form := deliveries.ReplayForm{Kind: "skipped", Since: noon.Add(-3 * time.Hour), Rate: 7}
		var started []deliveries.Progress
		var refused int
		var mu sync.Mutex
		var work sync.WaitGroup
		for range 4 {
			work.Go(func() {
				p, err := w.s.StartReplay(t.Context(), w.owner, e.ID, form)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					started = append(started, p)
				case fault.Is(err, fault.Conflict):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		work.Wait()
		if len(started) != 1 || refused != 3 {
			t.Fatalf("%d started, %d refused", len(started), refused)
		}
		p := started[0]
		if p.Total != 2 || p.Rate != 7 || p.UptoID != newest.ID || p.Status != deliveries.Running || p.StartedLabel != w.owner.Label || *p.StartedBy != w.owner.AccountID || !p.Since.Equal(form.Since) {
			t.Errorf("started %+v", p)
		}
		if entry, after := w.said(); entry.Action != "replay.started" || after["total"] != 2.0 || after["rate"] != 7.0 || after["replay_id"] != p.ID {
			t.Errorf("log %+v %v", entry, after)
		}
		if plan, err := w.s.Plan(t.Context(), w.owner, e.ID, "failed", noon); err != nil || plan.Running != p.ID {
			t.Errorf("plan %+v, %v", plan, err)
		}
		w.now = noon.Add(time.Minute)
		got, err := w.s.StopReplay(t.Context(), w.owner, e.ID, p.ID)
		if err != nil || got.Status != deliveries.Stopped || !got.FinishedAt.Equal(w.now) {
			t.Errorf("stopped %+v, %v", got, err)
		}
		if entry, after := w.said(); entry.Action != "replay.stopped" || after["replay_id"] != p.ID {
			t.Errorf("log %+v %v", entry, after)
		}
		_, err = w.s.StopReplay(t.Context(), w.owner, e.ID, p.ID)
		want(t, err, fault.Conflict)
		if again, err := w.s.StartReplay(t.Context(), w.owner, e.ID, deliveries.ReplayForm{Kind: "skipped"}); err != nil || again.Total != 3 || again.Rate != deliveries.DefaultRate {
			t.Errorf("again %+v, %v", again, err)
		}
		if all, err := w.s.Replays(t.Context(), w.owner, e.ID); err != nil || len(all) != 2 || all[1].ID != p.ID {
			t.Errorf("list %+v, %v", all, err)
		}
	})
}

func TestAReplayThatCannotBeIsRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e := w.endpoint("one")
		_, err := w.s.StartReplay(t.Context(), w.owner, e.ID, deliveries.ReplayForm{Kind: "failed", Since: noon.Add(-time.Hour)})
		want(t, err, fault.Conflict) // nothing to send
		_, err = w.s.StartReplay(t.Context(), w.owner, e.ID, deliveries.ReplayForm{Kind: "all", Since: noon.Add(time.Hour), Rate: 1001})
		want(t, err, fault.Invalid, "kind", "since", "rate")
		w.delivery(e, w.message(time.Minute), models.DeliverySkipped)
		if err := w.endpoints.Disable(t.Context(), w.owner, e.ID); err != nil {
			t.Fatal(err)
		}
		_, err = w.s.StartReplay(t.Context(), w.owner, e.ID, deliveries.ReplayForm{Kind: "skipped"})
		want(t, err, fault.Conflict)
		if !strings.Contains(err.Error(), "Enable") {
			t.Errorf("error %v", err)
		}
		if plan, err := w.s.Plan(t.Context(), w.owner, e.ID, "skipped", noon.Add(-time.Hour)); err != nil || plan.Count != 1 || plan.Enabled {
			t.Errorf("plan %+v, %v", plan, err)
		}
	})
}

func TestProgressSaysWhatBecameOfWhatWasReleased(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e := w.endpoint("one")
		w.delivery(e, w.message(time.Hour), models.DeliveryFailed)
		p, err := w.s.StartReplay(t.Context(), w.owner, e.ID, deliveries.ReplayForm{Kind: "failed"})
		if err != nil {
			t.Fatal(err)
		}
		for status, n := range map[string]int{"pending": 1, "delivered": 2, "failed": 3, "skipped": 4} {
			for range n {
				w.delivery(e, w.message(time.Hour), status, func(d *models.Delivery) { d.ReplayID = &p.ID })
			}
		}
		w.exec("UPDATE delivery_replays SET released = 10 WHERE id = ?", p.ID)
		got, err := w.s.Replay(t.Context(), w.owner, e.ID, p.ID)
		if err != nil || got.Waiting != 1 || got.Delivered != 2 || got.Failed != 3 || got.Skipped != 4 || got.Released != 10 || got.Total != 1 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestOfARetryAndDisablingAtOnceNothingStaysPending(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for range 10 {
			e := w.endpoint("one")
			d := w.delivery(e, w.message(time.Hour), models.DeliveryFailed)
			var work sync.WaitGroup
			work.Go(func() {
				if err := w.s.Retry(t.Context(), w.owner, e.ID, d.MessageID); err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
			work.Go(func() {
				if err := w.endpoints.Disable(t.Context(), w.owner, e.ID); err != nil {
					t.Error(err)
				}
			})
			work.Wait()
			if got := w.row(d); got.Status == models.DeliveryPending {
				t.Fatal("pending for a disabled endpoint")
			}
		}
	})
}
