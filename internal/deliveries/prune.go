package deliveries

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/models"
)

const (
	// pruneBatch is small, so that no writer waits long for a delete.
	pruneBatch = 500
	// minutesKept serves the charts, which look back 7 days.
	minutesKept = 8 * 24 * time.Hour
	// replaysKept is how long people can look a replay up.
	replaysKept = 100 * 24 * time.Hour
	// goneKept lets attempts that were under way when an endpoint was deleted end first.
	goneKept = time.Hour
)

// Pruned counts what a Prune deleted.
type Pruned struct{ Messages, Deliveries, Attempts, Minutes, Replays, Endpoints int64 }

// Total is how many rows went.
func (p Pruned) Total() int64 {
	return p.Messages + p.Deliveries + p.Attempts + p.Minutes + p.Replays + p.Endpoints
}

// Prune deletes what is past its retention, in small batches: messages with their deliveries and
// attempts after the workspace's days for raw data, since they hold what senders sent; what is
// pending stays until it has ended. Deleted endpoints go with all that is theirs. Running it again,
// or on several instances at once, does no harm.
func (s *Service) Prune(ctx context.Context) (Pruned, error) {
	now := s.now()
	var done Pruned
	workspaces, err := gorm.G[models.Workspace](s.db.Read).Select("id", "raw_retention_days").Find(ctx)
	if err != nil {
		return done, fmt.Errorf("list workspaces: %w", err)
	}
	cutoffs := map[string]string{}
	for _, w := range workspaces {
		cutoffs[w.ID] = database.FirstID(now.AddDate(0, 0, -w.RawRetentionDays)).String()
	}
	endpoints, err := gorm.G[models.Endpoint](s.db.Read).Select("id", "workspace_id", "status", "updated_at").Find(ctx)
	if err != nil {
		return done, fmt.Errorf("list endpoints: %w", err)
	}
	for _, e := range endpoints {
		if err := s.pruneEndpoint(ctx, now, e, cutoffs[e.WorkspaceID], &done); err != nil {
			return done, err
		}
	}
	if err := s.pruneMessages(ctx, cutoffs, &done); err != nil {
		return done, err
	}
	done.Replays, err = s.pruneReplays(ctx, database.FirstID(now.Add(-replaysKept)).String())
	return done, err
}

func (s *Service) pruneEndpoint(ctx context.Context, now time.Time, e models.Endpoint, cutoff string, done *Pruned) error {
	gone := e.Status == models.EndpointDeleted && e.UpdatedAt.Before(now.Add(-goneKept))
	if gone {
		cutoff = "ffffffff-ffff-ffff-ffff-ffffffffffff"
	}
	if err := s.pruneDeliveries(ctx, e.ID, cutoff, done); err != nil {
		return err
	}
	if gone {
		return s.pruneGone(ctx, e.ID, done)
	}
	n, err := s.pruneMinutes(ctx, e.ID, now.Add(-minutesKept).Unix()/60)
	done.Minutes += n
	return err
}

// pruneGone removes the endpoint itself, with its state and its replays, once nothing else is left.
func (s *Service) pruneGone(ctx context.Context, id string, done *Pruned) error {
	n, err := s.pruneMinutes(ctx, id, 1<<40)
	done.Minutes += n
	if err != nil {
		return err
	}
	gone := s.db.Write.WithContext(ctx).Exec(`
		DELETE FROM endpoints WHERE id = ? AND status = ? AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = ?)`,
		id, models.EndpointDeleted, id)
	if gone.Error != nil {
		return fmt.Errorf("delete endpoint: %w", gone.Error)
	}
	done.Endpoints += gone.RowsAffected
	return nil
}

// pruneDeliveries walks an endpoint's deliveries from the oldest; what is pending is passed once.
func (s *Service) pruneDeliveries(ctx context.Context, endpointID, cutoff string, done *Pruned) error {
	after := noID
	for {
		var ids []string
		err := s.db.Read.WithContext(ctx).Raw(`
			SELECT message_id FROM deliveries
			WHERE endpoint_id = ? AND message_id > ? AND message_id < ? AND status <> 'pending'
			ORDER BY message_id LIMIT ?`, endpointID, after, cutoff, pruneBatch).Scan(&ids).Error
		if err != nil {
			return fmt.Errorf("find old deliveries: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		if err := s.deleteDeliveries(ctx, endpointID, ids, done); err != nil || len(ids) < pruneBatch {
			return err
		}
		after = ids[len(ids)-1]
	}
}

const noID = "00000000-0000-0000-0000-000000000000"

// deleteDeliveries locks the deliveries first and asks for their status again: a retry may have
// made one pending meanwhile, and its attempts belong to it.
func (s *Service) deleteDeliveries(ctx context.Context, endpointID string, ids []string, done *Pruned) error {
	return s.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var old []string
		err := tx.Raw("SELECT message_id FROM deliveries WHERE endpoint_id = ? AND message_id IN ? AND status <> 'pending' ORDER BY message_id"+s.skipLocked(),
			endpointID, ids).Scan(&old).Error
		if err != nil {
			return fmt.Errorf("lock old deliveries: %w", err)
		}
		if len(old) == 0 {
			return nil
		}
		attempts := tx.Exec("DELETE FROM delivery_attempts WHERE endpoint_id = ? AND message_id IN ?", endpointID, old)
		if attempts.Error != nil {
			return fmt.Errorf("delete old attempts: %w", attempts.Error)
		}
		deliveries := tx.Exec("DELETE FROM deliveries WHERE endpoint_id = ? AND message_id IN ?", endpointID, old)
		if deliveries.Error != nil {
			return fmt.Errorf("delete old deliveries: %w", deliveries.Error)
		}
		done.Attempts += attempts.RowsAffected
		done.Deliveries += deliveries.RowsAffected
		return nil
	})
}

// skipLocked lets several instances prune at once on Postgres. SQLite has one writer at a time.
func (s *Service) skipLocked() string {
	if s.db.IsPostgres() {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

func (s *Service) pruneMinutes(ctx context.Context, endpointID string, before int64) (int64, error) {
	gone := s.db.Write.WithContext(ctx).Exec("DELETE FROM endpoint_minutes WHERE endpoint_id = ? AND minute < ?", endpointID, before)
	if gone.Error != nil {
		return 0, fmt.Errorf("delete old minutes: %w", gone.Error)
	}
	return gone.RowsAffected, nil
}

// pruneReplays keeps those that run. There are few: people start them.
func (s *Service) pruneReplays(ctx context.Context, before string) (int64, error) {
	gone := s.db.Write.WithContext(ctx).Exec("DELETE FROM delivery_replays WHERE id < ? AND status <> 'running'", before)
	if gone.Error != nil {
		return 0, fmt.Errorf("delete old replays: %w", gone.Error)
	}
	return gone.RowsAffected, nil
}
