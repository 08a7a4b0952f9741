package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// subscribe makes an endpoint as internal/endpoints does, but one that the workers leave alone: what
// is looked at here is what was written.
func subscribe(t *testing.T, a *apptest.App, types string, change ...func(*models.Endpoint)) string {
	t.Helper()
	now := models.At(a.Clock.Now())
	e := models.Endpoint{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: a.Owner.WorkspaceID, Environment: models.Live, URL: "https://127.0.0.1:1/", EventTypes: types,
		Concurrency: 1, Status: models.EndpointEnabled, SecretSince: now, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	for _, c := range change {
		c(&e)
	}
	err := a.DB.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := a.Keys.LockStates(t.Context(), tx); err != nil {
			return err
		}
		return errors.Join(tx.Create(&e).Error, outbox.Changed(t.Context(), tx))
	})
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// told are the messages that an endpoint gets, with the status of each delivery.
func told(t *testing.T, a *apptest.App, endpointID string) []tale {
	t.Helper()
	var rows []tale
	err := a.DB.Read.Raw(`
		SELECT m.id, m.event_type, m.environment, m.source, m.api_key_id, m.body, d.status, d.event_type AS delivered_type
		FROM deliveries d JOIN messages m ON m.id = d.message_id AND m.workspace_id = d.workspace_id
		WHERE d.endpoint_id = ? ORDER BY m.id`, endpointID).Scan(&rows).Error
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

type tale struct {
	ID, EventType, Environment, Source, Status, DeliveredType string
	APIKeyID                                                  string `gorm:"column:api_key_id"`
	Body                                                      []byte
}

// data decodes what a message tells.
func (m tale) data(t *testing.T) (data map[string]any) {
	t.Helper()
	var body struct {
		Type string
		Data map[string]any
	}
	if err := json.Unmarshal(m.Body, &body); err != nil || body.Type != m.EventType || m.DeliveredType != m.EventType {
		t.Fatalf("%s message: %v in %s", m.EventType, err, m.Body)
	}
	return body.Data
}

func signalURL(k keys.Created) string { return "/api/signal-staging/webhook/" + k.Value.Reveal() }

func messages(t *testing.T, a *apptest.App) (n int64) {
	t.Helper()
	if err := a.DB.Read.Model(&models.Message{}).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestASignalIsToldOnceWithItsOwnID(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		off := subscribe(t, a, "*", func(e *models.Endpoint) { e.Status = models.EndpointDisabled })
		to := subscribe(t, a, "signal.received")
		const event = `{"event":"a \"b\" <c>","userId":"u","messageId":"m", "n":1.10}`
		for range 2 { // the second is a duplicate
			if got := a.Post(t, signalURL(k), event); got.Status != 200 {
				t.Fatalf("answer %d %s", got.Status, got.Body)
			}
		}
		a.Post(t, "/api/signal-staging/webhook/custom/"+k.Value.Reveal(), `{"event":"from a source","userId":"u"}`)
		var signals []models.Signal
		if err := a.DB.Read.Order("id").Find(&signals).Error; err != nil {
			t.Fatal(err)
		}
		got := told(t, a, to)
		if len(got) != 2 || len(signals) != 2 {
			t.Fatalf("%d messages of %d signals", len(got), len(signals))
		}
		for i, m := range got {
			if string(m.Body) != string(outbox.SignalBody(&signals[i])) || m.ID != signals[i].ID || m.APIKeyID != k.Key.ID || m.Environment != models.Live {
				t.Errorf("message %+v: %s", m, m.Body)
			}
		}
		if got[1].Source != "custom" || got[1].data(t)["source"] != "custom" {
			t.Errorf("source %q", got[1].Source)
		}
		if d := got[0].data(t); d["event"] != `a "b" <c>` || d["id"] != signals[0].ID || !strings.Contains(string(got[0].Body), `"payload":`+event) {
			t.Errorf("body %s", got[0].Body)
		}
		for _, m := range told(t, a, off) {
			if m.Status != models.DeliverySkipped {
				t.Errorf("a disabled endpoint's delivery is %s", m.Status)
			}
		}
	})
}

