package endpoints_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/models"
)

func (w *world) change(id string, p endpoints.Patch) endpoints.Changed {
	w.t.Helper()
	got, err := w.s.Change(w.t.Context(), w.owner, id, p, -1)
	if err != nil {
		w.t.Fatalf("change: %v", err)
	}
	return got
}

func TestAChangeWritesWhatDiffersAndNothingElse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made, key := w.create(), w.key(w.owner, models.Live)
		version := w.version()
		same := endpoints.Patch{URL: ptr(made.URL), EventTypes: &[]string{"signal.received"}, Source: ptr(""), APIKeyID: ptr(""), Ordered: ptr(false), Concurrency: ptr(10), Headers: &[]egress.Header{}}
		if got := w.change(made.ID, same); got.Version != 1 || w.version() != version {
			t.Errorf("what is the same made version %d", got.Version)
		}
		got := w.change(made.ID, endpoints.Patch{
			URL: ptr(" http://127.0.0.1:10/other "), Description: ptr("Billing"), EventTypes: &[]string{"*"}, Source: ptr("stripe"), APIKeyID: &key.ID,
			Ordered: ptr(true), Concurrency: ptr(1), RateLimit: ptr(5),
		})
		if got.URL != "http://127.0.0.1:10/other" || got.Description != "Billing" || got.EventTypes != "*" || got.Source != "stripe" || *got.APIKeyID != key.ID ||
			!got.Ordered || got.Concurrency != 1 || got.RateLimit != 5 || got.Version != 2 || got.Environment != models.Live {
			t.Errorf("changed %+v", got.Endpoint)
		}
		if w.version() <= version {
			t.Error("writers are not told")
		}
		actions, before, after := w.said(made.ID)
		if fmt.Sprint(actions) != "[endpoint.created endpoint.updated]" || before["url"] != made.URL || after["url"] != got.URL || after["concurrency"] != 1.0 || len(after) != 8 {
			t.Errorf("log %v %v %v", actions, before, after)
		}
		w.exec("UPDATE api_keys SET status = 'deactivated' WHERE id = ?", key.ID)
		if got := w.change(made.ID, endpoints.Patch{APIKeyID: ptr("")}); got.APIKeyID != nil {
			t.Error("the filter stays")
		}
		_, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{
			URL: ptr("gopher://x"), EventTypes: &[]string{}, Source: ptr("A"), APIKeyID: ptr(made.ID), Concurrency: ptr(0), RateLimit: ptr(10_001), Description: ptr("\x00"),
		}, -1)
		want(t, err, fault.Invalid, "url", "event_types", "source", "api_key_id", "concurrency", "rate_limit", "description")
	})
}

func TestHeadersLeftBlankKeepTheirValue(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create(func(f *endpoints.Form) {
			f.Headers = []egress.Header{{Name: "X-Kept", Value: "kept"}, {Name: "X-New", Value: "old"}, {Name: "X-Gone", Value: "gone"}}
		})
		shown := w.get(made.ID).Headers
		w.change(made.ID, endpoints.Patch{Headers: &[]egress.Header{{Name: "x-kept"}, {Name: "X-New", Value: "new"}, {Name: "X-Added", Value: "added"}}})
		got := w.headers(made.ID)
		if len(got) != 3 || got.Get("X-Kept") != "kept" || got.Get("X-New") != "new" || got.Get("X-Added") != "added" {
			t.Errorf("headers %v", got)
		}
		_, before, after := w.said(made.ID)
		if before["headers"] != "X-Kept, X-New, X-Gone" || after["headers"] != "x-kept, X-New, X-Added" {
			t.Errorf("log %v %v", before, after)
		}
		_, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{Headers: &[]egress.Header{{Name: "X-Unknown"}}}, -1)
		want(t, err, fault.Invalid, "headers")
		_, err = w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{Headers: &[]egress.Header{{Name: "Webhook-Signature", Value: "v1,x"}}}, -1)
		want(t, err, fault.Invalid, "headers")
		// What was shown is sent back as it was: the mask is no value.
		w.change(made.ID, endpoints.Patch{Headers: &[]egress.Header{{Name: shown[0].Name, Value: shown[0].Value}}})
		if got := w.headers(made.ID); len(got) != 1 || got.Get("X-Kept") != "kept" {
			t.Errorf("headers %v", got)
		}
		w.change(made.ID, endpoints.Patch{Headers: &[]egress.Header{{Name: "X-Kept", Value: "other"}}})
		if _, before, after := w.said(made.ID); after["header_values"] != "changed" || after["headers"] != "X-Kept" {
			t.Errorf("log %v %v", before, after)
		}
		w.change(made.ID, endpoints.Patch{Headers: &[]egress.Header{}})
		if got := w.headers(made.ID); len(got) != 0 || w.row(made.ID).Headers != nil {
			t.Errorf("headers %v", got)
		}
	})
}

