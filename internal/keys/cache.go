package keys

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	cacheSize = 100_000
	// cacheAge bounds how long an instance goes by what it read. Nothing is acknowledged on the
	// cache's word alone: the writer checks the state again inside its transaction.
	cacheAge = 30 * time.Second
)

type digest = [sha256.Size]byte

// cache maps key hashes to immutable entries. A generation guards against a fill that races an
// eviction: a look-up that began before the eviction may not store what it read.
type cache struct {
	mu         sync.RWMutex
	entries    map[digest]*Credential
	generation uint64
	size       int
}

func newCache(size int) *cache {
	return &cache{entries: make(map[digest]*Credential), size: size}
}

// get returns the entry, or nil and the generation to hand to put.
func (c *cache) get(hash digest, now time.Time) (*Credential, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry := c.entries[hash]
	if entry != nil && now.Sub(entry.readAt) > cacheAge {
		entry = nil
	}
	return entry, c.generation
}

// put stores an entry unless something was evicted since the generation was read.
func (c *cache) put(hash digest, entry *Credential, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return
	}
	if len(c.entries) >= c.size {
		for victim := range c.entries { // map order is as good as random
			delete(c.entries, victim)
			break
		}
	}
	c.entries[hash] = entry
}

func (c *cache) evict(hash []byte) {
	if len(hash) != sha256.Size {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	delete(c.entries, digest(hash))
}
