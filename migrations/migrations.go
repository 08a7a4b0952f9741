// Package migrations embeds the schema: numbered SQL files, applied in order, never edited once
// released.
//
// One portable set serves both databases. The type names are Postgres's; SQLite accepts any name
// and its affinity rules keep UUID and BYTEA values as they are sent. A step that one database has
// no words for is a Go file with the number in its name, listed in Steps: it does what it has to on
// the one and is only counted on the other, so that the numbers stay the same on both.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"

	"github.com/pressly/goose/v3"
)

// FS holds the numbered files.
//
//go:embed *.sql
var FS embed.FS

// Steps are the migrations that are written in Go, for Postgres or for SQLite.
func Steps(postgres bool) []*goose.Migration {
	return []*goose.Migration{signalsPartitions(postgres)}
}

func inTx(ctx context.Context, db *sql.DB, do func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// execAll runs statements until one fails, and passes over empty ones.
func execAll(ctx context.Context, tx *sql.Tx, statements ...string) error {
	for _, statement := range statements {
		if statement == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// pairs reads rows of two texts.
func pairs(ctx context.Context, tx *sql.Tx, query string) ([][2]string, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found [][2]string
	for rows.Next() {
		var row [2]string
		if err := rows.Scan(&row[0], &row[1]); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}
