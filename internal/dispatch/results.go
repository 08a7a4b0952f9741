package dispatch

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// results is the one writer of what became of attempts: it takes whatever waits, without a timer, so
// that a lone result waits for nobody and a crowd shares a commit.
type results struct {
	service *Service

	mu    sync.Mutex
	queue []*outcome
	rung  chan struct{}

	complained time.Time // of the writer alone

	waiting   atomic.Int64
	failures  atomic.Int64
	stuck     atomic.Bool // the last group could not be written; nothing is sent until one can
	abandoned atomic.Bool // the process ends without a database: what waits is sent again later
}

const (
	groupSize    = 1000
	writeTimeout = 15 * time.Second
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 2 * time.Second

	complainEvery = 10 * time.Second
)

func newResults(s *Service) *results {
	return &results{service: s, rung: make(chan struct{}, 1)}
}

func (w *results) add(o *outcome) {
	w.waiting.Add(1)
	w.mu.Lock()
	w.queue = append(w.queue, o)
	w.mu.Unlock()
	select {
	case w.rung <- struct{}{}:
	default: // it is awake
	}
}

// run writes until ctx ends and nothing waits.
func (w *results) run(ctx context.Context) {
	for {
		select {
		case <-w.rung:
		case <-ctx.Done():
			w.drain()
			return
		}
		w.gather()
		began := w.service.Now()
		if w.drain() > 1 {
			w.yield(ctx, 2*w.service.Now().Sub(began))
		}
	}
}

// yield leaves the database to others for twice as long as the last results took, so that they are
// at most a third of what is written: the more the gateway has to write, the larger their groups
// become. A lone result, as those of an ordered endpoint are, waits for nobody.
func (w *results) yield(ctx context.Context, pause time.Duration) {
	over := time.NewTimer(min(pause, longestYield))
	defer over.Stop()
	select {
	case <-over.C:
	case <-ctx.Done():
	}
}

const longestYield = 50 * time.Millisecond

// gather lets attempts that are ending right now join the group.
func (w *results) gather() {
	for n := -1; n < w.length() && n < groupSize; {
		n = w.length()
		runtime.Gosched()
	}
}

func (w *results) length() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// drain writes what waits, and returns how much that was.
func (w *results) drain() (written int) {
	for {
		w.mu.Lock()
		n := min(len(w.queue), groupSize)
		taken := w.queue[:n:n]
		if w.queue = w.queue[n:]; len(w.queue) == 0 {
			w.queue = nil
		}
		w.mu.Unlock()
		if n == 0 {
			return written
		}
		w.write(taken)
		written += n
	}
}

// write writes a group, and does not return before it is written or nobody can help it.
func (w *results) write(outcomes []*outcome) {
	for backoff := firstBackoff; ; backoff = min(2*backoff, lastBackoff) {
		err := w.commit(outcomes)
		switch {
		case err == nil:
			return
		case w.abandoned.Load():
			slog.Error("results could not be written; their deliveries will be sent again", "results", len(outcomes), "err", err)
			w.settle(outcomes, make([]bool, len(outcomes)))
			return
		case w.service.store.refused(err):
			w.refused(outcomes, err)
			return
		}
		if now := w.service.Now(); now.Sub(w.complained) > complainEvery {
			w.complained = now
			slog.Error("results could not be written; tried again, and nothing is sent meanwhile", "results", len(outcomes), "err", err)
		}
		time.Sleep(backoff)
	}
}

// refused handles a group that the database takes for wrong: alone, each result stands for itself
// only; without what the receiver said, it may pass. One that does not is dropped, so that it does
// not hold up all others, and its endpoint rests, since its delivery will be sent again.
func (w *results) refused(outcomes []*outcome, err error) {
	o := outcomes[0]
	switch {
	case len(outcomes) > 1:
		slog.Warn("a group of results was refused; writing them one by one", "results", len(outcomes), "err", err)
		for _, o := range outcomes {
			w.write([]*outcome{o})
		}
	case !o.bare:
		o.response, o.detail, o.truncated, o.bare = nil, "", false, true
		w.write(outcomes)
	default:
		slog.Error("a result was refused; its endpoint rests", "endpoint", o.owner.id, "message", o.messageID, "err", err)
		w.stuck.Store(false)
		w.service.rest(o.owner, time.Minute)
		w.settle(outcomes, []bool{false})
	}
}

func (w *results) commit(outcomes []*outcome) error {
	// Not the run's context: what was taken is finished even while stopping.
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	g := w.group(outcomes)
	done, err := w.service.store.commit(ctx, g)
	if err != nil {
		w.failures.Add(1)
		w.stuck.Store(true)
		return err
	}
	w.stuck.Store(false)
	for i, s := range g.states {
		s.owner.recorded(s, done.states[i])
	}
	w.settle(outcomes, done.outcomes)
	return nil
}

func (w *results) settle(outcomes []*outcome, applied []bool) {
	owners := map[*owner]bool{}
	for i, o := range outcomes {
		o.owner.settle(o.messageID, applied[i])
		owners[o.owner] = true
		for _, t := range o.tales {
			if applied[i] {
				w.service.later(t)
			} else {
				o.owner.untold(t)
			}
		}
	}
	w.waiting.Add(-int64(len(outcomes)))
	for o := range owners {
		o.poke()
	}
}

// group adds to outcomes what they mean for their endpoints.
func (w *results) group(outcomes []*outcome) group {
	g := group{instance: w.service.Instance, outcomes: outcomes}
	type key struct {
		owner  *owner
		minute int64
	}
	owners, minutes := map[*owner]bool{}, map[key]int{}
	for _, o := range outcomes {
		if !owners[o.owner] {
			owners[o.owner] = true
			o.owner.mu.Lock()
			g.states = append(g.states, o.owner.state)
			g.states[len(g.states)-1].owner = o.owner
			o.owner.mu.Unlock()
		}
		at := key{o.owner, o.started.Add(o.duration).Unix() / 60}
		i, ok := minutes[at]
		if !ok {
			i = len(g.minutes)
			minutes[at] = i
			g.minutes = append(g.minutes, minute{endpointID: o.owner.id, minute: at.minute})
		}
		if o.error == "" {
			g.minutes[i].delivered++
		} else {
			g.minutes[i].failed++
		}
		g.minutes[i].durationUS += o.duration.Microseconds()
	}
	// The same order everywhere, so that two instances never wait for each other in a circle.
	slices.SortFunc(g.minutes, func(a, b minute) int {
		return cmp.Or(cmp.Compare(a.endpointID, b.endpointID), cmp.Compare(a.minute, b.minute))
	})
	return g
}
