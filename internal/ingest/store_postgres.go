package ingest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// postgresStore writes a group in one round trip, or in two when it has message ids to claim.
//
// In one: lock, prove that who gets what is as known and that every key is as it was when its
// requests were read, copy the rows in, commit. Each statement has a snapshot younger than the lock,
// and no state changes while the lock is held: what was proven holds for the rows.
//
// A proof that fails undoes the group, of which nothing was committed. It is written again with
// care: what the proof is about is read first, and the requests are judged by it.
type postgresStore struct {
	pool   *pgxpool.Pool
	subs   subscriptions
	buffer []byte // of the last pipeline, for the next
}

func (s *postgresStore) ping(ctx context.Context) error { return s.pool.Ping(ctx) }

func (s *postgresStore) commit(ctx context.Context, now time.Time, jobs []*job, logs []*models.GatewayRequest) (map[*job]error, error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquire a connection: %w", err)
	}
	defer conn.Release()
	pipe, err := beginPipeline(ctx, conn.Conn(), s.buffer)
	if err != nil {
		return nil, err
	}
	s.buffer = nil
	g := &group{pipe: pipe, conn: conn, now: now, jobs: jobs, logs: logs, subs: &s.subs}
	defer func() { s.buffer = g.pipe.done() }()
	if s.subs.known == nil {
		return g.commitWithCare(ctx)
	}
	err = g.commit(ctx)
	if movedState(err) {
		pipe.rollback()
		return g.commitWithCare(ctx)
	}
	return nil, err
}

// group is what one transaction writes.
type group struct {
	pipe *pipeline
	conn *pgxpool.Conn
	now  time.Time
	jobs []*job
	logs []*models.GatewayRequest
	subs *subscriptions
}

// commit stores the group if everything is as it was; the error is then nil, and no job is refused.
func (g *group) commit(ctx context.Context) error {
	claims := firsts(g.jobs)
	if len(claims) > 0 {
		g.pipe.queue("BEGIN")
	}
	g.pipe.queue(lockState)
	g.prove()
	known, err := g.claim(ctx, claims)
	if err != nil {
		return err
	}
	return g.write(g.jobs, known, len(claims) > 0)
}

// commitWithCare reads the keys' states and who gets what before it writes, and refuses the jobs
// whose key is not active or has changed.
func (g *group) commitWithCare(ctx context.Context) (map[*job]error, error) {
	states := map[string]keyState{}
	g.pipe.queue("BEGIN")
	g.pipe.queue(lockState)
	g.pipe.query(selectStates, func(row [][]byte) error { return scanState(row, states) }, pgUUIDs(keyIDs(g.jobs)))
	if err := g.pipe.sync(); err != nil {
		return nil, fmt.Errorf("check keys: %w", err)
	}
	if err := g.subs.reload(ctx, outbox.Postgres(g.conn)); err != nil {
		return nil, err
	}
	live, dead := judge(g.jobs, states, g.now)
	known, err := g.claim(ctx, firsts(live))
	if err != nil {
		return nil, err
	}
	return dead, g.write(live, known, true)
}

// write copies the rows in and commits.
func (g *group) write(jobs []*job, known map[digest]original, began bool) error {
	assign(jobs, known)
	told := newOutgoing(g.subs.known, g.now)
	requests := lines(jobs, g.logs, g.now)
	rows := fresh(jobs)
	told.signals(rows)
	told.refusals(requests)
	if told.err != nil {
		return told.err
	}
	writeSignals(g.pipe, rows)
	queueRequests(g.pipe, requests)
	told.queue(g.pipe)
	if began {
		g.pipe.queue("COMMIT")
	}
	if err := g.pipe.sync(); err != nil {
		return fmt.Errorf("insert and commit: %w", err)
	}
	g.subs.bell.Ring(told.endpoints()...)
	return nil
}

// lockState takes the state lock. A plan for each group's own array lengths looks cheaper to the
// server than the general one, and making it costs more than running it.
const lockState = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true), " + keys.StateLockCall

// proveState fails, and with it the whole transaction, when who gets what is not what the writer
// remembers, or a key is not what its requests were read under: judge's rule in SQL. The text is for
// whoever reads the server's log.
const proveState = `
		SELECT (CASE WHEN (SELECT version FROM outbox_state) = $1 AND NOT EXISTS (
				SELECT 1
				FROM unnest($2::uuid[], $3::int[]) AS read (id, settings)
				LEFT JOIN api_keys k ON k.id = read.id AND k.settings_version = read.settings
					AND k.status = 'active' AND (k.expires_at IS NULL OR k.expires_at > $4)
				WHERE k.id IS NULL)
			THEN '1' ELSE '` + movedText + `' END)::int`

const movedText = "latchkey: keys or subscriptions have changed, the writer reads them and tries again"

// movedState tells that proveState failed.
func movedState(err error) bool {
	var failed *pgconn.PgError
	return errors.As(err, &failed) && strings.Contains(failed.Message, movedText)
}

func (g *group) prove() {
	type reading struct {
		key      string
		settings int32
	}
	seen := map[reading]bool{}
	var ids uuids
	var settings []int32
	for _, j := range g.jobs {
		if r := (reading{j.cred.ID, j.settings(g.now)}); !seen[r] {
			seen[r] = true
			ids, settings = append(ids, pgUUID(&r.key)), append(settings, r.settings)
		}
	}
	g.pipe.queue(proveState, g.subs.known.Version, ids, settings, g.now.UnixMicro())
}

func merge(a, b map[*job]error) map[*job]error {
	if a == nil {
		return b
	}
	maps.Copy(a, b)
	return a
}

const selectStates = "SELECT id, status, COALESCE(expires_at, 0), settings_version FROM api_keys WHERE id = ANY($1::uuid[])"

func scanState(row [][]byte, states map[string]keyState) error {
	id, err := uuid.FromBytes(row[0])
	if err != nil {
		return fmt.Errorf("read a key's state: %w", err)
	}
	state := keyState{status: string(row[1]), settings: int(binary.BigEndian.Uint32(row[3]))}
	if expires := binary.BigEndian.Uint64(row[2]); expires != 0 {
		state.expiresAt = models.At(time.UnixMicro(int64(expires)))
	}
	states[id.String()] = state
	return nil
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

// claim inserts the digests, in a transaction that has begun; one that is older than the window is
// taken over. It returns those that were there before.
func (g *group) claim(ctx context.Context, items []*item) (map[digest]original, error) {
	if len(items) == 0 {
		return nil, nil
	}
	digests, ids, payloads := make([][]byte, len(items)), make(uuids, len(items)), make([][]byte, len(items))
	for i, it := range items {
		digests[i], ids[i], payloads[i] = it.digest[:], pgUUID(&it.signal.ID), it.payload[:]
	}
	claimed := make([][]byte, 0, len(items))
	won := func(row [][]byte) error {
		claimed = append(claimed, bytes.Clone(row[0]))
		return nil
	}
	g.pipe.query(claimDigests, won, digests, ids, payloads, g.now.UnixMicro(), g.now.Add(-dedupWindow).UnixMicro())
	if err := g.pipe.sync(); err != nil {
		return nil, fmt.Errorf("claim message ids: %w", err)
	}
	if len(claimed) == len(items) {
		return nil, nil
	}
	return originals(ctx, g.conn, repeated(items, claimed))
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
