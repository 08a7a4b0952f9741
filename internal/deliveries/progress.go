package deliveries

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Progress is a replay and what has become of what it released.
type Progress struct {
	models.DeliveryReplay
	Delivered, Failed, Skipped, Waiting int64
}

// Replay tells how far a replay is. Faults: NotFound, Forbidden.
func (s *Service) Replay(ctx context.Context, actor access.Actor, endpointID, replayID string) (Progress, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return Progress{}, err
	}
	return s.progressOf(ctx, actor, endpointID, replayID)
}

func (s *Service) progressOf(ctx context.Context, actor access.Actor, endpointID, replayID string) (Progress, error) {
	e, err := endpoint(ctx, s.db.Read, actor, endpointID)
	if err != nil {
		return Progress{}, err
	}
	row, err := takeReplay(ctx, s.db.Read, e, replayID)
	if err != nil {
		return Progress{}, err
	}
	all, err := s.progress(ctx, []models.DeliveryReplay{row})
	if err != nil {
		return Progress{}, err
	}
	return all[0], nil
}

func takeReplay(ctx context.Context, db *gorm.DB, e models.Endpoint, replayID string) (models.DeliveryReplay, error) {
	if !database.ValidID(replayID) {
		return models.DeliveryReplay{}, errNoReplay
	}
	row, err := gorm.G[models.DeliveryReplay](db).
		Where("id = ? AND endpoint_id = ? AND workspace_id = ?", replayID, e.ID, e.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return row, errNoReplay
	}
	if err != nil {
		return row, fmt.Errorf("select replay: %w", err)
	}
	return row, nil
}

// shownReplays is how many of an endpoint's replays are listed.
const shownReplays = 20

// Replays lists an endpoint's replays, newest first. Faults: NotFound, Forbidden.
func (s *Service) Replays(ctx context.Context, actor access.Actor, endpointID string) ([]Progress, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return nil, err
	}
	e, err := endpoint(ctx, s.db.Read, actor, endpointID)
	if err != nil {
		return nil, err
	}
	rows, err := gorm.G[models.DeliveryReplay](s.db.Read).
		Where("endpoint_id = ? AND workspace_id = ?", e.ID, e.WorkspaceID).Order("id DESC").Limit(shownReplays).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list replays: %w", err)
	}
	return s.progress(ctx, rows)
}

// progress counts what the replays released, in one query.
func (s *Service) progress(ctx context.Context, rows []models.DeliveryReplay) ([]Progress, error) {
	ids, all := make([]string, len(rows)), make([]Progress, len(rows))
	for i, r := range rows {
		ids[i], all[i] = r.ID, Progress{DeliveryReplay: r}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var counts []struct {
		ReplayID, Status string
		N                int64
	}
	err := s.db.Read.WithContext(ctx).Raw("SELECT replay_id, status, COUNT(*) AS n FROM deliveries WHERE replay_id IN ? GROUP BY replay_id, status", ids).
		Scan(&counts).Error
	if err != nil {
		return nil, fmt.Errorf("count what replays released: %w", err)
	}
	for i := range all {
		for _, c := range counts {
			if c.ReplayID == all[i].ID {
				*all[i].count(c.Status) = c.N
			}
		}
	}
	return all, nil
}

func (p *Progress) count(status string) *int64 {
	switch status {
	case models.DeliveryDelivered:
		return &p.Delivered
	case models.DeliveryFailed:
		return &p.Failed
	case models.DeliverySkipped:
		return &p.Skipped
	}
	return &p.Waiting
}
