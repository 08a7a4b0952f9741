package dispatch_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

// attempted waits until a delivery has so many attempts on record.
func (w *world) attempted(e endpoints.Created, id string, n int) models.Delivery {
	w.t.Helper()
	w.eventually("attempt "+strconv.Itoa(n), func() bool { return w.delivery(e, id).Attempts >= n })
	return w.delivery(e, id)
}

func TestFailuresAreTriedAgainAfterFiveSecondsAndFiveMinutesWithTheSameBytes(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(n int, _ got, res http.ResponseWriter) {
			if n < 3 {
				http.Error(res, "not today", http.StatusInternalServerError)
			}
		})
		e := w.endpoint(r.URL)
		i := w.start()
		id := w.messages(1, e)[0]
		ring(e, i)
		for n, pause := range []time.Duration{5 * time.Second, 5 * time.Minute} {
			d := w.attempted(e, id, n+1)
			ended := w.attempts(e, id)[n].StartedAt.Time
			if wait := d.NextAttemptAt.Sub(ended); d.Status != models.DeliveryPending || wait < pause || wait > pause+10*time.Second {
				t.Errorf("after attempt %d: %s, next after %s, want %s", n+1, d.Status, wait, pause)
			}
			w.clock.Advance(pause)
		}
		d := w.attempted(e, id, 3)
		if d.Status != models.DeliveryDelivered || d.LastStatus != 200 || d.LastError != "" || d.FinishedAt.IsZero() || !d.NextAttemptAt.IsZero() {
			t.Errorf("delivery %+v", d)
		}
		hook, err := standard.NewWebhook(e.Secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		all := r.all()
		for n, g := range all {
			// The library knows the real clock only.
			if err := hook.VerifyIgnoringTimestamp([]byte(g.body), g.header); err != nil {
				t.Errorf("attempt %d: signature: %v", n+1, err)
			}
			if g.id != all[0].id || g.body != all[0].body {
				t.Errorf("attempt %d: id %s body %s, want those of the first", n+1, g.id, g.body)
			}
			if seconds, _ := strconv.ParseInt(g.header.Get("webhook-timestamp"), 10, 64); g.at.Unix()-seconds > 5 || seconds > g.at.Unix() {
				t.Errorf("attempt %d: timestamp %d at %d", n+1, seconds, g.at.Unix())
			}
		}
		if first := all[1].at.Sub(all[0].at); first < 5*time.Second {
			t.Errorf("second attempt after %s", first)
		}
		if second := all[2].at.Sub(all[1].at); second < 5*time.Minute {
			t.Errorf("third attempt after %s", second)
		}
		a := w.attempts(e, id)
		if len(a) != 3 || a[0].Status != 500 || a[0].Error != "http_error" || string(a[0].Response) != "not today\n" || a[2].Status != 200 {
			t.Errorf("attempts %+v", a)
		}
		w.eventually("the endpoint to be well", func() bool { return w.state(e).FailingSince.IsZero() && w.state(e).Failures == 0 })
	})
}

func TestAfterTheWholeScheduleADeliveryHasFailed(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) { res.WriteHeader(http.StatusTeapot) })
		e := w.endpoint(r.URL)
		i := w.start()
		id := w.messages(1, e)[0]
		ring(e, i)
		for n := 1; n < len(dispatch.Schedule); n++ {
			if d := w.attempted(e, id, n); d.Status != models.DeliveryPending {
				t.Fatalf("after %d attempts: %s", n, d.Status)
			}
			w.clock.Advance(dispatch.Schedule[n])
		}
		d := w.attempted(e, id, len(dispatch.Schedule))
		if d.Status != models.DeliveryFailed || d.LastStatus != 418 || d.LastError != "http_error" || d.FinishedAt.IsZero() || !d.NextAttemptAt.IsZero() {
			t.Errorf("delivery %+v", d)
		}
		w.clock.Advance(24 * time.Hour)
		w.eventually("the lease to be given back", func() bool { return w.state(e).LeasedBy == "" })
		if n := len(r.all()); n != 8 {
			t.Errorf("%d requests, want 8", n)
		}
		var sum time.Duration
		for _, pause := range dispatch.Schedule {
			sum += pause
		}
		if sum < 27*time.Hour || sum > 29*time.Hour {
			t.Errorf("the schedule lasts %s, want about 28 h", sum)
		}
	})
}

