package dispatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	sweepEvery = 2 * time.Second
	alignEvery = 30 * time.Second
	// alignedFor is how long after a change of an endpoint its order is looked at: whatever went by the
	// one before has ended by then.
	alignedFor   = 10 * time.Minute
	sweptAtATime = 100
)

// Endpoints that are not enabled and have something pending: more than could be skipped when they
// were disabled, or what was written, or released by a replay, meanwhile.
const findUnsent = `
	SELECT CAST(e.id AS TEXT) FROM endpoints e
	WHERE e.status <> 'enabled' AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.status = 'pending')
	LIMIT @most`

// Endpoints that were changed a while ago, with something pending that may go by the order before.
const findChanged = `
	SELECT CAST(e.id AS TEXT) FROM endpoints e
	WHERE e.status = 'enabled' AND e.updated_at > @since AND e.version > 1
		AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.status = 'pending')
	LIMIT @most`

// sweep does, until ctx ends, what changes of endpoints left to be done: what people do with one
// endpoint must not hold up those who write signals.
func (s *Service) sweep(ctx context.Context) {
	skip, align := time.NewTicker(sweepEvery), time.NewTicker(alignEvery)
	defer skip.Stop()
	defer align.Stop()
	for {
		find := findUnsent
		select {
		case <-ctx.Done():
			return
		case <-skip.C:
		case <-align.C:
			find = findChanged
		}
		if err := s.sweepOnce(ctx, find); err != nil && ctx.Err() == nil {
			slog.Warn("deliveries of changed endpoints could not be settled; tried again", "err", err)
		}
	}
}

func (s *Service) sweepOnce(ctx context.Context, find string) error {
	var ids []string
	args := map[string]any{"since": s.Now().Add(-alignedFor).UnixMicro(), "most": sweptAtATime}
	if err := s.DB.Read.WithContext(ctx).Raw(find, args).Scan(&ids).Error; err != nil {
		return fmt.Errorf("find what is left to be done: %w", err)
	}
	var problems []error
	for _, id := range ids {
		problems = append(problems, s.Endpoints.Sweep(ctx, id)) // one that fails does not hold up the others
	}
	return errors.Join(problems...)
}
