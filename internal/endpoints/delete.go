package endpoints

import (
	"context"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/models"
)

// Delete removes an endpoint for good: it gets nothing any more, and its secrets are wiped at once.
// Its deliveries go little by little; see internal/deliveries. Faults: NotFound, Forbidden.
func (s *Service) Delete(ctx context.Context, actor access.Actor, id string) error {
	return s.change(ctx, actor, id, func(tx *gorm.DB, now time.Time, e models.Endpoint) error {
		err := update(ctx, tx, now, e, "status = ?, secret = NULL, previous_secret = NULL, previous_ends_at = NULL, headers = NULL", models.EndpointDeleted)
		if err != nil {
			return err
		}
		if _, err := stopSending(ctx, tx, now, e, "The endpoint was deleted."); err != nil {
			return err
		}
		if err := settle(ctx, tx, now, e); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "endpoint.deleted", Target: target(e),
			Before: audit.Values{"url": e.URL, "environment": e.Environment, "event_types": e.EventTypes, "status": e.Status},
		})
	})
}
