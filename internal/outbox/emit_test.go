package outbox_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/outbox"
	"latchkey/models"
)

type world struct {
	*testing.T
	db        *database.DB
	now       time.Time
	workspace string
}

func newWorld(t *testing.T, db *database.DB) *world {
	w := &world{T: t, db: db, now: time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)}
	w.workspace = w.newWorkspace("one")
	return w
}

func (w *world) newWorkspace(slug string) string {
	w.Helper()
	id := newID()
	err := w.db.Write.Create(&models.Workspace{
		ID: id, Name: slug, Slug: slug, Plan: "team", RawRetentionDays: 30, RejectedRetentionDays: 30, CreatedAt: models.At(w.now), UpdatedAt: models.At(w.now),
	}).Error
	if err != nil {
		w.Fatal(err)
	}
	return id
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func (w *world) endpoint(types string, change ...func(*models.Endpoint)) string {
	w.Helper()
	e := models.Endpoint{
		ID: newID(), WorkspaceID: w.workspace, Environment: models.Live, URL: "https://example.com", EventTypes: types, Concurrency: 1,
		Status: models.EndpointEnabled, SecretSince: models.At(w.now), CreatedAt: models.At(w.now), UpdatedAt: models.At(w.now), Version: 1,
	}
	for _, c := range change {
		c(&e)
	}
	w.tx(func(tx *gorm.DB) error { return errors.Join(tx.Create(&e).Error, outbox.Changed(w.Context(), tx)) })
	return e.ID
}

func (w *world) tx(do func(tx *gorm.DB) error) {
	w.Helper()
	if err := w.db.Tx(w.Context(), do); err != nil {
		w.Fatal(err)
	}
}

// emit tells of an event and returns who gets it: the endpoints' ids with the deliveries' statuses.
func (w *world) emit(change ...func(*outbox.Event)) map[string]string {
	w.Helper()
	e := w.event(change...)
	w.tx(func(tx *gorm.DB) error { return outbox.Emit(w.Context(), tx, e) })
	var rows []models.Delivery
	if err := w.db.Read.Where("message_id = ?", e.ID).Find(&rows).Error; err != nil {
		w.Fatal(err)
	}
	got := map[string]string{}
	for _, d := range rows {
		got[d.EndpointID] = d.Status
	}
	return got
}

func (w *world) event(change ...func(*outbox.Event)) outbox.Event {
	e := outbox.Event{ID: newID(), WorkspaceID: w.workspace, Environment: models.Live, Type: outbox.KeyCreated, At: w.now, Data: outbox.KeyData{Name: "<a> & \"b\""}}
	for _, c := range change {
		c(&e)
	}
	return e
}

func (w *world) messages() (n int64) {
	w.Helper()
	if err := w.db.Read.Model(&models.Message{}).Count(&n).Error; err != nil {
		w.Fatal(err)
	}
	return n
}

func TestAnEventGoesToWhoeverChoseIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key := newID()
		all := w.endpoint("*")
		keys := w.endpoint("signal.received api_key.*")
		off := w.endpoint("*", func(e *models.Endpoint) { e.Status = models.EndpointDisabled })
		other := w.newWorkspace("two")
		w.endpoint("signal.received")
		w.endpoint("*", func(e *models.Endpoint) { e.Status = models.EndpointDeleted })
		w.endpoint("*", func(e *models.Endpoint) { e.Environment = models.Test })
		w.endpoint("*", func(e *models.Endpoint) { e.WorkspaceID = other })
		bySource := w.endpoint("*", func(e *models.Endpoint) { e.Source = "stripe" })
		byKey := w.endpoint("*", func(e *models.Endpoint) { e.APIKeyID = &key })
		byBoth := w.endpoint("*", func(e *models.Endpoint) { e.Source, e.APIKeyID = "stripe", &key })

		same(t, w.emit(), map[string]string{all: "pending", keys: "pending", off: "skipped"})
		same(t, w.emit(func(e *outbox.Event) { e.Source = "stripe" }), map[string]string{all: "pending", keys: "pending", off: "skipped", bySource: "pending"})
		same(t, w.emit(func(e *outbox.Event) { e.APIKeyID = key }), map[string]string{all: "pending", keys: "pending", off: "skipped", byKey: "pending"})
		same(t, w.emit(func(e *outbox.Event) { e.APIKeyID, e.Source, e.Except = key, "stripe", all }),
			map[string]string{keys: "pending", off: "skipped", byKey: "pending", bySource: "pending", byBoth: "pending"})
	})
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for id, status := range want {
		if got[id] != status {
			t.Errorf("delivery %q, want %q", got[id], status)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d deliveries, want %d", len(got), len(want))
	}
}

