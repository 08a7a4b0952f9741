package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/endpoints"
	"latchkey/models"
)

// owner works for one endpoint while this instance has its lease.
type owner struct {
	service *Service
	id      string
	uuid    uuid.UUID
	since   time.Time     // when the lease was taken
	wake    chan struct{} // something changed
	rang    atomic.Bool   // there may be more to send than was fetched

	// Of its own goroutine alone.
	ready     []*job // fetched and not begun
	held      *lane  // a slot of it was waited for
	lane      *lane  // what the last look was for
	full      bool   // the last look found as much as it asked for
	looked    time.Time
	worked    time.Time // when there was something to do last
	read      time.Time // when the target was read
	looking   time.Time // when flights were looked through last
	bucket    bucket
	complains time.Time

	mu       sync.Mutex
	target   *endpoints.Target
	until    time.Time // of the lease
	lost     bool      // the lease is another's
	leave    bool      // finish and give the lease back
	stale    bool      // read the target again
	reset    bool      // and the state: it was enabled anew, and everything is forgiven
	closing  bool      // it is about to be disabled
	slow     bool      // a request is without an answer for a second
	tardy    bool      // the last answer took longer than that
	prompt   bool      // it did not
	broken   bool      // order: the delivery under way must be tried again first
	busy     map[uuid.UUID]bool
	fetching bool
	settled  []uuid.UUID // while fetching: what a look may have seen as pending
	flights  map[*flight]bool
	state    state
	warned   int
	breaker  breaker
}

// job is a delivery with its message.
type job struct {
	due
	length int
	body   []byte  // nil when it is large: read when it is sent
	memory *budget // that the body is of
}

// flight is an attempt under way.
type flight struct {
	*job
	target     *endpoints.Target
	lane       *lane
	began      time.Time // zero while it waits for memory
	large      *budget   // that a large body takes its memory from
	held       int       // bytes of it
	generation int
}

const (
	lookPause   = 25 * time.Millisecond // at least, unless there was more than fetched
	targetAge   = 10 * time.Second      // until a target is read again: a previous secret may have ended
	slowAfter   = time.Second           // without an answer
	secretPause = time.Minute           // when a secret cannot be opened
)

func newOwner(s *Service, row models.EndpointState, until, now time.Time) *owner {
	st := stateOf(row)
	return &owner{
		service: s, id: row.EndpointID, uuid: st.uuid, since: now, wake: make(chan struct{}, 1), full: true, worked: now,
		until: until, stale: true, busy: map[uuid.UUID]bool{}, flights: map[*flight]bool{},
		state: st, warned: row.Warned, breaker: resumed(st), tardy: s.tardy[row.EndpointID], lane: s.healthy,
	}
}

// poke makes the owner look at what changed.
func (o *owner) poke() {
	select {
	case o.wake <- struct{}{}:
	default: // it will
	}
}

// run works until nothing is left to do, the lease is lost, or ctx ends. Attempts live as long as
// sending.
func (o *owner) run(ctx, sending context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		pause, want, over := o.turn(ctx, sending)
		if over {
			return
		}
		timer.Reset(max(pause, time.Millisecond))
		var slot pool
		if want != nil {
			slot = want.pool
		}
		select {
		case <-o.wake:
		case <-timer.C:
		case slot <- struct{}{}: // never when nil
			o.held = want
		case <-done:
			done = nil
		}
	}
}

