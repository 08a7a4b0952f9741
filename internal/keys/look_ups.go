package keys

import (
	"context"
	"errors"
	"sync"
	"time"
)

// lookUps lets requests with one key share the look-up of it. When a busy key's entry is too old,
// every request that comes until it is read again would ask the database for the same row: under
// load they take all its connections, and wait for each other until they give up.
//
// What is shared is a key that works, and that the database did not answer. An unknown, ended or
// expired key is looked up by each request itself, so that one which was made or extended a moment
// ago is not refused by a read that began before. Nor is a read shared that began before something
// was evicted: who asks after that must see what is there now.
type lookUps struct {
	mu      sync.Mutex
	running map[digest]*sharedRead
}

type sharedRead struct {
	generation uint64 // of the cache, before the read began
	done       chan struct{}
	cred       *Credential
	err        error
}

func newLookUps() *lookUps { return &lookUps{running: map[digest]*sharedRead{}} }

// share reads, or waits for the read of another request.
func (l *lookUps) share(ctx context.Context, hash digest, generation uint64, now time.Time, read func(context.Context) (*Credential, error)) (*Credential, error) {
	l.mu.Lock()
	if other := l.running[hash]; other != nil && other.generation == generation {
		l.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if other.worksFor(now) {
			return other.cred, other.err
		}
		return read(ctx)
	}
	mine := &sharedRead{generation: generation, done: make(chan struct{})}
	l.running[hash] = mine
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		if l.running[hash] == mine {
			delete(l.running, hash)
		}
		l.mu.Unlock()
		close(mine.done)
	}()
	// Not the caller's context: when that one leaves, the others still wait.
	mine.cred, mine.err = read(context.WithoutCancel(ctx))
	return mine.cred, mine.err
}

// worksFor tells whether what was read may be told to a request that asked later.
func (r *sharedRead) worksFor(now time.Time) bool {
	if r.err != nil {
		return !errors.Is(r.err, ErrUnknown)
	}
	return r.cred.state(now) == nil
}
