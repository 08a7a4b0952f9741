package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// tables are the yardsticks of many rows at once, in a schema of their own in the product's
// database: a bare one, like pgbench's, and one like signals, with all its indexes.
type tables struct {
	address        string
	postgres       *server
	workspace, key string
}

const bareTables = `
	CREATE SCHEMA bench;
	CREATE TABLE bench.rows (
		id   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
		body BYTEA NOT NULL
	);
	CREATE TABLE bench.signals (LIKE signals INCLUDING ALL)`

func newTables(ctx context.Context, s *server, p *product) (*tables, error) {
	t := &tables{address: p.config.URL, postgres: s, workspace: p.api.WorkspaceID, key: uuid.Must(uuid.NewV7()).String()}
	return t, s.exec(ctx, p.config.URL, bareTables)
}

// each runs a step on that many connections until the length is over, each waiting for the last to
// be committed, and counts the rows.
func (t *tables) each(ctx context.Context, clients, rows int, length time.Duration, step func(conn *pgx.Conn) error) (measure, error) {
	conns := make([]*pgx.Conn, clients)
	for i := range conns {
		conn, err := pgx.Connect(ctx, t.address)
		if err != nil {
			return measure{}, err
		}
		defer func() { _ = conn.Close(ctx) }()
		conns[i] = conn
	}
	c := newClock(0, t.postgres.process)
	before, start := c.start(), time.Now()
	type part struct {
		hist histogram
		err  error
	}
	parts := make(chan *part)
	for _, conn := range conns {
		go func() {
			p := &part{}
			for at := time.Now(); p.err == nil && at.Sub(start) < length; at = time.Now() {
				p.err = step(conn)
				p.hist.record(time.Since(at))
			}
			parts <- p
		}()
	}
	m := measure{hist: &histogram{}}
	var failed error
	for range conns {
		p := <-parts
		m.hist.merge(&p.hist)
		if p.err != nil {
			failed = p.err
		}
	}
	if failed != nil {
		return m, failed
	}
	elapsed, items := time.Since(start).Seconds(), float64(m.hist.count)*float64(rows)
	m.requests, m.items = float64(m.hist.count)/elapsed, items/elapsed
	c.spent(before, items, &m)
	return m, nil
}

// unnest inserts a hundred rows a transaction into the bare table.
func (t *tables) unnest(ctx context.Context, clients int, length time.Duration) (measure, error) {
	bodies := repeat(item(false), batchItems)
	return t.each(ctx, clients, batchItems, length, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "INSERT INTO bench.rows (body) SELECT unnest($1::bytea[])", bodies)
		return err
	})
}

// copied copies rows as a bulk request stores them into the table like signals, rows a transaction.
func (t *tables) copied(ctx context.Context, rows int, length time.Duration) (measure, error) {
	row := t.row(time.Now())
	return t.each(ctx, 1, rows, length, func(conn *pgx.Conn) error {
		tag, err := conn.PgConn().CopyFrom(ctx, newCopyStream(row, rows), "COPY bench.signals ("+copyColumns+") FROM STDIN (FORMAT binary)")
		if err == nil && tag.RowsAffected() != int64(rows) {
			err = fmt.Errorf("COPY took %d of %d rows", tag.RowsAffected(), rows)
		}
		return err
	})
}

const (
	copyColumns = `id, request_id, workspace_id, environment, api_key_id, source, kind, event, email, user_id,
		anonymous_id, group_id, message_id, warnings, occurred_at, received_at, raw`
	copyFields = 17
	// Where the values of the first two columns begin: after the number of fields, and after each
	// length.
	copyID, copyRequest = 2 + 4, 2 + 4 + 16 + 4
)

// row is a row of COPY's binary format
// (https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4).
func (t *tables) row(now time.Time) []byte {
	b := binary.BigEndian.AppendUint16(nil, copyFields)
	add := func(values ...[]byte) {
		for _, v := range values {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
		}
	}
	id := func(text string) []byte { u := uuid.MustParse(text); return u[:] }
	text := func(s string) []byte { return []byte(s) }
	at := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMicro()))
	none := make([]byte, 16)
	add(none, none, id(t.workspace), text("live"), id(t.key), nil, text("track"), text("Form Submitted"), text("grace@example.com"), text("user_1042"),
		nil, nil, nil, nil, at, at, item(false))
	return b
}

// copyStream is what COPY reads: the row again and again, each with ids of its own. It is made in
// place, so that the yardstick's client costs next to nothing.
type copyStream struct {
	row     []byte
	left    int
	request uuid.UUID
	out     bytes.Buffer
	ended   bool
}

var copyHeader = append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)

func newCopyStream(row []byte, rows int) *copyStream {
	s := &copyStream{row: bytes.Clone(row), left: rows, request: uuid.Must(uuid.NewV7())}
	s.out.Write(copyHeader)
	copy(s.row[copyRequest:], s.request[:])
	return s
}

func (s *copyStream) Read(to []byte) (int, error) {
	for s.out.Len() < len(to) && s.left > 0 {
		id := uuid.Must(uuid.NewV7())
		copy(s.row[copyID:], id[:])
		s.out.Write(s.row)
		s.left--
	}
	if s.left == 0 && !s.ended {
		s.ended = true
		s.out.Write([]byte{0xff, 0xff})
	}
	if s.out.Len() == 0 {
		return 0, io.EOF
	}
	return s.out.Read(to)
}
