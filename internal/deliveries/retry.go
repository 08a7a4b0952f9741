package deliveries

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Retry puts a delivery on the schedule again, from its beginning and from now: also one that was
// delivered, which sends it once more, and one that waits for its next attempt. Faults: NotFound;
// Forbidden; Conflict when it is being sent, or when the endpoint is disabled.
func (s *Service) Retry(ctx context.Context, actor access.Actor, endpointID, messageID string) error {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		e, err := s.enabled(ctx, tx, actor, endpointID)
		if err != nil {
			return err
		}
		d, err := take(ctx, tx, e, messageID)
		if err != nil {
			return err
		}
		return s.retry(ctx, tx, actor, e, d)
	})
	if err == nil {
		s.bell.Ring(endpointID)
	}
	return err
}

func (s *Service) retry(ctx context.Context, tx *gorm.DB, actor access.Actor, e models.Endpoint, d models.Delivery) error {
	now := s.now().UTC()
	if d.Status == models.DeliveryPending && !d.NextAttemptAt.After(now) {
		return fault.New(fault.Conflict, "This delivery is due already: it is sent as soon as its endpoint takes it.")
	}
	done := tx.WithContext(ctx).Exec(`
		UPDATE deliveries SET status = 'pending', step = 0, next_attempt_at = ?, finished_at = NULL, replay_id = NULL, ordered = ?
		WHERE endpoint_id = ? AND message_id = ? AND status = ? AND attempts = ?`,
		models.At(now), e.Ordered, d.EndpointID, d.MessageID, d.Status, d.Attempts)
	if done.Error != nil {
		return fmt.Errorf("retry delivery: %w", done.Error)
	}
	if done.RowsAffected != 1 {
		return fault.New(fault.Conflict, "This delivery changed a moment ago. Load it again, then decide.")
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "delivery.retried", Target: audit.Target{Type: "delivery", ID: outbox.PublicID(d.MessageID), Label: d.EventType + " to " + e.Label()},
		Before: audit.Values{"status": d.Status, "attempts": d.Attempts},
		After:  audit.Values{"status": models.DeliveryPending, "endpoint_id": e.ID},
	})
}
