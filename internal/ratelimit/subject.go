package ratelimit

import (
	"sync"
	"time"
)

const (
	// hurry is how soon after a reservation the next one makes a subject one in a hurry.
	hurry = 20 * time.Millisecond
	// fullFor is how long a full window is believed without asking: others may give back.
	fullFor = time.Second
)

// subject is what this instance knows of one limit.
type subject struct {
	mu     sync.Mutex
	gone   bool // pruned: another stands in its place
	window window

	tokens int64 // reserved in the slot held, and not taken yet
	held   int64
	back   []slotCount // tokens of slots that are over, to be given back
	readAt time.Time   // when the window was read

	reservedAt time.Time
	chunk      int64
	waiting    int64
	flight     chan struct{} // closed when the reservation that is under way has ended
}

// slotCount is an amount in a slot.
type slotCount struct{ slot, n int64 }

// step is what a caller does next.
type step struct {
	decided bool
	ask     *ask          // reserve
	wait    chan struct{} // for somebody else's reservation, then try again
}

// take decides by what is in memory, or says what to do to know. shared is false when the instance
// counts alone.
func (u *subject) take(now time.Time, limit int, shared bool) (Decision, step) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.gone {
		return Decision{}, step{}
	}
	u.advance(now)
	most := int64(limit)
	switch {
	case u.tokens > 0 && u.window.sum-u.tokens < most:
		u.tokens--
		return u.decision(now, limit, true), step{decided: true}
	case !shared:
		return u.count(now, limit), step{decided: true}
	case u.window.sum >= most && now.Sub(u.readAt) < fullFor && !now.Before(u.readAt):
		return u.decision(now, limit, false), step{decided: true}
	case u.flight != nil:
		u.waiting++
		return Decision{}, step{wait: u.flight}
	}
	u.flight = make(chan struct{})
	return Decision{}, step{ask: u.ask(now, most)}
}

// woken ends a wait. The one who reserves next counts those who have not woken yet.
func (u *subject) woken() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waiting--
}

// advance moves to the present slot; tokens of a slot that is over go back.
func (u *subject) advance(now time.Time) {
	u.window.advance(slotOf(now))
	if u.held != u.window.newest {
		u.letGo()
	}
}

// letGo makes the tokens ones to be given back.
func (u *subject) letGo() {
	if u.tokens > 0 {
		u.window.add(u.held, -u.tokens)
		u.back = append(u.back, slotCount{u.held, u.tokens})
		u.tokens = 0
	}
}

// count takes a call without asking anybody.
func (u *subject) count(now time.Time, limit int) Decision {
	allowed := u.window.sum < int64(limit)
	if allowed {
		u.window.add(u.window.newest, 1)
	}
	return u.decision(now, limit, allowed)
}

func (u *subject) decision(now time.Time, limit int, allowed bool) Decision {
	d := Decision{Allowed: allowed, Limit: limit}
	used := u.window.sum - u.tokens
	if !allowed {
		free := u.window.below(int64(limit) - 1)
		d.Reset, d.RetryAfter = wholeSecond(free), max(time.Second, free.Sub(now))
		return d
	}
	d.Remaining = int(max(0, int64(limit)-used))
	d.Reset = wholeSecond(u.window.below(u.window.sum - 1))
	return d
}

func wholeSecond(at time.Time) time.Time {
	return at.Add(time.Second - 1).Truncate(time.Second).UTC()
}

// ask says what to reserve: for the caller and those who wait, and in a hurry some to spare. A lone
// caller gets more than its one call only of a large limit, so that of a small one each instance
// sees all that the others have left.
func (u *subject) ask(now time.Time, limit int64) *ask {
	most := limit / 1000
	if u.waiting > 0 {
		most = limit / 100
	}
	if since := now.Sub(u.reservedAt); since >= 0 && since < hurry {
		u.chunk = max(1, min(2*u.chunk, most))
	} else {
		u.chunk = 1
	}
	u.reservedAt = now
	u.letGo() // the limit was lowered below what they stand for
	a := &ask{slot: u.window.newest, limit: limit, want: 1 + u.waiting, spare: u.chunk, back: u.back}
	u.back = nil
	return a
}

// answered takes over what the database said; the first of what it granted is the caller's.
func (u *subject) answered(now time.Time, a *ask, got answer, limit int) Decision {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.window.clear()
	u.window.advance(a.slot)
	for _, c := range got.window {
		u.window.add(c.slot, c.n)
	}
	u.window.add(a.slot, got.granted)
	u.readAt = now
	allowed := got.granted > 0
	if allowed {
		u.tokens, u.held = got.granted-1, a.slot
	}
	u.advance(now)
	u.land()
	return u.decision(now, limit, allowed)
}

// alone decides after the database did not answer.
func (u *subject) alone(now time.Time, a *ask, limit int) Decision {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.back = append(a.back, u.back...)
	u.advance(now)
	u.land()
	return u.count(now, limit)
}

func (u *subject) land() {
	close(u.flight)
	u.flight = nil
}
