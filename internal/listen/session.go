package listen

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Filter chooses messages.
type Filter struct {
	Environment string          // models.Live or models.Test
	Patterns    outbox.Patterns // none: all types
	After       string          // the last message that the program has; empty: from now on
}

// Session gives one program its messages. Not for concurrent use.
type Session struct {
	s       *Service
	id      string
	renewAt time.Time
	tail    *tail
	cursor  string
}

// Cursor is where the session began, as the After of a program that comes back before it has had a
// message. A UUID.
func (s *Session) Cursor() string { return s.cursor }

// ErrGone says that a session counts no more: it was not heard of for longer than Lease, or its
// workspace is gone.
var ErrGone = fault.New(fault.Conflict, "This session ended. Connect again.")

// Open begins a session: once it has returned, every message of the workspace that the filter
// chooses is written, and Next returns it. After goes back at most some minutes; the messages just
// before it may come again. Faults: Forbidden; Invalid with the field types; TooMany.
func (s *Service) Open(ctx context.Context, actor access.Actor, f Filter) (*Session, error) {
	if err := actor.Require(access.ListenEvents); err != nil {
		return nil, err
	}
	if len(f.Patterns) == 0 {
		f.Patterns = outbox.Patterns{"*"}
	}
	if unknown := f.Patterns.Unknown(); len(unknown) > 0 {
		return nil, fault.Fields{"types": "There is no type " + strings.Join(unknown, ", ") + "."}.Err()
	}
	f.Patterns = f.Patterns.Normal()
	cursor := cmp.Or(f.After, database.FirstID(clock()).String())
	t, err := newTail(ctx, s.db, s.now, actor.WorkspaceID, f)
	if err != nil {
		return nil, err
	}
	out := &Session{s: s, tail: t, cursor: cursor, renewAt: s.now().Add(renewEvery)}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		out.id, err = s.register(ctx, tx, actor, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// register makes a row, or takes over the one that the same program left behind a moment ago.
func (s *Service) register(ctx context.Context, tx *gorm.DB, actor access.Actor, f Filter) (string, error) {
	if err := s.keys.LockStates(ctx, tx); err != nil {
		return "", err
	}
	now := s.now().UTC()
	rows, err := gorm.G[models.Listener](tx).Where("workspace_id = ? AND expires_at > ?", actor.WorkspaceID, models.At(now)).Find(ctx)
	if err != nil {
		return "", fmt.Errorf("select listeners: %w", err)
	}
	row := models.Listener{
		WorkspaceID: actor.WorkspaceID, Environment: f.Environment, EventTypes: f.Patterns.String(),
		APIKeyID: optional(actor.KeyID), ExpiresAt: models.At(now.Add(Lease)),
	}
	here := 0
	for _, r := range rows {
		if r.LeftAt.IsZero() {
			here++
		} else if same(r, row) {
			row.ID = r.ID
		}
	}
	if here >= MaxSessions {
		return "", fault.Retry(fault.TooMany, fmt.Sprintf("%d programs of this workspace listen already. End one of them first.", MaxSessions), Lease)
	}
	if row.ID != "" {
		done := tx.WithContext(ctx).Exec("UPDATE listeners SET expires_at = ?, left_at = NULL WHERE id = ?", row.ExpiresAt, row.ID)
		return row.ID, wrap("take a listener over", done.Error)
	}
	row.ID = uuid.Must(uuid.NewV7()).String()
	if err := gorm.G[models.Listener](tx).Create(ctx, &row); err != nil {
		return "", fmt.Errorf("insert listener: %w", err)
	}
	return row.ID, outbox.Changed(ctx, tx)
}

func same(a, b models.Listener) bool {
	return a.Environment == b.Environment && a.EventTypes == b.EventTypes && deref(a.APIKeyID) == deref(b.APIKeyID)
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// Next returns messages that were written since, each once, about a MiB of them at most; none when
// there are none yet. It must be called every few seconds. Faults: ErrGone; ErrBehind.
func (l *Session) Next(ctx context.Context) ([]models.Message, error) {
	if err := l.renew(ctx); err != nil {
		return nil, err
	}
	return l.tail.next(ctx)
}

func (l *Session) renew(ctx context.Context) error {
	now := l.s.now().UTC()
	if now.Before(l.renewAt) {
		return nil
	}
	done := l.s.db.Write.WithContext(ctx).Exec("UPDATE listeners SET expires_at = ? WHERE id = ?", models.At(now.Add(Lease)), l.id)
	if done.Error != nil {
		return fmt.Errorf("renew listener: %w", done.Error)
	}
	if done.RowsAffected == 0 {
		return ErrGone
	}
	l.renewAt = now.Add(renewEvery)
	return nil
}

// Close ends the session. Messages are still written for as long as its program may come back.
func (l *Session) Close(ctx context.Context) error {
	now := l.s.now().UTC()
	done := l.s.db.Write.WithContext(ctx).Exec("UPDATE listeners SET expires_at = ?, left_at = ? WHERE id = ?",
		models.At(now.Add(Lease)), models.At(now), l.id)
	return wrap("leave listener", done.Error)
}
