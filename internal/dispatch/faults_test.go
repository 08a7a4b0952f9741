package dispatch_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/keys"
	"latchkey/internal/secretbox"
	"latchkey/models"
)

func TestResultsThatCannotBeWrittenAreKeptAndSendingStops(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 2 })
		w.exec("ALTER TABLE delivery_attempts RENAME TO gone")
		i := w.start()
		ids := w.messages(100, e)
		ring(e, i)
		w.eventually("a failure to write", func() bool { return i.Stats().Failures >= 3 && i.Stats().InFlight == 0 })
		sent := len(r.all())
		if waiting := i.Stats().Unwritten; waiting != sent || sent == 0 || sent >= len(ids) {
			t.Errorf("%d were sent and %d results wait", sent, waiting)
		}
		failures := i.Stats().Failures
		w.eventually("more failures", func() bool { return i.Stats().Failures > failures+1 })
		if n := len(r.all()); n != sent {
			t.Errorf("%d more were sent meanwhile", n-sent)
		}
		w.exec("ALTER TABLE gone RENAME TO delivery_attempts")
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == len(ids) })
		r.exactlyOnce(t, ids)
	})
}

func TestASecretOfAnotherKeyIsNoAttempt(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e, well := w.endpoint(r.URL), w.endpoint(r.URL)
		w.exec("UPDATE endpoints SET secret = (SELECT secret FROM endpoints WHERE id = ?) WHERE id = ?", well.ID, e.ID)
		i := w.start()
		id := w.messages(1, e)[0]
		ring(e, i)
		w.eventually("the endpoint to be left", func() bool { return w.state(e).LastError != "" && w.state(e).LeasedBy == "" })
		if s := w.state(e); !strings.Contains(s.LastError, "secret") || !s.FailingSince.IsZero() || !s.PausedUntil.IsZero() {
			t.Errorf("state %+v", s)
		}
		if d := w.delivery(e, id); d.Status != models.DeliveryPending || d.Attempts != 0 || len(r.all()) != 0 {
			t.Errorf("delivery %+v, %d requests", d, len(r.all()))
		}
	})
}

func TestAnInstanceWithTheRightKeySendsWhatAnotherCannotSign(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		id := w.messages(1, e)[0]
		w.start(func(o *dispatch.Options) { o.Endpoints = w.sealedBy("another key, also of 32 bytes only", o) })
		w.eventually("the one to leave it", func() bool { return w.state(e).LastError != "" && w.state(e).LeasedBy == "" })
		w.start()
		w.eventually("the delivery", func() bool { return w.delivery(e, id).Status == models.DeliveryDelivered })
		if a := w.attempts(e, id); len(a) != 1 || len(r.all()) != 1 {
			t.Errorf("attempts %+v, %d requests", a, len(r.all()))
		}
	})
}

// sealedBy are endpoints as an instance with another key sees them.
func (w *world) sealedBy(key string, o *dispatch.Options) *endpoints.Service {
	w.t.Helper()
	box, err := secretbox.New([]byte(key)[:32])
	if err != nil {
		w.t.Fatal(err)
	}
	return endpoints.New(endpoints.Options{
		DB: w.db, Keys: keys.New(w.db, keys.Options{Now: w.clock.Now}), Now: w.clock.Now, Secrets: box, Client: o.Client, Bell: o.Bell,
	})
}

func TestAStopWaitsForAttemptsGivesLeasesBackAndLeavesNothingRunning(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		release := make(chan struct{})
		r := newReceiver(t, w.clock, func(int, got, http.ResponseWriter) { <-release })
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Concurrency = 4 })
		i := w.start()
		w.messages(50, e)
		ring(e, i)
		w.eventually("four requests", func() bool { return len(r.all()) == 4 })
		i.cancel()
		close(release)
		i.stop()
		if delivered := w.count(e, models.DeliveryDelivered); delivered != 4 || len(r.all()) != 4 {
			t.Errorf("%d delivered, %d requests; want the four that were under way", delivered, len(r.all()))
		}
		if s := w.state(e); s.LeasedBy != "" || !s.LeasedUntil.IsZero() {
			t.Errorf("leased by %s until %s", s.LeasedBy, s.LeasedUntil)
		}
		w.eventually("all goroutines to end", func() bool { return !strings.Contains(stacks(), "latchkey/internal/dispatch.") })
	})
}