func TestJitterIsAFifthToBothSides(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		for value, want := range map[float64]time.Duration{0: 4 * time.Second, 0.999999: 6 * time.Second} {
			r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) { res.WriteHeader(http.StatusBadRequest) })
			e := w.endpoint(r.URL)
			i := w.start(func(o *dispatch.Options) { o.Rand = func() float64 { return value } })
			id := w.messages(1, e)[0]
			ring(e, i)
			d := w.attempted(e, id, 1)
			a := w.attempts(e, id)[0]
			ended := a.StartedAt.Add(time.Duration(a.DurationUS) * time.Microsecond)
			if pause := d.NextAttemptAt.Sub(ended).Round(100 * time.Millisecond); pause != want {
				t.Errorf("with %v the pause is %s, want %s", value, pause, want)
			}
			i.stop()
		}
	})
}

func TestARedirectIsAFailureAndItsTargetIsNotCalled(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		target := newReceiver(t, w.clock, nil)
		r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) {
			res.Header().Set("Location", target.URL)
			res.WriteHeader(http.StatusFound)
		})
		e := w.endpoint(r.URL)
		i := w.start()
		id := w.messages(1, e)[0]
		ring(e, i)
		if d := w.attempted(e, id, 1); d.Status != models.DeliveryPending || d.LastStatus != 302 || d.LastError != "redirected" {
			t.Errorf("delivery %+v", d)
		}
		if n := len(target.all()); n != 0 {
			t.Errorf("the target was called %d times", n)
		}
	})
}

func TestGoneDisablesAtOnceAndKeepsTheRestAsSkipped(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) { res.WriteHeader(http.StatusGone) })
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 1 })
		i := w.start()
		w.messages(20, e)
		ring(e, i)
		w.eventually("the endpoint to be disabled", func() bool {
			item, err := w.endpoints.Get(t.Context(), w.owner, e.ID)
			return err == nil && item.Status == models.EndpointDisabled && item.DisabledReason == models.DisabledGone
		})
		w.eventually("nothing to be pending", func() bool { return w.count(e, models.DeliveryPending) == 0 })
		if failed, skipped := w.count(e, models.DeliveryFailed), w.count(e, models.DeliverySkipped); failed != 1 || skipped != 19 || len(r.all()) != 1 {
			t.Errorf("%d failed, %d skipped, %d requests; want 1, 19 and 1", failed, skipped, len(r.all()))
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		for name, header := range map[string]func(now time.Time) string{
			"seconds": func(time.Time) string { return "120" },
			"date":    func(now time.Time) string { return now.Add(120 * time.Second).UTC().Format(http.TimeFormat) },
		} {
			w := newWorldOf(t, db, name)
			r := newReceiver(t, w.clock, func(n int, g got, res http.ResponseWriter) {
				if n == 1 {
					res.Header().Set("Retry-After", header(g.at))
					res.Header()["Date"] = nil // so that a date counts from the worker's clock
					res.WriteHeader(http.StatusTooManyRequests)
				}
			})
			e := w.endpoint(r.URL)
			i := w.start()
			id := w.messages(1, e)[0]
			ring(e, i)
			d := w.attempted(e, id, 1)
			if wait := d.NextAttemptAt.Sub(r.all()[0].at); wait < 118*time.Second || wait > 130*time.Second {
				t.Errorf("%s: next attempt after %s, want 120 s", name, wait)
			}
			if paused := w.state(e).PausedUntil; paused.Sub(r.all()[0].at) < 118*time.Second {
				t.Errorf("%s: the endpoint is paused until %s", name, paused)
			}
			other := w.messages(1, e)[0]
			w.clock.Advance(121 * time.Second)
			w.eventually("both to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == 2 })
			for _, g := range r.all()[1:] {
				if wait := g.at.Sub(r.all()[0].at); wait < 118*time.Second {
					t.Errorf("%s: a request after %s", name, wait)
				}
			}
			_ = other
			i.stop()
		}
	})
}
