package signals

import (
	"context"
	"fmt"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// LastRefusal is the newest request with a key that was refused with that code; nil when the log
// holds none. It needs access.ReadData.
func (s *Service) LastRefusal(ctx context.Context, actor access.Actor, environment, keyID, code string) (*RequestItem, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return nil, err
	}
	if !database.ValidID(keyID) {
		return nil, nil
	}
	var rows []models.GatewayRequest
	// The index over codes holds refused requests only, and few have the same code.
	err := s.db.Read.WithContext(ctx).Model(&models.GatewayRequest{}).Select(requestColumns).
		Where("workspace_id = ? AND environment = ? AND code = ? AND code <> ''", actor.WorkspaceID, environment, code).
		Where("api_key_id = ?", keyID).Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("select the last refusal: %w", err)
	}
	items, err := s.withKeys(ctx, actor, rows)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return &items[0], nil
}
