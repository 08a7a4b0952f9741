package database

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"latchkey/migrations"
)

// Migrate applies what is missing and returns how many steps ran. Several instances may call it
// at once: on Postgres they wait for a session lock, on SQLite for the write lock.
func (db *DB) Migrate(ctx context.Context) (int, error) {
	p, err := db.provider()
	if err != nil {
		return 0, err
	}
	if db.IsPostgres() {
		results, err := p.Up(ctx)
		return len(results), migrateError(err)
	}
	return db.migrateSQLite(ctx, p)
}

// Pending counts the migrations that are not applied yet.
func (db *DB) Pending(ctx context.Context) (int, error) {
	p, err := db.provider()
	if err != nil {
		return 0, err
	}
	statuses, err := p.Status(ctx)
	if err != nil {
		return 0, fmt.Errorf("read migration status: %w", err)
	}
	n := 0
	for _, s := range statuses {
		if s.State == goose.StatePending {
			n++
		}
	}
	return n, nil
}

func (db *DB) provider() (*goose.Provider, error) {
	std, err := db.Write.DB()
	if err != nil {
		return nil, fmt.Errorf("reach the pool: %w", err)
	}
	dialect, options := goose.DialectSQLite3, []goose.ProviderOption{goose.WithGoMigrations(migrations.Steps(db.IsPostgres())...)}
	if db.IsPostgres() {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 120))
		if err != nil {
			return nil, fmt.Errorf("make the migration lock: %w", err)
		}
		dialect, options = goose.DialectPostgres, append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, std, migrations.FS, options...)
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return p, nil
}

// migrateSQLite tries again when another process applied a step first: each step is one
// transaction, so the loser's fails whole and its next look finds nothing left to do.
func (db *DB) migrateSQLite(ctx context.Context, p *goose.Provider) (int, error) {
	var err error
	for range 20 {
		var results []*goose.MigrationResult
		if results, err = p.Up(ctx); err == nil {
			return len(results), nil
		}
		select {
		case <-ctx.Done():
			return 0, migrateError(err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return 0, migrateError(err)
}

func migrateError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("apply the migrations: %w; restore the last backup if a step broke half-way, and report the step's name", err)
}

// SQLDB returns the writing pool below GORM.
func (db *DB) SQLDB() *sql.DB {
	std, err := db.Write.DB()
	if err != nil {
		// GORM was opened on a *sql.DB in this package; anything else is a programming error.
		panic("database: " + err.Error())
	}
	return std
}
