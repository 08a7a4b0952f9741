package dispatch_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

func TestTwoInstancesDeliverEachMessageExactlyOnce(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		a, b := w.start(), w.start()
		var all []endpoints.Created
		var ids []string
		for range 6 {
			e := w.endpoint(r.URL)
			all = append(all, e)
		}
		for range 5 {
			for _, e := range all {
				ids = append(ids, w.messages(40, e)...)
				ring(e, a, b)
			}
		}
		w.eventually("all to be delivered", func() bool {
			n := 0
			for _, e := range all {
				n += w.count(e, models.DeliveryDelivered)
			}
			return n == len(ids)
		})
		r.exactlyOnce(t, ids)
	})
}

func TestALeaseIsTakenOverWhenItsInstanceHasDied(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e, living := w.endpoint(r.URL), w.endpoint(r.URL)
		until := models.At(w.clock.Now().Add(30 * time.Second))
		w.exec("UPDATE endpoint_states SET leased_by = 'dead', leased_until = ? WHERE endpoint_id = ?", until, e.ID)
		ids := w.messages(10, e)
		i := w.start()
		ring(e, i)
		w.messages(1, living)
		ring(living, i)
		w.eventually("the other endpoint's", func() bool { return w.count(living, models.DeliveryDelivered) == 1 })
		if n := w.count(e, models.DeliveryPending); n != len(ids) || w.state(e).LeasedBy != "dead" {
			t.Fatalf("%d are pending under another's lease, want %d; leased by %s", n, len(ids), w.state(e).LeasedBy)
		}
		w.clock.Advance(31 * time.Second)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
	})
}

func TestAnInstanceThatLostItsLeaseSendsNothingMore(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := newReceiver(t, w.clock, func(n int, _ got, _ http.ResponseWriter) {
			if n == 1 {
				<-release
			}
		})
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 1 })
		ids := w.messages(5, e)
		i := w.start()
		w.eventually("the first request", func() bool { return len(r.all()) == 1 })
		w.exec("UPDATE endpoint_states SET leased_by = 'thief', leased_until = ? WHERE endpoint_id = ?", models.At(w.clock.Now().Add(time.Hour)), e.ID)
		w.clock.Advance(10 * time.Second) // so that it renews, and finds out
		w.eventually("the loss to be noticed", func() bool { return i.Stats().InFlight == 1 && dispatch.Lost(i.Service, e.ID) })
		close(release)
		w.eventually("the attempt to be recorded", func() bool { return len(w.attempts(e, ids[0])) == 1 })
		w.eventually("the endpoint to be left", func() bool { return i.Stats().Endpoints == 0 })
		if n := w.count(e, models.DeliveryPending); n != 4 || len(r.all()) != 1 || w.state(e).LeasedBy != "thief" {
			t.Errorf("%d pending, %d requests, leased by %s", n, len(r.all()), w.state(e).LeasedBy)
		}
	})
}

func TestEndpointsThatNeverAnswerDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		over := make(chan struct{})
		var hanging atomic.Int64
		black := newReceiver(t, w.clock, func(int, got, http.ResponseWriter) {
			hanging.Add(1)
			<-over
		})
		defer close(over)
		good := newReceiver(t, w.clock, nil)
		var healthy []endpoints.Created
		var ids []string
		i := w.start(func(o *dispatch.Options) {
			o.Client = egress.New(egress.Options{Allow: loopback, Now: w.clock.Now, Timeout: time.Minute})
		})
		for n := range 20 {
			url := good.URL
			if n%2 == 0 {
				url = black.URL
			}
			e := w.endpoint(url, func(f *endpoints.Form) { f.Concurrency = 100 })
			made := w.messages(200, e)
			if n%2 == 1 {
				healthy, ids = append(healthy, e), append(ids, made...)
			}
			ring(e, i)
		}
		for _, e := range healthy {
			w.eventually("a healthy endpoint's deliveries", func() bool { return w.count(e, models.DeliveryDelivered) == 200 })
		}
		good.exactlyOnce(t, ids)
		if hanging.Load() == 0 {
			t.Error("nothing hung, so this means nothing")
		}
	})
}

