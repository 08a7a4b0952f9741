package dispatch_test

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/notices"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// told are the messages of a type to an endpoint.
func (w *world) told(e endpoints.Created, typ outbox.Type) []outbox.EndpointData {
	w.t.Helper()
	var bodies [][]byte
	err := w.db.Read.Raw("SELECT m.body FROM messages m JOIN deliveries d ON d.message_id = m.id WHERE d.endpoint_id = ? AND m.event_type = ? ORDER BY m.id",
		e.ID, string(typ)).Scan(&bodies).Error
	if err != nil {
		w.t.Fatal(err)
	}
	var all []outbox.EndpointData
	for _, text := range bodies {
		var body struct{ Data outbox.EndpointData }
		if err := json.Unmarshal(text, &body); err != nil {
			w.t.Fatalf("%s: %v", text, err)
		}
		all = append(all, body.Data)
	}
	return all
}

func (w *world) notices() []notices.Item {
	w.t.Helper()
	open, err := notices.New(w.db, w.clock.Now).Open(w.t.Context(), w.owner, 20)
	if err != nil {
		w.t.Fatal(err)
	}
	return open
}

// fail advances the clock and lets one message fail then.
func (w *world) fail(i *instance, e endpoints.Created, after time.Duration) {
	w.t.Helper()
	w.clock.Advance(after)
	id := w.messages(1, e)[0]
	ring(e, i)
	w.attempted(e, id, 1)
}

func TestFiveDaysOfFailuresWarnThreeTimesOnceEachAndThenDisable(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) { res.WriteHeader(http.StatusForbidden) })
		watcher := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		other := w.endpoint(watcher.URL, func(f *endpoints.Form) { f.EventTypes = []string{"endpoint.*"} })
		self := w.endpoint(r.URL, func(f *endpoints.Form) { f.EventTypes = []string{"endpoint.*"} })
		w.exec("UPDATE endpoints SET event_types = 'signal.* endpoint.*' WHERE id = ?", e.ID)
		w.exec("UPDATE outbox_state SET version = version + 1")
		// So slowly that the other failing endpoint is not near its own end.
		i := w.start(func(o *dispatch.Options) { dispatch.Look(o, time.Second) })
		w.fail(i, e, 0)
		day := 24 * time.Hour
		for n, step := range []struct {
			after    time.Duration
			warnings int
		}{{2 * day, 0}, {day, 1}, {time.Hour, 1}, {15 * time.Hour, 2}, {12 * time.Hour, 2}, {12 * time.Hour, 3}, {time.Hour, 3}} {
			w.fail(i, e, step.after)
			w.eventually("the warnings", func() bool { return len(w.told(other, outbox.EndpointFailing)) == step.warnings })
			if open := w.notices(); len(open) != min(step.warnings, 1) {
				t.Errorf("step %d: %d notices are open, want the last one only", n, len(open))
			}
		}
		if w.told(other, outbox.EndpointDisabled) != nil {
			t.Fatal("disabled too early")
		}
		for n, data := range w.told(other, outbox.EndpointFailing) {
			since := w.state(e).FailingSince
			if want := []int{50, 70, 90}[n]; data.Percent != want || data.ID != e.ID || data.URL != e.URL || data.LastError == "" {
				t.Errorf("warning %d: %+v", n, data)
			}
			if data.DisablesAt == nil || !data.DisablesAt.Equal(since.Add(5*day)) || !data.FailingSince.Equal(since.Time) {
				t.Errorf("warning %d: failing since %s, disabled at %s; want %s", n, data.FailingSince, data.DisablesAt, since)
			}
		}
		if open := w.notices(); open[0].Kind != notices.EndpointFailing || open[0].Values["percent"] != 90.0 || open[0].Text("endpoint_id") != e.ID {
			t.Errorf("notice %+v", open[0])
		}
		w.clock.Advance(day) // whichever is tried first ends it
		w.messages(1, e)
		ring(e, i)
		w.eventually("the end", func() bool { return len(w.told(other, outbox.EndpointDisabled)) == 1 })
		item, err := w.endpoints.Get(t.Context(), w.owner, e.ID)
		if err != nil || item.Status != models.EndpointDisabled || item.DisabledReason != models.DisabledFailing {
			t.Errorf("endpoint %s %s, %v", item.Status, item.DisabledReason, err)
		}
		if open := w.notices(); len(open) != 1 || open[0].Kind != notices.EndpointDisabled {
			t.Errorf("open notices %+v", open)
		}
		if n := w.count(e, models.DeliveryPending); n != 0 {
			t.Errorf("%d are pending", n)
		}
		if all := append(w.told(e, outbox.EndpointFailing), w.told(e, outbox.EndpointDisabled)...); len(all) != 0 {
			t.Errorf("the endpoint is told of itself: %+v", all)
		}
		if n := len(w.told(self, outbox.EndpointFailing)); n != 3 {
			t.Errorf("another failing endpoint was written %d warnings, want 3", n)
		}
		w.eventually("the watcher to hear it", func() bool { return len(watcher.all()) == 4 })
	})
}

