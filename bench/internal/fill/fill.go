// Package fill makes a workspace large in little time: keys, and signals as the gateway would have
// stored them over the last weeks, written by the database itself. For measurements on databases of
// their own; it records no audit entry and tells nobody.
package fill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/internal/database"
)

// Options says how much. Zero values mean the defaults that are named here.
type Options struct {
	Workspace string                // slug; empty: the only workspace there is
	Signals   int                   // single posts to make, each its own request
	Keys      int                   // webhook keys to make first, of the live environment
	Span      time.Duration         // how far back the first signal lies, 28 days: within the default retention
	Until     time.Time             // when the last arrived, now
	Progress  func(done, total int) // told after each transaction, by one at a time
}

// Filled is what was made.
type Filled struct {
	WorkspaceID string
	Keys        []string // the new keys, in clear
	Signals     int
}

const defaultSpan = 28 * 24 * time.Hour

// Fill adds keys and signals to a migrated database that has a workspace. The signals are spread
// evenly over the span and over the workspace's active webhook keys, each of which sends for a minute
// at a time; their minutes of usage are counted. One signal in 50,000 is the event RareEvent, and
// each of Address's people has about 25. It ends with Settle.
//
// Running it again adds more. On Postgres, partitions that the signals' ids need must be there.
func Fill(ctx context.Context, db *database.DB, o Options) (Filled, error) {
	if o.Span <= 0 {
		o.Span = defaultSpan
	}
	if o.Until.IsZero() {
		o.Until = time.Now()
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	made := Filled{Signals: o.Signals}
	var err error
	if made.WorkspaceID, err = workspace(ctx, db, o.Workspace); err != nil {
		return made, err
	}
	if made.Keys, err = makeKeys(ctx, db, made.WorkspaceID, o); err != nil {
		return made, err
	}
	if o.Signals > 0 {
		if err := makeSignals(ctx, db, made.WorkspaceID, o); err != nil {
			return made, err
		}
	}
	return made, Settle(ctx, db)
}

func workspace(ctx context.Context, db *database.DB, slug string) (string, error) {
	var ids []string
	r := db.Read.WithContext(ctx)
	if slug == "" {
		r = r.Raw("SELECT id FROM workspaces LIMIT 2")
	} else {
		r = r.Raw("SELECT id FROM workspaces WHERE slug = ?", slug)
	}
	if err := r.Scan(&ids).Error; err != nil {
		return "", fmt.Errorf("find the workspace: %w", err)
	}
	switch {
	case len(ids) == 1:
		return ids[0], nil
	case slug == "" && len(ids) > 1:
		return "", errors.New("there are several workspaces; name the slug of one")
	}
	return "", errors.New("there is no such workspace; make one with `latchkey setup`")
}

// Settle does what a database does by itself within the hour, so that it does not do so beside what
// is measured: vacuum, statistics and the way of what was written from the log to the tables. The
// product gives SQLite no statistics, so none are made there.
func Settle(ctx context.Context, db *database.DB) error {
	if !db.IsPostgres() {
		return settleSQLite(ctx, db)
	}
	if _, err := db.Pool.Exec(ctx, "VACUUM (ANALYZE)"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	var refused *pgconn.PgError
	// A server of somebody else's may not let this role.
	if _, err := db.Pool.Exec(ctx, "CHECKPOINT"); err != nil && !(errors.As(err, &refused) && refused.Code == insufficientPrivilege) {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// insufficientPrivilege is an SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const insufficientPrivilege = "42501"

func settleSQLite(ctx context.Context, db *database.DB) error {
	var busy, pages, copied int
	if err := db.Write.WithContext(ctx).Raw("PRAGMA wal_checkpoint(TRUNCATE)").Row().Scan(&busy, &pages, &copied); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if busy != 0 {
		return errors.New("checkpoint: somebody else reads or writes the database")
	}
	return nil
}
