package ingest

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"latchkey/internal/keys"
	"latchkey/internal/templates"
	"latchkey/internal/usage"
	"latchkey/models"
)

const (
	flushItems   = 2000
	enough       = 256 // requests, which share a commit well enough to wait for no more
	flushBytes   = 8 << 20
	flushLogs    = 500
	queueLogs    = 2048
	flushTimeout = 15 * time.Second
)

// job is one request's share of a transaction.
type job struct {
	cred     *keys.Credential
	items    []*item
	updates  []*update              // the org writer's
	template *templates.Compiled    // that mapped them
	replay   bool                   // of updates that are stored already
	request  *models.GatewayRequest // nil for the inner chunks of a bulk stream
	started  time.Time
	bytes    int64
	done     chan error // gets one answer; buffered, so that the writer never waits for a reader
	accepted int        // set by the store before the answer
	repeated int
}

// writer commits what many requests hand in with one transaction after another: it takes whatever
// is queued, without a timer, so that a lone request waits for nobody and a crowd shares a commit.
type writer struct {
	store  store
	keys   *keys.Service
	usage  *usage.Recorder
	now    func() time.Time
	limits Limits

	jobs    chan *job
	logs    chan *models.GatewayRequest
	stopped chan struct{}

	queuedBytes  atomic.Int64
	pending      atomic.Int64
	lastProgress atomic.Int64 // Unix nanoseconds of the last finished flush
	droppedLogs  atomic.Int64
	flushes      atomic.Int64
	failures     atomic.Int64
	stored       atomic.Int64
}

// store commits jobs in one transaction. It returns the jobs whose key was not active inside it,
// with the reason; the others are durable when it returns without an error.
type store interface {
	commit(ctx context.Context, now time.Time, jobs []*job, logs []*models.GatewayRequest) (map[*job]error, error)
	ping(ctx context.Context) error
}

func newWriter(st store, k *keys.Service, u *usage.Recorder, l Limits, now func() time.Time) *writer {
	w := &writer{
		store: st, keys: k, usage: u, now: now, limits: l,
		jobs: make(chan *job, l.QueueJobs), logs: make(chan *models.GatewayRequest, queueLogs),
		stopped: make(chan struct{}),
	}
	w.lastProgress.Store(now().UnixNano())
	return w
}

// full tells whether a body of that size would go over the queue's bound.
func (w *writer) full(bytes int64) bool {
	return len(w.jobs) >= cap(w.jobs) || w.queuedBytes.Load()+bytes > w.limits.QueueBytes
}

// reserve takes room for body bytes that are held in memory; false when there is none.
func (w *writer) reserve(bytes int64) bool {
	if w.queuedBytes.Add(bytes) <= w.limits.QueueBytes {
		return true
	}
	w.queuedBytes.Add(-bytes)
	return false
}

func (w *writer) release(bytes int64) { w.queuedBytes.Add(-bytes) }

// submit queues a job and waits until it is durable or refused. Once queued it is waited for even
// if the sender goes away: its outcome is not known before.
func (w *writer) submit(j *job) error {
	j.done = make(chan error, 1)
	if w.pending.Add(1) == 1 {
		w.lastProgress.Store(w.now().UnixNano())
	}
	defer w.pending.Add(-1)
	select {
	case <-w.stopped:
		return errOverloaded()
	case w.jobs <- j:
	default:
		return errOverloaded()
	}
	select {
	case err := <-j.done:
		return err
	case <-w.stopped:
		// The writer drains its queue before it closes stopped; a job that came in between is
		// answered, or was not taken.
		select {
		case err := <-j.done:
			return err
		default:
			return errOverloaded()
		}
	}
}

// log queues the line of a refused request; under a flood lines are dropped and counted.
func (w *writer) log(r *models.GatewayRequest) {
	select {
	case w.logs <- r:
	default:
		w.droppedLogs.Add(1)
	}
}

func (w *writer) run(ctx context.Context) {
	defer close(w.stopped)
	for {
		var jobs []*job
		var logs []*models.GatewayRequest
		select {
		case j := <-w.jobs:
			jobs = append(jobs, j)
		case l := <-w.logs:
			logs = append(logs, l)
		case <-ctx.Done():
			w.drain()
			return
		}
		w.gather()
		w.flush(w.take(jobs, logs))
	}
}

