package database

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// minPostgres is the oldest supported major version, as server_version_num.
const minPostgres = 150000

func openPostgres(ctx context.Context, cfg Config) (*DB, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		// The error of pgx can quote the URL, and with it the password.
		return nil, errors.New("LATCHKEY_DATABASE_URL is not a Postgres URL; it looks like postgres://user:password@host:5432/database")
	}
	pc.MaxConns = int32(cfg.MaxConns)
	if cfg.MaxConns == 0 {
		pc.MaxConns = int32(max(10, 4*runtime.NumCPU()))
	}
	// The lock of the migrations holds one while a step uses another.
	pc.MaxConns = max(pc.MaxConns, 2)
	pc.ConnConfig.RuntimeParams["application_name"] = "latchkey"
	pc.ConnConfig.RuntimeParams["timezone"] = "UTC"
	// A server or role default of "off" would break the promise that 2xx means durable.
	pc.ConnConfig.RuntimeParams["synchronous_commit"] = "on"

	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("cannot set up the Postgres pool: %w", err)
	}
	db := &DB{Pool: pool}
	if err := checkPostgres(ctx, pool, pc.ConnConfig.Host, pc.ConnConfig.Port); err != nil {
		pool.Close()
		return nil, err
	}
	std := stdlib.OpenDBFromPool(pool)
	db.closers = append(db.closers, std.Close, func() error { pool.Close(); return nil })
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: std}), gormConfig(utcNow))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open GORM on Postgres: %w", err), db.Close())
	}
	db.Write, db.Read = g, g
	return db, nil
}

func checkPostgres(ctx context.Context, pool *pgxpool.Pool, host string, port uint16) error {
	var version int
	err := pool.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version)
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("the Postgres at %s:%d refused the connection: %s; check the user, password and database in LATCHKEY_DATABASE_URL", host, port, refused.Message)
	case err != nil:
		return fmt.Errorf("the Postgres at %s:%d does not answer; start it, or correct LATCHKEY_DATABASE_URL", host, port)
	case version < minPostgres:
		return fmt.Errorf("the Postgres is version %d, which is too old; Latchkey needs version 15 or newer", version/10000)
	}
	return nil
}
