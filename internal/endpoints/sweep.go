package endpoints

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"latchkey/models"
)

const (
	// skippedAtOnce bounds what is skipped under the state lock, which every writer of signals waits for.
	skippedAtOnce = 5000
	// sweptAtOnce bounds a transaction of a sweep, which holds up the results of one endpoint.
	sweptAtOnce = 1000
)

// errMore says that more is pending than a transaction under the state lock may skip.
var errMore = errors.New("more is pending than can be skipped at once")

// Sweep does what a change of an endpoint left to be done, in small transactions without the state
// lock: what is pending of one that is not enabled becomes skipped, and what is pending of one that
// is enabled goes by its order. It may be stopped and begun again at any time, by any instance.
func (s *Service) Sweep(ctx context.Context, id string) error {
	for {
		n, err := s.skipSome(ctx, id)
		if err != nil {
			return err
		}
		if n < sweptAtOnce {
			break
		}
	}
	var e models.Endpoint
	err := s.db.Read.WithContext(ctx).Raw("SELECT status, ordered FROM endpoints WHERE id = ?", id).Scan(&e).Error
	if err != nil {
		return fmt.Errorf("select endpoint: %w", err)
	}
	if e.Status != models.EndpointEnabled {
		return nil
	}
	return s.align(ctx, id, e.Ordered)
}

// skipSome is one step of a sweep. It is no change of a caller's: the endpoint ended before, so no
// guard of the context is asked, which would take the state lock.
func (s *Service) skipSome(ctx context.Context, id string) (n int64, err error) {
	err = s.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		e, err := s.hold(tx, id)
		if err != nil || e.Status == models.EndpointEnabled || e.Status == "" {
			return err
		}
		if err := s.holdResults(tx, id); err != nil {
			return err
		}
		n, err = skip(tx, models.At(s.now()), id, sweptAtOnce)
		return err
	})
	return n, err
}

// hold keeps an endpoint from being changed until tx ends, and reads what it is until then.
func (s *Service) hold(tx *gorm.DB, id string) (e models.Endpoint, err error) {
	query := "SELECT status, ordered FROM endpoints WHERE id = ?"
	if s.db.IsPostgres() {
		query += " FOR SHARE"
	}
	if err := tx.Raw(query, id).Scan(&e).Error; err != nil {
		return e, fmt.Errorf("hold endpoint: %w", err)
	}
	return e, nil
}

// holdResults takes the row that workers take first when they write results: without it, the two
// could wait for each other's deliveries in a circle.
func (s *Service) holdResults(tx *gorm.DB, id string) error {
	if !s.db.IsPostgres() {
		return nil
	}
	if err := tx.Exec("SELECT 1 FROM endpoint_states WHERE endpoint_id = ? FOR UPDATE", id).Error; err != nil {
		return fmt.Errorf("hold off results: %w", err)
	}
	return nil
}

// skip turns at most so many pending deliveries into skipped ones. Their ids are read first: Postgres
// may take the square of their number of steps for an update with a sub-query, when it has not
// analysed the table yet.
func skip(tx *gorm.DB, now models.Time, id string, most int) (skipped int64, err error) {
	for skipped < int64(most) {
		var ids []string
		err := tx.Raw("SELECT CAST(message_id AS TEXT) FROM deliveries WHERE endpoint_id = ? AND status = 'pending' LIMIT ?", id, sweptAtOnce).
			Scan(&ids).Error
		if err != nil {
			return 0, fmt.Errorf("find what is pending: %w", err)
		}
		if len(ids) == 0 {
			break
		}
		done := tx.Exec(`
			UPDATE deliveries SET status = 'skipped', next_attempt_at = NULL, finished_at = ?
			WHERE endpoint_id = ? AND message_id IN ? AND status = 'pending'`, now, id, ids)
		if done.Error != nil {
			return 0, fmt.Errorf("skip what is pending: %w", done.Error)
		}
		skipped += done.RowsAffected
		if len(ids) < sweptAtOnce {
			break
		}
	}
	return skipped, nil
}
