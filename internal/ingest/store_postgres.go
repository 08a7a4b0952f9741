package ingest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// postgresStore writes a group in one round trip, or in two when it has message ids to claim.
//
// In one: begin, lock, prove who gets what, read the keys' states, insert what belongs to active
// keys, commit. Each statement has a snapshot younger than the lock, and no state changes while the
// lock is held, so that what the states say is what the inserts did.
type postgresStore struct {
	pool *pgxpool.Pool
	subs subscriptions
}

func (s *postgresStore) ping(ctx context.Context) error { return s.pool.Ping(ctx) }

func (s *postgresStore) commit(ctx context.Context, now time.Time, jobs []*job, logs []*models.GatewayRequest) (map[*job]error, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquire a connection: %w", err)
	}
	defer conn.Release()
	g := &group{conn: conn, now: now, jobs: jobs, logs: logs, subs: &s.subs}
	dead, err := g.commit(ctx)
	if movedVersion(err) {
		// Nothing was committed. The next try reads who gets what under the lock, and cannot be moved.
		_, _ = conn.Exec(ctx, "ROLLBACK")
		s.subs.known = nil
		dead, err = g.commit(ctx)
	}
	if err != nil {
		// A connection that cannot even roll back is closed by its release.
		_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
	}
	return dead, err
}

// group is what one transaction writes.
type group struct {
	conn *pgxpool.Conn
	now  time.Time
	jobs []*job
	logs []*models.GatewayRequest
	subs *subscriptions
}

func (g *group) commit(ctx context.Context) (dead map[*job]error, err error) {
	jobs, states, batch := g.jobs, map[string]keyState{}, &pgx.Batch{}
	begin(batch, jobs, states, g.subs.known)
	claims := len(firsts(jobs)) > 0
	if claims || g.subs.known == nil {
		if err := g.conn.SendBatch(ctx, batch).Close(); err != nil {
			return nil, fmt.Errorf("check keys: %w", err)
		}
		batch = &pgx.Batch{}
	}
	if g.subs.known == nil {
		if err := g.subs.reload(ctx, outbox.Postgres(g.conn)); err != nil {
			return nil, err
		}
	}
	var known map[digest]original
	if claims {
		jobs, dead = judge(jobs, states, g.now)
		if known, err = claim(ctx, g.conn, g.now, firsts(jobs)); err != nil {
			return nil, err
		}
	}
	assign(jobs, known)
	ring, err := g.queue(batch, jobs)
	if err != nil {
		return nil, err
	}
	if err := g.conn.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("insert and commit: %w", err)
	}
	g.subs.bell.Ring(ring...)
	_, late := judge(jobs, states, g.now)
	return merge(dead, late), nil
}

// queue queues the rows and the commit, and returns the endpoints that then have something to send.
func (g *group) queue(batch *pgx.Batch, jobs []*job) (ring []string, err error) {
	live, told := newOutgoing(g.subs.known, g.now), newOutgoing(g.subs.known, g.now)
	queueSignals(batch, jobs, g.now, live)
	queueLines(batch, jobs, g.now, live)
	queueRequests(batch, insertLogRows, g.logs, nil)
	told.refusals(g.logs, nil)
	live.queueLive(batch)
	told.queueAll(batch)
	batch.Queue("COMMIT")
	return append(live.endpoints(), told.endpoints()...), cmp.Or(live.err, told.err)
}

// begin queues the beginning of the transaction: the state lock, and in snapshots that are younger
// than it the proof that who gets what is as known, if anything is, and the keys' states.
func begin(batch *pgx.Batch, jobs []*job, states map[string]keyState, known *outbox.Snapshot) {
	batch.Queue("BEGIN")
	// A plan for each group's own array lengths looks cheaper to the server than the general one,
	// and making it costs more than running it.
	batch.Queue("SET LOCAL plan_cache_mode = force_generic_plan")
	batch.Queue(keys.StateLockShared)
	if known != nil {
		batch.Queue(proveVersion, known.Version)
	}
	if len(jobs) == 0 {
		return
	}
	batch.Queue("SELECT id::text, status, COALESCE(expires_at, 0), settings_version FROM api_keys WHERE id = ANY($1::uuid[])", binaries(keyIDs(jobs))).
		Query(func(rows pgx.Rows) error { return scanStates(rows, states) })
}

func merge(a, b map[*job]error) map[*job]error {
	if a == nil {
		return b
	}
	maps.Copy(a, b)
	return a
}

func scanStates(rows pgx.Rows, states map[string]keyState) error {
	for rows.Next() {
		var id, status string
		var expires int64
		var settings int
		if err := rows.Scan(&id, &status, &expires, &settings); err != nil {
			return err
		}
		state := keyState{status: status, settings: settings}
		if expires != 0 {
			state.expiresAt = models.At(time.UnixMicro(expires))
		}
		states[id] = state
	}
	return rows.Err()
}

// claimDigests inserts digests, takes over those that are older than the window, and returns the
// ones that are the caller's now.
const claimDigests = `
		INSERT INTO signal_dedup (digest, signal_id, payload_digest, received_at)
		SELECT digest, signal_id, payload_digest, $4
		FROM unnest($1::bytea[], $2::uuid[], $3::bytea[]) AS new (digest, signal_id, payload_digest)
		ON CONFLICT (digest) DO UPDATE
		SET signal_id = excluded.signal_id, payload_digest = excluded.payload_digest, received_at = excluded.received_at
		WHERE signal_dedup.received_at < $5
		RETURNING digest`

// claim inserts the digests; one that is older than the window is taken over. It returns those
// that were there before.
func claim(ctx context.Context, conn *pgxpool.Conn, now time.Time, items []*item) (map[digest]original, error) {
	if len(items) == 0 {
		return nil, nil
	}
	digests, ids, payloads := make([][]byte, len(items)), make(uuids, len(items)), make([][]byte, len(items))
	for i, it := range items {
		digests[i], ids[i], payloads[i] = it.digest[:], binary(&it.signal.ID), it.payload[:]
	}
	rows, err := conn.Query(ctx, claimDigests, digests, ids, payloads, now.UnixMicro(), now.Add(-dedupWindow).UnixMicro())
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
	return originals(ctx, conn, repeated(items, claimed))
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

func originals(ctx context.Context, conn *pgxpool.Conn, digests [][]byte) (map[digest]original, error) {
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
