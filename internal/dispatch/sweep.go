package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const (
	sweepEvery = 10 * time.Second
	sweepBatch = 1000
)

// sweep keeps deliveries of disabled endpoints from staying pending: one that was written, or
// released by a replay, while its endpoint was being disabled.
func (s *Service) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("deliveries of disabled endpoints could not be skipped; tried again", "err", err)
		}
	}
}

func (s *Service) sweepOnce(ctx context.Context) error {
	var ids []string
	err := s.DB.Read.WithContext(ctx).Raw(`
		SELECT e.id FROM endpoints e
		WHERE e.status <> 'enabled' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.status = 'pending')
		LIMIT 100`).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("find what to skip: %w", err)
	}
	for _, id := range ids {
		for rows := int64(sweepBatch); rows == sweepBatch; {
			done := s.DB.Write.WithContext(ctx).Exec(`
				UPDATE deliveries SET status = 'skipped', next_attempt_at = NULL, finished_at = ?
				WHERE endpoint_id = ? AND status = 'pending' AND message_id IN (
					SELECT message_id FROM deliveries WHERE endpoint_id = ? AND status = 'pending' LIMIT ?)
				AND EXISTS (SELECT 1 FROM endpoints WHERE id = ? AND status <> 'enabled')`,
				s.Now().UnixMicro(), id, id, sweepBatch, id)
			if done.Error != nil {
				return fmt.Errorf("skip: %w", done.Error)
			}
			rows = done.RowsAffected
		}
	}
	return nil
}
