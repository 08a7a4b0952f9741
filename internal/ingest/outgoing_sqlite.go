package ingest

import (
	"context"
	"database/sql"
	"fmt"

	"latchkey/internal/outbox"
	"latchkey/models"
)

// refresh reads who gets what if that has changed. The transaction holds the write lock.
func (s *subscriptions) refresh(ctx context.Context, tx *sql.Tx) error {
	var version int64
	if err := tx.QueryRowContext(ctx, "SELECT version FROM outbox_state").Scan(&version); err != nil {
		return fmt.Errorf("read the outbox's version: %w", err)
	}
	if s.known != nil && s.known.Version == version {
		return nil
	}
	return s.reload(ctx, outbox.SQLite(tx))
}

// write inserts messages and deliveries.
func (o *outgoing) write(ctx context.Context, tx *sql.Tx) error {
	if o.err != nil || len(o.messages) == 0 {
		return o.err
	}
	err := each(ctx, tx, insertValues("messages", "id, workspace_id, environment, event_type, api_key_id, source, body, created_at", 1)+onlyOnce, len(o.messages), func(i int) []any {
		m := &o.messages[i]
		return []any{m.ID, m.WorkspaceID, m.Environment, m.EventType, m.key, m.Source, m.Body, o.now}
	})
	if err != nil {
		return err
	}
	lists := o.lists()
	return each(ctx, tx, insertList, len(lists), func(i int) []any {
		l := lists[i]
		d := outbox.NewDelivery(&models.Message{WorkspaceID: l.workspaceID, EventType: l.eventType, CreatedAt: o.now}, l.to)
		return []any{d.EndpointID, d.WorkspaceID, d.EventType, d.Status, d.Ordered, d.NextAttemptAt, d.CreatedAt, d.FinishedAt, string(append(l.ids, ']'))}
	})
}

// insertList inserts the deliveries of a list of messages: what they have in common is bound once,
// and SQLite goes through the list by itself.
const insertList = `
	INSERT INTO deliveries (endpoint_id, message_id, workspace_id, event_type, status, ordered, next_attempt_at, created_at, finished_at)
	SELECT ?, value, ?, ?, ?, ?, ?, ?, ? FROM json_each(?) WHERE TRUE ON CONFLICT DO NOTHING`

// list are messages of one type for one endpoint.
type list struct {
	to                     outbox.Subscriber
	workspaceID, eventType string
	ids                    []byte // JSON array of their ids, but for its end
}

func (o *outgoing) lists() []*list {
	type key struct {
		to                     outbox.Subscriber
		workspaceID, eventType string
	}
	var lists []*list
	found := map[key]*list{}
	for _, d := range o.deliveries {
		m := &o.messages[d.message]
		at := key{d.to, m.WorkspaceID, m.EventType}
		l, before := found[at], byte(',')
		if l == nil {
			l, before = &list{to: d.to, workspaceID: m.WorkspaceID, eventType: m.EventType}, '['
			found[at], lists = l, append(lists, l)
		}
		l.ids = append(append(append(append(l.ids, before), '"'), m.ID...), '"')
	}
	return lists
}