func TestAMessageIsWrittenAsItIsSentAndDueAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		id := w.endpoint("*", func(e *models.Endpoint) { e.Ordered = true })
		e := w.event()
		w.tx(func(tx *gorm.DB) error { return outbox.Emit(t.Context(), tx, e) })
		var m models.Message
		var d models.Delivery
		if err := errors.Join(db.Read.Take(&m).Error, db.Read.Take(&d).Error); err != nil {
			t.Fatal(err)
		}
		want, err := outbox.Encode(e.Type, e.At, e.Data)
		if err != nil || string(m.Body) != string(want) || m.ID != e.ID || !m.CreatedAt.Equal(w.now) || m.APIKeyID != nil {
			t.Errorf("message %+v, %s", m, m.Body)
		}
		if d.EndpointID != id || !d.Ordered || !d.NextAttemptAt.Equal(w.now) || !d.FinishedAt.IsZero() || d.EventType != string(e.Type) || d.WorkspaceID != w.workspace {
			t.Errorf("delivery %+v", d)
		}
	})
}

func TestNothingIsWrittenWhenNobodySubscribesOrTheChangeIsUndone(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.endpoint("signal.*")
		if got := w.emit(); len(got) != 0 || w.messages() != 0 {
			t.Errorf("%d deliveries, %d messages", len(got), w.messages())
		}
		w.endpoint("*")
		undone := errors.New("undone")
		err := db.Tx(t.Context(), func(tx *gorm.DB) error { return errors.Join(outbox.Emit(t.Context(), tx, w.event()), undone) })
		if !errors.Is(err, undone) || w.messages() != 0 {
			t.Errorf("%d messages, %v", w.messages(), err)
		}
	})
}

func TestAMessageThatWasToldIsNotToldAgain(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.endpoint("*")
		e := w.event()
		for range 2 {
			w.tx(func(tx *gorm.DB) error { return outbox.Emit(t.Context(), tx, e) })
		}
		if w.messages() != 1 {
			t.Errorf("%d messages", w.messages())
		}
	})
}

func TestAListenerAloneMakesAMessageWithoutDeliveries(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.tx(func(tx *gorm.DB) error {
			return tx.Create(&models.Listener{ID: newID(), WorkspaceID: w.workspace, Environment: models.Live, EventTypes: "api_key.*", ExpiresAt: models.At(w.now)}).Error
		})
		if got := w.emit(); len(got) != 0 || w.messages() != 1 {
			t.Errorf("%d deliveries, %d messages", len(got), w.messages())
		}
	})
}

// TestASnapshotSaysTheSameAsTheTables holds what writers remember against what Emit reads.
func TestASnapshotSaysTheSameAsTheTables(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		key, other := newID(), w.newWorkspace("two")
		for _, types := range []string{"*", "api_key.*", "signal.received endpoint.*"} {
			for _, source := range []string{"", "stripe"} {
				for _, id := range []*string{nil, &key} {
					w.endpoint(types, func(e *models.Endpoint) { e.Source, e.APIKeyID = source, id })
					w.endpoint(types, func(e *models.Endpoint) { e.WorkspaceID, e.Environment = other, models.Test })
				}
			}
		}
		s := load(w)
		for _, typ := range []outbox.Type{outbox.SignalReceived, outbox.KeyExpired, outbox.IngestRejected} {
			for _, source := range []string{"", "stripe", "segment"} {
				for _, id := range []string{"", key, newID()} {
					told := w.emit(func(e *outbox.Event) { e.Type, e.Source, e.APIKeyID = typ, source, id })
					var got []string
					for _, to := range s.For(w.workspace, models.Live, typ, source, id).Endpoints {
						got = append(got, to.EndpointID)
						delete(told, to.EndpointID)
					}
					if slices.Sort(got); len(slices.Compact(got)) != len(got) || len(told) != 0 {
						t.Errorf("%s, %q, %q: %d endpoints, %d left", typ, source, id, len(got), len(told))
					}
				}
			}
		}
		if before := s.Version; load(w).Version != before {
			t.Error("the version moved without a change")
		}
		w.endpoint("*")
		if load(w).Version == s.Version {
			t.Error("the version did not move with a change")
		}
	})
}

func load(w *world) (s *outbox.Snapshot) {
	w.Helper()
	w.tx(func(tx *gorm.DB) (err error) {
		s, err = outbox.Load(context.WithoutCancel(w.Context()), outbox.Gorm(tx))
		return err
	})
	return s
}