func TestARecoveredEndpointIsWarnedOfAnew(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var well atomic.Bool
		r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) {
			if !well.Load() {
				res.WriteHeader(http.StatusForbidden)
			}
		})
		e := w.endpoint(r.URL)
		i := w.start()
		for range 2 {
			well.Store(false)
			w.fail(i, e, 0)
			w.fail(i, e, 3*24*time.Hour)
			w.eventually("a warning", func() bool { return w.state(e).Warned == 50 && len(w.notices()) == 1 })
			well.Store(true)
			w.messages(1, e)
			ring(e, i)
			w.eventually("recovery", func() bool { return w.state(e).FailingSince.IsZero() && w.state(e).Warned == 0 })
			if open := w.notices(); len(open) != 0 {
				t.Errorf("the warning is still shown: %+v", open)
			}
		}
		n, err := gorm.G[models.Notice](db.Read).Where("kind = ?", notices.EndpointFailing).Count(t.Context(), "*")
		if err != nil || n != 2 {
			t.Errorf("%d notices, %v; want one each time", n, err)
		}
	})
}

func TestADisabledEndpointGetsNothingMoreAndWhatIsPendingIsSkipped(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := newReceiver(t, w.clock, func(int, got, http.ResponseWriter) { <-release })
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 1 })
		i := w.start()
		w.messages(30, e)
		ring(e, i)
		w.eventually("the first request", func() bool { return len(r.all()) == 1 })
		if err := w.endpoints.Disable(t.Context(), w.owner, e.ID); err != nil {
			t.Fatal(err)
		}
		w.eventually("the worker to know", func() bool { return dispatch.Leaving(i.Service, e.ID) })
		close(release)
		w.eventually("the lease to be given back", func() bool { return w.state(e).LeasedBy == "" })
		if skipped, sent := w.count(e, models.DeliverySkipped), w.count(e, models.DeliveryDelivered); skipped != 29 || sent != 1 {
			t.Errorf("%d skipped and %d delivered, want all skipped but the one under way", skipped, sent)
		}
		late := w.messages(1, e)[0]
		w.eventually("what slipped in to be skipped", func() bool { return w.delivery(e, late).Status == models.DeliverySkipped })
		if n := len(r.all()); n != 1 {
			t.Errorf("%d requests, want only the one that was under way", n)
		}
	})
}

func TestWhatWasInFlightBeforeAnEndpointWasEnabledAnewDoesNotBringItsFailuresBack(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := newReceiver(t, w.clock, func(n int, _ got, res http.ResponseWriter) {
			if n == 1 {
				<-release
			}
			res.WriteHeader(http.StatusForbidden)
		})
		e := w.endpoint(r.URL)
		long := models.At(w.clock.Now().Add(-10 * 24 * time.Hour))
		w.exec("UPDATE endpoint_states SET failing_since = ?, failures = 7 WHERE endpoint_id = ?", long, e.ID)
		i := w.start()
		w.messages(1, e)
		ring(e, i)
		w.eventually("the first request", func() bool { return len(r.all()) == 1 })
		if err := w.endpoints.Disable(t.Context(), w.owner, e.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.endpoints.Enable(t.Context(), w.owner, e.ID); err != nil {
			t.Fatal(err)
		}
		close(release)
		w.eventually("the result to be settled", func() bool { return i.Stats().InFlight == 0 && i.Stats().Unwritten == 0 && i.Stats().Failed == 1 })
		w.fail(i, e, time.Minute)
		if s := w.state(e); s.FailingSince.Sub(long.Time) < 24*time.Hour || s.Failures != 1 {
			t.Errorf("state %+v", s)
		}
		item, err := w.endpoints.Get(t.Context(), w.owner, e.ID)
		if err != nil || item.Status != models.EndpointEnabled {
			t.Errorf("endpoint %s, %v", item.Status, err)
		}
	})
}
