package main

import (
	"slices"
	"time"
)

// measure is one round of one task.
type measure struct {
	requests, items float64 // a second
	hist            *histogram
	mean            time.Duration // where there is no histogram
	errors          map[int]int64
	serverCPU       time.Duration // an item
	postgresCPU     time.Duration // an item
	peak            int64         // bytes
}

func perItem(cpu time.Duration, items float64) time.Duration {
	if items == 0 {
		return 0
	}
	return time.Duration(float64(cpu) / items)
}

// spread is the middle and the ends of several rounds.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{median: (sorted[(n-1)/2] + sorted[n/2]) / 2, least: sorted[0], most: sorted[n-1]}
}

// task is one line of the report: what is run once a round.
type task struct {
	name        string
	connections int
	run         func(length time.Duration) (measure, error)
	rounds      []measure

	database      string // empty for a yardstick
	bare, inserts *task  // yardsticks of the same round; nil without a ratio
	single        *task  // single posts on the same database and as many connections as the yardsticks have
	timed         bool   // sent at a fixed rate: its speed says nothing
}

func (t *task) each(value func(measure) float64) spread {
	values := make([]float64, len(t.rounds))
	for i, m := range t.rounds {
		values[i] = value(m)
	}
	return spreadOf(values)
}

// over is the ratio of items a second to the yardstick's, round by round: both were measured within
// the same minute, so that a machine which is busy with something else slows both.
func (t *task) over(yardstick *task) (spread, bool) {
	if yardstick == nil || yardstick == t || t.timed || len(yardstick.rounds) != len(t.rounds) {
		return spread{}, false
	}
	values := make([]float64, len(t.rounds))
	for i, m := range t.rounds {
		values[i] = m.items / yardstick.rounds[i].items
	}
	return spreadOf(values), true
}

// latency merges the rounds.
func (t *task) latency() *histogram {
	h := &histogram{}
	for _, m := range t.rounds {
		if m.hist != nil {
			h.merge(m.hist)
		}
	}
	return h
}

func (t *task) errors() map[int]int64 {
	sum := map[int]int64{}
	for _, m := range t.rounds {
		for status, n := range m.errors {
			sum[status] += n
		}
	}
	return sum
}
