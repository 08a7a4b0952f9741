package outbox

import "sync"

// Bell wakes this process's workers after a commit, so that a message is sent at once and not at
// the next poll. What it says is a hint: the tables are the truth.
type Bell struct {
	mu   sync.Mutex
	ids  map[string]bool
	rung chan struct{}
}

// NewBell makes a bell.
func NewBell() *Bell { return &Bell{ids: map[string]bool{}, rung: make(chan struct{}, 1)} }

// Ring says that endpoints have something to send. It never blocks; a nil bell is silent.
func (b *Bell) Ring(endpointIDs ...string) {
	if b == nil || len(endpointIDs) == 0 {
		return
	}
	b.mu.Lock()
	for _, id := range endpointIDs {
		b.ids[id] = true
	}
	b.mu.Unlock()
	select {
	case b.rung <- struct{}{}:
	default: // it rings already
	}
}

// Rung delivers after each Ring; several may make one.
func (b *Bell) Rung() <-chan struct{} { return b.rung }

// Take returns the endpoints that were rung for since the last Take, in no order.
func (b *Bell) Take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]string, 0, len(b.ids))
	for id := range b.ids {
		ids = append(ids, id)
	}
	clear(b.ids)
	return ids
}
