package notices

import (
	"context"
	"encoding/json"
	"fmt"

	"latchkey/internal/access"
	"latchkey/models"
)

// openRow is an Item as the database has it.
type openRow struct {
	models.Notice
	KeyName, KeyPrefix, KeyEnvironment *string
}

// Open lists what the actor should look at, newest first; nothing for those who may not manage
// keys. A notice about an expiry that was moved, or about a key that has been deactivated since, is
// left out.
func (s *Service) Open(ctx context.Context, actor access.Actor, limit int) ([]Item, error) {
	if !actor.Can(access.ManageKeys) {
		return nil, nil
	}
	var rows []openRow
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT n.*, k.name AS key_name, k.key_prefix AS key_prefix, k.environment AS key_environment
		FROM notices n
		LEFT JOIN api_keys k ON k.id = n.api_key_id
		WHERE n.workspace_id = ? AND n.dismissed_at IS NULL AND `+visible(actor)+` AND `+current+`
		ORDER BY n.id DESC
		LIMIT ?`, actor.WorkspaceID, limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	items := make([]Item, len(rows))
	for i, r := range rows {
		items[i] = Item{
			Notice: r.Notice, KeyName: orEmpty(r.KeyName), KeyPrefix: orEmpty(r.KeyPrefix), KeyEnvironment: orEmpty(r.KeyEnvironment),
		}
		if err := json.Unmarshal(r.Data, &items[i].Values); err != nil {
			return nil, fmt.Errorf("decode notice %s: %w", r.ID, err)
		}
	}
	return items, nil
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
