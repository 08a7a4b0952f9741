package ratelimit_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/apptest"
	"latchkey/internal/database"
	"latchkey/internal/ratelimit"
)

// clock stands still until it is moved.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 3, 29, 0, 59, 59, 900e6, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// pair are two instances over one Postgres, or twice the one instance of an embedded database.
func pair(db *database.DB, now func() time.Time) [2]*ratelimit.Service {
	one := ratelimit.New(db, now)
	if !db.IsPostgres() {
		return [2]*ratelimit.Service{one, one}
	}
	return [2]*ratelimit.Service{one, ratelimit.New(db, now)}
}

func take(t *testing.T, s *ratelimit.Service, subject string, limit int) ratelimit.Decision {
	t.Helper()
	d, err := s.Take(t.Context(), subject, limit)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestOf601CallsOverTwoInstances600PassAndTheHeadersFallOneByOne(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := pair(db, c.now)
		for i := range 600 {
			d := take(t, s[i%2], "w", 600)
			if !d.Allowed || d.Limit != 600 || d.Remaining != 599-i {
				t.Fatalf("call %d: %+v", i+1, d)
			}
			c.advance(2 * time.Millisecond)
		}
		for _, instance := range s {
			d := take(t, instance, "w", 600)
			if d.Allowed || d.Remaining != 0 || d.RetryAfter < time.Second || d.RetryAfter > time.Minute {
				t.Fatalf("a call over the limit: %+v", d)
			}
			if ahead := d.Reset.Sub(c.now()) - d.RetryAfter; ahead < 0 || ahead > time.Second {
				t.Errorf("Reset is %s and Retry-After %s", d.Reset, d.RetryAfter)
			}
		}
		if d := take(t, s[0], "another", 600); !d.Allowed {
			t.Error("one subject's calls were counted against another's limit")
		}
	})
}

func TestABurstOverTwoInstancesPassesTheLimitWithinOnePercent(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := pair(db, c.now)
		var passed atomic.Int64
		var work sync.WaitGroup
		for i := range 48 {
			work.Go(func() {
				for range 25 { // 1,200 calls
					d, err := s[i%2].Take(t.Context(), "w", 600)
					if err != nil {
						t.Error(err)
					}
					if d.Allowed {
						passed.Add(1)
					}
				}
			})
		}
		work.Wait()
		if n := passed.Load(); n < 594 || n > 600 {
			t.Errorf("%d calls passed of a limit of 600", n)
		}
	})
}

func TestTheLimitHoldsAcrossTheEdgeOfAMinute(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := newClock() // 100 ms before a minute ends, an hour ends, and summer time begins
		s := pair(db, c.now)
		spend(t, s, 60, 60)
		c.advance(200 * time.Millisecond)
		if passed := spend(t, s, 60, 20); passed != 0 {
			t.Errorf("%d calls passed right after the minute's edge", passed)
		}
		c.advance(58 * time.Second)
		if passed := spend(t, s, 60, 20); passed != 0 {
			t.Errorf("%d calls passed 58 s after a full window", passed)
		}
		c.advance(1300 * time.Millisecond)
		if passed := spend(t, s, 60, 100); passed != 60 {
			t.Errorf("%d calls passed 59.5 s after a full window", passed)
		}
	})
}

func spend(t *testing.T, s [2]*ratelimit.Service, limit, calls int) (passed int) {
	t.Helper()
	for i := range calls {
		if take(t, s[i%2], "w", limit).Allowed {
			passed++
		}
	}
	return passed
}

func TestAClientThatKeepsToItsLimitIsNeverRefused(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		random := rand.New(rand.NewPCG(1, 2))
		c := newClock()
		s := pair(db, c.now)
		var before time.Duration
		for i := range 1500 { // five minutes
			jitter := time.Duration(random.Int64N(int64(180 * time.Millisecond)))
			c.advance(200*time.Millisecond + jitter - before)
			before = jitter
			if d := take(t, s[random.IntN(2)], "w", 300); !d.Allowed {
				t.Fatalf("call %d, one each 0.2 s, was refused at 300 a minute: %+v", i+1, d)
			}
		}
	})
}

func TestRefusedCallsDoNotKeepAClientOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := pair(db, c.now)
		passed := 0
		for i := range 3 * 60 * 50 { // 50 a second, for three minutes
			if take(t, s[i%2], "w", 60).Allowed {
				passed++
			}
			c.advance(20 * time.Millisecond)
		}
		if passed < 180 || passed > 4*60 {
			t.Errorf("%d calls passed in three minutes at 60 a minute", passed)
		}
	})
}

func TestWhoComesBackAfterRetryAfterIsLetThrough(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := pair(db, c.now)
		for i := range 10 {
			take(t, s[i%2], "w", 10)
			c.advance(3 * time.Second)
		}
		for i := range 20 {
			d := take(t, s[i%2], "w", 10)
			if !d.Allowed {
				c.advance(d.RetryAfter)
				if again := take(t, s[i%2], "w", 10); !again.Allowed {
					t.Fatalf("refused after the %s that Retry-After named", d.RetryAfter)
				}
			}
		}
	})
}

func TestARaisedLimitHoldsAtOnceAndALoweredOneToo(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		s := pair(db, newClock().now)
		spend(t, s, 10, 12)
		if d := take(t, s[0], "w", 20); !d.Allowed || d.Remaining != 9 {
			t.Errorf("after the limit was raised: %+v", d)
		}
		if d := take(t, s[0], "w", 5); d.Allowed || d.Remaining != 0 {
			t.Errorf("after the limit was lowered: %+v", d)
		}
	})
}

func TestAClockThatStepsBackKeepsNobodyOut(t *testing.T) {
	apptest.Each(t, func(t *testing.T, db *database.DB) {
		c := newClock()
		s := pair(db, c.now)
		spend(t, s, 10, 12)
		c.advance(-2 * time.Second)
		if passed := spend(t, s, 10, 4); passed != 0 {
			t.Errorf("%d calls passed after the clock had stepped back 2 s", passed)
		}
		c.advance(-time.Hour)
		if passed := spend(t, s, 10, 12); passed != 10 {
			t.Errorf("%d calls of 10 passed after the clock had stepped back an hour", passed)
		}
	})
}

func TestNoLimitCountsNothing(t *testing.T) {
	s := pair(apptest.SQLite(t), newClock().now)
	for range 3 {
		if d := take(t, s[0], "w", 0); !d.Allowed || d.Limit != 0 {
			t.Errorf("without a limit: %+v", d)
		}
	}
}
