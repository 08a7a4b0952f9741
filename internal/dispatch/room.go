package dispatch

import (
	"context"
	"slices"
)

// makeRoom gives leases back when an instance has as many as it may and endpoints wait for theirs:
// idle ones at once, the others after a lease's time, the longest held first.
func (s *Service) makeRoom(ctx context.Context) error {
	find, args := s.findWork(nil, claimBatch)
	var waiting []string
	if err := s.DB.Read.WithContext(ctx).Raw(find, args).Scan(&waiting).Error; err != nil || len(waiting) == 0 {
		return wrap("find work", err)
	}
	now, held := s.Now(), s.owned()
	slices.SortFunc(held, func(a, b *owner) int { return a.since.Compare(b.since) })
	missing := len(waiting)
	for _, o := range held {
		if o.leaving() {
			missing--
		}
	}
	for _, o := range held {
		age := now.Sub(o.since)
		switch {
		case missing <= 0:
			return nil
		case o.leaving():
		case age >= s.pace.idle && !o.anyBusy():
			s.rest(o, 0)
			missing--
		case age >= leaseTime:
			s.rest(o, 2*s.pace.look) // those that wait come first
			missing--
		}
	}
	return nil
}

// leaving tells whether the endpoint is being left.
func (o *owner) leaving() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.leave || o.lost
}
