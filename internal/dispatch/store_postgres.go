package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresStore reads in one round trip, and writes a group in one.
type postgresStore struct{ pool *pgxpool.Pool }

// refused: class 22 is a data exception, 23 a violated constraint.
func (s *postgresStore) refused(err error) bool {
	var refusal *pgconn.PgError
	return errors.As(err, &refusal) && (strings.HasPrefix(refusal.Code, "22") || strings.HasPrefix(refusal.Code, "23"))
}

const (
	selectDue = `
		SELECT message_id, step, attempts, next_attempt_at, created_at, replay_id IS NOT NULL
		FROM deliveries
		WHERE endpoint_id = $1 AND status = 'pending' AND next_attempt_at <= $2
		ORDER BY next_attempt_at
		LIMIT $3`
	selectInOrder = `
		SELECT message_id, step, attempts, next_attempt_at, created_at, replay_id IS NOT NULL
		FROM deliveries
		WHERE endpoint_id = $1 AND status = 'pending' AND ordered
		ORDER BY message_id
		LIMIT $2`
)

func (s *postgresStore) due(ctx context.Context, endpointID string, ordered bool, now int64, limit int) (p page, err error) {
	id := binary(endpointID)
	batch := &pgx.Batch{}
	batch.Queue("SELECT status, version FROM endpoints WHERE id = $1", id).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&p.status, &p.version)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if ordered {
		batch.Queue(selectInOrder, id, limit).Query(func(rows pgx.Rows) error { return scanDue(rows, &p, now) })
	} else {
		batch.Queue(selectDue, id, now, limit).Query(func(rows pgx.Rows) error { return scanDue(rows, &p, now) })
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return page{}, fmt.Errorf("read what is due: %w", err)
	}
	if ordered && len(p.due) == 0 && limit > 0 {
		err = s.leftover(ctx, id, now, &p)
	}
	return p, err
}

// leftover is one delivery of before the endpoint wanted order, when nothing else is pending.
func (s *postgresStore) leftover(ctx context.Context, id pgtype.UUID, now int64, p *page) error {
	var inOrder bool
	err := s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM deliveries WHERE endpoint_id = $1 AND status = 'pending' AND ordered)", id).Scan(&inOrder)
	if err != nil || inOrder {
		return err
	}
	rows, err := s.pool.Query(ctx, selectDue, id, now, 1)
	if err != nil {
		return fmt.Errorf("read what is due: %w", err)
	}
	return scanDue(rows, p, now)
}

func scanDue(rows pgx.Rows, p *page, now int64) error {
	defer rows.Close()
	for rows.Next() {
		var d due
		var id pgtype.UUID
		if err := rows.Scan(&id, &d.step, &d.attempts, &d.at, &d.createdAt, &d.replayed); err != nil {
			return err
		}
		if d.at > now { // in order, so what follows waits too
			return nil
		}
		d.messageID = id.Bytes
		p.due = append(p.due, d)
	}
	return rows.Err()
}

func (s *postgresStore) bodies(ctx context.Context, ids []uuid.UUID, most int) ([]body, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, octet_length(body), CASE WHEN octet_length(body) <= $2 THEN body END
		FROM messages
		WHERE id = ANY($1::uuid[])`, binaries(ids), most)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	defer rows.Close()
	out := make([]body, 0, len(ids))
	for rows.Next() {
		var b body
		var id pgtype.UUID
		if err := rows.Scan(&id, &b.length, &b.bytes); err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		b.id = id.Bytes
		out = append(out, b)
	}
	return out, rows.Err()
}

// uuids travels in binary: a slice of strings would be tried in binary, fail, and go as text.
type uuids = pgtype.FlatArray[pgtype.UUID]

func binary(id string) pgtype.UUID {
	parsed, err := uuid.Parse(id)
	return pgtype.UUID{Bytes: parsed, Valid: err == nil}
}

func binaries(ids []uuid.UUID) uuids {
	out := make(uuids, len(ids))
	for i, id := range ids {
		out[i] = pgtype.UUID{Bytes: id, Valid: true}
	}
	return out
}
