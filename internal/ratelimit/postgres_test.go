package ratelimit_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ratelimit"
)

// crowd makes calls at one time, so that reservations are shared and leave something over.
func crowd(t *testing.T, s *ratelimit.Service, limit, callers, each int) {
	t.Helper()
	var work sync.WaitGroup
	for range callers {
		work.Go(func() {
			for range each {
				if _, err := s.Take(t.Context(), "w", limit); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
}

func used(t *testing.T, db *database.DB) (sum int) {
	t.Helper()
	if err := db.Pool.QueryRow(t.Context(), "SELECT COALESCE(SUM(used), 0) FROM rate_slots").Scan(&sum); err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestWhatWasReservedAndNotTakenGoesBackWhenItsSlotIsOver(t *testing.T) {
	db := apptest.Postgres(t)
	c := newClock()
	s := ratelimit.New(db, c.now)
	crowd(t, s, 100_000, 8, 50)
	c.advance(time.Second)
	if d := take(t, s, "w", 100_000); d.Remaining != 100_000-401 {
		t.Errorf("%d are left after 401 calls of 100,000", d.Remaining)
	}
	if n := used(t, db); n != 401 {
		t.Errorf("%d are counted after 401 calls", n)
	}
}

func TestAnInstanceThatStopsGivesBackWhatItReserved(t *testing.T) {
	db := apptest.Postgres(t)
	s := ratelimit.New(db, newClock().now)
	crowd(t, s, 100_000, 8, 50)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s.Run(ctx)
	if n := used(t, db); n != 400 {
		t.Errorf("%d are counted after 400 calls", n)
	}
}

func TestALargeLimitCostsNoRowUpdateACall(t *testing.T) {
	db := apptest.Postgres(t)
	s := ratelimit.New(db, newClock().now)
	const calls = 20_000
	for range calls {
		if !take(t, s, "w", 1_000_000).Allowed {
			t.Fatal("refused")
		}
	}
	stat := db.Pool.Stat()
	if n := stat.AcquireCount(); n > calls/100 {
		t.Errorf("%d round trips for %d calls", n, calls)
	}
}

func TestRefusedCallsAskTheDatabaseOnceASecond(t *testing.T) {
	db := apptest.Postgres(t)
	c := newClock()
	s := ratelimit.New(db, c.now)
	for range 10 {
		take(t, s, "w", 10)
	}
	before := db.Pool.Stat().AcquireCount()
	for range 3000 {
		if take(t, s, "w", 10).Allowed {
			t.Fatal("let through over the limit")
		}
		c.advance(time.Millisecond)
	}
	if n := db.Pool.Stat().AcquireCount() - before; n > 4 {
		t.Errorf("3,000 refused calls in 3 s asked the database %d times", n)
	}
}

func TestWithoutItsDatabaseAnInstanceLimitsByWhatItKnows(t *testing.T) {
	cfg := apptest.PostgresConfig(t)
	db, err := database.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := ratelimit.New(db, newClock().now)
	for range 4 {
		take(t, s, "w", 10)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	passed := 0
	for range 20 {
		if take(t, s, "w", 10).Allowed {
			passed++
		}
	}
	if passed != 6 {
		t.Errorf("%d more calls passed after 4 of 10, without a database", passed)
	}
}

func TestInstancesWhoseClocksDifferShareTheLimit(t *testing.T) {
	db := apptest.Postgres(t)
	c := newClock()
	early := ratelimit.New(db, func() time.Time { return c.now().Add(4 * time.Second) })
	late := ratelimit.New(db, c.now)
	passed := spend(t, [2]*ratelimit.Service{early, late}, 60, 90)
	if passed != 60 {
		t.Errorf("%d calls of 60 passed", passed)
	}
}
