package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

const (
	leaseTime = 30 * time.Second
	// leaseMargin is what must be left of a lease when an attempt begins: the attempt's time and some.
	leaseMargin = egress.DefaultTimeout + time.Second
	// renewBelow is when a lease is renewed: looked at each second, that leaves some seconds of a
	// silent database before sending stops.
	renewBelow = 22 * time.Second
	claimBatch = 64
	leaseWait  = 5 * time.Second // for the database, when leases are written
)

// dueNow is the condition that an endpoint e with state s has something to send at an instant. Of one
// that wants order only the first delivery counts.
const dueNow = `
	e.status = 'enabled' AND (s.leased_until IS NULL OR s.leased_until <= @now) AND (s.paused_until IS NULL OR s.paused_until <= @now)
	AND CASE WHEN e.ordered THEN COALESCE(
			(SELECT d.next_attempt_at FROM deliveries d WHERE d.endpoint_id = s.endpoint_id AND d.status = 'pending' AND d.ordered ORDER BY d.message_id LIMIT 1),
			(SELECT MIN(d.next_attempt_at) FROM deliveries d WHERE d.endpoint_id = s.endpoint_id AND d.status = 'pending')) <= @now
		ELSE EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = s.endpoint_id AND d.status = 'pending' AND d.next_attempt_at <= @now) END`

// findWork selects endpoints with something to send: some of those named, or of all. They come in no
// order, so that each has its turn when there are more than can be had.
func (s *Service) findWork(only []string, limit int) (query string, args map[string]any) {
	now := s.Now()
	where := dueNow + " AND s.endpoint_id NOT IN @resting"
	if only != nil {
		where += " AND s.endpoint_id IN @only"
	}
	query = "SELECT s.endpoint_id FROM endpoint_states s JOIN endpoints e ON e.id = s.endpoint_id WHERE" + where + " ORDER BY random() LIMIT @limit"
	return query, map[string]any{"now": now.UnixMicro(), "limit": limit, "only": only, "resting": s.restingNow(now)}
}

