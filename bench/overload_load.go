package main

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// flood sends requests when they are due, whatever became of those before: many senders who do not
// know of each other. A request takes a connection that is idle, or a new one, up to a bound; when
// all are busy it is not sent at all, and counted as such.
type flood struct {
	addr      string
	request   []byte
	perSecond float64
	length    time.Duration
	most      int           // connections
	window    time.Duration // how long one bin of the series lasts

	start time.Time
	bins  []*bin

	mu   sync.Mutex
	idle []chan time.Time // the one that was last busy is taken first
	over bool             // nothing more comes
	open atomic.Int64
}

// bin is what was due in one part of the run.
type bin struct {
	mu       sync.Mutex
	accepted histogram // answers 200; both by the time since the request was due
	refused  histogram // 429 and 503 with Retry-After
	other    map[int]int64
	unsent   int64
}

func (f *flood) run() {
	f.start = time.Now()
	for range int((f.length + f.window - 1) / f.window) {
		f.bins = append(f.bins, &bin{other: map[int]int64{}})
	}
	var work sync.WaitGroup
	due := newSchedule(f.start, f.perSecond, f.length)
	for {
		at, more := due.take()
		if !more {
			break
		}
		// Sleeping for less than this costs more than it is worth; latency counts from when it was due.
		if wait := time.Until(at); wait > time.Millisecond {
			time.Sleep(wait)
		}
		f.hand(at, &work)
	}
	f.mu.Lock()
	for _, to := range f.idle {
		close(to)
	}
	f.idle, f.over = nil, true
	f.mu.Unlock()
	work.Wait()
}

// hand gives a request to a connection.
func (f *flood) hand(at time.Time, work *sync.WaitGroup) {
	f.mu.Lock()
	var to chan time.Time
	if n := len(f.idle); n > 0 {
		to, f.idle = f.idle[n-1], f.idle[:n-1]
	}
	f.mu.Unlock()
	switch {
	case to != nil:
		to <- at
	case int(f.open.Load()) < f.most:
		f.open.Add(1)
		to = make(chan time.Time, 1)
		to <- at
		work.Go(func() { f.serve(to) })
	default:
		b := f.bin(at)
		b.mu.Lock()
		b.unsent++
		b.mu.Unlock()
	}
}

// serve is one connection.
func (f *flood) serve(work chan time.Time) {
	c := &connection{addr: f.addr}
	defer c.close()
	request := newNumbered(f.request)
	for at := range work {
		request.set(ids.Add(1))
		status, err := c.send(request.bytes)
		f.bin(at).count(status, err, c.retryAfter, time.Since(at))
		if !f.rest(work) {
			return
		}
	}
}

// rest puts a connection among the idle ones; false when the run is over.
func (f *flood) rest(work chan time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return false
	}
	f.idle = append(f.idle, work)
	return true
}

func (f *flood) bin(at time.Time) *bin {
	return f.bins[min(int(at.Sub(f.start)/f.window), len(f.bins)-1)]
}

// noRetryAfter counts refusals that do not say when to come back, which none may be.
const noRetryAfter = -1

func (b *bin) count(status int, err error, retryAfter bool, took time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil:
		b.other[0]++
	case status == http.StatusOK:
		b.accepted.record(took)
	case status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests:
		b.other[status]++
	case !retryAfter:
		b.other[noRetryAfter]++
	default:
		b.refused.record(took)
	}
}

// merge adds another bin's counts.
func (b *bin) merge(other *bin) {
	b.accepted.merge(&other.accepted)
	b.refused.merge(&other.refused)
	b.unsent += other.unsent
	if b.other == nil {
		b.other = map[int]int64{}
	}
	for status, n := range other.other {
		b.other[status] += n
	}
}

func merged(bins []*bin) *bin {
	sum := &bin{}
	for b := range slices.Values(bins) {
		sum.merge(b)
	}
	return sum
}
