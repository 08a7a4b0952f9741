package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	modernc "modernc.org/sqlite"
)

// minSQLite is the first version without the WAL defect that could lose committed writes
// (https://www.sqlite.org/releaselog/3_51_3.html).
const minSQLite = "3.51.3"

// Extended result codes (https://www.sqlite.org/rescode.html).
const (
	sqliteBusy                 = 5
	sqliteConstraintForeignKey = 787
	sqliteConstraintPrimaryKey = 1555
	sqliteConstraintUnique     = 2067
)

func openSQLite(ctx context.Context, cfg Config) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(cfg.Path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data directory %s: %w; create it or set LATCHKEY_DATA to one that can be written", filepath.Dir(cfg.Path), err)
	}
	db := &DB{}
	write, err := db.sqlitePool(sqliteDSN(cfg.Path, false), 1)
	if err != nil {
		return nil, fmt.Errorf("cannot open the database %s: %w; check that the file can be read and written by this user", cfg.Path, err)
	}
	db.Write = write
	if err := checkSQLite(ctx, write); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	readers := cfg.MaxConns
	if readers == 0 {
		readers = max(4, runtime.NumCPU())
	}
	if db.Read, err = db.sqlitePool(sqliteDSN(cfg.Path, true), readers); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the database %s for reading: %w", cfg.Path, err), db.Close())
	}
	own, err := sql.Open("sqlite", sqliteDSN(cfg.Path, false)) // opened when it is needed
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the database %s for checkpoints: %w", cfg.Path, err), db.Close())
	}
	own.SetMaxOpenConns(1)
	db.closers = append([]func() error{startCheckpointer(own, db.Write).close}, db.closers...)
	return db, nil
}

// sqliteDSN builds the connection string; writers lock at BEGIN, so that a transaction never
// fails half-way because another process wrote in between.
func sqliteDSN(path string, readOnly bool) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout(10000)")
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "foreign_keys(1)")
	q.Add("_pragma", "temp_store(MEMORY)")
	q.Add("_pragma", "cache_size(-16000)")
	if readOnly {
		q.Add("_pragma", "query_only(1)")
	} else {
		q.Add("_pragma", "wal_autocheckpoint("+strconv.Itoa(checkpointByWriter)+")")
		q.Set("_txlock", "immediate")
	}
	q.Set("_time_format", "sqlite")
	q.Set("_timezone", "UTC")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (db *DB) sqlitePool(dsn string, conns int) (*gorm.DB, error) {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.closers = append(db.closers, pool.Close)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	if err := whileBusy(pool.Ping); err != nil {
		return nil, err
	}
	return gorm.Open(sqliteDialector{sqlite.Dialector{Conn: pool}}, gormConfig(utcNow))
}

// whileBusy tries again for up to ten seconds: the switch to WAL needs the file for itself and
// does not wait by busy_timeout when several instances open a new database at once.
func whileBusy(try func() error) error {
	var err error
	for range 200 {
		var e *modernc.Error
		if err = try(); !errors.As(err, &e) || e.Code()&0xff != sqliteBusy {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func checkSQLite(ctx context.Context, g *gorm.DB) error {
	var version, journal string
	var synchronous int
	row := g.WithContext(ctx).Raw("SELECT sqlite_version()").Row()
	if err := row.Scan(&version); err != nil {
		return fmt.Errorf("ask SQLite for its version: %w", err)
	}
	if olderThan(version, minSQLite) {
		return fmt.Errorf("SQLite %s is too old: before %s committed writes can be lost; build Latchkey with the go.mod it came with", version, minSQLite)
	}
	if err := g.WithContext(ctx).Raw("PRAGMA journal_mode").Row().Scan(&journal); err != nil {
		return fmt.Errorf("ask SQLite for its journal mode: %w", err)
	}
	if err := g.WithContext(ctx).Raw("PRAGMA synchronous").Row().Scan(&synchronous); err != nil {
		return fmt.Errorf("ask SQLite for its synchronous mode: %w", err)
	}
	if journal != "wal" || synchronous != 2 {
		return fmt.Errorf("SQLite refused WAL with synchronous=FULL (it says %s, %d); put LATCHKEY_DATA on a local disk, not on a network share", journal, synchronous)
	}
	return nil
}

func olderThan(version, least string) bool {
	v, l := strings.Split(version, "."), strings.Split(least, ".")
	for i := range l {
		var a, b int
		if i < len(v) {
			a, _ = strconv.Atoi(v[i])
		}
		b, _ = strconv.Atoi(l[i])
		if a != b {
			return a < b
		}
	}
	return false
}

// sqliteDialector translates modernc's errors; the driver's own translation knows only the C
// build's error type.
type sqliteDialector struct{ sqlite.Dialector }

func (d sqliteDialector) Translate(err error) error {
	var e *modernc.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqliteConstraintPrimaryKey, sqliteConstraintUnique:
		return gorm.ErrDuplicatedKey
	case sqliteConstraintForeignKey:
		return gorm.ErrForeignKeyViolated
	}
	return err
}
