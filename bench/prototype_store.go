package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"latchkey/internal/database"
)

// openEvents makes the table on an empty database.
func openEvents(ctx context.Context, where string) (eventStore, error) {
	if isURL(where) {
		conn, err := pgx.Connect(ctx, where)
		if err != nil {
			return nil, err
		}
		_, err = conn.Exec(ctx, "CREATE TABLE events (id UUID PRIMARY KEY, key_id UUID NOT NULL, received_at BIGINT NOT NULL, raw BYTEA NOT NULL)")
		return &postgresEvents{conn: conn}, err
	}
	// The product's own way to open one: driver, WAL, synchronous=FULL, and the sizes of its caches.
	db, err := database.Open(ctx, database.Config{Path: where})
	if err != nil {
		return nil, err
	}
	if err := db.Write.Exec("CREATE TABLE events (id BLOB PRIMARY KEY, key_id BLOB NOT NULL, received_at INTEGER NOT NULL, raw BLOB NOT NULL)").Error; err != nil {
		return nil, err
	}
	s := &sqliteEvents{}
	if s.db, err = db.Write.DB(); err != nil {
		return nil, err
	}
	return s, s.prepare(ctx)
}

// postgresEvents writes a group in one statement, which is a transaction.
type postgresEvents struct {
	conn      *pgx.Conn
	ids, keys []pgtype.UUID
	received  []int64
	raws      [][]byte
}

func (s *postgresEvents) write(ctx context.Context, events []*event) error {
	s.ids, s.keys, s.received, s.raws = s.ids[:0], s.keys[:0], s.received[:0], s.raws[:0]
	for _, e := range events {
		s.ids = append(s.ids, pgtype.UUID{Bytes: e.id, Valid: true})
		s.keys = append(s.keys, pgtype.UUID{Bytes: e.key, Valid: true})
		s.received, s.raws = append(s.received, e.received), append(s.raws, e.raw)
	}
	_, err := s.conn.Exec(ctx, `INSERT INTO events (id, key_id, received_at, raw)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[])`, s.ids, s.keys, s.received, s.raws)
	return err
}

// sqliteEvents writes a group in one transaction, as many rows a statement as fit.
type sqliteEvents struct {
	db    *sql.DB
	stmts []*sql.Stmt // of eventRows
	args  []any
}

// eventRows are rows of a statement, the most first.
var eventRows = []int{64, 8, 1}

func (s *sqliteEvents) prepare(ctx context.Context) error {
	for _, rows := range eventRows {
		values := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?), ", rows), ", ")
		stmt, err := s.db.PrepareContext(ctx, "INSERT INTO events (id, key_id, received_at, raw) VALUES "+values)
		if err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
		s.stmts = append(s.stmts, stmt)
	}
	return nil
}

func (s *sqliteEvents) write(ctx context.Context, events []*event) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	for i, rows := range eventRows {
		for len(events) >= rows {
			s.args = s.args[:0]
			for _, e := range events[:rows] {
				s.args = append(s.args, e.id[:], e.key[:], e.received, e.raw)
			}
			if _, err := tx.StmtContext(ctx, s.stmts[i]).ExecContext(ctx, s.args...); err != nil {
				return err
			}
			events = events[rows:]
		}
	}
	return tx.Commit()
}
