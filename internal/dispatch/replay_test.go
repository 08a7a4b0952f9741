package dispatch_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/deliveries"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

// failedOnes makes deliveries that have failed.
func (w *world) failedOnes(e endpoints.Created, n int) []string {
	w.t.Helper()
	ids := w.messages(n, e)
	w.exec("UPDATE deliveries SET status = 'failed', attempts = 8, step = 8, next_attempt_at = NULL, finished_at = created_at WHERE endpoint_id = ? AND status = 'pending'", e.ID)
	return ids
}

func (w *world) replay(e endpoints.Created, kind string, rate int, i ...*instance) models.DeliveryReplay {
	w.t.Helper()
	p, err := w.deliveries().StartReplay(w.t.Context(), w.owner, e.ID, deliveries.ReplayForm{Kind: kind, Rate: rate})
	if err != nil {
		w.t.Fatalf("start a replay: %v", err)
	}
	return p.DeliveryReplay
}

func (w *world) deliveries() *deliveries.Service { return deliveries.New(w.db, w.clock.Now, w.bell) }

func (w *world) progress(r models.DeliveryReplay) deliveries.Progress {
	w.t.Helper()
	p, err := w.deliveries().Replay(w.t.Context(), w.owner, r.EndpointID, r.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func TestAReplaySendsAgainWhatHadFailedAndNothingElse(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		ids := w.failedOnes(e, 50)
		a, b := w.start(), w.start()
		w.replay(e, models.DeliveryFailed, 1000)
		later := w.failedOnes(e, 5)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		r.exactlyOnce(t, ids)
		if n := w.count(e, models.DeliveryFailed); n != len(later) {
			t.Errorf("%d are failed, want those of after", n)
		}
		rows := w.attempts(e, ids[0])
		if len(rows) != 1 || rows[0].Number != 9 || rows[0].Cause != models.CauseReplay {
			t.Errorf("attempts %+v", rows)
		}
		_, _ = a, b
	})
}

func TestAReplayReleasesNoMoreThanItsRate(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		ids := w.failedOnes(e, 60)
		began := w.clock.Now()
		w.start()
		w.start()
		run := w.replay(e, models.DeliveryFailed, 30)
		for done := false; !done; time.Sleep(50 * time.Millisecond) {
			p := w.progress(run)
			// At most the first second's at once, and the rate from then on.
			if most := 30 + int64(30*w.clock.Now().Sub(began).Seconds()) + 1; p.Released > most {
				t.Fatalf("%d released after %s, at most %d may be", p.Released, w.clock.Now().Sub(began), most)
			}
			done = p.Status == deliveries.Finished
		}
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		if p := w.progress(run); p.Released != 60 || p.Total != 60 || p.Delivered != 60 || p.FinishedAt.IsZero() {
			t.Errorf("progress %+v", p)
		}
		r.exactlyOnce(t, ids)
	})
}

func TestAStoppedReplayReleasesNothingMore(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		w.failedOnes(e, 500)
		w.start()
		run := w.replay(e, models.DeliveryFailed, 5)
		w.eventually("the first ones", func() bool { return w.progress(run).Released > 0 })
		p, err := w.deliveries().StopReplay(t.Context(), w.owner, e.ID, run.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.eventually("what was released", func() bool { return w.count(e, models.DeliveryDelivered) == int(p.Released) })
		// Another replay takes the rest, so the worker has gone on and left this one alone.
		w.replay(e, models.DeliveryFailed, 1000)
		w.eventually("the rest", func() bool { return w.count(e, models.DeliveryDelivered) == 500 })
		if now := w.progress(run); now.Released != p.Released || now.Status != deliveries.Stopped {
			t.Errorf("after the stop %d were released, then %d; status %s", p.Released, now.Released, now.Status)
		}
		r.exactlyOnce(t, w.ids(e))
	})
}

// ids are the messages for an endpoint.
func (w *world) ids(e endpoints.Created) (ids []string) {
	w.t.Helper()
	if err := w.db.Read.Raw("SELECT CAST(message_id AS TEXT) FROM deliveries WHERE endpoint_id = ?", e.ID).Scan(&ids).Error; err != nil {
		w.t.Fatal(err)
	}
	return ids
}

func TestAReplayIsTakenOverWhenItsInstanceHasDied(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e, other := w.endpoint(r.URL), w.endpoint(r.URL)
		ids := w.failedOnes(e, 20)
		run := w.replay(e, models.DeliveryFailed, 1000)
		// An instance began with it, released half and was heard a moment ago.
		w.exec("UPDATE delivery_replays SET updated_at = updated_at + 1000, after_id = ?, released = 10 WHERE id = ?", ids[9], run.ID)
		w.start()
		w.failedOnes(other, 1)
		w.replay(other, models.DeliveryFailed, 10)
		w.eventually("the other replay", func() bool { return w.count(other, models.DeliveryDelivered) == 1 })
		if n := w.progress(run).Released; n != 10 {
			t.Errorf("%d released while its instance may live", n)
		}
		w.clock.Advance(31 * time.Second)
		w.eventually("the end", func() bool { return w.progress(run).Status == deliveries.Finished })
		w.eventually("the second half", func() bool { return w.count(e, models.DeliveryDelivered) == 10 })
		if p := w.progress(run); p.Released != 20 {
			t.Errorf("%d released, want 20", p.Released)
		}
	})
}

func TestARetryIsMadeAtOnceAndOnRecordAsSuch(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(n int, _ got, res http.ResponseWriter) {
			if n == 1 {
				res.WriteHeader(http.StatusConflict)
			}
		})
		e := w.endpoint(r.URL)
		skipped := w.messages(1, e)[0]
		w.exec("UPDATE deliveries SET status = 'skipped', next_attempt_at = NULL, finished_at = created_at WHERE message_id = ?", skipped)
		i := w.start()
		id := w.failedOnes(e, 1)[0]
		if err := w.deliveries().Retry(t.Context(), w.owner, e.ID, id); err != nil {
			t.Fatal(err)
		}
		ring(e, i)
		if d := w.attempted(e, id, 9); d.Status != models.DeliveryPending || d.Step != 1 {
			t.Errorf("delivery %+v", d)
		}
		w.clock.Advance(5 * time.Second)
		w.attempted(e, id, 10)
		rows := w.attempts(e, id)
		if len(rows) != 2 || rows[0].Cause != models.CauseRetry || rows[1].Cause != models.CauseSchedule || rows[1].Number != 10 {
			t.Errorf("attempts %+v", rows)
		}
		if err := w.deliveries().Retry(t.Context(), w.owner, e.ID, skipped); err != nil {
			t.Fatal(err)
		}
		w.attempted(e, skipped, 1)
		if rows := w.attempts(e, skipped); rows[0].Cause != models.CauseRetry {
			t.Errorf("attempts %+v", rows)
		}
	})
}

func TestAReplayOfADisabledEndpointEnds(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e := w.endpoint("http://127.0.0.1:1")
		w.failedOnes(e, 5)
		run := w.replay(e, models.DeliveryFailed, 10)
		w.exec("UPDATE endpoints SET status = 'disabled' WHERE id = ?", e.ID)
		w.start()
		w.eventually("the end", func() bool { return w.progress(run).Status == deliveries.Broken })
		if p := w.progress(run); p.Problem == "" || w.count(e, models.DeliveryFailed) != 5 {
			t.Errorf("progress %+v", p)
		}
	})
}
