package dispatch

import (
	"context"
	"time"

	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/internal/signing"

	"net/http"

	"github.com/google/uuid"
)

// beginReady begins what may begin. It returns after what time to look again, and the pool from
// which a slot is missing.
func (o *owner) beginReady(sending context.Context, now time.Time) (pause time.Duration, want *lane) {
	look := o.service.pace.look
	pause = look
	for len(o.ready) > 0 {
		l, ok := o.mayBegin()
		if !ok {
			return pause, nil // an attempt that ends wakes us
		}
		if wait := o.bucket.wait(now); wait > 0 {
			return min(pause, wait), nil
		}
		if o.held == l {
			o.held = nil
		} else if !l.try() {
			return pause, l
		}
		o.bucket.take()
		o.begin(sending, l, now)
	}
	switch {
	case o.full:
		pause = 0
	case o.rang.Load():
		pause = max(0, lookPause-now.Sub(o.looked))
	}
	if !o.hungry(now.Add(pause)) {
		pause = look
	}
	return pause, nil
}

// mayBegin tells whether another request may be under way, and whose slots it takes.
func (o *owner) mayBegin() (*lane, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.target.Ordered && len(o.busy) > len(o.ready):
		return nil, false // the result of the one before is not durable yet
	case len(o.flights) >= o.breaker.allowed(o.target.Concurrency):
		return nil, false
	case len(o.busy)-len(o.ready) >= 3*o.target.Concurrency+unwrittenMore:
		return nil, false // the database is slower than the receiver: a crash would repeat them all
	case o.closing, o.broken, o.lost, o.leave, o.stale:
		return nil, false
	case o.service.Now().Before(o.state.pausedUntil), !o.largeAllowed():
		return nil, false
	}
	return o.track(), true
}

func (o *owner) begin(sending context.Context, l *lane, now time.Time) {
	f := &flight{job: o.ready[0], lane: l}
	if f.body != nil {
		f.began = now
	}
	o.ready[0] = nil
	o.ready = o.ready[1:]
	o.mu.Lock()
	f.target, f.generation = o.target, o.breaker.generation
	o.flights[f] = true
	o.mu.Unlock()
	o.service.inFlight.Add(1)
	go o.send(sending, f)
}

// send makes one attempt, unless the lease would end before it.
func (o *owner) send(ctx context.Context, f *flight) {
	s := o.service
	body := f.body
	if body == nil {
		o.holdLarge(f)
		defer o.giveLarge(f)
		var err error
		if body, err = s.largeBody(ctx, f.messageID); err != nil || body == nil {
			o.dropped(f)
			return
		}
	}
	if !o.holds() {
		o.dropped(f)
		return
	}
	r := s.Client.Post(ctx, request(f.target, f.messageID, s.Now(), body))
	if r.Error == egress.Canceled {
		o.dropped(f)
		return
	}
	o.finish(f, r)
}

// holdLarge waits for the memory of a large body. Only then the attempt has begun, and may be moved
// to the other lane with its memory.
func (o *owner) holdLarge(f *flight) {
	memory := f.lane.large
	held := memory.take(f.length)
	o.mu.Lock()
	defer o.mu.Unlock()
	f.large, f.held, f.began = memory, held, o.service.Now()
}

func (o *owner) giveLarge(f *flight) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f.large.give(f.held)
}

// Large bodies of one endpoint that are under way: few as long as it is not known whether it answers,
// so that endpoints that hang, found at the same time, leave memory to the others.
const (
	firstLarge = 2
	mostLarge  = 16
)

// largeAllowed tells whether the next delivery may begin as far as large bodies go. The lock is held.
func (o *owner) largeAllowed() bool {
	if o.ready[0].body != nil {
		return true
	}
	under, most := 0, firstLarge
	if o.prompt {
		most = mostLarge
	}
	for f := range o.flights {
		if f.body == nil {
			under++
		}
	}
	return under < most
}

// holds tells whether the lease outlasts an attempt.
func (o *owner) holds() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.lost && o.until.Sub(o.service.Now()) >= leaseMargin
}

func request(t *endpoints.Target, id uuid.UUID, at time.Time, body []byte) egress.Request {
	return egress.Request{URL: t.URL, Live: t.Live, Header: headers(t, outbox.PublicID(id.String()), at, body), Body: body}
}

// headers are ours over the custom ones.
func headers(t *endpoints.Target, publicID string, at time.Time, body []byte) http.Header {
	all := signing.Headers(publicID, at, body, t.Secrets...)
	for name, values := range t.Headers {
		if _, ours := all[name]; !ours {
			all[name] = values
		}
	}
	return all
}

// dropped forgets an attempt that was not made, or whose end is not known: the delivery is as it was,
// and where order is wanted what follows waits for it.
func (o *owner) dropped(f *flight) {
	o.landed(f, func() {
		delete(o.busy, f.messageID)
		o.broken = o.broken || f.target.Ordered
	})
	o.rang.Store(true)
	o.poke()
}

// finish hands an attempt's result to the writer.
func (o *owner) finish(f *flight, r egress.Result) {
	s := o.service
	now := s.Now()
	var out *outcome
	o.landed(f, func() {
		o.judge(f.generation, r, now)
		o.tardy = r.Duration >= slowAfter
		o.prompt = !o.tardy
		out = o.outcome(f.due, r, now)
		o.broken = o.broken || f.target.Ordered && !out.next.IsZero()
		out.tales = o.tales(r, now)
	})
	if r.Error == "" {
		s.delivered.Add(1)
	} else {
		s.failed.Add(1)
	}
	s.results.add(out)
	o.poke()
}

// landed ends a flight: its slot and its memory are free again.
func (o *owner) landed(f *flight, note func()) {
	o.mu.Lock()
	note()
	delete(o.flights, f)
	l := f.lane
	o.mu.Unlock()
	l.release()
	f.memory.give(len(f.body))
	o.service.inFlight.Add(-1)
}

// settle notes that a result is durable, or that the delivery is not what it was.
func (o *owner) settle(id uuid.UUID, applied bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.busy, id)
	if o.fetching {
		o.settled = append(o.settled, id)
	}
	o.stale = o.stale || !applied
}

// recorded notes that the state as it was in a group is durable, or that it is not what it was.
func (o *owner) recorded(s state, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if done {
		o.state.known = s.failingSince
		return
	}
	o.stale, o.reset = true, true
}
