package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// keep holds the leases until ctx ends: it gives back, renews and takes, when the bell rings and each
// second. Each lease has an owner, which ends by itself when ctx ends.
func (s *Service) keep(ctx, sending context.Context, owners *sync.WaitGroup) {
	tick := time.NewTicker(s.pace.look)
	defer tick.Stop()
	var said time.Time
	for ctx.Err() == nil {
		var rung []string
		all := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			all = true
		case <-s.Bell.Rung():
			rung = s.ring(s.Bell.Take())
		case <-s.kicked:
		}
		if err := s.round(ctx, sending, owners, rung, all); err != nil && ctx.Err() == nil && s.Now().Sub(said) > time.Minute {
			said = s.Now()
			slog.Error("leases of endpoints could not be written; nothing new is sent until they can", "err", err)
		}
	}
}

// ring wakes the owners of endpoints, and returns those that have none here.
func (s *Service) ring(ids []string) (others []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if o := s.owners[id]; o != nil {
			o.rang.Store(true)
			o.poke()
			continue
		}
		others = append(others, id)
	}
	return others
}

// kick makes keep do a round.
func (s *Service) kick() {
	select {
	case s.kicked <- struct{}{}:
	default: // it will
	}
}

// round gives back, renews and takes leases: of the endpoints that were rung for, or all that can be
// had.
func (s *Service) round(ctx, sending context.Context, owners *sync.WaitGroup, rung []string, all bool) error {
	bounded, cancel := context.WithTimeout(ctx, leaseWait)
	defer cancel()
	if err := s.release(bounded); err != nil {
		return err
	}
	if err := s.renew(bounded); err != nil {
		return err
	}
	if s.results.stuck.Load() || !all && len(rung) == 0 {
		return nil
	}
	if all {
		rung = nil
	}
	for {
		room := min(claimBatch, s.pace.owned-len(s.owned()))
		if room <= 0 && all {
			return s.makeRoom(bounded)
		}
		if room <= 0 {
			return nil // the next look makes some
		}
		n, err := s.take(bounded, ctx, sending, owners, rung, room)
		if err != nil {
			return err
		}
		if n < room {
			return nil
		}
	}
}

// take claims leases and starts their owners. What was rung for and is another's is told to it.
func (s *Service) take(bounded, ctx, sending context.Context, owners *sync.WaitGroup, rung []string, room int) (int, error) {
	if rung != nil {
		if rung = s.worthwhile(rung); len(rung) == 0 {
			return 0, nil
		}
	}
	rows, until, err := s.claim(bounded, rung, room)
	if err != nil {
		return 0, err
	}
	taken := make(map[string]bool, len(rows))
	now := s.Now()
	s.mu.Lock()
	for _, row := range rows {
		taken[row.EndpointID] = true
		if s.owners[row.EndpointID] != nil { // one that lost the lease, and waits for its attempts
			s.leaving = append(s.leaving, row.EndpointID)
			s.kick()
			continue
		}
		o := newOwner(s, row, until, now)
		s.owners[row.EndpointID] = o
		owners.Go(func() { o.run(ctx, sending) })
	}
	s.mu.Unlock()
	for _, id := range rung {
		if !taken[id] {
			s.whisper(id)
		}
	}
	return len(rows), nil
}
