package dispatch

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestARateIsNeverExceededByMoreThanATenthInAnySecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 2000).Draw(t, "rate")
		now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		var b bucket
		b.set(rate, now)
		var sent []time.Time
		for range 5000 {
			wait := b.wait(now)
			if wait == 0 {
				b.take()
				sent = append(sent, now)
				continue
			}
			// Sometimes a timer is late.
			now = now.Add(wait + time.Duration(rapid.IntRange(0, 1).Draw(t, "late"))*7*time.Millisecond)
		}
		most := rate + max(1, rate/10) + 1
		for first := range sent {
			if last := first + most; last < len(sent) && sent[last].Sub(sent[first]) < time.Second {
				t.Fatalf("at %d a second, %d were sent within %s", rate, most+1, sent[last].Sub(sent[first]))
			}
		}
	})
}

func TestWithoutARateNothingWaits(t *testing.T) {
	var b bucket
	b.set(0, time.Now())
	for range 1000 {
		if b.wait(time.Now()) != 0 {
			t.Fatal("waits")
		}
		b.take()
	}
}
