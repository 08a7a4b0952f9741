package signals

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
	// dedupKept is the window in which a message id is known (7 days), and an hour for clocks that
	// differ.
	dedupKept = 7*24*time.Hour + time.Hour
	// usageKept serves the charts, which look back 30 days, and leaves some to compare with.
	usageKept = 100 * 24 * time.Hour
)

// Pruned counts what a Prune deleted.
type Pruned struct {
	Signals, Requests, MessageIDs, UsageMinutes, OrgUpdates, Replays int64
}

// Total is how many rows went.
func (p Pruned) Total() int64 {
	return p.Signals + p.Requests + p.MessageIDs + p.UsageMinutes + p.OrgUpdates + p.Replays
}

// Prune deletes what is past its retention, in small batches: signals and accepted requests after
// the workspace's days for raw data, refused requests after its days for those. Running it again,
// or on several instances at once, does no harm.
//
// Updates of product orgs go whole, their bytes and what they changed: both are what the sender
// sent. Failed ones, whose senders were told so, go with the refused requests; quarantined ones were
// accepted and stay as long as the rest. What is known of an organisation is never deleted.
func (s *Service) Prune(ctx context.Context) (Pruned, error) {
	now := s.now()
	var done Pruned
	workspaces, err := gorm.G[models.Workspace](s.db.Read).
		Select("id", "raw_retention_days", "rejected_retention_days").Find(ctx)
	if err != nil {
		return done, fmt.Errorf("list workspaces: %w", err)
	}
	for _, w := range workspaces {
		for _, env := range []string{models.Live, models.Test} {
			if err := s.pruneEnvironment(ctx, now, w, env, &done); err != nil {
				return done, err
			}
		}
	}
	if done.MessageIDs, err = s.pruneMessageIDs(ctx, now.Add(-dedupKept)); err != nil {
		return done, err
	}
	done.Replays, err = s.pruneReplays(ctx, now.Add(-usageKept))
	return done, err
}

func (s *Service) pruneEnvironment(ctx context.Context, now time.Time, w models.Workspace, env string, done *Pruned) error {
	day := 24 * time.Hour
	raw := database.FirstID(now.Add(-time.Duration(w.RawRetentionDays) * day)).String()
	rejected := database.FirstID(now.Add(-time.Duration(w.RejectedRetentionDays) * day)).String()
	steps := []struct {
		table, where, before string
		count                *int64
	}{
		{"signals", "", raw, &done.Signals},
		{"gateway_requests", " AND status < 300", raw, &done.Requests},
		{"uploads", "", raw, &done.Requests},
		{"gateway_requests", " AND " + refused + " AND status <> 207", rejected, &done.Requests},
		{"product_org_updates", " AND status <> 'failed'", raw, &done.OrgUpdates},
		{"product_org_updates", " AND status = 'failed'", rejected, &done.OrgUpdates},
	}
	for _, step := range steps {
		n, err := s.pruneRows(ctx, step.table, step.where, w.ID, env, step.before)
		*step.count += n
		if err != nil {
			return err
		}
	}
	n, err := s.pruneUsage(ctx, w.ID, env, now.Add(-usageKept).Unix()/60)
	done.UsageMinutes += n
	return err
}

// pruneRows walks a table from its oldest row; what the condition spares is passed once.
func (s *Service) pruneRows(ctx context.Context, table, where, workspaceID, env, before string) (int64, error) {
	var total int64
	after := "00000000-0000-0000-0000-000000000000"
	for {
		var ids []string
		err := s.db.Read.WithContext(ctx).Raw(`
			SELECT id
			FROM `+table+`
			WHERE workspace_id = ? AND environment = ? AND id > ? AND id < ?`+where+`
			ORDER BY id
			LIMIT ?`, workspaceID, env, after, before, pruneBatch).Scan(&ids).Error
		if err != nil {
			return total, fmt.Errorf("find old %s: %w", table, err)
		}
		if len(ids) == 0 {
			return total, nil
		}
		n, err := s.delete(ctx, table, "id IN (SELECT id FROM "+table+" WHERE id IN ? ORDER BY id"+s.skipLocked()+")", ids)
		total += n
		if err != nil || len(ids) < pruneBatch {
			return total, err
		}
		after = ids[len(ids)-1]
	}
}

// pruneMessageIDs asks for the age again in the delete itself: the gateway may have taken an old
// digest for a new signal meanwhile.
func (s *Service) pruneMessageIDs(ctx context.Context, before time.Time) (int64, error) {
	return s.untilEmpty(func() (int64, error) {
		return s.delete(ctx, "signal_dedup", `received_at < ? AND digest IN (
			SELECT digest FROM signal_dedup WHERE received_at < ? ORDER BY received_at LIMIT ?`+s.skipLocked()+`)`,
			models.At(before), models.At(before), pruneBatch)
	})
}

func (s *Service) pruneUsage(ctx context.Context, workspaceID, env string, before int64) (int64, error) {
	return s.untilEmpty(func() (int64, error) {
		return s.delete(ctx, "key_usage_minutes", `(api_key_id, minute) IN (
			SELECT api_key_id, minute FROM key_usage_minutes
			WHERE workspace_id = ? AND environment = ? AND minute < ?
			ORDER BY minute LIMIT ?`+s.skipLocked()+`)`,
			workspaceID, env, before, pruneBatch)
	})
}

// pruneReplays keeps those that run, however long ago they began. There are few replays: people
// start them.
func (s *Service) pruneReplays(ctx context.Context, before time.Time) (int64, error) {
	return s.untilEmpty(func() (int64, error) {
		return s.delete(ctx, "org_replays", `status <> 'running' AND id IN (
			SELECT id FROM org_replays WHERE id < ? AND status <> 'running' ORDER BY id LIMIT ?`+s.skipLocked()+`)`,
			database.FirstID(before).String(), pruneBatch)
	})
}

func (s *Service) untilEmpty(batch func() (int64, error)) (int64, error) {
	var total int64
	for {
		n, err := batch()
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}

// skipLocked lets several instances prune at once on Postgres: none waits for a row that another
// deletes. SQLite has one writer at a time.
func (s *Service) skipLocked() string {
	if s.db.IsPostgres() {
		return " FOR UPDATE SKIP LOCKED"
	}
	return ""
}

func (s *Service) delete(ctx context.Context, table, where string, args ...any) (int64, error) {
	done := s.db.Write.WithContext(ctx).Exec("DELETE FROM "+table+" WHERE "+where, args...)
	if done.Error != nil {
		return 0, fmt.Errorf("delete old %s: %w", table, done.Error)
	}
	return done.RowsAffected, nil
}
