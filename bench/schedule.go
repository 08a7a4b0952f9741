package main

import (
	"sync/atomic"
	"time"
)

// schedule hands out the instants at which requests are meant to be sent at a fixed rate. A
// request that starts late, because every connection is busy, still counts from its instant:
// what a queue in front of the server would have cost is part of the latency ("coordinated
// omission" is corrected).
type schedule struct {
	start time.Time
	every time.Duration
	total int64
	next  atomic.Int64
}

func newSchedule(start time.Time, perSecond float64, length time.Duration) *schedule {
	return &schedule{
		start: start,
		every: time.Duration(float64(time.Second) / perSecond),
		total: int64(length.Seconds() * perSecond),
	}
}

// take returns the next instant; false when the round is over.
func (s *schedule) take() (time.Time, bool) {
	i := s.next.Add(1) - 1
	return s.start.Add(time.Duration(i) * s.every), i < s.total
}
