package dispatch_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/dispatch"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

func TestATestIsSentAtOnceEvenToADisabledEndpointAndRecorded(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		r := newReceiver(t, w.clock, func(n int, _ got, res http.ResponseWriter) {
			if n == 2 {
				http.Error(res, "wrong signature", http.StatusUnauthorized)
			}
		})
		e := w.endpoint(r.URL, func(f *endpoints.Form) { f.Headers = []egress.Header{{Name: "X-Tenant", Value: "acme"}} })
		if err := w.endpoints.Disable(t.Context(), w.owner, e.ID); err != nil {
			t.Fatal(err)
		}
		i := w.start()
		edited := "{\"type\":\"webhook.test\",\n \"data\": {\"é\": 1}}"
		sent, err := i.Test(t.Context(), w.owner, e.ID, dispatch.TestForm{Type: outbox.Test, Body: []byte(edited)})
		if err != nil || !sent.Delivered || sent.Result.Status != 200 {
			t.Fatalf("%+v, %v", sent, err)
		}
		g := r.all()[0]
		hook, _ := standard.NewWebhook(e.Secret.Reveal())
		if err := hook.Verify([]byte(g.body), g.header); err != nil || g.body != edited || g.header.Get("X-Tenant") != "acme" {
			t.Errorf("got %+v, %v", g, err)
		}
		for name, value := range sent.Headers {
			if g.header.Get(name) != value {
				t.Errorf("%s: %q was sent, %q is told", name, g.header.Get(name), value)
			}
		}
		d, rows := w.delivery(e, sent.MessageID), w.attempts(e, sent.MessageID)
		if d.Status != models.DeliveryDelivered || d.Attempts != 1 || len(rows) != 1 || rows[0].Cause != models.CauseTest || g.id != outbox.PublicID(sent.MessageID) {
			t.Errorf("delivery %+v, attempts %+v", d, rows)
		}
		sent, err = i.Test(t.Context(), w.owner, e.ID, dispatch.TestForm{Type: outbox.SignalReceived})
		if err != nil || sent.Delivered || sent.Result.Status != 401 {
			t.Fatalf("%+v, %v", sent, err)
		}
		d, rows = w.delivery(e, sent.MessageID), w.attempts(e, sent.MessageID)
		if d.Status != models.DeliveryFailed || !d.NextAttemptAt.IsZero() || string(rows[0].Response) != "wrong signature\n" {
			t.Errorf("delivery %+v, attempts %+v", d, rows)
		}
		info, _ := outbox.SignalReceived.Info()
		if body := r.all()[1].body; body != string(info.Sample) {
			t.Errorf("sent %s, want the sample", body)
		}
		if s := w.state(e); !s.FailingSince.IsZero() {
			t.Errorf("a test counts for the endpoint's health: %+v", s)
		}
		entries, err := gorm.G[models.AuditEntry](db.Read).Where("action = 'endpoint.tested' AND target_id = ?", e.ID).Find(t.Context())
		if err != nil || len(entries) != 2 {
			t.Errorf("%d audit entries, %v", len(entries), err)
		}
	})
}

func TestATestIsRefusedToThoseWhoMayNotAndForWhatIsNoEvent(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w, other := newWorld(t, db), newWorldOf(t, db, "other")
		r := newReceiver(t, w.clock, nil)
		e := w.endpoint(r.URL)
		i := w.start()
		viewer := w.owner
		viewer.Role = access.Viewer
		for name, c := range map[string]struct {
			who  access.Actor
			id   string
			form dispatch.TestForm
			kind fault.Kind
		}{
			"a viewer":          {viewer, e.ID, dispatch.TestForm{Type: outbox.Test}, fault.Forbidden},
			"another workspace": {other.owner, e.ID, dispatch.TestForm{Type: outbox.Test}, fault.NotFound},
			"no endpoint":       {w.owner, "x", dispatch.TestForm{Type: outbox.Test}, fault.NotFound},
			"no type":           {w.owner, e.ID, dispatch.TestForm{Type: "signal.*"}, fault.Invalid},
			"an array":          {w.owner, e.ID, dispatch.TestForm{Type: outbox.Test, Body: []byte("[1]")}, fault.Invalid},
			"null":              {w.owner, e.ID, dispatch.TestForm{Type: outbox.Test, Body: []byte("null")}, fault.Invalid},
			"half an object":    {w.owner, e.ID, dispatch.TestForm{Type: outbox.Test, Body: []byte(`{"a":`)}, fault.Invalid},
			"too much":          {w.owner, e.ID, dispatch.TestForm{Type: outbox.Test, Body: []byte(`{"a":"` + strings.Repeat("x", 256<<10) + `"}`)}, fault.Invalid},
		} {
			if _, err := i.Test(t.Context(), c.who, c.id, c.form); !fault.Is(err, c.kind) {
				t.Errorf("%s: %v, want kind %d", name, err, c.kind)
			}
		}
		if n := len(r.all()); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestATestWhoseCallerLeavesIsOnRecordAndFewAreSentAtATime(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		arrived, answer := make(chan struct{}, 10), make(chan struct{})
		r := newReceiver(t, w.clock, func(int, got, http.ResponseWriter) {
			arrived <- struct{}{}
			<-answer
		})
		e := w.endpoint(r.URL)
		i := w.start()
		ctx, leave := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() {
				if _, err := i.Test(ctx, w.owner, e.ID, dispatch.TestForm{Type: outbox.Test}); err != nil {
					t.Error(err)
				}
			})
		}
		for range 5 {
			<-arrived
		}
		leave()
		if _, err := i.Test(t.Context(), w.owner, e.ID, dispatch.TestForm{Type: outbox.Test}); fault.KindOf(err) != fault.TooMany {
			t.Errorf("a sixth at a time: %v", err)
		}
		close(answer)
		calls.Wait()
		n, err := gorm.G[models.Delivery](db.Read).Where("endpoint_id = ? AND status = 'delivered'", e.ID).Count(t.Context(), "*")
		if err != nil || n != 5 {
			t.Errorf("%d deliveries on record, %v; want 5", n, err)
		}
		if _, err := i.Test(t.Context(), w.owner, e.ID, dispatch.TestForm{Type: outbox.Test}); err != nil {
			t.Errorf("after they have ended: %v", err)
		}
	})
}
