package main

import (
	"os"
	"slices"
	"time"
)

// measure is one round of one task.
type measure struct {
	requests, items float64 // a second
	hist            *histogram
	late            *histogram    // open loop: how late the generator itself was
	mean            time.Duration // where there is no histogram
	errors          map[int]int64
	serverCPU       time.Duration // an item
	postgresCPU     time.Duration // an item
	generatorCPU    time.Duration // an item
	peak            int64         // bytes that the server held at most
	postgresMemory  int64         // bytes that all of Postgres held at the end, shared ones counted once
	generatorPeak   int64
}

// clock tells what the processes spend on a task. A process of 0 is none.
type clock struct{ server, postmaster, own int }
type reading struct{ server, postgres, own time.Duration }

func newClock(server, postmaster int) clock {
	return clock{server: server, postmaster: postmaster, own: os.Getpid()}
}

func (c clock) start() reading {
	resetPeak(c.server)
	resetPeak(c.own)
	return c.read()
}

func (c clock) read() reading {
	r := reading{server: cpuOf(c.server), own: cpuOf(c.own)}
	if c.postmaster > 0 {
		r.postgres = cpuOfTree(c.postmaster)
	}
	return r
}

// spent completes a measure.
func (c clock) spent(from reading, items float64, m *measure) {
	now := c.read()
	m.serverCPU = perItem(now.server-from.server, items)
	m.postgresCPU = perItem(now.postgres-from.postgres, items)
	m.generatorCPU = perItem(now.own-from.own, items)
	m.peak, m.generatorPeak = peakRSS(c.server), peakRSS(c.own)
	if c.postmaster > 0 {
		m.postgresMemory = memoryOfTree(c.postmaster)
	}
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
	section     string // the table that it stands in
	name        string
	database    string // empty for a yardstick
	connections int
	length      time.Duration // of a round; 0: that of the options
	run         func(length time.Duration) (measure, error)
	rounds      []measure
	last        measure // the newest, also of the round that does not count
	held        []held
}

// held says against what a task is held, in the column of that name.
type held struct {
	column    string
	yardstick *task
}

// against adds yardsticks that there are.
func (t *task) against(column string, yardstick *task) {
	if yardstick != nil && yardstick != t {
		t.held = append(t.held, held{column, yardstick})
	}
}

func (t *task) each(value func(measure) float64) spread {
	values := make([]float64, len(t.rounds))
	for i, m := range t.rounds {
		values[i] = value(m)
	}
	return spreadOf(values)
}

// over is the ratio of items a second to the yardstick's, round by round: both were measured within
// the same minutes, so that a machine which is busy with something else slows both.
func (t *task) over(column string) (spread, bool) {
	for _, h := range t.held {
		if h.column != column || len(h.yardstick.rounds) != len(t.rounds) || len(t.rounds) == 0 {
			continue
		}
		values := make([]float64, len(t.rounds))
		for i, m := range t.rounds {
			values[i] = m.items / h.yardstick.rounds[i].items
		}
		return spreadOf(values), true
	}
	return spread{}, false
}

// quantile is that of each round's latencies.
func (t *task) quantile(q float64) spread {
	return t.each(func(m measure) float64 {
		if m.hist == nil {
			return float64(m.mean)
		}
		return float64(m.hist.quantile(q))
	})
}

// merged puts one histogram of each round together.
func (t *task) merged(of func(measure) *histogram) *histogram {
	h := &histogram{}
	for _, m := range t.rounds {
		if one := of(m); one != nil {
			h.merge(one)
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
