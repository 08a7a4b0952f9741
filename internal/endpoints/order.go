package endpoints

import (
	"context"
	"fmt"
	"log/slog"

	"gorm.io/gorm"

	"latchkey/models"
)

// unaligned is a pending delivery that does not go by its endpoint's order.
type unaligned struct {
	MessageID     string
	NextAttemptAt models.Time
}

// align makes what is pending go by an order, in small transactions without the state lock. Before an
// endpoint is ordered it may run too: to one without order, what is marked means nothing.
func (s *Service) align(ctx context.Context, id string, ordered bool) error {
	for from := (models.Time{}); ; {
		rows, err := s.unaligned(ctx, id, ordered, from)
		if err != nil || len(rows) == 0 {
			return err
		}
		if over, err := s.mark(ctx, id, ordered, rows); err != nil || over || len(rows) < sweptAtOnce {
			return err
		}
		from = rows[len(rows)-1].NextAttemptAt
	}
}

// unaligned lists some, by the index of what is due: from where the list before ended, so that what
// is aligned already is not walked through again.
func (s *Service) unaligned(ctx context.Context, id string, ordered bool, from models.Time) (rows []unaligned, err error) {
	condition := "ordered"
	if ordered {
		condition = "NOT ordered"
	}
	at := int64(0)
	if !from.IsZero() {
		at = from.UnixMicro()
	}
	err = s.db.Read.WithContext(ctx).Raw(`
		SELECT CAST(message_id AS TEXT) AS message_id, next_attempt_at FROM deliveries
		WHERE endpoint_id = ? AND status = 'pending' AND `+condition+` AND next_attempt_at >= ?
		ORDER BY next_attempt_at
		LIMIT ?`, id, at, sweptAtOnce).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find what is not in order: %w", err)
	}
	return rows, nil
}

// mark changes rows; over tells that the endpoint wants order meanwhile, so that none may lose it.
func (s *Service) mark(ctx context.Context, id string, ordered bool, rows []unaligned) (over bool, err error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.MessageID
	}
	err = s.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		e, err := s.hold(tx, id)
		if over = !ordered && e.Ordered; err != nil || over {
			return err
		}
		if err := s.holdResults(tx, id); err != nil {
			return err
		}
		err = tx.Exec("UPDATE deliveries SET ordered = ? WHERE endpoint_id = ? AND message_id IN ? AND status = 'pending'", ordered, id, ids).Error
		if err != nil {
			return fmt.Errorf("order what is pending: %w", err)
		}
		return nil
	})
	return over, err
}

// alignSoon aligns what came between. The change is made, so it does not fail: the workers' sweep
// does what is left.
func (s *Service) alignSoon(ctx context.Context, id string, ordered bool) {
	if err := s.align(ctx, id, ordered); err != nil && ctx.Err() == nil {
		slog.Warn("what is pending could not be put in order; it is tried again", "endpoint", id, "err", err)
	}
}
