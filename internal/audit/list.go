package audit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Entry is one recorded change, as readers get it.
type Entry = models.AuditEntry

// Log reads the entries of a workspace.
type Log struct{ db *database.DB }

// NewLog reads from db.
func NewLog(db *database.DB) *Log { return &Log{db: db} }

// Filter narrows a list; empty members do not. From is inclusive, To exclusive.
type Filter struct {
	Actor    string // id of an account or of an API-access key, or the label of an actor that has neither
	Action   string
	Target   string // part of the target's label, or its whole id
	TargetID string
	From, To time.Time
}

// Page is a part of the list, newest first.
type Page struct {
	Entries []Entry
	Older   string // cursor of the next older page; empty at the end
	Newer   string // cursor of the next newer page; empty at the start
}

// Cursor is where a page starts: below an id (Before), or just above one (After). What is no id
// counts as none.
type Cursor struct{ Before, After string }

// List returns up to limit entries of the actor's workspace. It needs access.ReadAudit.
func (l *Log) List(ctx context.Context, actor access.Actor, f Filter, at Cursor, limit int) (Page, error) {
	if err := actor.Require(access.ReadAudit); err != nil {
		return Page{}, err
	}
	return l.list(ctx, actor, f, at, limit)
}

// OfTarget returns the latest entries about one thing of the actor's workspace, for its own page;
// whoever may see the thing may see them.
func (l *Log) OfTarget(ctx context.Context, actor access.Actor, targetID string, limit int) ([]Entry, error) {
	p, err := l.list(ctx, actor, Filter{TargetID: targetID}, Cursor{}, limit)
	return p.Entries, err
}

// OfAccount returns the latest entries of an account's own affairs, outside any workspace: its
// sign-ins, password and preferences.
func (l *Log) OfAccount(ctx context.Context, accountID string, limit int) ([]Entry, error) {
	rows, err := gorm.G[Entry](l.db.Read).
		Where("target_id = ? AND actor_account_id = ? AND workspace_id IS NULL", accountID, accountID).
		Order("id DESC").Limit(limit).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the account's audit entries: %w", err)
	}
	return rows, nil
}

func (l *Log) list(ctx context.Context, actor access.Actor, f Filter, at Cursor, limit int) (Page, error) {
	q, order := l.query(actor, f), "id DESC"
	if uuid.Validate(at.Before) != nil {
		at.Before = ""
	}
	if uuid.Validate(at.After) != nil {
		at.After = ""
	}
	switch {
	case at.After != "":
		q, order = q.Where("id > ?", at.After), "id"
	case at.Before != "":
		q = q.Where("id < ?", at.Before)
	}
	rows, err := q.Order(order).Limit(limit + 1).Find(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("list audit entries: %w", err)
	}
	more := len(rows) > limit
	if more {
		rows = rows[:limit]
	}
	if at.After != "" {
		reverse(rows)
	}
	return page(rows, at, more), nil
}

func page(rows []Entry, at Cursor, more bool) Page {
	p := Page{Entries: rows}
	if len(rows) == 0 {
		return p
	}
	first, last := rows[0].ID, rows[len(rows)-1].ID
	if at.After != "" || more {
		p.Older = last
	}
	if at.Before != "" || (at.After != "" && more) {
		p.Newer = first
	}
	return p
}

// actorID tells actors apart: people and keys by their ids, others by what they are called.
const actorID = "COALESCE(CAST(actor_account_id AS TEXT), CAST(actor_key_id AS TEXT), actor_label)"

func (l *Log) query(actor access.Actor, f Filter) gorm.ChainInterface[Entry] {
	q := gorm.G[Entry](l.db.Read).Where("workspace_id = ?", actor.WorkspaceID)
	if f.Actor != "" {
		q = q.Where(actorID+" = ?", f.Actor)
	}
	if f.Action != "" {
		q = q.Where("action = ?", f.Action)
	}
	if f.Target != "" {
		q = q.Where("(target_id = ? OR lower(target_label) LIKE ? ESCAPE '\\')", f.Target, database.Contains(strings.ToLower(f.Target)))
	}
	if f.TargetID != "" {
		q = q.Where("target_id = ?", f.TargetID)
	}
	if !f.From.IsZero() {
		q = q.Where("created_at >= ?", models.At(f.From))
	}
	if !f.To.IsZero() {
		q = q.Where("created_at < ?", models.At(f.To))
	}
	return q
}

// Choice is one value that a filter may take.
type Choice struct{ Value, Label string }

// Actors lists who appears in the workspace's log.
func (l *Log) Actors(ctx context.Context, actor access.Actor) ([]Choice, error) {
	if err := actor.Require(access.ReadAudit); err != nil {
		return nil, err
	}
	var rows []Choice
	err := l.db.Read.WithContext(ctx).Raw(`
		SELECT `+actorID+` AS value, MAX(actor_label) AS label
		FROM audit_entries
		WHERE workspace_id = ?
		GROUP BY 1
		ORDER BY 2`, actor.WorkspaceID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list audit actors: %w", err)
	}
	return rows, nil
}

// Actions lists which actions appear in the workspace's log.
func (l *Log) Actions(ctx context.Context, actor access.Actor) ([]string, error) {
	if err := actor.Require(access.ReadAudit); err != nil {
		return nil, err
	}
	var names []string
	err := l.db.Read.WithContext(ctx).Raw(`
		SELECT DISTINCT action
		FROM audit_entries
		WHERE workspace_id = ?
		ORDER BY action`, actor.WorkspaceID).Scan(&names).Error
	if err != nil {
		return nil, fmt.Errorf("list audit actions: %w", err)
	}
	return names, nil
}

func reverse(rows []Entry) {
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
}
