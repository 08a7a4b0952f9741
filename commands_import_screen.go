package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"latchkey/internal/upload"
)

const (
	drawEvery = 200 * time.Millisecond
	tellEvery = 5 * time.Second // where there is no terminal
)

// screen shows how far an import is: a bar on a terminal, else a line now and then.
type screen struct {
	out      *os.File
	terminal bool

	mu  sync.Mutex
	bar *progressbar.ProgressBar
	was bool // the bar that is shown is of the reading before
}

func newScreen(out *os.File) *screen {
	return &screen{out: out, terminal: term.IsTerminal(int(out.Fd()))}
}

// say prints a line, above the bar if there is one.
func (s *screen) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
	}
	_, _ = fmt.Fprintln(s.out, text)
}

// follow shows an import until the returned function is called.
func (s *screen) follow(run *upload.Import) (end func()) {
	every, show := tellEvery, s.line(run)
	if s.terminal {
		every, show = drawEvery, s.draw(run)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				show()
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		<-done
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.bar != nil {
			_ = s.bar.Clear()
		}
	}
}

// draw moves the bar. Its rate and the time that is left are of this run: what was sent in an
// earlier one does not count for speed.
func (s *screen) draw(run *upload.Import) func() {
	return func() {
		p := run.Progress()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.bar == nil || s.was != p.Reading {
			if s.bar != nil {
				_ = s.bar.Clear()
			}
			s.bar, s.was = newBar(s.out, p), p.Reading
		}
		if p.Reading {
			s.bar.Describe("Reading")
		} else {
			s.bar.Describe(fmt.Sprintf("Line %d, %d refused", p.Lines, p.Rejected))
		}
		_ = s.bar.Set64(min(p.Read, max(p.Total, p.Read)))
	}
}

func newBar(out *os.File, p upload.Progress) *progressbar.ProgressBar {
	total := p.Total
	if total == 0 {
		total = -1 // a spinner
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(out), progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetPredictTime(true), progressbar.OptionSetElapsedTime(false), progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(drawEvery/2), progressbar.OptionUseIECUnits(true),
	)
}

// line prints one that a log can keep.
func (s *screen) line(run *upload.Import) func() {
	var first upload.Progress
	var began time.Time
	return func() {
		p := run.Progress()
		switch {
		case p.Reading:
			s.say(fmt.Sprintf("Reading the file: %s of %s.", mebibytes(p.Read), mebibytes(p.Total)))
			return
		case began.IsZero():
			first, began = p, time.Now()
		}
		text := fmt.Sprintf("Sent %s", mebibytes(p.Read))
		if p.Total > 0 {
			text += fmt.Sprintf(" of %s (%d %%)", mebibytes(p.Total), 100*p.Read/p.Total)
		}
		text += fmt.Sprintf(", up to line %d; accepted %d, stored before %d, refused %d", p.Lines, p.Accepted, p.Duplicates, p.Rejected)
		if took := time.Since(began).Seconds(); took > 1 && p.Read > first.Read {
			rate := float64(p.Read-first.Read) / took
			text += fmt.Sprintf("; %s a second, %.0f lines", mebibytes(int64(rate)), float64(p.Lines-first.Lines)/took)
			if p.Total > p.Read {
				text += ", " + time.Duration(float64(p.Total-p.Read)/rate*float64(time.Second)).Round(time.Second).String() + " left"
			}
		}
		s.say(text + ".")
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