func TestSignalsOfBatchesAndStreamsAreToldEach(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k, test := a.NewKey(t), a.NewKey(t, func(f *keys.CreateForm) { f.Environment = models.Test })
		to := subscribe(t, a, "*")
		a.Post(t, signalURL(k)+"/batch", `[{"event":"1"},{"event":""},{"event":"3","messageId":"m"},{"event":"3","messageId":"m"}]`)
		a.Post(t, "/api/signal-staging/bulk/"+k.Value.Reveal(), strings.Repeat(`{"event":"x"}`+"\n", 2500)+"{}\n")
		a.Post(t, signalURL(test), `{"event":"elsewhere"}`)
		kinds := map[string]int{}
		for _, m := range told(t, a, to) {
			kinds[m.EventType]++
			if m.EventType != string(outbox.IngestRejected) {
				continue
			}
			d := m.data(t)
			if d["code"] != "items_rejected" || d["rejected"] != 1.0 || len(d["errors"].([]any)) != 1 || d["request_id"] != m.ID {
				t.Errorf("refusal %s", m.Body)
			}
		}
		if kinds["signal.received"] != 2502 || kinds["ingest.rejected"] != 2 || len(kinds) != 2 {
			t.Errorf("told %v", kinds)
		}
	})
}

func TestOnlyRefusalsOfAKnownKeyAreTold(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := a.NewKey(t)
		to := subscribe(t, a, "ingest.rejected")
		a.Post(t, signalURL(k)+"x", `{"event":"unknown key"}`)
		a.Post(t, signalURL(k), `{"event":"of its own kind"`, "User-Agent", "Latchkey-Webhooks/1")
		got := a.Post(t, signalURL(k), `{"event":`)
		a.Post(t, signalURL(k), `{"event":"fine"}`)
		apptest.Eventually(t, "the message", func() bool { return len(told(t, a, to)) > 0 })
		a.Stop() // all that was queued is written
		all := told(t, a, to)
		if len(all) != 1 || messages(t, a) != 1 {
			t.Fatalf("%d messages, %d of them for the endpoint", messages(t, a), len(all))
		}
		d := all[0].data(t)
		if d["code"] != got.Code(t) || d["status"] != 400.0 || d["api_key_id"] != k.Key.ID || d["request_id"] != got.Header.Get("X-Request-Id") || d["message"] == "" {
			t.Errorf("refusal %s", all[0].Body)
		}
	})
}

func TestAMessageLeavesWithItsSignalOrNotAtAll(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		to := subscribe(t, a, "signal.received")
		for round := range rounds / 10 {
			race(t, a, a, round, deactivate)
		}
		var signals int64
		if err := a.DB.Read.Model(&models.Signal{}).Count(&signals).Error; err != nil {
			t.Fatal(err)
		}
		if got := len(told(t, a, to)); int64(got) != signals || messages(t, a) != signals {
			t.Errorf("%d signals, %d messages, %d deliveries", signals, messages(t, a), got)
		}
		var strangers int64
		if a.DB.Read.Raw("SELECT COUNT(*) FROM messages WHERE id NOT IN (SELECT id FROM signals)").Scan(&strangers); strangers != 0 {
			t.Errorf("%d messages tell of nothing", strangers)
		}
	})
}

// TestANewEndpointGetsTheVeryNextSignalOnEveryInstance posts to both instances all the time: a post
// that begins after an endpoint was made must be told to it.
func TestANewEndpointGetsTheVeryNextSignalOnEveryInstance(t *testing.T) {
	check := func(t *testing.T, one, two *apptest.App) {
		k := one.NewKey(t)
		const times = 15
		var made [times]atomic.Pointer[string]
		var missing sync.Map // signal -> endpoint
		var posts, done atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 {
			a := []*apptest.App{one, two}[i%2]
			wg.Go(func() {
				for n := 0; done.Load() == 0; n++ {
					var owed []string
					for r := range made {
						if id := made[r].Load(); id != nil {
							owed = append(owed, *id)
						}
					}
					body := `{"event":"x"}`
					if n%2 == 0 { // a message id takes the way of two round trips
						body = fmt.Sprintf(`{"event":"x","messageId":"%d-%d"}`, i, n)
					}
					reply := a.Post(t, signalURL(k), body)
					id, _ := reply.JSON(t)["id"].(string)
					if reply.Status != 200 || id == "" {
						t.Errorf("answer %d %s", reply.Status, reply.Body)
						return
					}
					missing.Store(id, owed)
					posts.Add(1)
				}
			})
		}
		for r := range made {
			before := posts.Load()
			apptest.Eventually(t, "some posts", func() bool { return posts.Load() > before+6 || t.Failed() })
			id := subscribe(t, []*apptest.App{one, two}[r%2], "signal.*")
			made[r].Store(&id)
		}
		before := posts.Load()
		apptest.Eventually(t, "the last posts", func() bool { return posts.Load() > before+16 || t.Failed() })
		done.Store(1)
		wg.Wait()
		got := map[string]bool{}
		for r := range made {
			for _, m := range told(t, one, *made[r].Load()) {
				got[m.ID+*made[r].Load()] = true
			}
		}
		missing.Range(func(signal, owed any) bool {
			for _, id := range owed.([]string) {
				if !got[signal.(string)+id] {
					t.Errorf("a signal that was posted after an endpoint was made was not told to it")
					return false
				}
			}
			return true
		})
	}
	t.Run("sqlite", func(t *testing.T) {
		a := apptest.Start(t, apptest.SQLite(t))
		check(t, a, a)
	})
	t.Run("postgres", func(t *testing.T) {
		cfg := apptest.PostgresConfig(t)
		one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
		two.Owner = one.Owner
		check(t, one, two)
	})
}

