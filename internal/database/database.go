// Package database opens SQLite or Postgres behind GORM, applies the migrations, and runs
// transactions. It owns pools, pragmas and error translation; it knows no table.
package database

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Config says which database to open.
type Config struct {
	URL      string // postgres://...; empty means SQLite
	Path     string // SQLite file, when URL is empty
	MaxConns int    // Postgres pool and SQLite readers; 0 means a default
}

// DB is an open database. Write and Read are the same pool on Postgres; on SQLite Write has one
// connection, which takes the write lock at BEGIN, and Read has several that cannot write.
type DB struct {
	Write *gorm.DB
	Read  *gorm.DB
	Pool  *pgxpool.Pool // Postgres only: the pool below GORM, for COPY and pipelines

	closers []func() error
}

// Open connects, asserts the server's version and settings, and returns the database. It does not
// migrate. Errors are sentences that say what to change.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.URL != "" {
		return openPostgres(ctx, cfg)
	}
	return openSQLite(ctx, cfg)
}

// IsPostgres tells the dialect.
func (db *DB) IsPostgres() bool { return db.Pool != nil }

// Dialect is "postgres" or "sqlite".
func (db *DB) Dialect() string {
	if db.IsPostgres() {
		return "postgres"
	}
	return "sqlite"
}

// Tx runs fn in one writing transaction, after the context's guard.
func (db *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	return db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		if guard, ok := ctx.Value(guardKey{}).(Guard); ok {
			if err := guard(ctx, tx); err != nil {
				return err
			}
		}
		return fn(tx)
	})
}

// Guard is what must hold for a change to be made: it runs first in each transaction.
type Guard func(ctx context.Context, tx *gorm.DB) error

type guardKey struct{}

// Guarded returns a context under which Tx changes nothing unless the guard agrees: so that what
// an API-access key asked for does not happen after the key has ended. A guard that is there
// already is asked first.
func Guarded(ctx context.Context, guard Guard) context.Context {
	outer, ok := ctx.Value(guardKey{}).(Guard)
	if !ok {
		return context.WithValue(ctx, guardKey{}, guard)
	}
	both := func(ctx context.Context, tx *gorm.DB) error {
		if err := outer(ctx, tx); err != nil {
			return err
		}
		return guard(ctx, tx)
	}
	return context.WithValue(ctx, guardKey{}, Guard(both))
}

// Ping asks both pools for an answer.
func (db *DB) Ping(ctx context.Context) error {
	for _, g := range []*gorm.DB{db.Write, db.Read} {
		if err := g.WithContext(ctx).Exec("SELECT 1").Error; err != nil {
			return fmt.Errorf("ping: %w", err)
		}
	}
	return nil
}

// Close closes every pool.
func (db *DB) Close() error {
	var errs []error
	for _, c := range db.closers {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// gormConfig turns off what GORM adds around a statement, and what it prints: statements are
// logged by nobody, since their arguments hold payloads.
func gormConfig(now func() time.Time) *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		TranslateError:         true,
		NowFunc:                now,
		Logger:                 slogLogger{},
	}
}

func utcNow() time.Time { return time.Now().UTC() }

// slogLogger passes GORM's own warnings on and drops its statement trace.
type slogLogger struct{}

func (l slogLogger) LogMode(logger.LogLevel) logger.Interface { return l }
func (slogLogger) Info(context.Context, string, ...any)       {}
func (slogLogger) Warn(ctx context.Context, msg string, _ ...any) {
	slog.WarnContext(ctx, "gorm: "+firstLine(msg))
}
func (slogLogger) Error(ctx context.Context, msg string, _ ...any) {
	slog.ErrorContext(ctx, "gorm: "+firstLine(msg))
}
func (slogLogger) Trace(context.Context, time.Time, func() (string, int64), error) {}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
