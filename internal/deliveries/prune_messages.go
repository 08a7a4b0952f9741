package deliveries

import (
	"context"
	"fmt"
)

// pruneMessages walks the messages from the oldest, up to the shortest retention of any workspace,
// and passes those that another workspace keeps, or that a delivery still needs.
func (s *Service) pruneMessages(ctx context.Context, cutoffs map[string]string, done *Pruned) error {
	last := noID
	for _, cutoff := range cutoffs {
		last = max(last, cutoff)
	}
	for after := noID; ; {
		var rows []struct{ ID, WorkspaceID string }
		err := s.db.Read.WithContext(ctx).Raw("SELECT id, workspace_id FROM messages WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
			after, last, pruneBatch).Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("find old messages: %w", err)
		}
		var old []string
		for _, m := range rows {
			after = m.ID
			// A workspace that is not among them is gone.
			if cutoff, known := cutoffs[m.WorkspaceID]; !known || m.ID < cutoff {
				old = append(old, m.ID)
			}
		}
		if err := s.deleteMessages(ctx, old, done); err != nil || len(rows) < pruneBatch {
			return err
		}
	}
}

// deleteMessages asks each endpoint of the message's workspace, by primary key, whether it has a
// delivery left.
func (s *Service) deleteMessages(ctx context.Context, ids []string, done *Pruned) error {
	if len(ids) == 0 {
		return nil
	}
	gone := s.db.Write.WithContext(ctx).Exec(`
		DELETE FROM messages WHERE id IN (
			SELECT m.id FROM messages m
			WHERE m.id IN ? AND NOT EXISTS (
				SELECT 1 FROM endpoints e
				JOIN deliveries d ON d.endpoint_id = e.id AND d.message_id = m.id
				WHERE e.workspace_id = m.workspace_id)
			ORDER BY m.id`+s.skipLockedOf("m")+`)`, ids)
	if gone.Error != nil {
		return fmt.Errorf("delete old messages: %w", gone.Error)
	}
	done.Messages += gone.RowsAffected
	return nil
}

func (s *Service) skipLockedOf(table string) string {
	if s.db.IsPostgres() {
		return " FOR UPDATE OF " + table + " SKIP LOCKED"
	}
	return ""
}
