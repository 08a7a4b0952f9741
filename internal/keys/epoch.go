package keys

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"sync"

	"gorm.io/gorm"

	"latchkey/internal/database"
)

// epoch reads the version of all key states for whoever asks. An answer is from a read that began
// after the question, so that it tells of every change that was over by then, on any instance.
// While a read is under way the next questions gather, and share the read that follows: one small
// SELECT a group, however many calls come in, and no timer.
type epoch struct {
	read func(context.Context) (int64, error)

	mu      sync.Mutex
	next    *answer // gathers; nil when nobody waits
	running bool
}

// answer is what a group waits for.
type answer struct {
	done    chan struct{}
	version int64
	err     error
}

func newEpoch(db *database.DB) *epoch {
	if db.IsPostgres() {
		return &epoch{read: func(ctx context.Context) (int64, error) { return readPostgres(ctx, db) }}
	}
	r := &sqliteVersion{db: db}
	return &epoch{read: r.read}
}

// current is the version of the key states, not older than the call.
func (e *epoch) current(ctx context.Context) (int64, error) {
	e.mu.Lock()
	if e.next == nil {
		e.next = &answer{done: make(chan struct{})}
	}
	mine := e.next
	if !e.running {
		e.running = true
		go e.run()
	}
	e.mu.Unlock()
	select {
	case <-mine.done:
		return mine.version, mine.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// run reads for group after group until nobody waits.
func (e *epoch) run() {
	for {
		// Those who are about to ask do it now: on a busy machine the group grows, on an idle one
		// this costs nothing.
		runtime.Gosched()
		e.mu.Lock()
		group := e.next
		e.next, e.running = nil, group != nil
		e.mu.Unlock()
		if group == nil {
			return
		}
		// Not the context of a caller: when that one leaves, the others still wait.
		ctx, cancel := context.WithTimeout(context.Background(), LookUpTimeout)
		group.version, group.err = e.read(ctx)
		cancel()
		close(group.done)
	}
}

const selectVersion = "SELECT version FROM key_states WHERE id = 1"

func readPostgres(ctx context.Context, db *database.DB) (version int64, err error) {
	if err = db.Pool.QueryRow(ctx, selectVersion).Scan(&version); err != nil {
		return 0, errVersion(err)
	}
	return version, nil
}

// sqliteVersion reads by a statement that is prepared once: here the preparing costs most. Only one
// read is under way at a time.
type sqliteVersion struct {
	db        *database.DB
	statement *sql.Stmt
}

func (r *sqliteVersion) read(ctx context.Context) (version int64, err error) {
	if r.statement == nil {
		pool, err := r.db.Read.DB()
		if err != nil {
			return 0, errVersion(err)
		}
		if r.statement, err = pool.PrepareContext(ctx, selectVersion); err != nil {
			return 0, errVersion(err)
		}
	}
	if err = r.statement.QueryRowContext(ctx).Scan(&version); err != nil {
		return 0, errVersion(err)
	}
	return version, nil
}

func errVersion(err error) error { return fmt.Errorf("read the version of key states: %w", err) }

// StatesChanged makes every instance read again what it remembers of API-access keys and their
// workspaces, within the transaction of a change of them.
func (s *Service) StatesChanged(ctx context.Context, tx *gorm.DB) error {
	return statesChanged(ctx, tx)
}

func statesChanged(ctx context.Context, tx *gorm.DB) error {
	if err := tx.WithContext(ctx).Exec("UPDATE key_states SET version = version + 1 WHERE id = 1").Error; err != nil {
		return fmt.Errorf("raise the version of key states: %w", err)
	}
	return nil
}
