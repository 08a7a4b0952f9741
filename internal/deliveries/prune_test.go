package deliveries_test

import (
	"sync"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/deliveries"
	"latchkey/models"
)

func (w *world) prune() deliveries.Pruned {
	w.t.Helper()
	done, err := w.s.Prune(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return done
}

func TestPruneDeletesWhatIsPastTheDaysForRawDataAndNothingPending(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		one, two := w.endpoint("one"), w.endpoint("two")
		young, old, waiting, unheard := w.message(30*day-time.Minute), w.message(30*day+time.Minute), w.message(40*day), w.message(31*day)
		w.delivery(one, young, models.DeliveryDelivered)
		w.delivery(one, old, models.DeliveryDelivered)
		w.delivery(two, old, models.DeliverySkipped)
		w.delivery(one, waiting, models.DeliveryPending)
		w.delivery(two, waiting, models.DeliveryFailed)
		theirs := models.Message{ID: id(noon.Add(-35 * day)), WorkspaceID: w.alien.WorkspaceID, Environment: models.Live, EventType: "x", Body: []byte("{}"), CreatedAt: models.At(noon)}
		w.insert(&theirs)
		w.exec("UPDATE workspaces SET raw_retention_days = 60 WHERE id = ?", w.alien.WorkspaceID)
		minute := noon.Unix() / 60
		for _, ago := range []int64{0, 8*1440 - 1, 8*1440 + 1} {
			w.insert(&models.EndpointMinute{EndpointID: one.ID, Minute: minute - ago})
		}
		if got, want := w.prune(), (deliveries.Pruned{Messages: 2, Deliveries: 3, Attempts: 3, Minutes: 1}); got != want {
			t.Errorf("first %+v, want %+v", got, want)
		}
		for what, want := range map[string]int{
			"messages WHERE id = '" + young.ID + "'":   1,
			"messages WHERE id = '" + waiting.ID + "'": 1,
			"messages WHERE id = '" + theirs.ID + "'":  1,
			"messages WHERE id = '" + unheard.ID + "'": 0,
			"deliveries": 2,
			"delivery_attempts WHERE message_id = '" + waiting.ID + "'": 1,
			"deliveries WHERE message_id = '" + waiting.ID + "'":        1,
			"endpoint_minutes": 2,
			"deliveries d WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = d.message_id)": 0,
		} {
			if got := w.count(what); got != want {
				t.Errorf("%s: %d, want %d", what, got, want)
			}
		}
		if got := w.prune(); got.Total() != 0 {
			t.Errorf("again %+v", got)
		}
	})
}

func TestPruneRemovesADeletedEndpointWithAllThatIsItsOwn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		gone, kept := w.endpoint("gone"), w.endpoint("kept")
		m := w.message(time.Hour)
		for range 3 {
			w.delivery(gone, w.message(time.Hour), models.DeliveryFailed)
		}
		w.delivery(gone, m, models.DeliveryPending)
		w.delivery(kept, m, models.DeliveryPending)
		w.insert(&models.EndpointMinute{EndpointID: gone.ID, Minute: noon.Unix() / 60})
		if _, err := w.s.StartReplay(t.Context(), w.owner, gone.ID, deliveries.ReplayForm{Kind: "failed"}); err != nil {
			t.Fatal(err)
		}
		if err := w.endpoints.Delete(t.Context(), w.owner, gone.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.prune(); got.Total() != 0 {
			t.Errorf("what is under way may not be over: %+v", got)
		}
		w.now = noon.Add(2 * time.Hour)
		if got, want := w.prune(), (deliveries.Pruned{Deliveries: 4, Attempts: 4, Minutes: 1, Endpoints: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		for _, table := range []string{"endpoints WHERE id", "endpoint_states WHERE endpoint_id", "deliveries WHERE endpoint_id", "delivery_attempts WHERE endpoint_id", "delivery_replays WHERE endpoint_id"} {
			if n := w.count(table+" = ?", gone.ID); n != 0 {
				t.Errorf("%s: %d left", table, n)
			}
		}
		if w.count("deliveries WHERE endpoint_id = ?", kept.ID) != 1 || w.count("messages WHERE id = ?", m.ID) != 1 {
			t.Error("the other endpoint's went, too")
		}
	})
}

func TestInstancesThatPruneAtOnceDeleteEachRowOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		e := w.endpoint("one")
		const n = 1200
		var messages []models.Message
		var rows []models.Delivery
		for range n {
			at := noon.Add(-40 * day)
			m := models.Message{ID: id(at), WorkspaceID: w.owner.WorkspaceID, Environment: models.Live, EventType: "x", Body: []byte("{}"), CreatedAt: models.At(at)}
			messages = append(messages, m)
			rows = append(rows, models.Delivery{EndpointID: e.ID, MessageID: m.ID, WorkspaceID: m.WorkspaceID, EventType: "x", Status: models.DeliveryDelivered, CreatedAt: m.CreatedAt})
		}
		if err := db.Write.CreateInBatches(messages, 400).Error; err != nil {
			t.Fatal(err)
		}
		if err := db.Write.CreateInBatches(rows, 400).Error; err != nil {
			t.Fatal(err)
		}
		var total deliveries.Pruned
		var mu sync.Mutex
		var work sync.WaitGroup
		for range 3 {
			work.Go(func() {
				done, err := deliveries.New(db, w.clock, nil).Prune(t.Context())
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				total.Messages += done.Messages
				total.Deliveries += done.Deliveries
			})
		}
		work.Wait()
		last := w.prune() // what one instance skipped, because another had it locked
		if total.Messages+last.Messages != n || total.Deliveries+last.Deliveries != n || w.count("messages") != 0 || w.count("deliveries") != 0 {
			t.Errorf("deleted %+v and %+v", total, last)
		}
	})
}
