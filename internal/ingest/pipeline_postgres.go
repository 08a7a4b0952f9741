package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// pipeline speaks the extended query protocol of Postgres with many statements, COPY among them, on
// their way at once (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING).
// What is sent by one sync is one transaction: the first statement begins it, the sync commits it,
// and an error anywhere undoes it. pgx's own pipeline and batches cannot carry a COPY.
//
// A transaction of several trips begins with BEGIN and ends with COMMIT: a statement that is prepared
// between two of them comes with a sync of its own.
//
// Not for concurrent use; the connection belongs to the pipeline until done.
type pipeline struct {
	ctx  context.Context
	conn *pgx.Conn
	out  []byte // what is to be sent
	want []func([][]byte) error
	err  error // of an argument: nothing is sent then
	open bool  // a transaction waits for its end
}

// beginPipeline sets the context's deadline on the connection.
func beginPipeline(ctx context.Context, conn *pgx.Conn, buffer []byte) (*pipeline, error) {
	deadline, _ := ctx.Deadline() // the zero time is none
	if err := conn.PgConn().Conn().SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("set a deadline: %w", err)
	}
	return &pipeline{ctx: ctx, conn: conn, out: buffer[:0]}, nil
}

// queue adds a statement whose rows, if any, do not matter.
func (p *pipeline) queue(sql string, args ...any) { p.query(sql, nil, args...) }

// query adds a statement; each of its rows is given to the function: its values in binary, which are
// there until the function returns.
func (p *pipeline) query(sql string, row func([][]byte) error, args ...any) {
	stmt := p.prepare(sql)
	if p.err != nil {
		return
	}
	if len(args) != len(stmt.ParamOIDs) {
		p.fail(fmt.Errorf("%d arguments for %d parameters", len(args), len(stmt.ParamOIDs)))
		return
	}
	p.bind(stmt, args)
	p.want = append(p.want, row)
}

// prepare makes a statement known to the connection; one that it knows costs no round trip.
func (p *pipeline) prepare(sql string) *pgconn.StatementDescription {
	if p.err != nil {
		return nil
	}
	stmt, err := p.conn.Prepare(p.ctx, sql, sql)
	if err != nil {
		p.fail(fmt.Errorf("prepare: %w", err))
	}
	return stmt
}

func (p *pipeline) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// queueRow adds a statement whose parameters are appended by the function as a row of COPY: their
// number, and each with its length before it.
func (p *pipeline) queueRow(sql string, row func(out []byte) []byte) {
	stmt := p.prepare(sql)
	if p.err != nil {
		return
	}
	p.bindRow(stmt, row)
	p.want = append(p.want, nil)
}

// bind appends Bind and Execute for the unnamed portal.
func (p *pipeline) bind(stmt *pgconn.StatementDescription, args []any) {
	p.bindRow(stmt, func(out []byte) []byte {
		p.out = binary.BigEndian.AppendUint16(out, uint16(len(args)))
		for i, arg := range args {
			p.param(stmt.ParamOIDs[i], arg)
		}
		return p.out
	})
}

// bindRow is bind for parameters in binary; results are in binary too.
func (p *pipeline) bindRow(stmt *pgconn.StatementDescription, row func(out []byte) []byte) {
	at := p.begin('B')
	p.out = append(p.out, 0)
	p.out = append(append(p.out, stmt.Name...), 0)
	p.out = binary.BigEndian.AppendUint16(p.out, 1)
	p.out = binary.BigEndian.AppendUint16(p.out, pgx.BinaryFormatCode)
	p.out = row(p.out)
	p.out = binary.BigEndian.AppendUint16(p.out, 1)
	p.out = binary.BigEndian.AppendUint16(p.out, pgx.BinaryFormatCode)
	p.end(at)
	at = p.begin('E')
	p.out = append(p.out, 0, 0, 0, 0, 0) // the unnamed portal, all rows
	p.end(at)
}

func (p *pipeline) param(oid uint32, arg any) {
	at := len(p.out)
	p.out = append(p.out, 0, 0, 0, 0)
	encoded, err := p.conn.TypeMap().Encode(oid, pgx.BinaryFormatCode, arg, p.out)
	switch {
	case err != nil:
		p.fail(fmt.Errorf("encode a parameter: %w", err))
	case encoded == nil:
		binary.BigEndian.PutUint32(p.out[at:], 0xffffffff) // NULL
	default:
		p.out = encoded
		binary.BigEndian.PutUint32(p.out[at:], uint32(len(p.out)-at-4))
	}
}

