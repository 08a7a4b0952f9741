package gateway_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/handlers"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/keys"
	"latchkey/models"
)

func behindProxy(_ *app.Options, o *handlers.Options) {
	o.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func change(t *testing.T, a *apptest.App, k keys.Created, p keys.Patch) {
	t.Helper()
	if _, err := a.Keys.Change(t.Context(), a.Owner, k.Key.ID, p, -1); err != nil {
		t.Fatalf("change key: %v", err)
	}
}

func addresses(mode string, list ...string) keys.Patch {
	return keys.Patch{AllowListMode: &mode, AllowList: &list}
}

func perMinute(n int) keys.Patch { return keys.Patch{RateLimit: &n} }

func TestAnAddressListRefusesWhoeverIsNotOnIt(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db, behindProxy)
		k := a.NewKey(t)
		change(t, a, k, addresses(models.AllowListEnforce, "192.0.2.0/24", "198.51.100.7", "2001:db8::/32"))
		for from, status := range map[string]int{
			"192.0.2.77":                 200,
			"::ffff:192.0.2.77":          200, // the same address
			"198.51.100.7":               200,
			"2001:db8:1::1":              200,
			"192.0.3.1":                  403,
			"198.51.100.8":               403,
			"2001:db9::1":                403,
			"2001:db8::192.0.2.77":       200,
			"64:ff9b::c000:24d":          403, // another address
			"192.0.2.77, 203.0.113.9":    403, // the left one is the sender's own word
			"203.0.113.9, 192.0.2.77":    200,
			"192.0.2.77, 198.51.100.200": 403,
		} {
			got := a.Post(t, webhook(k), form, "X-Forwarded-For", from)
			if got.Status != status {
				t.Errorf("from %s: %d %s, want %d", from, got.Status, got.Body, status)
			}
			if status != 403 {
				continue
			}
			seen := from[strings.LastIndex(from, " ")+1:]
			if got.Code(t) != "ip_not_allowed" || !strings.Contains(string(got.Body), "from "+seen+".") {
				t.Errorf("from %s: %s", from, got.Body)
			}
			if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.Code != "ip_not_allowed" || line.APIKeyID == nil || line.IP != seen {
				t.Errorf("log line %+v", line)
			}
		}
		for _, path := range []string{webhook(k) + "/batch", bulkURL(k)} {
			if got := a.Post(t, path, form, "X-Forwarded-For", "203.0.113.9"); got.Status != 403 || got.Code(t) != "ip_not_allowed" {
				t.Errorf("%s: %d %s", path, got.Status, got.Body)
			}
		}
		if n := a.CountSignals(t); n != 6 {
			t.Errorf("%d signals are stored of 6 that were accepted", n)
		}
	})
}

func bulkURL(k keys.Created) string { return "/api/signal-staging/bulk/" + k.Value.Reveal() }

func TestAnAddressListIsAskedAfterTheKeyAndItsSecret(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t, func(f *keys.CreateForm) { f.WithSecret = true })
	change(t, a, k, addresses(models.AllowListEnforce, "192.0.2.0/24"))
	if got := a.Post(t, webhook(k), form); got.Code(t) != "missing_api_secret" {
		t.Errorf("without the secret: %s", got.Body)
	}
	// No proxy is trusted here, so the header says nothing.
	got := a.Post(t, webhook(k), "not JSON", "X-Api-Secret", k.Secret.Reveal(), "X-Forwarded-For", "192.0.2.1")
	if got.Code(t) != "ip_not_allowed" || !strings.Contains(string(got.Body), "127.0.0.1") {
		t.Errorf("from outside: %s", got.Body)
	}
	if err := a.Keys.Deactivate(t.Context(), a.Owner, k.Key.ID, ""); err != nil {
		t.Fatal(err)
	}
	if got := a.Post(t, webhook(k), form); got.Code(t) != "deactivated_api_key" {
		t.Errorf("with a deactivated key: %s", got.Body)
	}
}

