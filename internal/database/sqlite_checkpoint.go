package database

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"gorm.io/gorm"
)

const (
	// checkpointPages is how long the write-ahead log gets before it is copied back, in pages of 4 KiB.
	// The pages at the ends of the indexes are in every commit; copied back a quarter as often as
	// SQLite would, they cost less, and the log stays at some tens of MiB.
	checkpointPages = 4000
	// checkpointByWriter is where a commit copies the log back itself, and is held up by that: it is
	// reached only by a process without a checkpointer, and where one does not keep up.
	checkpointByWriter = 4 * checkpointPages
	checkpointEvery    = 250 * time.Millisecond
)

// checkpointer copies the write-ahead log back while commits go on. SQLite would do it inside a
// commit, for which every sender waits then.
//
// The log begins anew only after all of it was copied, and more comes while it is: so the long part
// is done on a connection of its own, and the short rest on the writer's, between two transactions.
// Neither waits for a reader (https://www.sqlite.org/c3ref/wal_checkpoint_v2.html, PASSIVE). What
// is left for the writer besides is the wait for the disk: SQLite asks for that in the checkpoint that
// reaches the log's end. A file of our own could ask for it before, but closing one ends the locks
// that SQLite has on the same file.
type checkpointer struct {
	own    *sql.DB
	writer *gorm.DB
	ctx    context.Context
	stop   context.CancelFunc
	ended  chan struct{}
}

func startCheckpointer(own *sql.DB, writer *gorm.DB) *checkpointer {
	c := &checkpointer{own: own, writer: writer, ended: make(chan struct{})}
	c.ctx, c.stop = context.WithCancel(context.Background())
	go c.run()
	return c
}

// close ends a checkpoint that runs; the next one goes on with it. It may be called again, as that of
// a pool may.
func (c *checkpointer) close() error {
	c.stop()
	<-c.ended
	return c.own.Close()
}

func (c *checkpointer) run() {
	defer close(c.ended)
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		err := c.look()
		if err != nil && !failing && c.ctx.Err() == nil {
			slog.Warn("the write-ahead log could not be copied back beside the commits; a commit will do it", "err", err)
		}
		failing = err != nil
	}
}

// look copies the log back if it has grown long.
func (c *checkpointer) look() error {
	waiting, err := checkpoint(c.own.QueryRowContext(c.ctx, "PRAGMA wal_checkpoint(NOOP)"))
	if err != nil || waiting < checkpointPages {
		return err
	}
	waiting, err = checkpoint(c.own.QueryRowContext(c.ctx, "PRAGMA wal_checkpoint(PASSIVE)"))
	if err != nil || waiting >= checkpointPages { // a reader needs what is in the way
		return err
	}
	_, err = checkpoint(c.writer.WithContext(c.ctx).Raw("PRAGMA wal_checkpoint(PASSIVE)").Row())
	return err
}

// checkpoint reads how many pages of the log are still to be copied back.
func checkpoint(row *sql.Row) (waiting int, err error) {
	var busy, pages, copied int
	err = row.Scan(&busy, &pages, &copied)
	return pages - copied, err
}
