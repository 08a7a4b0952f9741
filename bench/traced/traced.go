// Package traced is SQLite's driver under another name, which keeps of each statement how often it
// ran, how long at most, and with what arguments then. The bench builds the product with it to
// explain its statements; nothing else imports it.
package traced

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver that is traced
)

const (
	// Name is what the driver is registered as.
	Name = "sqlite-traced"
	// FileEnv names the file that a process writes its statements to, as JSON, whenever it closes a
	// connection: it is complete once the process has stopped well.
	FileEnv = "BENCH_TRACE_FILE"
)

func init() { sql.Register(Name, traced{}) }

// inner is what the connections of modernc.org/sqlite can do and database/sql asks for.
type inner interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type traced struct{}

func (traced) Open(name string) (driver.Conn, error) {
	// The registered one has what was set on it; a new one would not.
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	opened, err := db.Driver().Open(name)
	if err != nil {
		return nil, err
	}
	c, ok := opened.(inner)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T is not a connection that can be traced", opened), opened.Close())
	}
	return &conn{c}, nil
}

type conn struct{ inner }

func (c *conn) Close() error {
	err := c.inner.Close()
	if file := os.Getenv(FileEnv); file != "" {
		err = errors.Join(err, all.write(file))
	}
	return err
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	began := time.Now()
	result, err := c.inner.ExecContext(ctx, query, args)
	all.add(query, args, time.Since(began), 0, err)
	return result, err
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	began := time.Now()
	found, err := c.inner.QueryContext(ctx, query, args)
	return watch(found, err, query, args, began)
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	prepared, err := c.inner.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := prepared.(innerStmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%T is not a statement that can be traced", prepared), prepared.Close())
	}
	return &stmt{s, query}, nil
}

type innerStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type stmt struct {
	innerStmt
	query string
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	began := time.Now()
	result, err := s.innerStmt.ExecContext(ctx, args)
	all.add(s.query, args, time.Since(began), 0, err)
	return result, err
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	began := time.Now()
	found, err := s.innerStmt.QueryContext(ctx, args)
	return watch(found, err, s.query, args, began)
}

// rows counts the time of each step: the first of them may be the whole work.
type rows struct {
	driver.Rows
	query string
	args  []driver.NamedValue
	took  time.Duration
	count int64
	done  bool
}

func watch(found driver.Rows, err error, query string, args []driver.NamedValue, began time.Time) (driver.Rows, error) {
	if err != nil {
		all.add(query, args, time.Since(began), 0, err)
		return nil, err
	}
	// database/sql owns the arguments again once this returns.
	return &rows{Rows: found, query: query, args: append([]driver.NamedValue(nil), args...), took: time.Since(began)}, nil
}

func (r *rows) Next(to []driver.Value) error {
	began := time.Now()
	err := r.Rows.Next(to)
	r.took += time.Since(began)
	if err == nil {
		r.count++
	}
	return err
}

func (r *rows) Close() error {
	if !r.done {
		r.done = true
		all.add(r.query, r.args, r.took, r.count, nil)
	}
	return r.Rows.Close()
}

// ColumnTypeDatabaseTypeName is asked for by GORM where it scans into maps.
func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}
