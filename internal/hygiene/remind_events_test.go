package hygiene_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/hygiene"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// subscribe makes an endpoint that gets what keys of an environment tell.
func (w *world) subscribe(environment, types string) {
	w.t.Helper()
	e := models.Endpoint{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: w.owner.WorkspaceID, Environment: environment, URL: "https://crm.example.com/hooks",
		EventTypes: types, Concurrency: 10, Status: models.EndpointEnabled, Version: 1,
		SecretSince: models.At(noon), CreatedAt: models.At(noon), UpdatedAt: models.At(noon),
	}
	w.tx(func(tx *gorm.DB) error {
		if err := tx.Create(&e).Error; err != nil {
			return err
		}
		return outbox.Changed(w.t.Context(), tx)
	})
}

// tx changes who gets what.
func (w *world) tx(fn func(tx *gorm.DB) error) {
	w.t.Helper()
	err := w.db.Tx(w.t.Context(), func(tx *gorm.DB) error {
		if err := w.keys.LockStates(w.t.Context(), tx); err != nil {
			return err
		}
		return fn(tx)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// sent are the bodies of the messages about a key, oldest first.
func (w *world) sent(k models.APIKey) []map[string]any {
	w.t.Helper()
	rows, err := gorm.G[models.Message](w.db.Read).Where("api_key_id = ?", k.ID).Order("id").Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	bodies := []map[string]any{}
	for _, r := range rows {
		var body map[string]any
		if err := json.Unmarshal(r.Body, &body); err != nil || r.WorkspaceID != k.WorkspaceID || r.Environment != k.Environment || r.EventType != body["type"] {
			w.t.Errorf("message %+v, %v", r, err)
		}
		bodies = append(bodies, body)
	}
	return bodies
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func TestAnExpiryIsSentOnceAThresholdAndAtItsEnd(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		k := w.create("Ending", endingIn(w, 40*day)).Key
		w.subscribe(models.Live, "api_key.expiring api_key.expired")
		w.subscribe(models.Test, "*")
		want := []map[string]any{}
		for _, step := range []struct {
			left   time.Duration
			typ    string
			status string
			days   float64
		}{{35 * day, "", "", 0}, {30 * day, "api_key.expiring", "active", 30}, {6 * day, "api_key.expiring", "active", 7}, {time.Hour, "api_key.expiring", "active", 1}, {-time.Minute, "api_key.expired", "expired", 0}} {
			w.now = noon.Add(40*day - step.left)
			for range 2 {
				w.remind()
			}
			if step.typ != "" {
				data := map[string]any{
					"id": k.ID, "name": "Ending", "key_prefix": k.KeyPrefix, "environment": "live", "endpoint_type": "signal_staging", "status": step.status,
					"created_at": stamp(noon), "expires_at": stamp(noon.Add(40 * day)), "by": "system",
				}
				if step.days > 0 {
					data["days"] = step.days
				}
				want = append(want, map[string]any{"type": step.typ, "timestamp": stamp(w.now), "data": data})
			}
			if diff := cmp.Diff(want, w.sent(k)); diff != "" {
				t.Fatalf("with %v left, sent (-want +got):\n%s", step.left, diff)
			}
		}
		var n int64
		if err := db.Read.Raw("SELECT COUNT(*) FROM deliveries").Scan(&n).Error; err != nil || n != 4 {
			t.Errorf("%d deliveries, %v; only the endpoint of the key's environment gets them", n, err)
		}
		checkSamples(t, want)
	})
}

// checkSamples: what people read beside a type has the members that messages have.
func checkSamples(t *testing.T, bodies []map[string]any) {
	t.Helper()
	for _, body := range bodies {
		info, _ := outbox.Type(body["type"].(string)).Info()
		var sample map[string]any
		if err := json.Unmarshal(info.Sample, &sample); err != nil {
			t.Fatal(err)
		}
		shown, _ := sample["data"].(map[string]any)
		sent := body["data"].(map[string]any)
		for name := range sent {
			if _, ok := shown[name]; !ok || len(shown) != len(sent) {
				t.Errorf("%s has %v, its sample %v", body["type"], sent, shown)
				break
			}
		}
	}
}

func TestManyInstancesSendAnExpiryOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		made := make([]models.APIKey, 20)
		for i := range made {
			made[i] = w.create("Ending", endingIn(w, 5*day)).Key
		}
		w.subscribe(models.Live, "*")
		var work sync.WaitGroup
		for range 4 {
			clock := func() time.Time { return w.now }
			instance := hygiene.New(db, keys.New(db, keys.Options{Now: clock}), clock)
			work.Go(func() {
				if err := instance.Remind(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		work.Wait()
		for _, k := range made {
			if sent := w.sent(k); len(sent) != 1 {
				t.Errorf("sent %v", sent)
			}
		}
	})
}
