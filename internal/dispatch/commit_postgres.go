package dispatch

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"latchkey/models"
)

// commit writes a group in one round trip. The states come first: whoever disables an endpoint takes
// its state's row before its deliveries too, so that the two wait for each other in one place. Those
// who lock several states do so in the order of their key.
func (s *postgresStore) commit(ctx context.Context, g group) (done written, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return written{}, fmt.Errorf("acquire a connection: %w", err)
	}
	defer conn.Release()
	defer func() {
		if err != nil {
			// A connection that cannot even roll back is closed by its release.
			_, _ = conn.Exec(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	done = g.nothing()
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	// A plan for each group's own lengths costs more than running it, and it might go by the small
	// index of what is pending instead of the key.
	batch.Queue("SET LOCAL plan_cache_mode = force_generic_plan")
	queueStates(batch, g, done.states)
	queueOutcomes(batch, g, done.outcomes)
	queueMinutes(batch, g)
	batch.Queue("COMMIT")
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return written{}, fmt.Errorf("write results: %w", err)
	}
	return done, nil
}

// The fence is a parameter, so that no partial index on 'pending' is thought to be a way to a row.
// What was delivered counts also when the endpoint was disabled meanwhile.
const updateDeliveries = `
	WITH r AS (
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::int[], $6::bigint[], $7::int[], $8::text[], $9::bigint[],
			$10::bigint[], $11::bigint[], $12::text[], $13::bytea[], $14::bool[], $15::text[])
			WITH ORDINALITY AS r (endpoint_id, message_id, attempts, status, step, next, http, error, finished,
				started, duration, detail, response, truncated, cause, n)
	), done AS (
		UPDATE deliveries d
		SET status = r.status, step = r.step, attempts = r.attempts + 1, next_attempt_at = NULLIF(r.next, 0),
			last_status = r.http, last_error = r.error, finished_at = NULLIF(r.finished, 0)
		FROM r
		WHERE d.endpoint_id = r.endpoint_id AND d.message_id = r.message_id AND d.attempts = r.attempts
			AND (d.status = $16 OR d.status = $17 AND r.status = $18)
		RETURNING r.n
	), kept AS (
		INSERT INTO delivery_attempts (endpoint_id, message_id, number, started_at, duration_us, status, error, detail, response, truncated, cause)
		SELECT endpoint_id, message_id, attempts + 1, started, duration, http, error, detail, response, truncated, cause
		FROM r JOIN done USING (n)
		ON CONFLICT DO NOTHING
	)
	SELECT n FROM done`

func queueOutcomes(batch *pgx.Batch, g group, applied []bool) {
	n := len(g.outcomes)
	endpoints, messages := make(uuids, n), make(uuids, n)
	attempts, steps, https := make([]int32, n), make([]int32, n), make([]int32, n)
	statuses, errors, details, causes := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	nexts, finished, started, durations := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	responses, truncated := make([][]byte, n), make([]bool, n)
	for i, o := range g.outcomes {
		endpoints[i], messages[i] = pgtype.UUID{Bytes: o.owner.uuid, Valid: true}, pgtype.UUID{Bytes: o.messageID, Valid: true}
		attempts[i], steps[i], https[i] = int32(o.attempts), int32(o.step), int32(o.http)
		statuses[i], errors[i], details[i], causes[i] = o.status, o.error, o.detail, o.cause
		nexts[i], finished[i], started[i], durations[i] = micros(o.next), micros(o.finished), micros(o.started), o.duration.Microseconds()
		responses[i], truncated[i] = o.response, o.truncated
	}
	batch.Queue(updateDeliveries, endpoints, messages, attempts, statuses, steps, nexts, https, errors, finished,
		started, durations, details, responses, truncated, causes,
		models.DeliveryPending, models.DeliverySkipped, models.DeliveryDelivered).
		Query(func(rows pgx.Rows) error { return mark(rows, applied) })
}

// mark notes the rows, counted from 1, that a statement returns.
func mark(rows pgx.Rows, done []bool) error {
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return err
		}
		done[n-1] = true
	}
	return rows.Err()
}

// A warning belongs to the failures since one instant; those since another begin without.
const updateStates = `
	UPDATE endpoint_states s
	SET warned = CASE WHEN s.failing_since = NULLIF(r.failing_since, 0) THEN s.warned ELSE 0 END,
		failing_since = NULLIF(r.failing_since, 0), failures = r.failures,
		last_success_at = NULLIF(r.last_success, 0), last_failure_at = NULLIF(r.last_failure, 0),
		last_error = r.last_error, paused_until = NULLIF(r.paused_until, 0)
	FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])
		WITH ORDINALITY AS r (endpoint_id, failing_since, failures, last_success, last_failure, last_error, paused_until, known, n)
	WHERE s.endpoint_id = r.endpoint_id AND s.leased_by = $9 AND s.failing_since IS NOT DISTINCT FROM NULLIF(r.known, 0)
	RETURNING r.n`

func queueStates(batch *pgx.Batch, g group, done []bool) {
	n := len(g.states)
	ids, failures, texts := make(uuids, n), make([]int32, n), make([]string, n)
	since, success, failure, paused, known := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, s := range g.states {
		ids[i], failures[i], texts[i] = pgtype.UUID{Bytes: s.uuid, Valid: true}, int32(s.failures), s.lastError
		since[i], success[i], failure[i], paused[i] = micros(s.failingSince), micros(s.lastSuccess), micros(s.lastFailure), micros(s.pausedUntil)
		known[i] = micros(s.known)
	}
	batch.Queue("SELECT FROM endpoint_states WHERE endpoint_id = ANY($1::uuid[]) ORDER BY endpoint_id FOR UPDATE", ids)
	batch.Queue(updateStates, ids, since, failures, success, failure, texts, paused, known, g.instance).
		Query(func(rows pgx.Rows) error { return mark(rows, done) })
}

const upsertMinutes = `
	INSERT INTO endpoint_minutes (endpoint_id, minute, delivered, failed, duration_us)
	SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
	ON CONFLICT (endpoint_id, minute) DO UPDATE
	SET delivered = endpoint_minutes.delivered + excluded.delivered, failed = endpoint_minutes.failed + excluded.failed,
		duration_us = endpoint_minutes.duration_us + excluded.duration_us`

func queueMinutes(batch *pgx.Batch, g group) {
	n := len(g.minutes)
	ids, minutes := make(uuids, n), make([]int64, n)
	delivered, failed, durations := make([]int64, n), make([]int64, n), make([]int64, n)
	for i, m := range g.minutes {
		ids[i], minutes[i], delivered[i], failed[i], durations[i] = binary(m.endpointID), m.minute, m.delivered, m.failed, m.durationUS
	}
	batch.Queue(upsertMinutes, ids, minutes, delivered, failed, durations)
}
