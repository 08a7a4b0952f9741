package dispatch

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"
)

const (
	smallestBatch = 16
	largestBatch  = 400
	orderedBatch  = 16
	unwrittenMore = 16 // results that may wait to be written, beside three times the concurrency
	readTimeout   = 10 * time.Second
)

// room is how many requests may be under way by the endpoint's settings and its record. Of one that
// is suspect no more is kept ready than for a few: it may be long until their turn.
func (o *owner) room() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.target.Ordered {
		return 1
	}
	n := o.breaker.allowed(o.target.Concurrency)
	if o.track() == o.service.suspect {
		n = min(n, firstWindow)
	}
	return n
}

func (o *owner) batch(room int) int {
	if o.target.Ordered {
		return orderedBatch
	}
	n := min(max(4*room, smallestBatch), largestBatch)
	if o.target.RateLimit > 0 {
		n = min(n, o.target.RateLimit+1)
	}
	return n
}

// hungry tells whether to look for more.
func (o *owner) hungry(now time.Time) bool {
	room := o.room()
	o.mu.Lock()
	busy := len(o.busy)
	o.mu.Unlock()
	if o.target.Ordered && busy > 0 || len(o.ready) > room/2 || busy > 4*o.batch(room) {
		return false
	}
	since := now.Sub(o.looked)
	return o.full || since >= o.service.pace.look || since >= lookPause && o.rang.Load()
}

// fetch adds what is due to what is ready.
func (o *owner) fetch(ctx context.Context, now time.Time) {
	s := o.service
	s.reads <- struct{}{}
	defer func() { <-s.reads }()
	o.rang.Store(false)
	o.looked, o.full = now, false
	memory := o.lane.small
	n := memory.some(o.batch(o.room()), smallBody)
	if n == 0 {
		o.rang.Store(true) // others hold all the memory there is; soon there is some
		return
	}
	unused := n * smallBody
	defer func() { memory.give(unused) }()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	jobs, err := o.look(ctx, now, n)
	if err != nil {
		o.complain(ctx, now, "what is due could not be read; it is tried again", err)
		return
	}
	if len(jobs) == 0 {
		return
	}
	jobs, err = o.load(ctx, jobs)
	if err != nil {
		o.complain(ctx, now, "messages could not be read; it is tried again", err)
		return
	}
	for _, j := range jobs {
		unused -= len(j.body)
		j.memory = memory
	}
	o.mu.Lock()
	for _, j := range jobs {
		o.busy[j.messageID] = true
	}
	o.mu.Unlock()
	o.ready = append(o.ready, jobs...)
}

// confirm looks whether the endpoint is as it was, for one that has enough to do.
func (o *owner) confirm(ctx context.Context, now time.Time) {
	s := o.service
	o.looked = now
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s.reads <- struct{}{}
	defer func() { <-s.reads }()
	found, err := s.store.due(ctx, o.id, o.target.Ordered, now.UnixMicro(), 0)
	if err != nil {
		o.complain(ctx, now, "an endpoint could not be read; it is tried again", err)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stale = o.stale || found.version != o.target.Version
}

// look lists what is due and not busy. A delivery whose result was written while the look was under
// way may be seen as it was before, so those count as busy too.
func (o *owner) look(ctx context.Context, now time.Time, n int) ([]*job, error) {
	o.mu.Lock()
	o.fetching, o.settled = true, o.settled[:0]
	limit := n + len(o.busy)
	ordered := o.target.Ordered
	o.mu.Unlock()
	found, err := o.service.store.due(ctx, o.id, ordered, now.UnixMicro(), limit)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fetching = false
	if err != nil {
		return nil, err
	}
	if found.version != o.target.Version {
		o.stale = true // the settings changed: read them before anything is sent by the old ones
		o.full = true
		return nil, nil
	}
	o.full = len(found.due) == limit
	before := make(map[uuid.UUID]bool, len(o.settled))
	for _, id := range o.settled {
		before[id] = true
	}
	var jobs []*job
	for _, d := range found.due {
		if len(jobs) < n && !o.busy[d.messageID] && !before[d.messageID] {
			jobs = append(jobs, &job{due: d})
		}
	}
	return jobs, nil
}

// load reads the bodies of jobs; one whose message is gone is left out.
func (o *owner) load(ctx context.Context, jobs []*job) ([]*job, error) {
	ids := make([]uuid.UUID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.messageID
	}
	bodies, err := o.service.store.bodies(ctx, ids, smallBody)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]body, len(bodies))
	for _, b := range bodies {
		found[b.id] = b
	}
	out := jobs[:0]
	for _, j := range jobs {
		b, ok := found[j.messageID]
		if !ok {
			o.service.orphaned(ctx, o.id, j.messageID)
			continue
		}
		j.length, j.body = b.length, b.bytes
		out = append(out, j)
	}
	return out, nil
}

// orphaned ends a delivery whose message is gone.
func (s *Service) orphaned(ctx context.Context, endpointID string, messageID uuid.UUID) {
	slog.Error("a delivery has no message", "endpoint", endpointID, "message", messageID)
	err := s.DB.Write.WithContext(ctx).Exec(`
		UPDATE deliveries SET status = 'failed', last_error = 'message_gone', next_attempt_at = NULL, finished_at = ?
		WHERE endpoint_id = ? AND message_id = ? AND status = 'pending'`, s.Now().UnixMicro(), endpointID, messageID.String()).Error
	if err != nil {
		slog.Error("a delivery without a message could not be ended", "endpoint", endpointID, "err", err)
	}
}

// largeBody reads one message that did not come with its batch.
func (s *Service) largeBody(ctx context.Context, id uuid.UUID) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s.reads <- struct{}{}
	defer func() { <-s.reads }()
	found, err := s.store.bodies(ctx, []uuid.UUID{id}, math.MaxInt32)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].bytes, nil
}
