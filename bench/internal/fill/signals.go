package fill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"latchkey/internal/database"
)

const (
	// RareEvent is the event of one signal in RareEvery.
	RareEvent = "Contract Signed"
	// RareEvery is how many signals there are to a RareEvent.
	RareEvery = 50_000
	// CommonEvent is the event of about three signals in sixteen.
	CommonEvent = "Page Viewed"

	perPerson   = 25     // signals of one address
	sendersEach = 10     // keys that send within one minute
	chunk       = 50_000 // rows of a transaction
	itemBytes   = 250    // of a payload
)

// Address is the email address of a person; they are counted from 0 to signals / 25.
func Address(person int) string { return fmt.Sprintf("person%d@example.com", person) }

// makeSignals has the database make the rows, a chunk a transaction.
func makeSignals(ctx context.Context, db *database.DB, workspaceID string, o Options) error {
	p, err := newPlan(ctx, db, workspaceID, o)
	if err != nil {
		return err
	}
	if db.IsPostgres() {
		err = p.writeAll(ctx, db, 2, o)
	} else {
		err = withoutIndexes(ctx, db, func() error { return p.writeAll(ctx, db, 1, o) })
	}
	if err != nil {
		return err
	}
	return p.exec(ctx, db, []string{p.usage()})
}

// withoutIndexes makes SQLite's indexes of the filled tables anew when they are: sorted once, they take a
// fraction of what they do row by row. A process that is killed meanwhile leaves none.
func withoutIndexes(ctx context.Context, db *database.DB, write func() error) (err error) {
	w := db.Write.WithContext(ctx)
	var indexes []struct{ Name, SQL string }
	if err := w.Raw("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name IN ('signals', 'gateway_requests') AND sql IS NOT NULL").Scan(&indexes).Error; err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	statements := []string{"PRAGMA cache_size = -500000"}
	for _, index := range indexes {
		statements = append(statements, "DROP INDEX "+index.Name)
	}
	defer func() {
		for _, index := range indexes {
			if failed := w.Exec(index.SQL).Error; failed != nil {
				err = errors.Join(err, fmt.Errorf("make index %s again: %w", index.Name, failed))
			}
		}
	}()
	for _, statement := range statements {
		if err := w.Exec(statement).Error; err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return write()
}

func (p *plan) writeAll(ctx context.Context, db *database.DB, writers int, o Options) error {
	var next atomic.Int64
	var work sync.WaitGroup
	var told sync.Mutex
	done := int64(0)
	failures := make([]error, writers)
	for i := range writers {
		work.Go(func() {
			for failures[i] == nil {
				from := next.Add(chunk) - chunk
				to := min(from+chunk, p.total)
				if from >= to {
					return
				}
				failures[i] = p.exec(ctx, db, p.statements(from, to))
				told.Lock()
				done += to - from
				o.Progress(int(done), o.Signals)
				told.Unlock()
			}
		})
	}
	work.Wait()
	return errors.Join(failures...)
}

// exec runs statements in one transaction. A mark in them is the workspace.
func (p *plan) exec(ctx context.Context, db *database.DB, statements []string) error {
	tx := db.Write.WithContext(ctx).Begin()
	defer func() { tx.Rollback() }() // does nothing after the commit
	for _, statement := range statements {
		var args []any
		for range strings.Count(statement, "?") {
			args = append(args, p.workspaceID)
		}
		if err := tx.Exec(statement, args...).Error; err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return tx.Commit().Error
}
