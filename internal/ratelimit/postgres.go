package ratelimit

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/jackc/pgx/v5"
)

// sendTimeout bounds what a caller waits for the database. It covers the lock, which each instance
// holds for one round trip.
const sendTimeout = 2 * time.Second

// ask is a reservation.
type ask struct {
	slot  int64
	limit int64
	want  int64 // calls that wait
	spare int64 // reserved in place of want if it is more, but no more than a quarter of the room
	back  []slotCount
}

// answer is what the subject's slots held before the reservation, and what was reserved.
type answer struct {
	granted int64
	window  []slotCount
}

const (
	// What is lost with a crash of the server is a fraction of a second of counts.
	lockSubject = "SELECT pg_advisory_xact_lock($1), set_config('synchronous_commit', 'off', true)"

	giveBack = `
		UPDATE rate_slots SET used = GREATEST(0, rate_slots.used - back.n)
		FROM unnest($2::bigint[], $3::bigint[]) AS back (slot, n)
		WHERE rate_slots.subject = $1 AND rate_slots.slot = back.slot`

	reserveSlots = `
		WITH before AS (
			SELECT slot, used FROM rate_slots
			WHERE subject = $1 AND slot BETWEEN $2::bigint - 118 AND $2::bigint + 20 AND used > 0
		), room AS (
			SELECT GREATEST(0, $3::bigint - COALESCE(SUM(used), 0))::bigint AS n FROM before
		), granted AS (
			SELECT LEAST(n, GREATEST($4::bigint, LEAST($5::bigint, n / 4))) AS n FROM room
		), reserved AS (
			INSERT INTO rate_slots (subject, slot, used)
			SELECT $1, $2, n FROM granted WHERE n > 0
			ON CONFLICT (subject, slot) DO UPDATE SET used = rate_slots.used + excluded.used
		)
		SELECT granted.n,
			COALESCE((SELECT array_agg(slot ORDER BY slot) FROM before), '{}'),
			COALESCE((SELECT array_agg(used ORDER BY slot) FROM before), '{}')
		FROM granted`
)

// send reserves in one round trip, which is one transaction: the statements of a pipeline are, and
// each has a snapshot of its own, so that what is read is younger than the lock.
func (s *Service) send(ctx context.Context, name string, a *ask) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var got answer
	batch := begin(name, a.back)
	batch.Queue(reserveSlots, name, a.slot, a.limit, a.want, a.spare).QueryRow(func(row pgx.Row) error {
		var at, used []int64
		if err := row.Scan(&got.granted, &at, &used); err != nil {
			return err
		}
		for i := range at {
			got.window = append(got.window, slotCount{at[i], used[i]})
		}
		return nil
	})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return answer{}, fmt.Errorf("reserve calls: %w", err)
	}
	return got, nil
}

// returns gives tokens back without reserving any.
func (s *Service) returns(ctx context.Context, name string, back []slotCount) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := s.pool.SendBatch(ctx, begin(name, back)).Close(); err != nil {
		return fmt.Errorf("give calls back: %w", err)
	}
	return nil
}

// begin queues the lock of the subject, and what goes back.
func begin(name string, back []slotCount) *pgx.Batch {
	batch := &pgx.Batch{}
	batch.Queue(lockSubject, lockID(name))
	if len(back) > 0 {
		at, n := make([]int64, len(back)), make([]int64, len(back))
		for i, c := range back {
			at[i], n[i] = c.slot, c.n
		}
		batch.Queue(giveBack, name, at, n)
	}
	return batch
}

// lockID is the number of the subject's advisory lock. Two subjects with one number would only
// wait for each other.
func lockID(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("rate_slots:" + name))
	return int64(h.Sum64())
}

const pruneSlots = "DELETE FROM rate_slots WHERE slot < $1"

// prune removes slots that no instance's clock has in its window.
func (s *Service) prune(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*sendTimeout)
	defer cancel()
	if _, err := s.pool.Exec(ctx, pruneSlots, slotOf(s.now())-2*slots-ahead); err != nil {
		return fmt.Errorf("prune slots: %w", err)
	}
	return nil
}
