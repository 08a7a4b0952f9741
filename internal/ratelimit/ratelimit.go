// Package ratelimit counts calls against limits a minute, over all instances.
//
// The window slides over half-second slots, 119 of them: a minute less the jitter of a client that
// keeps exactly to its limit. Only what is let through counts, so that nobody is kept out by the
// calls that were refused.
//
// On Postgres an instance reserves calls in the table rate_slots: one for a lone caller, as many as
// wait when there are several, and some to spare for a subject in a hurry; see reserve. The embedded
// database has one instance, which counts in memory.
//
// A limit is no security boundary: while the database does not answer, each instance goes on by
// what it knows itself, and says so in its log.
package ratelimit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"latchkey/internal/database"
)

// Decision is what became of one call.
type Decision struct {
	Allowed    bool
	Limit      int           // calls a minute
	Remaining  int           // calls that are left at this moment
	Reset      time.Time     // when more will be left; whole seconds, rounded up
	RetryAfter time.Duration // of a refused call: until one will be let through; at least a second
}

// Service counts for one instance.
type Service struct {
	pool *pgxpool.Pool // nil: this is the only instance
	now  func() time.Time

	mu       sync.RWMutex
	subjects map[string]*subject

	downUntil atomic.Int64 // Unix nanoseconds: the database is not asked before
	toldAt    atomic.Int64 // Unix nanoseconds of the last log line about it
}

// New makes the service; Run must run beside it.
func New(db *database.DB, now func() time.Time) *Service {
	return &Service{pool: db.Pool, now: now, subjects: map[string]*subject{}}
}

// Take counts a call of the subject if its limit, of calls a minute, has room. A limit of 0 is
// none. The error is the context's: a database that does not answer is none.
func (s *Service) Take(ctx context.Context, name string, limit int) (Decision, error) {
	if limit <= 0 {
		return Decision{Allowed: true}, nil
	}
	for {
		sub := s.subject(name)
		now := s.now()
		d, next := sub.take(now, limit, s.pool != nil && now.UnixNano() >= s.downUntil.Load())
		switch {
		case next.decided:
			return d, nil
		case next.ask != nil:
			return s.reserve(ctx, sub, name, next.ask, limit), nil
		case next.wait != nil:
			select {
			case <-next.wait:
				sub.woken()
			case <-ctx.Done():
				sub.woken()
				return Decision{}, ctx.Err()
			}
		}
	}
}

func (s *Service) subject(name string) *subject {
	s.mu.RLock()
	sub := s.subjects[name]
	s.mu.RUnlock()
	if sub != nil {
		return sub
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if sub = s.subjects[name]; sub == nil {
		sub = &subject{}
		s.subjects[name] = sub
	}
	return sub
}

// reserve asks the database, for the caller and for those who wait with it.
func (s *Service) reserve(ctx context.Context, sub *subject, name string, a *ask, limit int) Decision {
	answer, err := s.send(context.WithoutCancel(ctx), name, a)
	now := s.now()
	if err != nil {
		s.failed(now, err)
		return sub.alone(now, a, limit)
	}
	return sub.answered(now, a, answer, limit)
}

const (
	downFor   = 5 * time.Second
	tellEvery = time.Minute
)

func (s *Service) failed(now time.Time, err error) {
	s.downUntil.Store(now.Add(downFor).UnixNano())
	told := s.toldAt.Load()
	if (told == 0 || now.UnixNano()-told >= int64(tellEvery)) && s.toldAt.CompareAndSwap(told, now.UnixNano()) {
		slog.Warn("the database did not answer for rate limits; this instance counts alone for now", "err", err)
	}
}
