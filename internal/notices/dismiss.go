package notices

import (
	"cmp"
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

var errNoNotice = fault.New(fault.NotFound, "This notice does not exist.")

// Dismiss closes a notice for everyone. NotFound when the actor may not see it; closing it again
// changes nothing.
func (s *Service) Dismiss(ctx context.Context, actor access.Actor, id string) error {
	if !database.ValidID(id) {
		return errNoNotice
	}
	seen, err := s.dismiss(ctx, actor, "n.id = ?", id)
	if err == nil && seen == 0 {
		return errNoNotice
	}
	return err
}

// DismissAll closes every notice that the actor may see, and says how many.
func (s *Service) DismissAll(ctx context.Context, actor access.Actor) (int, error) {
	return s.dismiss(ctx, actor, "n.dismissed_at IS NULL AND "+current)
}

// dismissal is a notice to close, with what the audit log calls it.
type dismissal struct {
	ID, Kind    string
	APIKeyID    *string
	Label       *string
	DismissedAt models.Time
}

// dismiss closes what is open among the notices that a condition names, and counts those.
func (s *Service) dismiss(ctx context.Context, actor access.Actor, where string, args ...any) (int, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return 0, err
	}
	seen := 0
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		var rows []dismissal
		err := tx.WithContext(ctx).Raw(`
			SELECT n.id, n.kind, n.api_key_id, k.name AS label, n.dismissed_at
			FROM notices n
			LEFT JOIN api_keys k ON k.id = n.api_key_id
			WHERE n.workspace_id = ? AND `+visible(actor)+` AND `+where+`
			ORDER BY n.id`, append([]any{actor.WorkspaceID}, args...)...).Scan(&rows).Error
		if err != nil {
			return fmt.Errorf("select notices: %w", err)
		}
		seen = len(rows)
		for _, row := range rows {
			if err := s.dismissOne(ctx, tx, actor, row); err != nil {
				return err
			}
		}
		return nil
	})
	return seen, err
}

func (s *Service) dismissOne(ctx context.Context, tx *gorm.DB, actor access.Actor, row dismissal) error {
	var by *string
	if actor.AccountID != "" {
		by = &actor.AccountID
	}
	now := s.now()
	done := tx.WithContext(ctx).Exec("UPDATE notices SET dismissed_at = ?, dismissed_by = ? WHERE id = ? AND dismissed_at IS NULL",
		models.At(now), by, row.ID)
	if done.Error != nil {
		return fmt.Errorf("dismiss notice: %w", done.Error)
	}
	if done.RowsAffected == 0 {
		return nil // someone else did
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "notice.dismissed",
		Target: audit.Target{Type: "notice", ID: row.ID, Label: cmp.Or(orEmpty(row.Label), row.Kind)},
		After:  audit.Values{"kind": row.Kind, "api_key_id": orEmpty(row.APIKeyID)},
	})
}
