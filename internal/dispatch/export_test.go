package dispatch

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Hasten shortens the pauses of real time.
func Hasten(o *Options) {
	o.pace = pace{look: 50 * time.Millisecond, idle: 100 * time.Millisecond, drain: time.Second, owned: production.owned}
}

// Look sets the pause between two looks.
func Look(o *Options, every time.Duration) { o.pace.look = every }

// Own bounds how many leases an instance has at a time, and lets it keep them when they are idle.
func Own(o *Options, most int) { o.pace.owned, o.pace.idle = most, time.Hour }

// FailLarge makes the next reads of large bodies fail; before Run.
func FailLarge(s *Service, reads int64) {
	f := &faulty{store: s.store}
	f.left.Store(reads)
	s.store = f
}

type faulty struct {
	store
	left atomic.Int64
}

func (f *faulty) bodies(ctx context.Context, ids []uuid.UUID, most int) ([]body, error) {
	if most > smallBody && f.left.Add(-1) >= 0 {
		return nil, errors.New("no body today")
	}
	return f.store.bodies(ctx, ids, most)
}

// Lost tells whether an instance knows that an endpoint's lease is another's.
func Lost(s *Service, endpointID string) bool {
	return ask(s, endpointID, func(o *owner) bool { return o.lost })
}

// Leaving tells whether an instance begins nothing more for an endpoint.
func Leaving(s *Service, endpointID string) bool {
	return ask(s, endpointID, func(o *owner) bool { return o.leave })
}

func ask(s *Service, endpointID string, what func(*owner) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.owners[endpointID]
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return what(o)
}

// Balance lets an instance that holds its leases for long look at its share beside another one.
func Balance(ctx context.Context, s, other *Service) error {
	for _, o := range s.owned() {
		o.since = o.since.Add(-leaseTime)
	}
	s.met(other.Instance)
	return s.balance(ctx)
}

// Slots tells how many slots of the healthy and of the suspect are taken.
func Slots(s *Service) (healthy, suspect int) { return len(s.healthy.pool), len(s.suspect.pool) }
