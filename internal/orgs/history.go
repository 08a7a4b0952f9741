package orgs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// Update is one update with what it did. Lists leave Raw out.
type Update struct {
	models.ProductOrgUpdate
	Did   []Change          // by field; what it changed, and what was older than what was known
	Found []mapping.Finding // what the template could not map
	From  KeyName
}

// Updates is a part of a list of updates.
type Updates struct {
	Items []Update
	Paging
}

// updateColumns are those of a list: the bytes stay in the database.
var updateColumns = []string{
	"id", "workspace_id", "environment", "api_key_id", "request_id", "item_index", "org_id", "org_key", "status", "template_id",
	"template_version", "message_id", "warnings", "changes", "problems", "mrr", "user_count", "occurred_at", "received_at", "replayed_at", "replayed_by",
}

// History lists every update that named an organisation, whatever came of it, the last to arrive
// first. NotFound when the org is another workspace's; it needs access.ReadData.
func (s *Service) History(ctx context.Context, actor access.Actor, orgID string, at Cursor, limit int) (Updates, error) {
	if err := mayRead(actor); err != nil {
		return Updates{}, err
	}
	if _, err := s.row(ctx, actor, orgID); err != nil {
		return Updates{}, err
	}
	return s.updates(ctx, actor, at, limit, func(db *gorm.DB) *gorm.DB { return db.Where("org_id = ?", orgID) })
}

// updates reads one page, newest first, of what the scope leaves.
func (s *Service) updates(ctx context.Context, actor access.Actor, at Cursor, limit int, scope func(*gorm.DB) *gorm.DB) (Updates, error) {
	limit = limited(limit)
	back := database.ValidID(at.After)
	db := scope(s.db.Read.WithContext(ctx).Model(&models.ProductOrgUpdate{}).Where("workspace_id = ?", actor.WorkspaceID))
	switch {
	case back:
		db = db.Where("id > ?", at.After).Order("id")
	case database.ValidID(at.Before):
		db = db.Where("id < ?", at.Before).Order("id DESC")
	default:
		db = db.Order("id DESC")
	}
	var rows []models.ProductOrgUpdate
	if err := db.Select(updateColumns).Limit(limit + 1).Find(&rows).Error; err != nil {
		return Updates{}, fmt.Errorf("list updates: %w", err)
	}
	more := len(rows) > limit
	if more {
		rows = rows[:limit]
	}
	if back {
		slices.Reverse(rows)
	}
	items, err := s.withKeys(ctx, actor, rows)
	page := Updates{Items: items}
	if len(rows) > 0 {
		first, last := rows[0].ID, rows[len(rows)-1].ID
		if more || back {
			page.Older = last
		}
		if back && more || !back && database.ValidID(at.Before) {
			page.Newer = first
		}
	}
	return page, err
}

func (s *Service) withKeys(ctx context.Context, actor access.Actor, rows []models.ProductOrgUpdate) ([]Update, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.APIKeyID
	}
	keys, err := s.keyNames(ctx, actor.WorkspaceID, ids)
	if err != nil {
		return nil, err
	}
	items := make([]Update, len(rows))
	for i, r := range rows {
		items[i] = Update{ProductOrgUpdate: r, From: keys[r.APIKeyID]}
		if err := items[i].decode(); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (u *Update) decode() error {
	if len(u.Changes) > 0 {
		if err := json.Unmarshal(u.Changes, &u.Did); err != nil {
			return fmt.Errorf("read changes of update %s: %w", u.ID, err)
		}
	}
	if len(u.Problems) > 0 {
		if err := json.Unmarshal(u.Problems, &u.Found); err != nil {
			return fmt.Errorf("read problems of update %s: %w", u.ID, err)
		}
	}
	return nil
}
