package keys

import (
	"context"
	"errors"
	"testing"
)

// steppedEpoch reads when the test says so: each read takes its version from a counter that the
// test moves, at the instant when the read begins.
type steppedEpoch struct {
	*epoch
	began   chan int64 // what a read that has begun will answer
	release chan error
}

func newSteppedEpoch(version *int64) *steppedEpoch {
	s := &steppedEpoch{epoch: &epoch{}, began: make(chan int64), release: make(chan error)}
	s.read = func(context.Context) (int64, error) {
		v := *version
		s.began <- v
		return v, <-s.release
	}
	return s
}

type answered struct {
	version int64
	err     error
}

func (s *steppedEpoch) ask(ctx context.Context) chan answered {
	out := make(chan answered, 1)
	go func() {
		v, err := s.current(ctx)
		out <- answered{v, err}
	}()
	return out
}

// gathered waits until a question stands for the next read.
func (s *steppedEpoch) gathered() {
	for {
		s.mu.Lock()
		waiting := s.next != nil
		s.mu.Unlock()
		if waiting {
			return
		}
	}
}

func TestAnAnswerIsFromAReadThatBeganAfterTheQuestion(t *testing.T) {
	version := int64(1)
	e := newSteppedEpoch(&version)
	early := e.ask(t.Context())
	<-e.began   // the first read is under way, with version 1
	version = 2 // a change commits
	late := e.ask(t.Context())
	e.gathered()
	e.release <- nil
	if got := <-early; got.version != 1 {
		t.Errorf("the first question: %+v", got)
	}
	<-e.began
	e.release <- nil
	if got := <-late; got.version != 2 || got.err != nil {
		t.Errorf("a question that came during a read got what began before it: %+v", got)
	}
}

func TestAFailedReadIsToldAndTheNextOneIsAnother(t *testing.T) {
	version := int64(1)
	e := newSteppedEpoch(&version)
	broken := errors.New("no database")
	first := e.ask(t.Context())
	<-e.began
	e.release <- broken
	if got := <-first; !errors.Is(got.err, broken) {
		t.Errorf("answer %+v", got)
	}
	second := e.ask(t.Context())
	<-e.began
	e.release <- nil
	if got := <-second; got.err != nil || got.version != 1 {
		t.Errorf("answer %+v", got)
	}
}

func TestACallerThatLeavesDoesNotWait(t *testing.T) {
	version := int64(1)
	e := newSteppedEpoch(&version)
	ctx, leave := context.WithCancel(t.Context())
	left, stays := e.ask(ctx), e.ask(t.Context())
	<-e.began
	leave()
	if got := <-left; got.err == nil {
		// It may have asked after the read began, or been answered by it; never before the release.
		t.Errorf("answer %+v", got)
	}
	e.release <- nil
	select {
	case got := <-stays:
		if got.version != 1 || got.err != nil {
			t.Errorf("answer %+v", got)
		}
	case <-e.began: // it asked after the read had begun
		e.release <- nil
		if got := <-stays; got.version != 1 || got.err != nil {
			t.Errorf("answer %+v", got)
		}
	}
}
