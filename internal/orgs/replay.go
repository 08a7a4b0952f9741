package orgs

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Replay tells how far a replay is. NotFound when it is another workspace's; it needs
// access.ManageKeys.
func (s *Service) Replay(ctx context.Context, actor access.Actor, replayID string) (models.OrgReplay, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return models.OrgReplay{}, err
	}
	gone := fault.New(fault.NotFound, "This replay does not exist.")
	if !database.ValidID(replayID) {
		return models.OrgReplay{}, gone
	}
	row, err := gorm.G[models.OrgReplay](s.db.Read).
		Where("id = ? AND workspace_id = ?", replayID, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return models.OrgReplay{}, gone
	}
	if err != nil {
		return models.OrgReplay{}, fmt.Errorf("select replay: %w", err)
	}
	return row, nil
}

// LastReplay is the newest replay of a key; nil when there was none. It needs access.ManageKeys.
func (s *Service) LastReplay(ctx context.Context, actor access.Actor, keyID string) (*models.OrgReplay, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return nil, err
	}
	if !database.ValidID(keyID) {
		return nil, nil
	}
	rows, err := gorm.G[models.OrgReplay](s.db.Read).
		Where("api_key_id = ? AND workspace_id = ?", keyID, actor.WorkspaceID).Order("id DESC").Limit(1).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select last replay: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}
