package listen

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

const (
	// Messages commit out of the order of their ids: a batch waits, a clock is behind. Each look
	// goes back a little from where the one before began, and each tenth further.
	shortWindow = 5 * time.Second
	longWindow  = 30 * time.Second
	longEvery   = 10
	// resumeMost is how far back a program that comes back may begin, and resumeOverlap how far
	// before the last message that it has.
	resumeMost    = 10 * time.Minute
	resumeOverlap = 15 * time.Second

	pageRows  = 5000
	maxSeen   = 300_000
	chunkRows = 500
	chunkSize = 1 << 20 // bytes of bodies that are read at a time, unless one is larger
)

// ErrBehind says that messages come faster than the session takes them.
var ErrBehind = fault.New(fault.TooMany, "Messages come faster than they are taken. Listen to fewer types.")

// tail finds each message once. Places in the table are told by the ids' own times, not by the
// service's clock.
type tail struct {
	db        *database.DB
	now       func() time.Time
	workspace string
	f         Filter

	pass      pass
	passes    int
	lastShort time.Time               // when the last pass began
	lastLong  time.Time               // ... the last that went back far
	seen      map[uuid.UUID]struct{}  // what another pass may find again
	late      map[uuid.UUID]time.Time // what lookForLate may find again, and when it was found first
	found     []found                 // not handed out yet
}

// pass is one look through the table, page by page.
type pass struct {
	under bool // under way
	long  bool
	floor uuid.UUID
	after string
}

// found is a message whose body is not read yet.
type found struct {
	ID        string
	EventType string
	Size      int64
}

// newTail begins where the filter says: at the message that the program has, else after everything
// that is there.
func newTail(ctx context.Context, db *database.DB, now func() time.Time, workspaceID string, f Filter) (*tail, error) {
	start := clock()
	t := &tail{
		db: db, now: now, workspace: workspaceID, f: f, lastShort: start, lastLong: start,
		seen: map[uuid.UUID]struct{}{}, late: map[uuid.UUID]time.Time{},
	}
	if id, err := uuid.Parse(f.After); err == nil {
		t.resume(id, start)
		return t, nil
	}
	for t.begin(true); t.pass.under; t.found = nil {
		if err := t.look(ctx); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// resume makes the first pass go back to a message.
func (t *tail) resume(id uuid.UUID, start time.Time) {
	from := database.IDTime(id).Add(-resumeOverlap)
	if least := start.Add(-resumeMost); from.Before(least) {
		from = least
	}
	t.seen[id] = struct{}{}
	t.lastLong, t.passes = from.Add(longWindow), longEvery-1
}

// next finds, then reads the bodies of what was found, a chunk at a time.
func (t *tail) next(ctx context.Context) ([]models.Message, error) {
	if len(t.found) == 0 {
		if !t.pass.under {
			t.passes++
			t.begin(t.passes%longEvery == 0)
		}
		for t.pass.under && len(t.found) == 0 {
			if err := t.look(ctx); err != nil {
				return nil, err
			}
		}
	}
	n, size := 0, int64(0)
	for n < min(len(t.found), chunkRows) && (n == 0 || size+t.found[n].Size <= chunkSize) {
		size += t.found[n].Size
		n++
	}
	chunk, err := t.read(ctx, t.found[:n])
	if err != nil {
		return nil, err
	}
	t.found = t.found[n:]
	return chunk, nil
}

// begin starts a pass. It goes back from the beginning of the one before: what committed since
// behind that one's back is found now.
func (t *tail) begin(long bool) {
	now := clock()
	from := t.lastShort.Add(-shortWindow)
	if long {
		from, t.lastLong = t.lastLong.Add(-longWindow), now
	}
	t.lastShort = now
	t.pass = pass{under: true, long: long, floor: database.FirstID(from)}
	t.pass.after = t.pass.floor.String()
	if long {
		t.forget(now)
	}
}

// forget leaves out what no pass can find again.
func (t *tail) forget(now time.Time) {
	for id := range t.seen {
		if bytes.Compare(id[:], t.pass.floor[:]) < 0 {
			delete(t.seen, id)
		}
	}
	for id, at := range t.late {
		if now.Sub(at) > 2*longWindow {
			delete(t.late, id)
		}
	}
}

// look reads one page of the pass. Whatever is new in it is found.
func (t *tail) look(ctx context.Context) error {
	var rows []found
	err := t.db.Read.WithContext(ctx).Raw(`
		SELECT id, event_type, length(body) AS size FROM messages
		WHERE id > ? AND workspace_id = ? AND environment = ?
		ORDER BY id LIMIT ?`, t.pass.after, t.workspace, t.f.Environment, pageRows).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("look for messages: %w", err)
	}
	if err := t.add(rows); err != nil {
		return err
	}
	if len(rows) == pageRows {
		t.pass.after = rows[len(rows)-1].ID
		return nil
	}
	t.pass.under = false
	if !t.pass.long {
		return nil
	}
	return t.lookForLate(ctx)
}

// lookForLate finds what was written just now under an old id: a bulk upload that was refused in
// part is told of at its end, under the id that it began with; an update of a product org that is
// applied by a replay, under the id that it came with.
func (t *tail) lookForLate(ctx context.Context) error {
	// Ids as text, so that the small index by time is the way to them, not the key of all messages.
	since := models.At(t.now().Add(-longWindow))
	for after := noID; ; {
		var rows []found
		err := t.db.Read.WithContext(ctx).Raw(`
			SELECT id, event_type, length(body) AS size FROM messages
			WHERE event_type IN ('ingest.rejected', 'product_org.updated') AND created_at > ?
				AND CAST(id AS TEXT) > ? AND CAST(id AS TEXT) <= ? AND workspace_id = ? AND environment = ?
			ORDER BY CAST(id AS TEXT) LIMIT ?`, since, after, t.pass.floor.String(), t.workspace, t.f.Environment, pageRows).Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("look for late messages: %w", err)
		}
		if err := t.add(rows); err != nil || len(rows) < pageRows {
			return err
		}
		after = rows[len(rows)-1].ID
	}
}

// noID comes before every other.
const noID = "00000000-0000-0000-0000-000000000000"

// comesLate tells whether messages of a type may be written under an old id.
func comesLate(eventType string) bool {
	return eventType == string(outbox.IngestRejected) || eventType == string(outbox.OrgUpdated)
}

// add notes what is new and chosen.
func (t *tail) add(rows []found) error {
	now, again := clock(), database.FirstID(t.lastLong.Add(-longWindow))
	for _, r := range rows {
		id, err := uuid.Parse(r.ID)
		if err != nil {
			return fmt.Errorf("message id: %w", err)
		}
		_, seen := t.seen[id]
		_, late := t.late[id]
		if seen || late || !t.f.Patterns.Match(outbox.Type(r.EventType)) {
			continue
		}
		if bytes.Compare(id[:], again[:]) >= 0 {
			t.seen[id] = struct{}{}
		}
		if comesLate(r.EventType) {
			t.late[id] = now
		}
		t.found = append(t.found, r)
	}
	if len(t.seen)+len(t.late) > maxSeen {
		return ErrBehind
	}
	return nil
}

// read is the messages that were found, without those that retention has removed meanwhile.
func (t *tail) read(ctx context.Context, list []found) ([]models.Message, error) {
	if len(list) == 0 {
		return nil, nil
	}
	ids := make([]string, len(list))
	for i, f := range list {
		ids[i] = f.ID
	}
	var rows []models.Message
	err := t.db.Read.WithContext(ctx).Where("id IN ?", ids).Order("id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return rows, nil
}
