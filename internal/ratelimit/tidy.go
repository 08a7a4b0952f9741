package ratelimit

import (
	"context"
	"log/slog"
	"time"
)

const pruneEvery = time.Minute

// Run gives back what was reserved and not taken, and forgets what is over, until ctx ends; then
// the last of it goes back.
func (s *Service) Run(ctx context.Context) {
	tick, minute := time.NewTicker(slotLength), time.NewTicker(pruneEvery)
	defer tick.Stop()
	defer minute.Stop()
	for {
		select {
		case <-tick.C:
			s.giveBack(ctx, false)
		case <-minute.C:
			s.forget()
			if s.pool == nil {
				continue
			}
			if err := s.prune(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("old counts of rate limits stay for another minute", "err", err)
			}
		case <-ctx.Done():
			s.giveBack(context.WithoutCancel(ctx), true)
			return
		}
	}
}

// giveBack returns the tokens of slots that are over; at the end those of the present one too. What
// fails is tried again with the next: it leaves the window by itself.
func (s *Service) giveBack(ctx context.Context, end bool) {
	if s.pool == nil || s.now().UnixNano() < s.downUntil.Load() {
		return
	}
	for name, sub := range s.all() {
		back := sub.over(s.now(), end)
		if len(back) == 0 {
			continue
		}
		if err := s.returns(ctx, name, back); err != nil {
			sub.keep(back)
			if ctx.Err() == nil {
				s.failed(s.now(), err)
			}
			return
		}
	}
}

func (s *Service) all() map[string]*subject {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make(map[string]*subject, len(s.subjects))
	for name, sub := range s.subjects {
		out[name] = sub
	}
	return out
}

// over takes what is to be given back.
func (u *subject) over(now time.Time, end bool) []slotCount {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.advance(now)
	if end {
		u.letGo()
	}
	back := u.back
	u.back = nil
	return back
}

// keep puts back what could not be returned, unless it has left the window by now.
func (u *subject) keep(back []slotCount) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, c := range back {
		if c.slot > u.window.newest-slots {
			u.back = append(u.back, c)
		}
	}
}

// forget drops subjects of which nothing counts any more.
func (s *Service) forget() {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, sub := range s.subjects {
		if sub.idle(now) {
			delete(s.subjects, name)
		}
	}
}

func (u *subject) idle(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.advance(now)
	u.gone = u.window.sum == 0 && u.tokens == 0 && len(u.back) == 0 && u.waiting == 0 && u.flight == nil
	return u.gone
}
