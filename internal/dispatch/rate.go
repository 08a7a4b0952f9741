package dispatch

import "time"

// bucket holds an endpoint's requests a second: one token each, and up to a tenth of a second's at
// once, so that timers need not be exact. It begins empty, since the instance before may just have
// used it up.
type bucket struct {
	rate   float64 // a second; 0: no limit
	tokens float64
	at     time.Time
}

func (b *bucket) set(perSecond int, now time.Time) {
	if b.rate == float64(perSecond) {
		return
	}
	*b = bucket{rate: float64(perSecond), at: now}
}

// wait is how long until there is a token; zero when there is one.
func (b *bucket) wait(now time.Time) time.Duration {
	if b.rate == 0 {
		return 0
	}
	if now.After(b.at) {
		b.tokens = min(b.tokens+b.rate*now.Sub(b.at).Seconds(), max(1, b.rate/10))
	}
	b.at = now
	if b.tokens >= 1 {
		return 0
	}
	return time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + time.Microsecond
}

func (b *bucket) take() {
	if b.rate > 0 {
		b.tokens--
	}
}
