package dispatch_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

func TestMoreBusyEndpointsThanLeasesAllHaveTheirTurn(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		a, b, c := w.endpoint(r.URL), w.endpoint(r.URL), w.endpoint(r.URL)
		i := w.start(func(o *dispatch.Options) { dispatch.Own(o, 2) })
		w.messages(1, a, b)
		ring(a, i)
		ring(b, i)
		w.eventually("both leases to be held", func() bool { return i.Stats().Endpoints == 2 })
		w.messages(1, c)
		w.eventually("the third to have its turn", func() bool {
			w.messages(1, a, b) // these never have nothing to do
			ring(a, i)
			ring(b, i)
			ring(c, i)
			w.clock.Advance(time.Second / 2)
			return w.count(c, models.DeliveryDelivered) == 1
		})
	})
}

func TestAMessageThatCannotBeReadHoldsUpWhatFollowsInOrder(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Ordered = true })
		ids := w.messages(6, e)
		w.exec("UPDATE messages SET body = ? WHERE id = ?", []byte(`{"data":{"n":1,"x":"`+strings.Repeat("x", 20_000)+`"}}`), ids[1])
		w.before = func(s *dispatch.Service) { dispatch.FailLarge(s, 1) }
		ring(e, w.start())
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == 6 })
		var order []int
		for _, g := range r.all() {
			order = append(order, g.number())
		}
		if want := []int{0, 1, 2, 3, 4, 5}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
	})
}

func TestAnEndpointThatAnswersSlowlyTakesNoSlotsOfTheHealthy(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		first, rest := make(chan struct{}), make(chan struct{})
		r := newReceiver(t, w.clock, func(n int, _ got, _ http.ResponseWriter) {
			if n == 1 {
				<-first
			} else {
				<-rest
			}
		})
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 100 })
		i := w.start()
		ids := w.messages(1, e)
		ring(e, i)
		w.eventually("the first", func() bool { return len(r.all()) == 1 })
		w.clock.Advance(2 * time.Second)
		close(first)
		w.eventually("the lease to be given back", func() bool { return w.count(e, models.DeliveryDelivered) == 1 && w.state(e).LeasedBy == "" })
		ids = append(ids, w.messages(100, e)...)
		ring(e, i)
		w.eventually("as many more as are trusted", func() bool { return len(r.all()) == 11 })
		if healthy, suspect := dispatch.Slots(i.Service); healthy != 0 || suspect != 10 {
			t.Errorf("%d slots of the healthy and %d of the suspect are taken, want 0 and 10", healthy, suspect)
		}
		close(rest)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		r.exactlyOnce(t, ids)
	})
}

func TestASuccessThatBeganBeforeAPauseDoesNotEndIt(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := newReceiver(t, w.clock, func(n int, _ got, res http.ResponseWriter) {
			if n == 1 {
				<-release
				return
			}
			res.Header().Set("Retry-After", "120")
			res.WriteHeader(http.StatusTooManyRequests)
		})
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 2 })
		i := w.start()
		w.messages(1, e)
		ring(e, i)
		w.eventually("the first request", func() bool { return len(r.all()) == 1 })
		w.messages(20, e)
		ring(e, i)
		w.eventually("the pause", func() bool { return !w.state(e).PausedUntil.IsZero() })
		until := w.state(e).PausedUntil
		close(release)
		w.eventually("the endpoint to be left", func() bool { return w.count(e, models.DeliveryDelivered) == 1 && w.state(e).LeasedBy == "" })
		if s := w.state(e); !s.PausedUntil.Equal(until.Time) || len(r.all()) != 2 {
			t.Errorf("paused until %s, then %s; %d requests", until, s.PausedUntil, len(r.all()))
		}
	})
}

func TestALeaseThatWasLostIsNotTakenAgainBeforeItsAttemptsHaveEnded(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := newReceiver(t, w.clock, func(n int, _ got, _ http.ResponseWriter) {
			if n == 1 {
				<-release
			}
		})
		e, other := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 1 }), w.endpoint(r.URL)
		ids := w.messages(5, e)
		i := w.start()
		w.eventually("the first request", func() bool { return len(r.all()) == 1 })
		w.exec("UPDATE endpoint_states SET leased_by = 'thief', leased_until = ? WHERE endpoint_id = ?", models.At(w.clock.Now().Add(time.Hour)), e.ID)
		w.clock.Advance(10 * time.Second) // so that it renews, and finds out
		w.eventually("the loss to be noticed", func() bool { return dispatch.Lost(i.Service, e.ID) })
		w.exec("UPDATE endpoint_states SET leased_by = '', leased_until = NULL WHERE endpoint_id = ?", e.ID)
		for n := range 3 { // looks at what there is to take
			w.messages(1, other)
			w.eventually("another endpoint's", func() bool { return w.count(other, models.DeliveryDelivered) == n+1 })
		}
		if times := r.times(); len(times) != 4 {
			t.Errorf("%d messages came while the first attempt was under way, want the other endpoint's alone", len(times)-1)
		}
		close(release)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		w.eventually("the leases to be given back", func() bool { return w.state(e).LeasedBy == "" && i.Stats().Endpoints == 0 })
		if n := len(r.all()); n != 8 {
			t.Errorf("%d requests, want 8", n)
		}
	})
}

func TestWhatWasFetchedIsNotSentByTheSettingsBefore(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		before := newReceiver(t, w.clock, func(int, got, http.ResponseWriter) { <-release })
		after := newReceiver(t, w.clock, nil)
		e := w.endpoint(before.URL)
		ids := w.messages(14, e)
		i := w.start(func(o *dispatch.Options) { dispatch.Look(o, 800*time.Millisecond) })
		ring(e, i)
		w.eventually("ten requests", func() bool { return len(before.all()) == 10 })
		if _, err := w.endpoints.Change(t.Context(), w.owner, e.ID, endpoints.Patch{URL: &after.URL}, -1); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(850 * time.Millisecond) // so that it looks before it sends more
		close(release)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		if n := len(after.all()); n != 4 {
			t.Errorf("%d came by the new settings, want 4", n)
		}
	})
}