// claim leases endpoints with something to send to this instance.
func (s *Service) claim(ctx context.Context, only []string, limit int) ([]models.EndpointState, time.Time, error) {
	until := s.Now().Add(leaseTime)
	find, args := s.findWork(only, limit)
	args["until"], args["me"] = until.UnixMicro(), s.Instance
	set := "UPDATE endpoint_states SET leased_by = @me, leased_until = @until WHERE endpoint_id IN (" + find
	if s.DB.IsPostgres() {
		set += " FOR UPDATE OF s SKIP LOCKED"
	} else {
		// Mostly there is nothing, and then the one writer is left alone.
		var ids []string
		if err := s.DB.Read.WithContext(ctx).Raw(find, args).Scan(&ids).Error; err != nil || len(ids) == 0 {
			return nil, until, wrap("find work", err)
		}
	}
	var rows []models.EndpointState
	err := s.DB.Write.WithContext(ctx).Raw(set+") RETURNING *", args).Scan(&rows).Error
	return rows, until, wrap("take leases", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// noEndpoint stands in a list that would be empty: "NOT IN (NULL)" is never true.
const noEndpoint = "00000000-0000-0000-0000-000000000000"

// restingNow are the endpoints that are left to others: those that rest, and those whose owner here
// lost the lease and still waits for its attempts.
func (s *Service) restingNow(now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{noEndpoint}
	for id, o := range s.owners {
		o.mu.Lock()
		if o.lost {
			out = append(out, id)
		}
		o.mu.Unlock()
	}
	for id, until := range s.resting {
		if now.Before(until) {
			out = append(out, id)
		} else {
			delete(s.resting, id)
		}
	}
	return out
}

// rest gives an endpoint's lease back and leaves it to others for a while.
func (s *Service) rest(o *owner, pause time.Duration) {
	s.mu.Lock()
	s.resting[o.id] = s.Now().Add(pause)
	s.mu.Unlock()
	o.mu.Lock()
	o.leave = true
	o.mu.Unlock()
	o.poke()
}

// renew lengthens the leases that end soon. One that is not this instance's any more is lost.
func (s *Service) renew(ctx context.Context) error {
	now := s.Now()
	owned, ids, needed := s.owned(), []string(nil), false
	for _, o := range owned {
		o.mu.Lock()
		needed = needed || !o.lost && o.until.Sub(now) < renewBelow
		o.mu.Unlock()
		ids = append(ids, o.id)
	}
	if !needed {
		return nil
	}
	until := now.Add(leaseTime)
	var kept []string
	err := s.DB.Write.WithContext(ctx).Raw("UPDATE endpoint_states SET leased_until = ? WHERE endpoint_id IN ("+s.leasedOf()+") RETURNING CAST(endpoint_id AS TEXT)",
		until.UnixMicro(), s.Instance, ids).Scan(&kept).Error
	if err != nil {
		return fmt.Errorf("renew leases: %w", err)
	}
	mine := make(map[string]bool, len(kept))
	for _, id := range kept {
		mine[id] = true
	}
	for _, o := range owned {
		o.mu.Lock()
		if mine[o.id] {
			o.until = until
		} else if !o.lost {
			o.lost = true
			slog.Warn("a lease was lost; another instance sends to the endpoint", "endpoint", o.id)
		}
		o.mu.Unlock()
		o.poke()
	}
	return nil
}

// leasedOf selects what is leased by one instance of some endpoints. Postgres locks the rows in the
// order of their key, as the writer of results does, so that the two never wait in a circle.
func (s *Service) leasedOf() string {
	find := "SELECT endpoint_id FROM endpoint_states WHERE leased_by = ? AND endpoint_id IN ?"
	if s.DB.IsPostgres() {
		find += " ORDER BY endpoint_id FOR UPDATE"
	}
	return find
}

func (s *Service) owned() []*owner {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*owner, 0, len(s.owners))
	for _, o := range s.owners {
		out = append(out, o)
	}
	return out
}

// release gives back the leases of owners that have ended.
func (s *Service) release(ctx context.Context) error {
	s.mu.Lock()
	ids := s.leaving
	s.leaving = nil
	s.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	err := s.DB.Write.WithContext(ctx).Exec("UPDATE endpoint_states SET leased_by = '', leased_until = NULL WHERE endpoint_id IN ("+s.leasedOf()+")", s.Instance, ids).Error
	if err != nil {
		s.mu.Lock()
		s.leaving = append(s.leaving, ids...)
		s.mu.Unlock()
		return fmt.Errorf("give leases back: %w", err)
	}
	return nil
}

// releaseAll is the last thing that a stopping instance does.
func (s *Service) releaseAll() {
	ctx, cancel := context.WithTimeout(context.Background(), leaseWait)
	defer cancel()
	if err := s.release(ctx); err != nil {
		slog.Warn("leases could not be given back; others take them when they end", "err", err)
	}
}

// target reads what is needed to send to an endpoint; nil when it is gone.
func (s *Service) target(ctx context.Context, id string) (*endpoints.Target, models.EndpointState, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s.reads <- struct{}{}
	defer func() { <-s.reads }()
	var row models.EndpointState
	found, err := s.Endpoints.Config(ctx, []string{id})
	if err != nil || len(found) == 0 {
		return nil, row, err
	}
	err = s.DB.Read.WithContext(ctx).Where("endpoint_id = ?", id).Take(&row).Error
	return &found[0], row, wrap("read the endpoint's state", err)
}

// unreadable leaves an endpoint whose secret cannot be opened by this instance to others, which may
// have the right key, and says so in its state.
func (s *Service) unreadable(ctx context.Context, o *owner) {
	err := s.DB.Write.WithContext(ctx).Exec("UPDATE endpoint_states SET last_error = ? WHERE endpoint_id = ? AND leased_by = ?",
		"The signing secret cannot be opened with this instance's key, so nothing is sent.", o.id, s.Instance).Error
	if err != nil {
		slog.Error("an endpoint's state could not be written", "endpoint", o.id, "err", err)
	}
	s.rest(o, secretPause)
}
