package api_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
)

// eachTwice runs the test with two servers over one database, each with a memory of its own.
func eachTwice(t *testing.T, test func(t *testing.T, first, second *world)) {
	t.Run("sqlite", func(t *testing.T) {
		first, second := twoInstances(t, apptest.SQLiteConfig(t))
		test(t, first, second)
	})
	t.Run("postgres", func(t *testing.T) {
		first, second := twoInstances(t, apptest.PostgresConfig(t))
		test(t, first, second)
	})
}

func twoInstances(t *testing.T, cfg database.Config) (first, second *world) {
	t.Helper()
	var dbs [2]*database.DB
	for i := range dbs {
		db, err := database.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if _, err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		dbs[i] = db
	}
	first = newWorld(t, dbs[0])
	second = &world{App: apptest.Start(t, dbs[1]), t: t}
	second.Owner = first.Owner
	return first, second
}

func TestWhatOneInstanceEndsIsRefusedByTheOtherOnTheNextCall(t *testing.T) {
	eachTwice(t, func(t *testing.T, first, second *world) {
		admin := first.program("admin:full")
		for range 5 {
			key := first.program("read:write:workspace")
			path := first.here("/api-keys/" + key.Key.ID)
			second.as(key, "GET", path, "").want(200)
			first.as(admin, "PATCH", path, `{"scopes":["signals:read"]}`).want(200)
			second.as(key, "GET", path, "").refused(403, "insufficient_scope")
			turned := first.as(admin, "POST", path+"/rotate", `{"grace_seconds":3600}`).want(200)
			second.call("GET", "/me", "", "Authorization", "Bearer "+turned.member("key")).want(200)
			if second.as(key, "GET", "/me", "").want(200).Header.Get("Deprecation") == "" {
				t.Error("the old value is not told as old")
			}
			first.as(admin, "DELETE", path+"/rotation", "").want(200)
			second.as(key, "GET", "/me", "").refused(401, "invalid_token")
			first.as(admin, "DELETE", path, "").want(200)
			second.call("GET", "/me", "", "Authorization", "Bearer "+turned.member("key")).refused(401, "invalid_token")
		}
	})
}

// A call that a deactivation overtakes changes nothing, whichever instance serves it.
func TestNothingIsChangedWithAKeyThatHasEnded(t *testing.T) {
	eachTwice(t, func(t *testing.T, first, second *world) {
		key, victim := first.program("keys:write"), first.NewKey(t)
		path := first.here("/api-keys/" + victim.Key.ID)
		var ended atomic.Bool
		var calls sync.WaitGroup
		for _, w := range []*world{first, second} {
			for range 4 {
				calls.Go(func() {
					for {
						over := ended.Load()
						r := w.as(key, "PATCH", path, `{"name":"`+time.Now().Format(time.RFC3339Nano)+`"}`)
						if over && r.Status != 401 {
							t.Errorf("after the end: %d %s", r.Status, r.Body)
						}
						if r.Status == 401 || t.Failed() {
							return
						}
					}
				})
			}
		}
		if _, err := first.Keys.Revoke(t.Context(), first.Owner, key.Key.ID); err != nil {
			t.Fatal(err)
		}
		ended.Store(true)
		after, err := first.Keys.Get(t.Context(), first.Owner, victim.Key.ID)
		if err != nil {
			t.Fatal(err)
		}
		calls.Wait()
		last, err := first.Keys.Get(t.Context(), first.Owner, victim.Key.ID)
		if err != nil || last.Name != after.Name || last.SettingsVersion != after.SettingsVersion {
			t.Errorf("changed from %q to %q after the key had ended, %v", after.Name, last.Name, err)
		}
	})
}

func TestTheLimitHoldsOverTwoInstances(t *testing.T) {
	// The embedded database has one instance.
	first, second := twoInstances(t, apptest.PostgresConfig(t))
	key := first.program("read:workspace")
	var passed, refused atomic.Int64
	var calls sync.WaitGroup
	for i := range 660 {
		w := []*world{first, second}[i%2]
		calls.Go(func() {
			switch r := w.as(key, "GET", "/me", ""); r.Status {
			case 200:
				passed.Add(1)
			case 429:
				refused.Add(1)
			default:
				t.Errorf("answer %d %s", r.Status, r.Body)
			}
		})
	}
	calls.Wait()
	if passed.Load() < 594 || passed.Load() > 600 || passed.Load()+refused.Load() != 660 {
		t.Errorf("%d of 660 calls passed, %d were refused; the limit is 600", passed.Load(), refused.Load())
	}
}
