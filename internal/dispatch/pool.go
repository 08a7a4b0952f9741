package dispatch

import "sync"

// pool bounds attempts under way: one place in the channel each. Those who wait are served in turn.
type pool chan struct{}

const (
	healthySlots = 256 // endpoints that answer
	suspectSlots = 64  // endpoints that fail, or have not answered for a second
)

func (p pool) try() bool {
	select {
	case p <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p pool) release() { <-p }

// lane is what endpoints of one kind share: slots and memory. Those that fail or answer slowly have
// one of their own, so that they use up neither of the others'.
type lane struct {
	pool
	small, large *budget
}

// newLane makes a lane with so many quarters of the memory.
func newLane(slots, quarters int) *lane {
	return &lane{make(pool, slots), newBudget(smallBytes / 4 * quarters), newBudget(largeBytes / 4 * quarters)}
}

const (
	smallBody  = 16 << 10 // up to which a body is fetched with its batch
	smallBytes = 32 << 20 // of all bodies that wait for their turn
	largeBytes = 64 << 20 // of all larger bodies that are being sent
)

// budget bounds bytes that are held in memory.
type budget struct {
	mu   sync.Mutex
	cond *sync.Cond
	free int
	all  int
}

func newBudget(bytes int) *budget {
	b := &budget{free: bytes, all: bytes}
	b.cond = sync.NewCond(&b.mu)
	return b
}

// some takes room for up to n things of a size, and tells for how many.
func (b *budget) some(n, size int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, max(0, b.free)/size)
	b.free -= n * size
	return n
}

// take waits for room. What is larger than everything gets everything. It returns what to give back.
func (b *budget) take(bytes int) int {
	bytes = min(bytes, b.all)
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.free < bytes {
		b.cond.Wait()
	}
	b.free -= bytes
	return bytes
}

// owe takes room that need not be there: who moves here has the bytes already.
func (b *budget) owe(bytes int) {
	b.mu.Lock()
	b.free -= bytes
	b.mu.Unlock()
}

func (b *budget) give(bytes int) {
	b.mu.Lock()
	b.free += bytes
	b.mu.Unlock()
	b.cond.Broadcast()
}
