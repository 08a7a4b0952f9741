package keys

import (
	"testing"
	"time"
)

func TestAFillThatRacesAnEvictionDoesNotReviveWhatItRead(t *testing.T) {
	c := newCache(10)
	now := time.Unix(1_700_000_000, 0)
	hash := digest{1}
	stale := &Credential{readAt: now}

	_, generation := c.get(hash, now) // a look-up begins: it reads the row before the change
	c.evict(hash[:])                  // the change commits and evicts
	c.put(hash, stale, generation)    // the look-up ends
	if found, _ := c.get(hash, now); found != nil {
		t.Error("the old row is back")
	}

	_, generation = c.get(hash, now)
	fresh := &Credential{readAt: now}
	c.put(hash, fresh, generation)
	if found, _ := c.get(hash, now); found != fresh {
		t.Error("a look-up without a race was not kept")
	}
}

func TestTheCacheForgetsWithAgeAndKeepsItsSize(t *testing.T) {
	c := newCache(3)
	now := time.Unix(1_700_000_000, 0)
	for i := range 10 {
		hash := digest{byte(i)}
		_, generation := c.get(hash, now)
		c.put(hash, &Credential{readAt: now}, generation)
	}
	if len(c.entries) != 3 {
		t.Errorf("%d entries, want 3", len(c.entries))
	}
	last := digest{9}
	if found, _ := c.get(last, now.Add(cacheAge)); found == nil {
		t.Error("forgotten before its time")
	}
	if found, _ := c.get(last, now.Add(cacheAge+time.Second)); found != nil {
		t.Error("kept after its time")
	}
}