// copyHeader begins the data of a COPY in binary: signature, no flags, no extension
// (https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-BINARY-FORMAT).
var copyHeader = append([]byte("PGCOPY\n\xff\r\n\x00"), make([]byte, 8)...)

// copyMessage bounds a message of COPY data, which the server holds whole.
const copyMessage = 256 << 10

// copyIn adds a COPY ... FROM STDIN (FORMAT binary) of n rows. The function appends one row: the
// number of its fields, and each field with its length before it.
func (p *pipeline) copyIn(sql string, n int, row func(out []byte, i int) []byte) {
	stmt := p.prepare(sql)
	if p.err != nil {
		return
	}
	p.bind(stmt, nil)
	at := p.begin('d')
	p.out = append(p.out, copyHeader...)
	for i := range n {
		if len(p.out)-at > copyMessage {
			p.end(at)
			at = p.begin('d')
		}
		p.out = row(p.out, i)
	}
	p.out = binary.BigEndian.AppendUint16(p.out, 0xffff)
	p.end(at)
	p.end(p.begin('c'))
	p.want = append(p.want, nil)
}

// begin starts a message and returns its place for end, which writes its length.
func (p *pipeline) begin(kind byte) int {
	p.out = append(p.out, kind, 0, 0, 0, 0)
	return len(p.out) - 4
}

func (p *pipeline) end(at int) { binary.BigEndian.PutUint32(p.out[at:], uint32(len(p.out)-at)) }

// sync sends what is queued and waits for its results. An error means that nothing of it was done, but
// for one of the connection, after which that is not known; the connection is then of no more use.
func (p *pipeline) sync() error {
	if p.err != nil {
		return p.err
	}
	p.end(p.begin('S'))
	if _, err := p.conn.PgConn().Conn().Write(p.out); err != nil {
		return p.broken(err)
	}
	p.out = p.out[:0]
	want := p.want
	p.want = nil
	var failed error
	for i := 0; ; {
		// The connection's own reader, so that the pool learns of the transaction's state too. The
		// deadline on the connection bounds it.
		msg, err := p.conn.PgConn().ReceiveMessage(context.Background())
		if err != nil {
			return p.broken(errors.Join(failed, err))
		}
		switch msg := msg.(type) {
		case *pgproto3.DataRow:
			if want[i] != nil && failed == nil {
				failed = want[i](msg.Values)
			}
		case *pgproto3.CommandComplete, *pgproto3.EmptyQueryResponse:
			i++
		case *pgproto3.ErrorResponse: // the server skips what follows, up to the sync
			failed = errors.Join(pgconn.ErrorResponseToPgError(msg), failed)
		case *pgproto3.ReadyForQuery:
			p.open = msg.TxStatus != 'I'
			return failed
		}
	}
}

// broken closes a connection of which nobody knows what it would say next. What was sent may wait for
// a lock on the server, which would go on with it after the senders were told that it failed: it is
// asked to stop.
func (p *pipeline) broken(err error) error {
	p.open = false
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), time.Second)
	defer cancel()
	_ = p.conn.PgConn().CancelRequest(ctx) // fails when the server is away, and there is nothing to stop
	return errors.Join(fmt.Errorf("talk to Postgres: %w", err), p.conn.Close(ctx))
}

// rollback undoes a transaction that is still open, and forgets what was queued.
func (p *pipeline) rollback() {
	p.err, p.out, p.want = nil, p.out[:0], nil
	if !p.open {
		return
	}
	p.queue("ROLLBACK")
	if err := p.sync(); err != nil {
		_ = p.broken(err)
	}
}

// done gives the connection back, with no transaction and without a deadline, and returns the buffer
// for the next pipeline.
func (p *pipeline) done() []byte {
	p.rollback()
	_ = p.conn.PgConn().Conn().SetDeadline(time.Time{}) // fails only on a closed connection
	if cap(p.out) > flushBytes/2 {
		return nil
	}
	return p.out[:0]
}