// turn does what can be done now. It returns after what time to look again, and the pool from which
// a slot is wanted.
func (o *owner) turn(ctx, sending context.Context) (pause time.Duration, want *lane, over bool) {
	defer o.letGo()
	now, look := o.service.Now(), o.service.pace.look
	o.moveSlow(now)
	o.changeLane()
	if wait, end := o.hindered(ctx, now); end {
		return look, nil, o.end(false)
	} else if wait {
		return look, nil, false
	}
	if !o.configure(ctx, now) {
		return look, nil, false
	}
	if o.hungry(now) {
		o.fetch(ctx, now)
		now = o.service.Now()
	} else if now.Sub(o.looked) >= look {
		o.confirm(ctx, now)
	}
	if o.outdated() {
		return 0, nil, false // nothing is sent by settings that were changed
	}
	pause, want = o.beginReady(sending, now)
	if len(o.ready) > 0 || o.anyBusy() {
		o.worked = now
	} else if !o.full && now.Sub(o.worked) > o.service.pace.idle {
		return pause, nil, o.end(true)
	}
	return pause, want, false
}

// hindered tells why nothing may be sent now: for good, or until something changes.
func (o *owner) hindered(ctx context.Context, now time.Time) (wait, end bool) {
	o.mu.Lock()
	over := o.lost || o.leave || ctx.Err() != nil || now.Before(o.state.pausedUntil)
	stop := o.closing || o.until.Sub(now) < leaseMargin || o.service.results.stuck.Load()
	broken := o.broken
	o.broken = false
	o.mu.Unlock()
	if over || broken {
		o.putBack()
	}
	if stop {
		o.service.kick() // maybe the lease can be renewed
	}
	return stop, over
}

// end gives the lease back when no result is waiting; not when it was only idle and there is more.
func (o *owner) end(idle bool) bool {
	o.putBack()
	s := o.service
	s.mu.Lock()
	defer s.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.busy) > 0 || idle && o.rang.Load() {
		return false
	}
	if s.owners[o.id] == o {
		delete(s.owners, o.id)
	}
	s.remember(o)
	if !o.lost {
		s.leaving = append(s.leaving, o.id)
		s.kick()
	}
	return true
}

// putBack forgets what was fetched and not begun.
func (o *owner) putBack() {
	o.mu.Lock()
	for _, j := range o.ready {
		delete(o.busy, j.messageID)
	}
	o.mu.Unlock()
	for _, j := range o.ready {
		j.memory.give(len(j.body))
	}
	o.ready = nil
	o.full = true
}

func (o *owner) letGo() {
	if o.held != nil {
		o.held.release()
		o.held = nil
	}
}

// outdated tells whether the target is to be read again first.
func (o *owner) outdated() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stale
}

func (o *owner) anyBusy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.busy) > 0
}

// configure reads the target when it may have changed; false when nothing can be sent now.
func (o *owner) configure(ctx context.Context, now time.Time) bool {
	o.mu.Lock()
	needed := o.stale || now.Sub(o.read) > targetAge
	o.stale = false
	o.mu.Unlock()
	if !needed {
		return true
	}
	target, row, err := o.service.target(ctx, o.id)
	if err == nil && target != nil && target.Problem != nil && target.Status == models.EndpointEnabled {
		o.service.unreadable(ctx, o)
	}
	if target != nil && o.target != nil && target.Version != o.target.Version {
		o.putBack() // another order may be wanted
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil:
		o.stale = true
		o.complain(ctx, now, "an endpoint could not be read; nothing is sent to it until it can", err)
		return false
	case target == nil || target.Status != models.EndpointEnabled:
		o.leave = true
		o.poke()
		return false
	case target.Problem != nil:
		o.complain(ctx, now, "the secret of an endpoint cannot be opened; nothing is sent to it", target.Problem)
		return false
	}
	if o.reset {
		o.state, o.warned, o.breaker, o.reset = stateOf(row), row.Warned, resumed(stateOf(row)), false
	}
	o.target, o.read = target, now
	o.bucket.set(target.RateLimit, now)
	return true
}

// complain logs at most once a minute.
func (o *owner) complain(ctx context.Context, now time.Time, what string, err error) {
	if ctx.Err() != nil || now.Sub(o.complains) < time.Minute {
		return
	}
	o.complains = now
	slog.Error(what, "endpoint", o.id, "err", err)
}