func TestLargeBodiesThatNobodyAnswersLeaveMemoryToTheOthers(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		over := make(chan struct{})
		var hanging atomic.Int64
		black := newReceiver(t, w.clock, func(int, got, http.ResponseWriter) {
			hanging.Add(1)
			<-over
		})
		defer close(over)
		good := newReceiver(t, w.clock, nil)
		i := w.start(func(o *dispatch.Options) {
			o.Client = egress.New(egress.Options{Allow: loopback, Now: w.clock.Now, Timeout: time.Minute})
		})
		big := []byte(`{"data":{"text":"` + strings.Repeat("x", 1_000_000) + `"}}`)
		var dead []endpoints.Created
		for range 12 {
			dead = append(dead, w.endpoint(black.URL))
		}
		ids := w.messages(10, dead...)
		w.exec("UPDATE messages SET body = ? WHERE id IN ?", big, ids)
		for _, e := range dead {
			ring(e, i)
		}
		w.eventually("every dead endpoint to hold what it may", func() bool { return hanging.Load() >= 24 })
		e := w.endpoint(good.URL)
		ids = w.messages(20, e)
		w.exec("UPDATE messages SET body = ? WHERE id IN ?", big, ids[:10])
		ring(e, i)
		w.eventually("the healthy endpoint's deliveries", func() bool { return w.count(e, models.DeliveryDelivered) == 20 })
		good.exactlyOnce(t, ids)
	})
}

func TestAnOrderedEndpointKeepsItsOrderThroughFailures(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(n int, g got, res http.ResponseWriter) {
			if n == 3 || n == 4 || n == 9 {
				res.WriteHeader(http.StatusBadGateway)
			}
		})
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Ordered, f.Concurrency = true, 50 })
		i := w.start()
		ids := w.messages(12, e)
		ring(e, i)
		w.eventually("all to be delivered", func() bool {
			var next models.Time
			row := w.db.Read.Raw("SELECT MIN(next_attempt_at) FROM deliveries WHERE endpoint_id = ? AND status = 'pending' AND attempts > 0", e.ID).Row()
			if row.Scan(&next) == nil && !next.IsZero() && w.state(e).LeasedBy == "" {
				w.clock.Advance(next.Sub(w.clock.Now()))
			}
			return w.count(e, models.DeliveryDelivered) == len(ids)
		})
		var order []int
		for _, g := range r.all() {
			order = append(order, g.number())
		}
		if want := []int{0, 1, 2, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11}; !slices.Equal(order, want) {
			t.Errorf("order %v, want %v", order, want)
		}
		if r.most != 1 {
			t.Errorf("%d requests at a time", r.most)
		}
	})
}

func TestConcurrencyIsNeverExceeded(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		together := make(chan struct{}, 1)
		var waiting atomic.Int64
		r := newReceiver(t, w.clock, func(int, got, http.ResponseWriter) {
			// Each waits until three are there, so that the bound is reached for certain.
			if waiting.Add(1) == 3 {
				close(together)
			}
			<-together
		})
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 3 })
		a, b := w.start(), w.start()
		ids := w.messages(200, e)
		ring(e, a, b)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		if r.most != 3 {
			t.Errorf("%d requests at a time, want 3", r.most)
		}
		r.exactlyOnce(t, ids)
	})
}

func TestTheBreakerPausesAFailingEndpointProbesItAndLetsItRecover(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var well atomic.Bool
		r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) {
			if !well.Load() {
				res.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 1 })
		i := w.start()
		ids := w.messages(60, e)
		ring(e, i)
		requests := 5
		for _, pause := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute} {
			w.eventually("a pause", func() bool { return w.state(e).Failures == requests && w.state(e).LeasedBy == "" })
			s := w.state(e)
			if got := s.PausedUntil.Sub(s.LastFailureAt.Time); got != pause || len(r.all()) != requests {
				t.Errorf("paused for %s after %d requests, want %s after %d", got, len(r.all()), pause, requests)
			}
			if s.FailingSince.IsZero() || !strings.Contains(s.LastError, "503") {
				t.Errorf("state %+v", s)
			}
			w.clock.Advance(s.PausedUntil.Sub(w.clock.Now()))
			requests++ // the probe
		}
		w.eventually("a pause", func() bool { return w.state(e).Failures == requests && w.state(e).LeasedBy == "" })
		well.Store(true)
		w.clock.Advance(time.Hour)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		if s := w.state(e); !s.FailingSince.IsZero() || s.Failures != 0 || !s.PausedUntil.IsZero() || s.LastError != "" {
			t.Errorf("state %+v", s)
		}
	})
}

func TestABlockedAddressIsAFailedAttemptWithoutAConnection(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		canary := newReceiver(t, w.clock, nil)
		e := w.endpoint(canary.URL)
		// This instance may not reach loopback, as if the name led elsewhere since it was saved.
		i := w.start(func(o *dispatch.Options) { o.Client = egress.New(egress.Options{Now: w.clock.Now}) })
		id := w.messages(1, e)[0]
		ring(e, i)
		d := w.attempted(e, id, 1)
		if a := w.attempts(e, id); d.LastError != "blocked_address" || d.Status != models.DeliveryPending || a[0].Status != 0 || a[0].Detail == "" {
			t.Errorf("delivery %+v, attempts %+v", d, a)
		}
		if n := len(canary.all()); n != 0 {
			t.Errorf("%d requests came through", n)
		}
	})
}
