package main

import (
	"runtime"
	"syscall"
	"time"
)

// pacer hands each instant of a schedule to whichever connection is free, when it has come. One
// thread of its own sleeps for all: Go's timers wake an idle process up to a millisecond late
// (epoll_wait counts in those), which would be taken for the server's latency.
type pacer struct {
	schedule *schedule
	due      chan time.Time
}

func newPacer(s *schedule) *pacer {
	// As many as there are: a server that stands still must not hold up the schedule.
	return &pacer{schedule: s, due: make(chan time.Time, s.total)}
}

// run lasts as long as the schedule; it records how late each instant was handed out.
func (p *pacer) run(late *histogram) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.due)
	for {
		at, more := p.schedule.take()
		if !more {
			return
		}
		for wait := time.Until(at); wait > 0; wait = time.Until(at) { // a signal ends a sleep early
			pause := syscall.NsecToTimespec(wait.Nanoseconds())
			_ = syscall.Nanosleep(&pause, nil)
		}
		late.record(time.Since(at))
		p.due <- at
	}
}

// take waits for the next instant; false when the round is over.
func (p *pacer) take() (time.Time, bool) {
	at, more := <-p.due
	return at, more
}
