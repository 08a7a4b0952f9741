package keys

import (
	"context"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
)

// RecordTest writes to the audit log that somebody is about to send a test event with a key, as
// what source says. Faults: NotFound; Conflict when the key has ended.
func (s *Service) RecordTest(ctx context.Context, actor access.Actor, id, source string) error {
	if err := actor.Require(access.ManageKeys); err != nil {
		return err
	}
	now := s.now().UTC()
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		key, err := s.take(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		if state := key.State(now); state != "active" {
			return fault.New(fault.Conflict, "This key is "+state+": its requests are rejected, test events too. Use another key.")
		}
		after := audit.Values{"environment": key.Environment}
		if source != "" {
			after["source"] = source
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{Action: "api_key.test_sent", Target: target(key), After: after})
	})
}
