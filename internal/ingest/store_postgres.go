package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"latchkey/internal/keys"
	"latchkey/models"
)

// postgresStore writes a group in two round trips: the checks, then the rows with the commit.
type postgresStore struct{ pool *pgxpool.Pool }

func (s *postgresStore) ping(ctx context.Context) error { return s.pool.Ping(ctx) }

func (s *postgresStore) commit(ctx context.Context, now time.Time, jobs []*job, logs []*models.GatewayRequest) (dead map[*job]error, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquire a connection: %w", err)
	}
	defer conn.Release()
	defer func() {
		if err != nil {
			// A connection that cannot even roll back is closed by its release.
			_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	live, dead, err := s.check(ctx, conn, now, jobs)
	if err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	if signals := fresh(live); len(signals) > 0 {
		queueSignals(batch, signals)
	}
	if rows := lines(live, logs, now); len(rows) > 0 {
		queueRequests(batch, rows)
	}
	batch.Queue("COMMIT")
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("insert and commit: %w", err)
	}
	return dead, nil
}

// check begins the transaction, takes the state lock, reads the keys' states in a snapshot that is
// younger than the lock, and claims the message ids.
func (s *postgresStore) check(ctx context.Context, conn *pgxpool.Conn, now time.Time, jobs []*job) ([]*job, map[*job]error, error) {
	if len(jobs) == 0 {
		_, err := conn.Exec(ctx, "BEGIN")
		return nil, nil, err
	}
	states := map[string]keyState{}
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue(keys.StateLockShared)
	batch.Queue("SELECT id::text, status, COALESCE(expires_at, 0) FROM api_keys WHERE id = ANY($1::uuid[])", binaries(keyIDs(jobs))).
		Query(func(rows pgx.Rows) error { return scanStates(rows, states) })
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("check keys: %w", err)
	}
	live, dead := judge(jobs, states, now)
	known, err := s.claim(ctx, conn, now, firsts(live))
	if err != nil {
		return nil, nil, err
	}
	assign(live, known)
	return live, dead, nil
}

func scanStates(rows pgx.Rows, states map[string]keyState) error {
	for rows.Next() {
		var id, status string
		var expires int64
		if err := rows.Scan(&id, &status, &expires); err != nil {
			return err
		}
		state := keyState{status: status}
		if expires != 0 {
			state.expiresAt = models.At(time.UnixMicro(expires))
		}
		states[id] = state
	}
	return rows.Err()
}

// claim inserts the digests; one that is older than the window is taken over. It returns those
// that were there before.
func (s *postgresStore) claim(ctx context.Context, conn *pgxpool.Conn, now time.Time, items []*item) (map[digest]original, error) {
	if len(items) == 0 {
		return nil, nil
	}
	digests, ids, payloads := make([][]byte, len(items)), make(uuids, len(items)), make([][]byte, len(items))
	for i, it := range items {
		digests[i], ids[i], payloads[i] = it.digest[:], binary(&it.signal.ID), it.payload[:]
	}
	rows, err := conn.Query(ctx, `
		INSERT INTO signal_dedup (digest, signal_id, payload_digest, received_at)
		SELECT digest, signal_id, payload_digest, $4
		FROM unnest($1::bytea[], $2::uuid[], $3::bytea[]) AS new (digest, signal_id, payload_digest)
		ON CONFLICT (digest) DO UPDATE
		SET signal_id = excluded.signal_id, payload_digest = excluded.payload_digest, received_at = excluded.received_at
		WHERE signal_dedup.received_at < $5
		RETURNING digest`, digests, ids, payloads, now.UnixMicro(), now.Add(-dedupWindow).UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("claim message ids: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("claim message ids: %w", err)
	}
	if len(claimed) == len(items) {
		return nil, nil
	}
	return s.originals(ctx, conn, repeated(items, claimed))
}

// repeated are the digests that could not be claimed.
func repeated(items []*item, claimed [][]byte) [][]byte {
	won := make(map[digest]bool, len(claimed))
	for _, d := range claimed {
		won[digest(d)] = true
	}
	var out [][]byte
	for _, it := range items {
		if !won[*it.digest] {
			out = append(out, it.digest[:])
		}
	}
	return out
}

func (s *postgresStore) originals(ctx context.Context, conn *pgxpool.Conn, digests [][]byte) (map[digest]original, error) {
	rows, err := conn.Query(ctx, "SELECT digest, signal_id::text, payload_digest FROM signal_dedup WHERE digest = ANY($1::bytea[])", digests)
	if err != nil {
		return nil, fmt.Errorf("look up first signals: %w", err)
	}
	defer rows.Close()
	known := map[digest]original{}
	for rows.Next() {
		var d []byte
		var o original
		if err := rows.Scan(&d, &o.signalID, &o.payload); err != nil {
			return nil, fmt.Errorf("look up first signals: %w", err)
		}
		known[digest(d)] = o
	}
	return known, rows.Err()
}
