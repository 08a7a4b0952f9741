package dispatch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"modernc.org/sqlite"

	"latchkey/internal/database"
)

// sqliteStore reads beside the writer, and writes a group in one transaction, a row at a time: the
// database is in this process, so a row costs no round trip.
type sqliteStore struct{ read, write *sql.DB }

func newSQLiteStore(db *database.DB) *sqliteStore {
	read, err := db.Read.DB()
	if err != nil {
		// GORM was opened on a *sql.DB; anything else is a programming error.
		panic("dispatch: " + err.Error())
	}
	return &sqliteStore{read: read, write: db.SQLDB()}
}

// Result codes of https://www.sqlite.org/rescode.html, without their extensions.
const (
	sqliteTooBig     = 18
	sqliteConstraint = 19
	sqliteMismatch   = 20
)

func (s *sqliteStore) refused(err error) bool {
	var refusal *sqlite.Error
	if !errors.As(err, &refusal) {
		return false
	}
	switch refusal.Code() & 0xff {
	case sqliteTooBig, sqliteConstraint, sqliteMismatch:
		return true
	}
	return false
}

const (
	dueSQLite = `
		SELECT message_id, step, attempts, next_attempt_at, created_at, replay_id IS NOT NULL
		FROM deliveries
		WHERE endpoint_id = ? AND status = 'pending' AND next_attempt_at <= ?
		ORDER BY next_attempt_at
		LIMIT ?`
	inOrderSQLite = `
		SELECT message_id, step, attempts, next_attempt_at, created_at, replay_id IS NOT NULL
		FROM deliveries
		WHERE endpoint_id = ? AND status = 'pending' AND ordered
		ORDER BY message_id
		LIMIT ?`
)

func (s *sqliteStore) due(ctx context.Context, endpointID string, ordered bool, now int64, limit int) (p page, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT status, version FROM endpoints WHERE id = ?", endpointID).Scan(&p.status, &p.version)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("read the endpoint: %w", err)
	}
	if !ordered {
		_, err = s.list(ctx, &p, now, dueSQLite, endpointID, now, limit)
		return p, err
	}
	rows, err := s.list(ctx, &p, now, inOrderSQLite, endpointID, limit)
	if err == nil && rows == 0 && limit > 0 {
		// What is left of before the endpoint wanted order.
		_, err = s.list(ctx, &p, now, dueSQLite, endpointID, now, 1)
	}
	return p, err
}

// list adds what is due by now, and counts the rows that it saw.
func (s *sqliteStore) list(ctx context.Context, p *page, now int64, query string, args ...any) (rows int, err error) {
	found, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("read what is due: %w", err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var d due
		if err := found.Scan(&d.messageID, &d.step, &d.attempts, &d.at, &d.createdAt, &d.replayed); err != nil {
			return rows, fmt.Errorf("read what is due: %w", err)
		}
		rows++
		if d.at > now { // in order, so what follows waits too
			break
		}
		p.due = append(p.due, d)
	}
	return rows, found.Err()
}

func (s *sqliteStore) bodies(ctx context.Context, ids []uuid.UUID, most int) ([]body, error) {
	args := make([]any, 0, len(ids)+1)
	args = append(args, most)
	for _, id := range ids {
		args = append(args, id.String())
	}
	rows, err := s.read.QueryContext(ctx, `
		SELECT id, length(body), CASE WHEN length(body) <= ? THEN body END
		FROM messages
		WHERE id IN (?`+strings.Repeat(", ?", len(ids)-1)+")", args...)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	defer func() { _ = rows.Close() }()
	out := make([]body, 0, len(ids))
	for rows.Next() {
		var b body
		if err := rows.Scan(&b.id, &b.length, &b.bytes); err != nil {
			return nil, fmt.Errorf("read messages: %w", err)
		}
		out = append(out, b)
	}
	return out, rows.Err()
}
