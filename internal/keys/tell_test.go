package keys_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// subscribe makes an endpoint of the workspace that gets everything of live; change may alter it.
func (w *world) subscribe(change ...func(*models.Endpoint)) string {
	w.t.Helper()
	e := models.Endpoint{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: w.owner.WorkspaceID, Environment: models.Live, URL: "https://crm.example.com/hooks",
		EventTypes: "*", Concurrency: 10, Status: models.EndpointEnabled, Version: 1,
		SecretSince: models.At(w.now), CreatedAt: models.At(w.now), UpdatedAt: models.At(w.now),
	}
	for _, c := range change {
		c(&e)
	}
	err := w.db.Tx(w.t.Context(), func(tx *gorm.DB) error {
		if err := w.s.LockStates(w.t.Context(), tx); err != nil {
			return err
		}
		if err := tx.Create(&e).Error; err != nil {
			return err
		}
		return outbox.Changed(w.t.Context(), tx)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return e.ID
}

// told are the messages so far, oldest first. Each has a delivery for every endpoint of the test.
func (w *world) told() []models.Message {
	w.t.Helper()
	rows, err := gorm.G[models.Message](w.db.Read).Order("id").Find(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

func (w *world) deliveries() int64 {
	w.t.Helper()
	n, err := gorm.G[models.Delivery](w.db.Read).Count(w.t.Context(), "*")
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// body is a message of the type about a key as it is now, with these members more.
func (w *world) body(t outbox.Type, key models.APIKey, more map[string]any) map[string]any {
	data := map[string]any{
		"id": key.ID, "name": key.Name, "key_prefix": key.KeyPrefix, "environment": key.Environment, "endpoint_type": key.EndpointType,
		"status": "active", "created_at": stamp(key.CreatedAt.Time), "expires_at": nil, "by": w.owner.Label,
	}
	if !key.ExpiresAt.IsZero() {
		data["expires_at"] = stamp(key.ExpiresAt.Time)
	}
	maps.Copy(data, more)
	return map[string]any{"type": string(t), "timestamp": stamp(w.now), "data": data}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// tells does something and fails the test unless exactly this was told by it, to the one endpoint.
func (w *world) tells(what string, do func() error, want func() []map[string]any) {
	w.t.Helper()
	before := w.told()
	if err := do(); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	after := w.told()
	if w.deliveries() != int64(len(after)) {
		w.t.Errorf("%s: %d deliveries of %d messages", what, w.deliveries(), len(after))
	}
	bodies := []map[string]any{}
	for _, m := range after[len(before):] {
		body := decoded(w.t, m.Body)
		bodies = append(bodies, body)
		data := body["data"].(map[string]any)
		if m.EventType != body["type"] || m.Environment != data["environment"] || m.APIKeyID == nil || *m.APIKeyID != data["id"] || m.WorkspaceID != w.owner.WorkspaceID {
			w.t.Errorf("%s: the message stands under %+v", what, m)
		}
	}
	byID := func(a, b map[string]any) int {
		return strings.Compare(a["data"].(map[string]any)["id"].(string), b["data"].(map[string]any)["id"].(string))
	}
	wanted := want()
	slices.SortFunc(bodies, byID)
	slices.SortFunc(wanted, byID)
	if diff := cmp.Diff(wanted, bodies); diff != "" {
		w.t.Errorf("%s told (-want +got):\n%s", what, diff)
	}
}

func decoded(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

func TestEachThingThatHappensToAKeyIsToldOnceWithItsDocumentedBody(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := newWorld(t, db), t.Context()
		w.subscribe()
		one := func(t outbox.Type, key *models.APIKey, more map[string]any) func() []map[string]any {
			return func() []map[string]any { return []map[string]any{w.body(t, *key, more)} }
		}
		var made, ending, plain keys.Created
		create := func(into *keys.Created, change ...func(*keys.CreateForm)) func() error {
			return func() (err error) { *into, err = w.s.Create(ctx, w.owner, form(change...)); return err }
		}
		w.tells("create", create(&made, withSecret), one(outbox.KeyCreated, &made.Key, nil))
		w.tells("create with an end", create(&ending, expiring(noon.Add(time.Hour))), one(outbox.KeyCreated, &ending.Key, nil))
		var imported keys.Created
		w.tells("import", func() (err error) {
			imported, err = w.s.Import(ctx, w.owner, keys.ImportForm{CreateForm: form(named("Legacy")), SHA256: fmt.Sprintf("%x", digest("from elsewhere")), Prefix: "from"})
			return err
		}, one(outbox.KeyCreated, &imported.Key, nil))

		w.now = w.now.Add(time.Minute)
		var rotated keys.Rotated
		rotate := func(id string, grace time.Duration) func() error {
			return func() (err error) {
				rotated, err = w.s.Rotate(ctx, w.owner, id, keys.RotateForm{Grace: grace, Base: -1})
				return err
			}
		}
		ends := func(at time.Time) map[string]any { return map[string]any{"previous_ends_at": stamp(at)} }
		w.tells("rotate", rotate(made.Key.ID, time.Hour), one(outbox.KeyRotated, &rotated.Key, ends(w.now.Add(time.Hour))))
		w.tells("rotate a key that ends before the grace", rotate(ending.Key.ID, 24*time.Hour), one(outbox.KeyRotated, &rotated.Key, ends(ending.Key.ExpiresAt.Time)))
		w.tells("rotate without a grace", rotate(imported.Key.ID, 0), one(outbox.KeyRotated, &rotated.Key, ends(w.now)))
		w.tells("finish, rename, change", func() error {
			name, limit := "Renamed", 60
			_, err := w.s.Change(ctx, w.owner, made.Key.ID, keys.Patch{Name: &name, RateLimit: &limit}, -1)
			return errors.Join(w.s.FinishRotation(ctx, w.owner, made.Key.ID), err)
		}, func() []map[string]any { return []map[string]any{} })

		ended := func(reason string, change ...string) map[string]any {
			out := map[string]any{"status": "revoked", "reason": reason}
			for i := 0; i < len(change); i += 2 {
				out[change[i]] = change[i+1]
			}
			return out
		}
		now := w.stored(made.Key.ID)
		w.tells("deactivate", func() error { return w.s.Deactivate(ctx, w.owner, made.Key.ID, "Renamed") }, one(outbox.KeyDeactivated, &now, ended("manual")))
		w.tells("deactivate again", func() error {
			if err := w.s.Deactivate(ctx, w.owner, made.Key.ID, "Renamed"); !fault.Is(err, fault.Conflict) {
				return fmt.Errorf("no conflict: %w", err)
			}
			_, err := w.s.Revoke(ctx, w.owner, made.Key.ID)
			return err
		}, func() []map[string]any { return []map[string]any{} })
		now = w.stored(imported.Key.ID)
		w.tells("a report of a leak", func() error {
			_, err := w.s.EndReported(ctx, access.System(""), [32]byte(now.KeyHash), false, nil)
			return err
		}, one(outbox.KeyDeactivated, &now, ended("leaked", "by", "system")))

		w.tells("create once more", create(&plain), one(outbox.KeyCreated, &plain.Key, nil))
		rest := []models.APIKey{w.stored(ending.Key.ID), plain.Key}
		w.tells("the removal of their maker", func() error {
			return w.db.Tx(ctx, func(tx *gorm.DB) error { return w.s.DeactivateAllBy(ctx, tx, w.owner, w.owner.AccountID) })
		}, func() []map[string]any {
			return []map[string]any{
				w.body(outbox.KeyDeactivated, rest[0], ended("maker_removed")), w.body(outbox.KeyDeactivated, rest[1], ended("maker_removed")),
			}
		})
		for _, m := range w.told() {
			for _, secret := range []string{made.Value.Reveal(), made.Secret.Reveal(), rotated.Value.Reveal(), "from elsewhere", fmt.Sprintf("%x", digest("from elsewhere"))} {
				if strings.Contains(string(m.Body), secret) {
					t.Errorf("%s holds a secret", m.EventType)
				}
			}
		}
	})
}

// TestSamplesHaveTheMembersThatMessagesHave: what people read beside a type is what they get.
func TestSamplesHaveTheMembersThatMessagesHave(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	w.subscribe()
	made := w.create()
	if _, err := w.s.Rotate(t.Context(), w.owner, made.Key.ID, keys.RotateForm{Base: -1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s.Revoke(t.Context(), w.owner, made.Key.ID); err != nil {
		t.Fatal(err)
	}
	told := w.told()
	if len(told) != 3 {
		t.Fatalf("%d messages", len(told))
	}
	for _, m := range told {
		info, _ := outbox.Type(m.EventType).Info()
		sample, sent := decoded(t, info.Sample), decoded(t, m.Body)
		if diff := cmp.Diff(members(sample), members(sent)); diff != "" {
			t.Errorf("%s: the sample (-) and what is sent (+):\n%s", m.EventType, diff)
		}
	}
}

func members(body map[string]any) []string {
	data, _ := body["data"].(map[string]any)
	return append(slices.Sorted(maps.Keys(body)), slices.Sorted(maps.Keys(data))...)
}

func TestWhatIsRolledBackIsNotTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w, ctx := newWorld(t, db), t.Context()
		made := w.create()
		w.subscribe()
		broken := errors.New("broken")
		err := w.db.Tx(ctx, func(tx *gorm.DB) error {
			if err := w.s.DeactivateAllBy(ctx, tx, w.owner, w.owner.AccountID); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		_, err = w.s.EndReported(ctx, access.System(""), [32]byte(made.Key.KeyHash), true, func(*gorm.DB, keys.Reported) error { return broken })
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if k := w.stored(made.Key.ID); k.Status != models.KeyActive || len(w.told()) != 0 || w.deliveries() != 0 {
			t.Errorf("status %s, %d messages, %d deliveries", k.Status, len(w.told()), w.deliveries())
		}
	})
}

func TestEndpointsElsewhereAreNotToldOfAKey(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		other := w.create(named("Another"))
		w.subscribe(func(e *models.Endpoint) { e.WorkspaceID = w.alien.WorkspaceID })
		w.subscribe(func(e *models.Endpoint) { e.Environment = models.Test })
		w.subscribe(func(e *models.Endpoint) { e.APIKeyID = &other.Key.ID })
		w.subscribe(func(e *models.Endpoint) { e.Source = "stripe" })
		w.subscribe(func(e *models.Endpoint) { e.EventTypes = "signal.received api_key.expired endpoint.*" })
		w.subscribe(func(e *models.Endpoint) { e.Status = models.EndpointDeleted })
		made := w.create()
		if _, err := w.s.Revoke(t.Context(), w.owner, made.Key.ID); err != nil {
			t.Fatal(err)
		}
		if n := len(w.told()); n != 0 || w.deliveries() != 0 {
			t.Errorf("%d messages, %d deliveries", n, w.deliveries())
		}
		if _, err := w.s.Revoke(t.Context(), w.owner, other.Key.ID); err != nil {
			t.Fatal(err)
		}
		if n := len(w.told()); n != 1 || w.deliveries() != 1 {
			t.Errorf("of the key that an endpoint asks for: %d messages, %d deliveries", n, w.deliveries())
		}
	})
}