// stacks are those of all goroutines but the test's own.
func stacks() string {
	text := make([]byte, 1<<20)
	text = text[:runtime.Stack(text, true)]
	_, others, _ := strings.Cut(string(text), "\n\n")
	return others
}

func TestAStopEndsThoughAReceiverHangsAndItsDeliveryIsSentAgain(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		hang := make(chan struct{})
		r := newReceiver(t, w.clock, func(n int, _ got, _ http.ResponseWriter) {
			if n == 1 {
				<-hang
			}
		})
		defer close(hang)
		e := w.endpoint(r.URL)
		a := w.start()
		id := w.messages(1, e)[0]
		ring(e, a)
		w.eventually("the request", func() bool { return len(r.all()) == 1 })
		a.stop()
		if d := w.delivery(e, id); d.Status != models.DeliveryPending || d.Attempts != 0 {
			t.Errorf("delivery %+v", d)
		}
		w.start()
		w.eventually("the delivery", func() bool { return w.delivery(e, id).Status == models.DeliveryDelivered })
	})
}

func TestAChangedEndpointIsUsedAsItIsNow(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		before, after := newReceiver(t, w.clock, nil), newReceiver(t, w.clock, nil)
		e := w.endpoint(before.URL)
		i := w.start()
		first := w.messages(3, e)
		ring(e, i)
		w.eventually("the first", func() bool { return w.count(e, models.DeliveryDelivered) == 3 })
		item, err := w.endpoints.Change(t.Context(), w.owner, e.ID, endpoints.Patch{URL: &after.URL}, -1)
		if err != nil || !strings.HasPrefix(item.URL, after.URL) {
			t.Fatalf("change: %+v, %v", item, err)
		}
		second := w.messages(3, e)
		ring(e, i)
		w.eventually("the second", func() bool { return w.count(e, models.DeliveryDelivered) == 6 })
		before.exactlyOnce(t, first)
		after.exactlyOnce(t, second)
	})
}

func TestLargeBodiesArriveWhole(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		ids := w.messages(40, e)
		big := `{"data":{"n":1,"text":"` + strings.Repeat("é", 600_000) + `"}}`
		for _, id := range ids[:20] {
			w.exec("UPDATE messages SET body = ? WHERE id = ?", []byte(big), id)
		}
		i := w.start()
		ring(e, i)
		w.eventually("all to be delivered", func() bool { return w.count(e, models.DeliveryDelivered) == 40 })
		whole := 0
		for _, g := range r.all() {
			if g.body == big {
				whole++
			}
		}
		if whole != 20 {
			t.Errorf("%d large bodies came whole, want 20", whole)
		}
	})
}

func TestAnAnswerIsKeptOnlyInPart(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(_ int, _ got, res http.ResponseWriter) {
			res.WriteHeader(http.StatusBadRequest)
			_, _ = res.Write([]byte("\x00\xff" + strings.Repeat("no ", 1<<20)))
		})
		e := w.endpoint(r.URL)
		i := w.start()
		id := w.messages(1, e)[0]
		ring(e, i)
		w.attempted(e, id, 1)
		if a := w.attempts(e, id)[0]; len(a.Response) != 4096 || !a.Truncated || a.Status != 400 {
			t.Errorf("kept %d bytes, truncated %v, status %d", len(a.Response), a.Truncated, a.Status)
		}
	})
}

func TestAnInstanceTellsTheOwnerOnAnotherByNotify(t *testing.T) {
	t.Parallel()
	db := apptest.Postgres(t)
	w := newWorld(t, db)
	e := w.endpoint("http://127.0.0.1:1")
	w.exec("UPDATE endpoint_states SET leased_by = 'other', leased_until = ? WHERE endpoint_id = ?", models.At(w.clock.Now().Add(time.Hour)), e.ID)
	conn, err := db.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "LISTEN latchkey_outbox"); err != nil {
		t.Fatal(err)
	}
	i := w.start()
	w.messages(1, e)
	ring(e, i)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		n, err := conn.Conn().WaitForNotification(ctx)
		if err != nil {
			t.Fatalf("nothing was told: %v", err)
		}
		if n.Payload == e.ID {
			return
		}
	}
}
