package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
)

// signalsPartitions makes signals a table of parts on Postgres, each with the ids of some time
// (UUID version 7: an id begins with its own), so that retention drops a part in place of deleting
// its rows one by one, and the indexes that take rows in no order stay small. The rows that are
// there become the first part as they stand; none is copied. SQLite has no partitions, and only
// counts the step.
//
// No DEFAULT part: with one, Postgres cannot read the parts one after another, newest first, and
// stop (PostgreSQL 15, partitions_are_ordered). The first is open below and the last above instead,
// so that every id has a place; internal/signals cuts the last one before its time comes.
func signalsPartitions(postgres bool) *goose.Migration {
	if !postgres {
		return goose.NewGoMigration(8, nil, nil)
	}
	// Outside a transaction: the long look at the rows must not hold up those who write.
	return goose.NewGoMigration(8, &goose.GoFunc{RunDB: partitionSignals}, &goose.GoFunc{RunTx: joinSignals})
}

const (
	// partitionLock is how long writers may wait behind the change of the table's place.
	partitionLock  = "SET LOCAL lock_timeout = '2s'"
	partitionTries = 30
)

func partitionSignals(ctx context.Context, db *sql.DB) error {
	var kind string
	if err := db.QueryRowContext(ctx, "SELECT relkind FROM pg_class WHERE oid = 'signals'::regclass").Scan(&kind); err != nil {
		return fmt.Errorf("look at signals: %w", err)
	}
	if kind == "p" {
		return nil // done, by a run that ended before it was counted
	}
	end, err := firstEnd(ctx, db)
	if err != nil {
		return err
	}
	// Known to hold before the table becomes a part, so that this need not look at the rows again.
	err = retry(ctx, db, func(tx *sql.Tx) error {
		return execAll(ctx, tx, partitionLock, "ALTER TABLE signals DROP CONSTRAINT IF EXISTS signals_first_ids",
			"ALTER TABLE signals ADD CONSTRAINT signals_first_ids CHECK (id < '"+end+"') NOT VALID")
	})
	if err != nil {
		return fmt.Errorf("bound the ids of signals, which a long query or transaction on them may hold up: %w", err)
	}
	if _, err = db.ExecContext(ctx, "ALTER TABLE signals VALIDATE CONSTRAINT signals_first_ids"); err == nil {
		err = retry(ctx, db, func(tx *sql.Tx) error { return attachSignals(ctx, tx, end) })
	}
	if err == nil {
		return nil
	}
	// The version before may run on, and must not meet the bound when its time comes.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	taken := retry(ctx, db, func(tx *sql.Tx) error {
		return execAll(ctx, tx, partitionLock, "ALTER TABLE signals DROP CONSTRAINT IF EXISTS signals_first_ids")
	})
	return errors.Join(fmt.Errorf("make signals a part of itself, which a long query or transaction on it may hold up: %w", err), taken)
}

// retry runs a change that waits for its lock for a short time only, until it gets it.
func retry(ctx context.Context, db *sql.DB, change func(*sql.Tx) error) (err error) {
	for range partitionTries {
		if err = inTx(ctx, db, change); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(time.Second):
		}
	}
	return err
}

// firstEnd is the id at which the first part ends: midnight (UTC) two days ahead, or ahead of the
// newest id if that is later, so that instances that still run the version before go on writing.
func firstEnd(ctx context.Context, db *sql.DB) (string, error) {
	var id string
	err := db.QueryRowContext(ctx, `
		SELECT lpad(to_hex(ms >> 16), 8, '0') || '-' || lpad(to_hex(ms & 65535), 4, '0') || '-7000-8000-000000000000'
		FROM (
			SELECT (floor(greatest(extract(epoch FROM now()),
				('x' || substr(replace((SELECT id FROM signals ORDER BY id DESC LIMIT 1)::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0
			) / 86400)::bigint + 3) * 86400000 AS ms
		) bound`).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("choose where the first part of signals ends: %w", err)
	}
	return id, nil
}

// attachSignals puts a partitioned table in the place of signals, with the same columns, indexes
// and view, and makes the old one its first part.
func attachSignals(ctx context.Context, tx *sql.Tx, end string) error {
	if err := execAll(ctx, tx, partitionLock, "LOCK TABLE signals IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	view, err := dropLog(ctx, tx)
	if err != nil {
		return err
	}
	indexes, err := pairs(ctx, tx, `
		SELECT i.indexname, i.indexdef FROM pg_indexes i
		WHERE i.schemaname = current_schema() AND i.tablename = 'signals' AND i.indexname <> 'signals_pkey'
		ORDER BY i.indexname`)
	if err != nil {
		return fmt.Errorf("list the indexes of signals: %w", err)
	}
	steps := []string{"ALTER TABLE signals RENAME TO signals_first", "ALTER TABLE signals_first RENAME CONSTRAINT signals_pkey TO signals_first_pkey"}
	for _, index := range indexes {
		steps = append(steps, "ALTER INDEX "+index[0]+" RENAME TO first_"+index[0])
	}
	steps = append(steps,
		"CREATE TABLE signals (LIKE signals_first INCLUDING DEFAULTS INCLUDING STORAGE, CONSTRAINT signals_pkey PRIMARY KEY (id)) PARTITION BY RANGE (id)")
	for _, index := range indexes {
		steps = append(steps, index[1]) // names the table signals, which is the new one now
	}
	steps = append(steps,
		"ALTER TABLE signals ATTACH PARTITION signals_first FOR VALUES FROM (MINVALUE) TO ('"+end+"')",
		"ALTER TABLE signals_first DROP CONSTRAINT signals_first_ids",
		"CREATE TABLE signals_last PARTITION OF signals FOR VALUES FROM ('"+end+"') TO (MAXVALUE)",
		view)
	return execAll(ctx, tx, steps...)
}

// dropLog drops the view request_log, which would stay with the old table, and returns the
// statement that makes it again; empty without one.
func dropLog(ctx context.Context, tx *sql.Tx) (string, error) {
	rows, err := pairs(ctx, tx, `
		SELECT viewname, definition FROM pg_views WHERE schemaname = current_schema() AND viewname = 'request_log'`)
	if err != nil {
		return "", fmt.Errorf("look for the request log: %w", err)
	}
	if len(rows) == 0 {
		return "", nil
	}
	return "CREATE VIEW request_log AS " + rows[0][1], execAll(ctx, tx, "DROP VIEW request_log")
}

// joinSignals makes one table of the parts again.
func joinSignals(ctx context.Context, tx *sql.Tx) error {
	view, err := dropLog(ctx, tx)
	if err != nil {
		return err
	}
	indexes, err := pairs(ctx, tx, `
		SELECT i.indexname, replace(i.indexdef, ' ON ONLY ', ' ON ') FROM pg_indexes i
		WHERE i.schemaname = current_schema() AND i.tablename = 'signals' AND i.indexname <> 'signals_pkey'`)
	if err != nil {
		return fmt.Errorf("list the indexes of signals: %w", err)
	}
	steps := []string{
		"CREATE TABLE signals_joined (LIKE signals INCLUDING DEFAULTS INCLUDING STORAGE)",
		"INSERT INTO signals_joined SELECT * FROM signals",
		"DROP TABLE signals",
		"ALTER TABLE signals_joined RENAME TO signals",
		"ALTER TABLE signals ADD CONSTRAINT signals_pkey PRIMARY KEY (id)",
	}
	for _, index := range indexes {
		steps = append(steps, index[1])
	}
	return execAll(ctx, tx, append(steps, view)...)
}
