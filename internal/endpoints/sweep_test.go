package endpoints_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// atOnce is how many pending deliveries are skipped under the state lock.
const atOnce = 5000

// pending writes many deliveries, due one after the other.
func (w *world) pending(e endpoints.Item, n int) {
	w.t.Helper()
	rows := make([]models.Delivery, n)
	for i := range rows {
		rows[i] = models.Delivery{
			EndpointID: e.ID, MessageID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: e.WorkspaceID, EventType: "signal.received",
			Status: models.DeliveryPending, Ordered: e.Ordered, NextAttemptAt: models.At(w.now), CreatedAt: models.At(w.now),
		}
	}
	if err := w.db.Write.WithContext(w.t.Context()).CreateInBatches(&rows, 500).Error; err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) inOrder(e endpoints.Item, ordered bool) (n int) {
	w.t.Helper()
	err := w.db.Read.Raw("SELECT COUNT(*) FROM deliveries WHERE endpoint_id = ? AND status = 'pending' AND ordered = ?", e.ID, ordered).Scan(&n).Error
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestOfAGreatBacklogABoundedPartIsSkippedUnderTheLockAndTheRestByTheSweep(t *testing.T) {
	ends := map[string]func(w *world, id string) error{
		"disabled": func(w *world, id string) error { return w.s.Disable(w.t.Context(), w.owner, id) },
		"by the system": func(w *world, id string) error {
			return w.s.DisableBySystem(w.t.Context(), id, models.DisabledGone, "It answered 410.")
		},
		"deleted": func(w *world, id string) error { return w.s.Delete(w.t.Context(), w.owner, id) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			apptest.Each(t, func(t *testing.T, db *database.DB) {
				w := newWorld(t, db)
				made, other := w.create(), w.create()
				w.pending(made.Item, atOnce+2100)
				w.pending(other.Item, 3)
				if err := end(w, made.ID); err != nil {
					t.Fatal(err)
				}
				if s := w.statuses(made.ID); s["skipped"] != atOnce || s["pending"] != 2100 {
					t.Errorf("at once %v", s)
				}
				var work sync.WaitGroup
				for range 3 { // instances
					work.Go(func() {
						if err := w.instance(func(*endpoints.Options) {}).Sweep(t.Context(), made.ID); err != nil {
							t.Error(err)
						}
					})
				}
				work.Wait()
				if s := w.statuses(made.ID); s["skipped"] != atOnce+2100 || s["pending"] != 0 {
					t.Errorf("after the sweep %v", s)
				}
				if err := w.s.Sweep(t.Context(), other.ID); err != nil || w.statuses(other.ID)["pending"] != 3 {
					t.Errorf("of an enabled endpoint %v, %v", w.statuses(other.ID), err)
				}
			})
		})
	}
}

func TestEnablingSkipsWhatTheSweepHasNotReachedAndKeepsWhatComesThen(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		tell := func() string {
			id := uuid.Must(uuid.NewV7()).String()
			err := db.Tx(t.Context(), func(tx *gorm.DB) error {
				return outbox.Emit(t.Context(), tx, outbox.Event{
					ID: id, WorkspaceID: made.WorkspaceID, Environment: made.Environment, Type: outbox.SignalReceived, At: w.now, Data: map[string]any{},
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		w.pending(made.Item, 2*atOnce+1)
		if err := w.s.Disable(t.Context(), w.owner, made.ID); err != nil {
			t.Fatal(err)
		}
		tell() // skipped
		if err := w.s.Enable(t.Context(), w.owner, made.ID); err != nil {
			t.Fatal(err)
		}
		last := tell()
		if err := w.s.Sweep(t.Context(), made.ID); err != nil { // late
			t.Fatal(err)
		}
		if s := w.statuses(made.ID); s["skipped"] != 2*atOnce+2 || s["pending"] != 1 {
			t.Errorf("statuses %v", s)
		}
		d, err := gorm.G[models.Delivery](db.Read).Where("endpoint_id = ? AND status = 'pending'", made.ID).Take(t.Context())
		if err != nil || d.MessageID != last {
			t.Errorf("pending %+v, %v", d, err)
		}
	})
}

func TestAGreatBacklogGoesByTheOrderOnceTheEndpointDoes(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := w.create()
		w.pending(made.Item, 3500) // all due at one instant
		for _, ordered := range []bool{true, false, true} {
			if _, err := w.s.Change(t.Context(), w.owner, made.ID, endpoints.Patch{Ordered: ptr(ordered)}, -1); err != nil {
				t.Fatal(err)
			}
			if n := w.inOrder(made.Item, ordered); n != 3500 {
				t.Errorf("ordered %t: %d of 3500 go by it", ordered, n)
			}
		}
		w.delivery(made.Item) // by what its writer knew before the change
		if err := w.s.Sweep(t.Context(), made.ID); err != nil || w.inOrder(made.Item, true) != 3501 {
			t.Errorf("%d of 3501 are in order after the sweep, %v", w.inOrder(made.Item, true), err)
		}
	})
}
