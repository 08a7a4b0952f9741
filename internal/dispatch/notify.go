package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is where instances on one Postgres tell each other of endpoints with something to send,
// by their ids, and that they are there, by "+" and their name. Nothing depends on it.
const channel = "latchkey_outbox"

const (
	whisperEvery  = 200 * time.Millisecond // an endpoint
	presenceEvery = 5 * time.Second
	absentAfter   = 3 * presenceEvery
	reconnect     = 2 * time.Second
)

// worthwhile leaves out endpoints that were another's a moment ago: their owner was told, and looks
// each second.
func (s *Service) worthwhile(ids []string) []string {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := ids[:0]
	for _, id := range ids {
		if now.Before(s.quiet[id]) {
			continue
		}
		delete(s.quiet, id)
		out = append(out, id)
	}
	return out
}

// whisper tells the other instances that an endpoint has something to send.
func (s *Service) whisper(id string) {
	s.mu.Lock()
	if len(s.quiet) > maxQuiet {
		clear(s.quiet)
	}
	s.quiet[id] = s.Now().Add(whisperEvery)
	s.mu.Unlock()
	if !s.DB.IsPostgres() {
		return
	}
	select {
	case s.whispers <- id:
	default: // the look of each second will do
	}
}

const maxQuiet = 10_000

// listen hears the other instances until ctx ends; on Postgres alone.
func (s *Service) listen(ctx context.Context) {
	if !s.DB.IsPostgres() {
		return
	}
	for ctx.Err() == nil {
		if err := s.hear(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("the connection for notifications broke; polling goes on", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnect):
		}
	}
}

// hear holds one connection that waits for notifications; the pool's are not touched.
func (s *Service) hear(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.DB.Pool.Config().ConnConfig)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
		if name, ok := strings.CutPrefix(n.Payload, "+"); ok {
			s.met(name)
		} else {
			s.ring([]string{n.Payload})
		}
	}
}

// met remembers that another instance lives.
func (s *Service) met(name string) {
	if name == s.Instance {
		return
	}
	s.mu.Lock()
	s.others[name] = s.Now()
	s.mu.Unlock()
}

// speak tells the other instances what there is to tell until ctx ends; on Postgres alone.
func (s *Service) speak(ctx context.Context) {
	if !s.DB.IsPostgres() {
		return
	}
	tick := time.NewTicker(presenceEvery)
	defer tick.Stop()
	for {
		var payload string
		select {
		case <-ctx.Done():
			return
		case payload = <-s.whispers:
		case <-tick.C:
			payload = "+" + s.Instance
			if err := s.balance(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("the share of endpoints could not be read", "err", err)
			}
		}
		if _, err := s.DB.Pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, payload); err != nil && ctx.Err() == nil {
			slog.Warn("other instances could not be told; they look each second", "err", err)
		}
	}
}

// balance gives back leases beyond this instance's share, so that the work spreads over those that
// live. The ones held longest go first, none sooner than after a lease's time.
func (s *Service) balance(ctx context.Context) error {
	now := s.Now()
	s.mu.Lock()
	for name, at := range s.others {
		if now.Sub(at) > absentAfter {
			delete(s.others, name)
		}
	}
	instances, mine := 1+len(s.others), len(s.owners)
	s.mu.Unlock()
	if instances == 1 || mine < 2 {
		return nil
	}
	var all int
	err := s.DB.Pool.QueryRow(ctx, "SELECT count(*) FROM endpoint_states WHERE leased_until > $1", now.UnixMicro()).Scan(&all)
	if err != nil {
		return fmt.Errorf("count leases: %w", err)
	}
	tooMany := mine - (all+instances-1)/instances
	for _, o := range s.owned() {
		if tooMany <= 0 {
			return nil
		}
		if now.Sub(o.since) >= leaseTime {
			s.rest(o, 2*s.pace.look)
			tooMany--
		}
	}
	return nil
}
