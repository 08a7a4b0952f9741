package main

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// load is what one round sends.
type load struct {
	addr        string
	requests    [][]byte // the connections share them out, and each sends its own in turn; a single one is sent by all
	connections int
	length      time.Duration
	perSecond   float64 // open loop: requests sent at this rate; 0: closed loop, each as soon as the last is answered
}

// outcome is what came back.
type outcome struct {
	hist    histogram
	late    histogram     // open loop: how late the generator was, whoever was to send
	ok      int64         // answers 200
	errors  map[int]int64 // other answers by status; 0: none came
	elapsed time.Duration
}

func (o *outcome) merge(other *outcome) {
	o.hist.merge(&other.hist)
	o.ok += other.ok
	for status, n := range other.errors {
		o.errors[status] += n
	}
}

// ids number requests over the whole run: a message id is used once.
var ids atomic.Uint64

// run sends until the length is over and every answer is in.
func (l load) run() *outcome {
	shares := make([][]*numbered, l.connections)
	for i := range shares {
		shares[i] = l.share(i)
	}
	total := &outcome{errors: map[int]int64{}}
	start := time.Now()
	end := start.Add(l.length)
	next := func() (time.Time, bool) {
		now := time.Now()
		return now, now.Before(end)
	}
	var work sync.WaitGroup
	if l.perSecond > 0 {
		p := newPacer(newSchedule(start, l.perSecond, l.length))
		work.Go(func() { p.run(&total.late) })
		next = p.take
	}
	parts := make([]*outcome, l.connections)
	for i := range parts {
		work.Go(func() {
			c := &connection{addr: l.addr}
			defer c.close()
			parts[i] = loop(shares[i], next, c.send)
		})
	}
	work.Wait()
	total.elapsed = time.Since(start)
	for _, p := range parts {
		total.merge(p)
	}
	return total
}

// share are the requests of one connection.
func (l load) share(connection int) []*numbered {
	var own []*numbered
	for i := connection % len(l.requests); i < len(l.requests); i += l.connections {
		own = append(own, newNumbered(l.requests[i]))
	}
	return own
}

// loop is one connection. next gives the instant from which a request's latency counts.
func loop(requests []*numbered, next func() (time.Time, bool), send func([]byte) (int, error)) *outcome {
	out := &outcome{errors: map[int]int64{}}
	for i := 0; ; i++ {
		at, more := next()
		if !more {
			return out
		}
		if wait := time.Until(at); wait > 0 {
			time.Sleep(wait)
		}
		request := requests[i%len(requests)]
		request.set(ids.Add(1))
		status, err := send(request.bytes)
		switch {
		case err != nil:
			out.errors[0]++
		case status == http.StatusOK:
			out.ok++
			out.hist.record(time.Since(at))
		default:
			out.errors[status]++
		}
	}
}