func TestAnAppliedUpdateIsToldAndOthersAreNot(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, usual)
		to := subscribe(t, a, "product_org.*")
		for _, body := range []string{
			`{"org":"acme","plan":"team","users":3,"at":"2026-01-02T00:00:00Z"}`,     // applied
			`{"org":"acme","plan":"team","users":3,"at":"2026-01-02T00:00:00Z"}`,     // duplicate
			`{"org":"acme","plan":"free","at":"2026-01-01T00:00:00Z"}`,               // stale
			`{"org":"acme","plan":"team","at":"2026-01-03T00:00:00Z"}`,               // unchanged
			`{"org":"acme","plan":"business","users":3,"at":"2026-01-04T00:00:00Z"}`, // applied
			`{"plan":"nobody's"}`, // failed
		} {
			a.Post(t, orgURL(k), body)
		}
		got := told(t, a, to)
		if len(got) != 2 {
			t.Fatalf("%d messages", len(got))
		}
		var rows []models.ProductOrgUpdate
		if err := a.DB.Read.Where("status = 'applied'").Order("id").Find(&rows).Error; err != nil || len(rows) != 2 {
			t.Fatalf("%d applied, %v", len(rows), err)
		}
		d := got[1].data(t)
		org := d["organization"].(map[string]any)
		if got[1].ID != rows[1].ID || d["update_id"] != rows[1].ID || d["api_key_id"] != k.Key.ID || org["org_id"] != "acme" {
			t.Errorf("message %s", got[1].Body)
		}
		for part, want := range map[string]any{"changes": d["changes"], "values": org["values"]} {
			encoded, _ := json.Marshal(want)
			expected := map[string]string{
				"changes": `[{"after":"business","before":"team","field":"plan"}]`, "values": `{"plan":"business","user_count":3}`,
			}[part]
			if string(encoded) != expected {
				t.Errorf("%s: %s, want %s", part, encoded, expected)
			}
		}
	})
}

func TestAReplayedUpdateIsToldWhenItAppliesAndItsRefusalWasToldBefore(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k := orgKey(t, a, rows("!org_id", "$.wrong", "plan", "$.plan"))
		quarantine := orgKey(t, a, rows("!org_id", "$.wrong"), func(f *keys.CreateForm) { f.OnError = models.OnErrorQuarantine })
		to := subscribe(t, a, "*")
		a.Post(t, orgURL(k), `{"org":"acme","plan":"team"}`)
		a.Post(t, orgURL(quarantine), `{"org":"acme","plan":"team"}`)
		if got := told(t, a, to); len(got) != 1 || got[0].EventType != "ingest.rejected" || got[0].data(t)["code"] != "mapping_failed" {
			t.Fatalf("told %d, the first is %s", len(got), got[0].Body)
		}
		if _, err := a.Templates.Save(t.Context(), a.Owner, *k.Key.TemplateID, 1, *usual, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Ingest.ReplayPreview(t.Context(), a.Owner, k.Key.ID); err != nil {
			t.Fatal(err)
		}
		if n := messages(t, a); n != 1 {
			t.Errorf("a preview told something: %d messages", n)
		}
		replay(t, a, k)
		var updates []tale
		for _, m := range told(t, a, to) {
			if m.EventType == "product_org.updated" {
				updates = append(updates, m)
			}
		}
		if len(updates) != 1 || updates[0].data(t)["replayed_at"] == nil {
			t.Fatalf("%d updates told", len(updates))
		}
	})
}
