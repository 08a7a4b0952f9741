package deliveries_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/deliveries"
	"latchkey/internal/fault"
	"latchkey/models"
)

func (w *world) list(endpointID string, f deliveries.Filter) (ids []string, next string) {
	w.t.Helper()
	page, err := w.s.List(w.t.Context(), w.owner, endpointID, f)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, item := range page.Items {
		ids = append(ids, item.MessageID)
	}
	return ids, page.Next
}

func TestTheListIsFilteredAndPagedNewestMessageFirst(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e, other := w.endpoint("one"), w.endpoint("two")
		statuses := []string{models.DeliveryPending, models.DeliveryDelivered, models.DeliveryFailed, models.DeliverySkipped}
		var ids []string // newest first
		for i, status := range statuses {
			m := w.message(time.Duration(i) * time.Hour)
			w.delivery(e, m, status, func(d *models.Delivery) {
				if status == models.DeliveryFailed {
					d.EventType = "api_key.expired"
				}
			})
			w.delivery(other, m, status)
			ids = append(ids, m.ID)
		}
		for name, c := range map[string]struct {
			f    deliveries.Filter
			want []string
		}{
			"all":       {deliveries.Filter{}, ids},
			"pending":   {deliveries.Filter{Status: "pending"}, ids[:1]},
			"delivered": {deliveries.Filter{Status: "delivered"}, ids[1:2]},
			"failed":    {deliveries.Filter{Status: "failed"}, ids[2:3]},
			"skipped":   {deliveries.Filter{Status: "skipped"}, ids[3:]},
			"type":      {deliveries.Filter{Type: "api_key.expired"}, ids[2:3]},
			"from":      {deliveries.Filter{From: noon.Add(-2 * time.Hour)}, ids[:3]},
			"to":        {deliveries.Filter{To: noon.Add(-time.Hour)}, ids[2:]},
			"before":    {deliveries.Filter{Before: ids[1]}, ids[2:]},
			"none":      {deliveries.Filter{Status: "failed", Type: "signal.received"}, nil},
		} {
			if got, next := w.list(e.ID, c.f); !slices.Equal(got, c.want) || next != "" {
				t.Errorf("%s: %v, next %q, want %v", name, got, next, c.want)
			}
		}
		got, next := w.list(e.ID, deliveries.Filter{Limit: 3})
		if !slices.Equal(got, ids[:3]) || next != ids[2] {
			t.Errorf("first page %v, next %q", got, next)
		}
		page, err := w.s.List(t.Context(), w.owner, e.ID, deliveries.Filter{Before: ids[0], Limit: 1})
		if err != nil || !page.Items[0].MessageAt.Equal(noon.Add(-time.Hour)) {
			t.Errorf("page %+v, %v", page, err)
		}
	})
}

func TestADeliveryIsShownWithItsMessageAndItsAttempts(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e, m := w.endpoint("one"), w.message(time.Hour)
		w.delivery(e, m, models.DeliveryFailed)
		w.insert(&models.DeliveryAttempt{EndpointID: e.ID, MessageID: m.ID, Number: 2, StartedAt: models.At(noon), Cause: models.CauseRetry, Response: []byte("no")})
		got, err := w.s.Get(t.Context(), w.owner, e.ID, m.ID)
		if err != nil || string(got.Message.Body) != string(m.Body) || got.Endpoint.URL != e.URL || got.Endpoint.Secret != nil ||
			len(got.Attempts) != 2 || got.Attempts[0].Number != 1 || string(got.Attempts[1].Response) != "no" || got.Status != models.DeliveryFailed {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestDeliveriesOfAThingAreFoundByItsID(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		one, two, gone, m := w.endpoint("one"), w.endpoint("two"), w.endpoint("gone"), w.message(time.Hour)
		w.delivery(two, m, models.DeliveryPending)
		w.delivery(one, m, models.DeliveryDelivered)
		w.delivery(gone, m, models.DeliveryDelivered)
		if err := w.endpoints.Delete(t.Context(), w.owner, gone.ID); err != nil {
			t.Fatal(err)
		}
		told, err := w.s.OfMessage(t.Context(), w.owner, m.ID)
		if err != nil || len(told) != 2 || told[0].Endpoint.ID != one.ID || told[1].Status != models.DeliveryPending || told[0].Endpoint.Secret != nil {
			t.Errorf("%+v, %v", told, err)
		}
		viewer := w.owner
		viewer.Role = access.Viewer
		for name, actor := range map[string]access.Actor{"another workspace": w.alien, "a viewer": viewer} {
			if told, err := w.s.OfMessage(t.Context(), actor, m.ID); len(told) != 0 || err != nil {
				t.Errorf("%s sees %v, %v", name, told, err)
			}
		}
	})
}