func (w *world) headers(id string) http.Header {
	w.t.Helper()
	targets, err := w.s.Config(w.t.Context(), []string{id})
	if err != nil || targets[0].Problem != nil {
		w.t.Fatalf("config: %+v, %v", targets, err)
	}
	return targets[0].Headers
}

func TestOfChangesFromTheSameVersionOneIsMade(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		var done, moved int
		var mu sync.Mutex
		var work sync.WaitGroup
		for i := range 8 {
			work.Go(func() {
				_, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{RateLimit: ptr(i + 1)}, 1)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case err == endpoints.ErrMoved:
					moved++
				default:
					t.Error(err)
				}
			})
		}
		work.Wait()
		if done != 1 || moved != 7 || w.get(made.ID).Version != 2 {
			t.Errorf("%d made, %d refused, version %d", done, moved, w.get(made.ID).Version)
		}
	})
}

func TestWhatIsPendingGoesByTheNewOrder(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made, other := w.create(), w.create()
		pending, ended, others := w.delivery(made.Item), w.delivery(made.Item, ended(models.DeliveryFailed)), w.delivery(other.Item)
		w.change(made.ID, endpoints.Patch{Ordered: ptr(true)})
		for _, c := range []struct {
			d    models.Delivery
			want bool
		}{{pending, true}, {ended, false}, {others, false}} {
			row, err := gorm.G[models.Delivery](db.Read).Where("endpoint_id = ? AND message_id = ?", c.d.EndpointID, c.d.MessageID).Take(t.Context())
			if err != nil || row.Ordered != c.want {
				t.Errorf("%s delivery is ordered: %t, %v", c.d.Status, row.Ordered, err)
			}
		}
	})
}

func TestAMendedEndpointIsTriedAtOnce(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	made := w.create()
	pause := func() {
		w.exec("UPDATE endpoint_states SET paused_until = ?, failures = 9, failing_since = ? WHERE endpoint_id = ?", models.At(noon.AddDate(0, 0, 1)), models.At(noon), made.ID)
	}
	pause()
	if got := w.change(made.ID, endpoints.Patch{Description: ptr("x")}); got.State.PausedUntil.IsZero() {
		t.Error("a description ends the pause")
	}
	for name, p := range map[string]endpoints.Patch{
		"another URL": {URL: ptr("http://127.0.0.1:10/new")}, "other headers": {Headers: &[]egress.Header{{Name: "X-A", Value: "b"}}},
	} {
		pause()
		if got := w.change(made.ID, p); !got.State.PausedUntil.IsZero() || got.State.FailingSince.IsZero() {
			t.Errorf("%s: %+v", name, got.State)
		}
	}
}

func ended(status string) func(*models.Delivery) {
	return func(d *models.Delivery) {
		d.Status, d.NextAttemptAt, d.FinishedAt = status, models.Time{}, models.At(noon)
	}
}
