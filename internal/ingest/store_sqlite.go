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
// changes state between the check and the commit. Statements are prepared once, and insert several
// rows at a time; the database is in this process, so one costs no round trip.
type sqliteStore struct {
	db       *sql.DB
	subs     subscriptions
	prepared map[string]*sql.Stmt
}

func (s *sqliteStore) ping(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "SELECT 1")
	return err
}

// The statements of every group.
const (
	selectState = "SELECT status, expires_at, settings_version FROM api_keys WHERE id = ?"
	claimDigest = `
		INSERT INTO signal_dedup (digest, signal_id, payload_digest, received_at)
		VALUES (?, ?, ?, ?)
		ON CONFLICT (digest) DO UPDATE
		SET signal_id = excluded.signal_id, payload_digest = excluded.payload_digest, received_at = excluded.received_at
		WHERE signal_dedup.received_at < ?`

	// rowsAtOnce is how many signals one statement inserts; those that are left go one by one.
	rowsAtOnce = 8
)

var (
	insertSignal  = insertValues("signals", signalColumns, 1)
	insertSignals = insertValues("signals", signalColumns, rowsAtOnce)
)

// prepare makes the statements ready. The pool has one connection, which a transaction takes: what is
// prepared inside one would be prepared again for each.
func (s *sqliteStore) prepare(ctx context.Context) error {
	for _, text := range []string{selectState, claimDigest, insertSignal, insertSignals} {
		if s.prepared[text] != nil {
			continue
		}
		stmt, err := s.db.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		if s.prepared == nil {
			s.prepared = map[string]*sql.Stmt{}
		}
		s.prepared[text] = stmt
	}
	return nil
}

// sqliteTx is a group's transaction.
type sqliteTx struct {
	*sql.Tx
	prepared map[string]*sql.Stmt
	// A row takes microseconds, and the transaction's beginning and end heed the caller's context. The
	// driver would start a goroutine for each row to watch it.
	unwatched context.Context
}

func (tx *sqliteTx) stmt(text string) *sql.Stmt {
	return tx.StmtContext(tx.unwatched, tx.prepared[text])
}

func (s *sqliteStore) commit(ctx context.Context, now time.Time, jobs []*job, logs []*models.GatewayRequest) (map[*job]error, error) {
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	begun, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = begun.Rollback() }() // does nothing after the commit
	tx := &sqliteTx{begun, s.prepared, context.WithoutCancel(ctx)}
	states, err := tx.states(keyIDs(jobs))
	if err != nil {
		return nil, err
	}
	if err := s.subs.refresh(ctx, tx.Tx); err != nil {
		return nil, err
	}
	live, dead := judge(jobs, states, now)
	known, err := tx.claim(now, firsts(live))
	if err != nil {
		return nil, err
	}
	assign(live, known)
	told := newOutgoing(s.subs.known, now)
	requests, rows := lines(live, logs, now), fresh(live)
	told.signals(rows)
	told.refusals(requests)
	if err := tx.insert(rows); err != nil {
		return nil, err
	}
	if err := insertRequests(ctx, tx.Tx, requests); err != nil {
		return nil, err
	}
	if err := told.write(ctx, tx.Tx); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	s.subs.bell.Ring(told.endpoints()...)
	return dead, nil
}

func (tx *sqliteTx) states(ids []string) (map[string]keyState, error) {
	states := make(map[string]keyState, len(ids))
	if len(ids) == 0 {
		return states, nil
	}
	stmt := tx.stmt(selectState)
	for _, id := range ids {
		var state keyState
		err := stmt.QueryRowContext(tx.unwatched, id).Scan(&state.status, &state.expiresAt, &state.settings)
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

// claim inserts the digests, or takes over what is older than the window, and returns those that were
// there before.
func (tx *sqliteTx) claim(now time.Time, items []*item) (map[digest]original, error) {
	if len(items) == 0 {
		return nil, nil
	}
	stmt, known := tx.stmt(claimDigest), map[digest]original{}
	for _, it := range items {
		done, err := stmt.ExecContext(tx.unwatched, it.digest[:], it.signal.ID, it.payload[:], now.UnixMicro(), now.Add(-dedupWindow).UnixMicro())
		if err != nil {
			return nil, fmt.Errorf("claim message ids: %w", err)
		}
		if n, _ := done.RowsAffected(); n == 1 {
			continue
		}
		var o original
		err = tx.QueryRowContext(tx.unwatched, "SELECT signal_id, payload_digest FROM signal_dedup WHERE digest = ?", it.digest[:]).Scan(&o.signalID, &o.payload)
		if err != nil {
			return nil, fmt.Errorf("look up first signal: %w", err)
		}
		known[*it.digest] = o
	}
	return known, nil
}

// insert inserts signals, and the requests that are in their rows.
func (tx *sqliteTx) insert(rows []*item) error {
	args := make([]any, 0, rowsAtOnce*signalFields)
	for len(rows) > 0 {
		n, text := rowsAtOnce, insertSignals
		if len(rows) < n {
			n, text = 1, insertSignal
		}
		args = args[:0]
		for _, it := range rows[:n] {
			args = it.values(args)
		}
		if _, err := tx.stmt(text).ExecContext(tx.unwatched, args...); err != nil {
			return fmt.Errorf("insert signals: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}

// values appends the columns of a signal's row.
func (it *item) values(row []any) []any {
	s := &it.signal
	row = append(row, s.ID, s.WorkspaceID, s.Environment, s.APIKeyID, s.RequestID, s.Source, s.Kind, s.Event, s.Email,
		s.UserID, s.AnonymousID, s.GroupID, s.MessageID, s.Warnings, s.OccurredAt.UnixMicro(), s.ReceivedAt.UnixMicro(), s.Raw)
	if line := it.line; line != nil {
		return append(row, line.Route, line.DurationUS, line.IP, line.UserAgent, line.Headers)
	}
	return append(row, nil, nil, nil, nil, nil)
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
