package ratelimit

import "time"

const (
	slotLength = 500 * time.Millisecond
	slots      = 119
	// ahead is how many slots an instance's clock may be before another's, or step back, and still
	// mean the same minute.
	ahead = 20
)

// slotOf is never so small that a slot of its window would be negative.
func slotOf(at time.Time) int64 { return max(slots, at.UnixNano()/int64(slotLength)) }

// leaves is when a slot is in the window no more.
func leaves(slot int64) time.Time { return time.Unix(0, (slot+slots)*int64(slotLength)) }

// window holds what was used in the newest slot and the 118 before it.
type window struct {
	newest int64
	used   [slots]int64 // by slot modulo slots
	sum    int64
}

// advance moves the window to a slot. A clock that steps back a little changes nothing; one that
// steps back far starts anew, so that nobody waits for the time that it took back.
func (w *window) advance(slot int64) {
	switch {
	case slot > w.newest+slots, slot < w.newest-ahead:
		*w = window{newest: slot}
	default:
		for w.newest < slot {
			w.newest++
			at := &w.used[w.newest%slots]
			w.sum -= *at
			*at = 0
		}
	}
}

// add changes what was used in a slot; one that has left the window does not matter any more, and
// one that is not here yet, by another instance's clock, stands with the newest.
func (w *window) add(slot, n int64) {
	if slot <= w.newest-slots {
		return
	}
	w.used[min(slot, w.newest)%slots] += n
	w.sum += n
}

// clear forgets all but the place in time.
func (w *window) clear() { *w = window{newest: w.newest} }

// below is when no more than most of what is used now will still count.
func (w *window) below(most int64) time.Time {
	left := w.sum
	if left <= most {
		return leaves(w.newest - slots)
	}
	for slot := w.newest - slots + 1; slot <= w.newest; slot++ {
		n := w.used[slot%slots]
		if left -= n; n > 0 && left <= most {
			return leaves(slot)
		}
	}
	return leaves(w.newest)
}