func TestADeliveryThatEndedIsSentAgainFromTheBeginning(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e := w.endpoint("one")
		for _, status := range []string{models.DeliveryFailed, models.DeliverySkipped, models.DeliveryDelivered} {
			replay := id(noon)
			d := w.delivery(e, w.message(time.Hour), status, func(d *models.Delivery) { d.ReplayID = &replay })
			if err := w.s.Retry(t.Context(), w.owner, e.ID, d.MessageID); err != nil {
				t.Fatalf("%s: %v", status, err)
			}
			got := w.row(d)
			if got.Status != models.DeliveryPending || got.Step != 0 || got.Attempts != 1 || !got.NextAttemptAt.Equal(noon) || !got.FinishedAt.IsZero() || got.ReplayID != nil {
				t.Errorf("%s became %+v", status, got)
			}
			entry, after := w.said()
			if entry.Action != "delivery.retried" || entry.TargetLabel != "signal.received to one" || after["endpoint_id"] != e.ID {
				t.Errorf("log %+v %v", entry, after)
			}
			want(t, w.s.Retry(t.Context(), w.owner, e.ID, d.MessageID), fault.Conflict)
		}
		waits := w.delivery(e, w.message(time.Hour), models.DeliveryPending, func(d *models.Delivery) {
			d.Step, d.Attempts, d.NextAttemptAt = 4, 4, models.At(noon.Add(2*time.Hour))
		})
		if err := w.s.Retry(t.Context(), w.owner, e.ID, waits.MessageID); err != nil {
			t.Fatal(err)
		}
		if got := w.row(waits); got.Status != models.DeliveryPending || got.Step != 0 || got.Attempts != 4 || !got.NextAttemptAt.Equal(noon) {
			t.Errorf("what waited for its next attempt became %+v", got)
		}
		d := w.delivery(e, w.message(time.Hour), models.DeliveryFailed)
		if err := w.endpoints.Disable(t.Context(), w.owner, e.ID); err != nil {
			t.Fatal(err)
		}
		want(t, w.s.Retry(t.Context(), w.owner, e.ID, d.MessageID), fault.Conflict)
	})
}

func TestRightsAndWorkspacesHoldForEveryCall(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e := w.endpoint("one")
		d := w.delivery(e, w.message(time.Hour), models.DeliveryFailed)
		replay, err := w.s.StartReplay(t.Context(), w.owner, e.ID, deliveries.ReplayForm{Kind: "failed"})
		if err != nil {
			t.Fatal(err)
		}
		calls := func(actor access.Actor, endpointID string) (reads, changes map[string]error) {
			reads, changes = map[string]error{}, map[string]error{}
			_, reads["List"] = w.s.List(t.Context(), actor, endpointID, deliveries.Filter{})
			_, reads["Get"] = w.s.Get(t.Context(), actor, endpointID, d.MessageID)
			_, reads["Plan"] = w.s.Plan(t.Context(), actor, endpointID, "failed", noon)
			_, reads["Replay"] = w.s.Replay(t.Context(), actor, endpointID, replay.ID)
			_, reads["Replays"] = w.s.Replays(t.Context(), actor, endpointID)
			changes["Retry"] = w.s.Retry(t.Context(), actor, endpointID, d.MessageID)
			_, changes["StartReplay"] = w.s.StartReplay(t.Context(), actor, endpointID, deliveries.ReplayForm{Kind: "failed"})
			_, changes["StopReplay"] = w.s.StopReplay(t.Context(), actor, endpointID, replay.ID)
			return reads, changes
		}
		viewer, editor, reader := w.owner, w.owner, w.owner
		viewer.Role, editor.Role = access.Viewer, access.Editor
		reader.KeyID, reader.Role, reader.Scopes = "k", "", access.Scopes{access.EndpointsRead}
		for name, c := range map[string]struct {
			actor          access.Actor
			id             string
			reads, changes fault.Kind
		}{
			"another workspace": {w.alien, e.ID, fault.NotFound, fault.NotFound},
			"no endpoint":       {w.owner, "x", fault.NotFound, fault.NotFound},
			"a viewer":          {viewer, e.ID, fault.Forbidden, fault.Forbidden},
			"an editor":         {editor, e.ID, fault.Forbidden, fault.Forbidden},
			"a reading program": {reader, e.ID, fault.Internal, fault.Forbidden},
		} {
			reads, changes := calls(c.actor, c.id)
			for call, err := range reads {
				if fault.KindOf(err) != c.reads || (err == nil) != (c.reads == fault.Internal) {
					t.Errorf("%s by %s: %v", call, name, err)
				}
			}
			for call, err := range changes {
				if !fault.Is(err, c.changes) {
					t.Errorf("%s by %s: %v", call, name, err)
				}
			}
		}
		for _, messageID := range []string{"x", id(noon)} {
			if _, err := w.s.Get(t.Context(), w.owner, e.ID, messageID); !fault.Is(err, fault.NotFound) {
				t.Errorf("no such delivery: %v", err)
			}
			if _, err := w.s.Replay(t.Context(), w.owner, e.ID, messageID); !fault.Is(err, fault.NotFound) {
				t.Errorf("no such replay: %v", err)
			}
		}
	})
}
