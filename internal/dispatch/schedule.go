package dispatch

import "time"

// Schedule says how long after an attempt the next one of a delivery is made; each pause but the
// first varies by a fifth. After the last attempt the delivery has failed.
var Schedule = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
}

// spread is how much a pause varies, to both sides: what failed together does not come back together.
const spread = 0.2

// next is when the attempt after the step-th is made; ok is false when there is none. It is not
// earlier than the receiver asked for.
func (s *Service) next(now time.Time, step int, retryAfter time.Duration) (at time.Time, ok bool) {
	if step >= len(Schedule) {
		return time.Time{}, false
	}
	pause := time.Duration(float64(Schedule[step]) * (1 - spread + 2*spread*s.Rand()))
	return now.Add(max(pause, retryAfter)), true
}