// gather lets requests that are being read right now join the group: it yields as long as that
// brings more in. For a lone request there is nobody to yield to, and nothing is waited for. A group
// that is large already waits for nobody either: on a server with thousands of requests to read, the
// writer's turn comes again only after all of them.
func (w *writer) gather() {
	for n := -1; n < len(w.jobs) && len(w.jobs) < enough; {
		n = len(w.jobs)
		runtime.Gosched()
	}
}

// take adds what is queued already, up to the bounds of one transaction.
func (w *writer) take(jobs []*job, logs []*models.GatewayRequest) ([]*job, []*models.GatewayRequest) {
	items, bytes := 0, int64(0)
	for _, j := range jobs {
		items, bytes = items+len(j.items)+len(j.updates), bytes+j.bytes
	}
	for items < flushItems && bytes < flushBytes {
		select {
		case j := <-w.jobs:
			jobs = append(jobs, j)
			items, bytes = items+len(j.items)+len(j.updates), bytes+j.bytes
			continue
		default:
		}
		break
	}
	for len(logs) < flushLogs {
		select {
		case l := <-w.logs:
			logs = append(logs, l)
			continue
		default:
		}
		break
	}
	return jobs, logs
}

func (w *writer) drain() {
	for {
		jobs, logs := w.take(nil, nil)
		if len(jobs)+len(logs) == 0 {
			return
		}
		w.flush(jobs, logs)
	}
}

func (w *writer) flush(jobs []*job, logs []*models.GatewayRequest) {
	// Not the run's context: what was taken is finished even while stopping.
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	dead, err := w.store.commit(ctx, w.now(), jobs, logs)
	switch {
	case err == nil:
		w.settle(jobs, dead)
	case len(jobs) > 1 && w.store.ping(ctx) == nil:
		// The database is there, so something in the group broke the statement. Alone, each
		// request stands for itself only.
		slog.Warn("a group of requests could not be stored; storing them one by one", "requests", len(jobs), "err", err)
		for _, j := range jobs {
			w.flush([]*job{j}, nil)
		}
		w.flush(nil, logs)
	default:
		w.failures.Add(1)
		slog.Error("requests could not be stored", "requests", len(jobs), "log_lines", len(logs), "err", err)
		w.droppedLogs.Add(int64(len(logs)))
		for _, j := range jobs {
			j.done <- errStorage(err)
		}
	}
}

// settle counts and answers committed jobs.
func (w *writer) settle(jobs []*job, dead map[*job]error) {
	now := w.now()
	w.flushes.Add(1)
	w.lastProgress.Store(now.UnixNano())
	for _, j := range jobs {
		reason := dead[j]
		if reason == nil {
			w.stored.Add(int64(j.accepted))
			if !j.replay { // a replay is no traffic
				w.usage.Count(j.cred, int64(j.accepted), int64(j.repeated), 0, now)
			}
			j.done <- nil
			continue
		}
		w.keys.Forget(j.cred)
		j.done <- reason
	}
}

// Stats are the writer's gauges and counters.
type Stats struct {
	QueuedJobs  int
	QueueJobs   int // capacity
	QueuedBytes int64
	Stored      int64 // signals
	Updates     int64 // product-org updates
	Flushes     int64
	Failures    int64
	DroppedLogs int64
	StuckFor    time.Duration // since the last commit, while requests wait; else 0
}

func (w *writer) stats() Stats {
	st := Stats{
		QueuedJobs: len(w.jobs), QueueJobs: cap(w.jobs), QueuedBytes: w.queuedBytes.Load(),
		Stored: w.stored.Load(), Flushes: w.flushes.Load(), Failures: w.failures.Load(), DroppedLogs: w.droppedLogs.Load(),
	}
	if w.pending.Load() > 0 {
		st.StuckFor = max(0, w.now().Sub(time.Unix(0, w.lastProgress.Load())))
	}
	return st
}
