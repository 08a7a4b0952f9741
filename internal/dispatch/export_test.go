package dispatch

import "context"

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
