package ingest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"latchkey/models"
)

// sqliteStore writes a group in one transaction, which holds the write lock from its BEGIN: no key
// changes state between the check and the commit. Statements are prepared once a transaction and
// run a row at a time; the database is in this process, so a row costs no round trip.
type sqliteStore struct {
	db   *sql.DB
	subs subscriptions
}

func (s *sqliteStore) ping(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "SELECT 1")
	return err
}

func (s *sqliteStore) commit(ctx context.Context, now time.Time, jobs []*job, logs []*models.GatewayRequest) (map[*job]error, error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	states, err := readStates(ctx, tx, keyIDs(jobs))
	if err != nil {
		return nil, err
	}
	if err := s.subs.refresh(ctx, tx); err != nil {
		return nil, err
	}
	live, dead := judge(jobs, states, now)
	known, err := claimSQLite(ctx, tx, now, firsts(live))
	if err != nil {
		return nil, err
	}
	assign(live, known)
	told := newOutgoing(s.subs.known, now)
	signals, settings := fresh(live, now)
	told.signals(signals, settings)
	if err := insertSignals(ctx, tx, signals); err != nil {
		return nil, err
	}
	requests := lines(live, logs, now)
	told.refusals(requests, nil)
	if err := insertRequests(ctx, tx, requests); err != nil {
		return nil, err
	}
	if err := told.write(ctx, tx); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	s.subs.bell.Ring(told.endpoints()...)
	return dead, nil
}

func readStates(ctx context.Context, tx *sql.Tx, ids []string) (map[string]keyState, error) {
	states := make(map[string]keyState, len(ids))
	if len(ids) == 0 {
		return states, nil
	}
	stmt, err := tx.PrepareContext(ctx, "SELECT status, expires_at, settings_version FROM api_keys WHERE id = ?")
	if err != nil {
		return nil, fmt.Errorf("check keys: %w", err)
	}
	defer func() { _ = stmt.Close() }()
	for _, id := range ids {
		var state keyState
		err := stmt.QueryRowContext(ctx, id).Scan(&state.status, &state.expiresAt, &state.settings)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("check keys: %w", err)
		}
		states[id] = state
	}
	return states, nil
}

func claimSQLite(ctx context.Context, tx *sql.Tx, now time.Time, items []*item) (map[digest]original, error) {
	if len(items) == 0 {
		return nil, nil
	}
	stmt, err := tx.PrepareContext(ctx, `
		INSERT INTO signal_dedup (digest, signal_id, payload_digest, received_at)
		VALUES (?, ?, ?, ?)
		ON CONFLICT (digest) DO UPDATE
		SET signal_id = excluded.signal_id, payload_digest = excluded.payload_digest, received_at = excluded.received_at
		WHERE signal_dedup.received_at < ?`)
	if err != nil {
		return nil, fmt.Errorf("claim message ids: %w", err)
	}
	defer func() { _ = stmt.Close() }()
	known := map[digest]original{}
	for _, it := range items {
		done, err := stmt.ExecContext(ctx, it.digest[:], it.signal.ID, it.payload[:], now.UnixMicro(), now.Add(-dedupWindow).UnixMicro())
		if err != nil {
			return nil, fmt.Errorf("claim message ids: %w", err)
		}
		if n, _ := done.RowsAffected(); n == 1 {
			continue
		}
		var o original
		err = tx.QueryRowContext(ctx, "SELECT signal_id, payload_digest FROM signal_dedup WHERE digest = ?", it.digest[:]).Scan(&o.signalID, &o.payload)
		if err != nil {
			return nil, fmt.Errorf("look up first signal: %w", err)
		}
		known[*it.digest] = o
	}
	return known, nil
}

func insertSignals(ctx context.Context, tx *sql.Tx, rows []*models.Signal) error {
	return insertEach(ctx, tx, "signals", signalColumns, len(rows), func(i int) []any {
		s := rows[i]
		return []any{
			s.ID, s.WorkspaceID, s.Environment, s.APIKeyID, s.RequestID, s.Source, s.Kind, s.Event, s.Email,
			s.UserID, s.AnonymousID, s.GroupID, s.MessageID, s.Warnings, s.OccurredAt, s.ReceivedAt, s.Raw,
		}
	})
}

func insertRequests(ctx context.Context, tx *sql.Tx, rows []*models.GatewayRequest) error {
	return insertEach(ctx, tx, "gateway_requests", requestColumns, len(rows), func(i int) []any {
		r := rows[i]
		return []any{
			r.ID, r.WorkspaceID, r.Environment, r.APIKeyID, r.Route, r.Source, r.Status, r.Code, r.Message,
			r.Accepted, r.Duplicates, r.Rejected, r.Event, r.Email, r.SignalID, r.Bytes, r.DurationUS, r.IP, r.UserAgent,
			r.Headers, r.Results, r.Body, r.ReceivedAt,
		}
	})
}
