package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

// TestNoRequestIsAcknowledgedAfterDeactivateAnswered is promise P3. On Postgres two instances share
// the database; SQLite has one.
func TestNoRequestIsAcknowledgedAfterDeactivateAnswered(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		a := apptest.Start(t, apptest.SQLite(t))
		for round := range rounds {
			race(t, a, a, round, deactivate)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		cfg := apptest.PostgresConfig(t)
		one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
		for round := range rounds {
			race(t, one, two, round, deactivate)
		}
	})
}

func open(t *testing.T, cfg database.Config) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// TestNoRequestIsAcknowledgedWithTheOldValueAfterItsEndAnswered is promise P3 for the end of a grace,
// and for a rotation without one.
func TestNoRequestIsAcknowledgedWithTheOldValueAfterItsEndAnswered(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *apptest.App, keys.Created) error{"finished": finish, "no grace": rotateNow} {
		t.Run(name+"/sqlite", func(t *testing.T) {
			a := apptest.Start(t, apptest.SQLite(t))
			for round := range rounds / 5 {
				race(t, a, a, round, end)
			}
		})
		t.Run(name+"/postgres", func(t *testing.T) {
			cfg := apptest.PostgresConfig(t)
			one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
			for round := range rounds / 5 {
				race(t, one, two, round, end)
			}
		})
	}
}

func deactivate(t *testing.T, a *apptest.App, k keys.Created) error {
	_, err := a.Keys.Revoke(t.Context(), a.Owner, k.Key.ID)
	return err
}

func finish(t *testing.T, a *apptest.App, k keys.Created) error {
	_, err := a.Keys.Rotate(t.Context(), a.Owner, k.Key.ID, keys.RotateForm{Grace: time.Hour, Base: -1})
	if err != nil {
		return err
	}
	return a.Keys.FinishRotation(t.Context(), a.Owner, k.Key.ID)
}

func rotateNow(t *testing.T, a *apptest.App, k keys.Created) error {
	_, err := a.Keys.Rotate(t.Context(), a.Owner, k.Key.ID, keys.RotateForm{Base: -1})
	return err
}

// race posts to both instances while the first ends the key, or its value. A post that begins after
// the end has answered must be refused, and no signal may be stored by one.
func race(t *testing.T, one, two *apptest.App, round int, end func(*testing.T, *apptest.App, keys.Created) error) {
	t.Helper()
	k := one.NewKey(t)
	path := "/api/signal-staging/webhook/" + k.Value.Reveal()
	var ended atomic.Bool
	var before, after atomic.Int64
	var wg sync.WaitGroup
	for i := range 6 {
		a := []*apptest.App{one, two}[i%2]
		wg.Go(func() {
			for late := 0; late < 2; {
				gone := ended.Load()
				status := a.Post(t, path, `{"event":"x","userId":"u"}`).Status
				switch {
				case gone && status == http.StatusOK:
					t.Errorf("round %d: acknowledged after its end had answered", round)
				case gone && status != http.StatusUnauthorized:
					t.Errorf("round %d: status %d", round, status)
				case status == http.StatusOK:
					before.Add(1)
				}
				if gone {
					late++
					after.Add(1)
				}
			}
		})
	}
	for before.Load() < 3 {
		time.Sleep(100 * time.Microsecond)
	}
	if err := end(t, one, k); err != nil {
		t.Errorf("end: %v", err)
	}
	stored := count(t, one, k)
	ended.Store(true)
	wg.Wait()
	if now := count(t, one, k); now != stored {
		t.Errorf("round %d: %d signals were stored after the end had answered", round, now-stored)
	}
}

func count(t *testing.T, a *apptest.App, k keys.Created) int64 {
	t.Helper()
	var n int64
	if err := a.DB.Read.Model(&models.Signal{}).Where("api_key_id = ?", k.Key.ID).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStoppingCommitsWhatIsQueued(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		path := "/api/signal-staging/webhook/" + a.NewKey(t).Value.Reveal()
		var acknowledged atomic.Int64
		var ids sync.Map
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for {
					req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.URL+path, strings.NewReader(`{"event":"x","userId":"u"}`))
					if err != nil {
						t.Error(err)
						return
					}
					res, err := http.DefaultClient.Do(req)
					if err != nil {
						return // the listener is closed
					}
					var answer struct{ ID string }
					err = json.NewDecoder(res.Body).Decode(&answer)
					_ = res.Body.Close()
					if err == nil && res.StatusCode == http.StatusOK {
						ids.Store(answer.ID, true)
						acknowledged.Add(1)
					}
				}
			})
		}
		apptest.Eventually(t, "some traffic", func() bool { return acknowledged.Load() > 50 })
		a.Stop()
		wg.Wait()
		// More may be stored than was heard of: an answer can be lost with its connection.
		for _, s := range a.AllSignals(t) {
			ids.Delete(s.ID)
		}
		ids.Range(func(id, _ any) bool {
			t.Errorf("signal %s was acknowledged and is not stored", id)
			return true
		})
	})
}

func TestWhatPostgresRefusesInTextIsStoredOnBoth(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		path := "/api/signal-staging/webhook/" + a.NewKey(t).Value.Reveal()
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				if got := a.Post(t, path, fmt.Sprintf(`{"event":"x","userId":"u\u0000%d","messageId":"\u0000%d"}`, i, i)); got.Status != http.StatusOK {
					t.Errorf("%d %s", got.Status, got.Body)
				}
			})
		}
		wg.Wait()
		if n := a.CountSignals(t); n != 40 {
			t.Errorf("stored %d of 40", n)
		}
	})
}