func TestAWatchedAddressListCountsWhatItWouldRefuse(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db, behindProxy)
		k := a.NewKey(t)
		change(t, a, k, addresses(models.AllowListWatch, "192.0.2.0/24"))
		for i, from := range []string{"192.0.2.1", "203.0.113.1", "203.0.113.2", "192.0.2.2"} {
			body := fmt.Sprintf(`[{"event":"a%d","userId":"u"},{"event":"b","userId":"u"}]`, i)
			if got := a.Post(t, webhook(k)+"/batch", body, "X-Forwarded-For", from); got.Status != 200 {
				t.Fatalf("from %s: %d %s", from, got.Status, got.Body)
			}
		}
		apptest.Eventually(t, "two requests from outside", func() bool {
			n, err := a.Keys.Outside(t.Context(), a.Owner, k.Key.ID)
			if err != nil || n > 2 {
				t.Fatalf("%d from outside, %v", n, err)
			}
			item, err := a.Keys.Get(t.Context(), a.Owner, k.Key.ID)
			return err == nil && n == 2 && item.LastUsed.OutsideIP == "203.0.113.2" && item.LastUsed.IP == "192.0.2.2"
		})
	})
}

func TestAnAddressListThatAnotherInstanceChangedHoldsForTheNextRequest(t *testing.T) {
	cfg := apptest.PostgresConfig(t)
	one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
	two.Owner = one.Owner
	k := one.NewKey(t)
	for _, path := range []string{webhook(k), bulkURL(k), webhook(k) + "/batch"} {
		for range 3 {
			change(t, two, k, addresses(models.AllowListEnforce, "127.0.0.0/8"))
			if got := one.Post(t, path, form); got.Status != 200 {
				t.Fatalf("%s after the list was widened: %d %s", path, got.Status, got.Body)
			}
			change(t, two, k, addresses(models.AllowListEnforce, "192.0.2.0/24"))
			stored := one.CountSignals(t)
			if got := one.Post(t, path, form); got.Status != 403 || one.CountSignals(t) != stored {
				t.Fatalf("%s after the list was narrowed: %d %s", path, got.Status, got.Body)
			}
		}
	}
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

func TestAKeysOwnLimitAnswers429AndStoresNothing(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		a := apptest.Start(t, db)
		k, free := a.NewKey(t, func(f *keys.CreateForm) { f.WithSecret = true }), a.NewKey(t)
		change(t, a, k, perMinute(3))
		secret := []string{"X-Api-Secret", k.Secret.Reveal()}
		if got := a.Post(t, webhook(k), form); got.Code(t) != "missing_api_secret" {
			t.Fatalf("without the secret: %s", got.Body) // and not counted
		}
		for i := range 3 {
			if got := a.Post(t, webhook(k), form, secret...); got.Status != 200 {
				t.Fatalf("request %d of 3: %d %s", i+1, got.Status, got.Body)
			}
		}
		for _, path := range []string{webhook(k), webhook(k) + "/batch", bulkURL(k)} {
			got := a.Post(t, path, form, secret...)
			wait, err := strconv.Atoi(got.Header.Get("Retry-After"))
			if got.Status != 429 || got.Code(t) != "rate_limited" || err != nil || wait < 1 || wait > 60 {
				t.Errorf("%s over the limit: %d %s, Retry-After %q", path, got.Status, got.Body, got.Header.Get("Retry-After"))
			}
			if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.Code != "rate_limited" || line.Status != 429 {
				t.Errorf("log line %+v", line)
			}
		}
		if got := a.Post(t, webhook(free), form); got.Status != 200 {
			t.Errorf("a key without a limit: %d %s", got.Status, got.Body)
		}
		if n := a.CountSignals(t); n != 4 {
			t.Errorf("%d signals are stored of 4 that were accepted", n)
		}
		a.Clock.Advance(time.Minute)
		if got := a.Post(t, webhook(k), form, secret...); got.Status != 200 {
			t.Errorf("a minute later: %d %s", got.Status, got.Body)
		}
		change(t, a, k, perMinute(0))
		for range 6 {
			if got := a.Post(t, webhook(k), form, secret...); got.Status != 200 {
				t.Errorf("after the limit was removed: %d %s", got.Status, got.Body)
			}
		}
	})
}

func TestAKeysLimitIsSharedByAllInstances(t *testing.T) {
	cfg := apptest.PostgresConfig(t)
	one, two := apptest.Start(t, open(t, cfg)), apptest.Start(t, open(t, cfg))
	k := one.NewKey(t)
	change(t, one, k, perMinute(20))
	passed := 0
	for i := range 40 {
		if []*apptest.App{one, two}[i%2].Post(t, webhook(k), form).Status == 200 {
			passed++
		}
	}
	if passed != 20 {
		t.Errorf("%d requests of 40 passed a limit of 20", passed)
	}
}
