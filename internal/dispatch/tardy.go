package dispatch

import "time"

// track is the lane of an endpoint as it is known by now. The owner's lock is held.
func (o *owner) track() *lane {
	if o.slow || o.tardy || o.breaker.suspicious() {
		return o.service.suspect
	}
	return o.service.healthy
}

// changeLane puts back what was fetched in the memory of the healthy when the endpoint is no longer
// one of them: it would wait there for the suspects' slots.
func (o *owner) changeLane() {
	o.mu.Lock()
	now := o.track()
	o.mu.Unlock()
	if now != o.lane && now == o.service.suspect {
		o.putBack()
	}
	o.lane = now
}

// moveSlow gives the slots and the memory of requests that take long to the endpoints that need them,
// as long as the suspects' pool has room.
func (o *owner) moveSlow(now time.Time) {
	if now.Sub(o.looking) < slowAfter/2 {
		return
	}
	o.looking = now
	s := o.service
	o.mu.Lock()
	defer o.mu.Unlock()
	o.slow = false
	for f := range o.flights {
		if f.began.IsZero() || now.Sub(f.began) < slowAfter {
			continue
		}
		o.slow = true
		if f.lane == s.healthy && s.suspect.try() {
			f.lane = s.suspect
			s.healthy.release()
			if f.held > 0 {
				s.suspect.large.owe(f.held)
				f.large.give(f.held)
				f.large = s.suspect.large
			}
		}
	}
}

// remember keeps what the next owner of an endpoint must know. The locks of both are held.
func (s *Service) remember(o *owner) {
	if !o.tardy {
		delete(s.tardy, o.id)
		return
	}
	if len(s.tardy) > maxTardy {
		clear(s.tardy)
	}
	s.tardy[o.id] = true
}

const maxTardy = 10_000
