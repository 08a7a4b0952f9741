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
	// dedupKept is the window in which a message id is known (7 days), and an hour for clocks that
	// differ.
	dedupKept = 7*24*time.Hour + time.Hour
	// usageKept serves the charts, which look back 30 days, and leaves some to compare with.
	usageKept = 100 * 24 * time.Hour
)

// Pruned counts the rows that a Prune deleted, and the parts of signals that it dropped whole.
type Pruned struct {
	Signals, Requests, MessageIDs, UsageMinutes, OrgUpdates, Replays, Partitions int64
}

// Total is how many rows and parts went.
func (p Pruned) Total() int64 {
	return p.Signals + p.Requests + p.MessageIDs + p.UsageMinutes + p.OrgUpdates + p.Replays + p.Partitions
}

// Prune deletes what is past its retention, in batches that hold up writers for milliseconds:
// signals and accepted requests after the workspace's days for raw data, refused requests after its
// days for those. Running it again, or on several instances at once, does no harm.
//
// On Postgres signals lie in parts, each of some days. Those of the workspaces with the longest
// retention go with their part, when all in it is past that: up to a part's length after their time.
// Shorter retention, and parts that are longer than they would be made now, are kept to the hour.
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
	keep := keeping{now: now, pace: newPace()}
	for _, w := range workspaces {
		keep.longest = max(keep.longest, time.Duration(w.RawRetentionDays)*day)
	}
	if len(workspaces) > 0 {
		if done.Partitions, err = s.keepPartitions(ctx, keep.longest); err != nil {
			return done, err
		}
	}
	if keep.parts, err = s.partitions(ctx); err != nil {
		return done, err
	}
	for _, w := range workspaces {
		for _, env := range []string{models.Live, models.Test} {
			if err := s.pruneEnvironment(ctx, keep, w, env, &done); err != nil {
				return done, err
			}
		}
	}
	if done.MessageIDs, err = s.pruneMessageIDs(ctx, keep.pace, now.Add(-dedupKept)); err != nil {
		return done, err
	}
	done.Replays, err = s.pruneReplays(ctx, keep.pace, now.Add(-usageKept))
	return done, err
}

// keeping is what one Prune goes by.
type keeping struct {
	now     time.Time
	longest time.Duration // of all workspaces, for raw data
	parts   []partition   // of signals; none on SQLite
	pace    *pace
}

// ids is a range of identifiers, neither end included.
type ids struct{ after, before string }

const noID = "00000000-0000-0000-0000-000000000000"

// signalRanges are the ids of a workspace's signals that are deleted by row.
func (k keeping) signalRanges(retention time.Duration) []ids {
	cutoff := database.FirstID(k.now.Add(-retention)).String()
	if len(k.parts) == 0 || retention < k.longest {
		return []ids{{noID, cutoff}}
	}
	var ranges []ids
	for _, p := range k.parts {
		if !p.coarse(partitionLength(k.longest)) || p.from >= cutoff {
			continue
		}
		r := ids{noID, cutoff}
		if p.from != "" {
			r.after = p.from // the id itself, without random bits, is nobody's
		}
		if p.to != "" {
			r.before = min(cutoff, p.to)
		}
		ranges = append(ranges, r)
	}
	return ranges
}

func (s *Service) pruneEnvironment(ctx context.Context, k keeping, w models.Workspace, env string, done *Pruned) error {
	retention := time.Duration(w.RawRetentionDays) * day
	raw := []ids{{noID, database.FirstID(k.now.Add(-retention)).String()}}
	rejected := []ids{{noID, database.FirstID(k.now.Add(-time.Duration(w.RejectedRetentionDays) * day)).String()}}
	steps := []struct {
		table, where string
		ranges       []ids
		count        *int64
	}{
		{"signals", "", k.signalRanges(retention), &done.Signals},
		{"gateway_requests", " AND status < 300", raw, &done.Requests},
		{"uploads", "", raw, &done.Requests},
		{"gateway_requests", " AND " + refused + " AND status <> 207", rejected, &done.Requests},
		{"product_org_updates", " AND status <> 'failed'", raw, &done.OrgUpdates},
		{"product_org_updates", " AND status = 'failed'", rejected, &done.OrgUpdates},
	}
	for _, step := range steps {
		for _, r := range step.ranges {
			n, err := s.pruneRows(ctx, k.pace, step.table, step.where, w.ID, env, r)
			*step.count += n
			if err != nil {
				return err
			}
		}
	}
	n, err := s.pruneUsage(ctx, k.pace, w.ID, env, k.now.Add(-usageKept).Unix()/60)
	done.UsageMinutes += n
	return err
}

// pruneRows walks a table from its oldest row; what the condition spares is passed once.
func (s *Service) pruneRows(ctx context.Context, p *pace, table, where, workspaceID, env string, r ids) (int64, error) {
	var total int64
	for {
		var old []string
		limit := p.rows
		err := s.db.Read.WithContext(ctx).Raw(`
			SELECT id
			FROM `+table+`
			WHERE workspace_id = ? AND environment = ? AND id > ? AND id < ?`+where+`
			ORDER BY id
			LIMIT ?`, workspaceID, env, r.after, r.before, limit).Scan(&old).Error
		if err != nil {
			return total, fmt.Errorf("find old %s: %w", table, err)
		}
		if len(old) == 0 {
			return total, nil
		}
		n, err := s.delete(ctx, p, table, "id IN (SELECT id FROM "+table+" WHERE id IN ? ORDER BY id"+s.skipLocked()+")", old)
		total += n
		if err != nil || len(old) < limit {
			return total, err
		}
		r.after = old[len(old)-1]
	}
}

// pruneMessageIDs asks for the age again in the delete itself: the gateway may have taken an old
// digest for a new signal meanwhile.
func (s *Service) pruneMessageIDs(ctx context.Context, p *pace, before time.Time) (int64, error) {
	return untilEmpty(p, func(limit int) (int64, error) {
		return s.delete(ctx, p, "signal_dedup", `received_at < ? AND digest IN (
			SELECT digest FROM signal_dedup WHERE received_at < ? ORDER BY received_at LIMIT ?`+s.skipLocked()+`)`,
			models.At(before), models.At(before), limit)
	})
}

func (s *Service) pruneUsage(ctx context.Context, p *pace, workspaceID, env string, before int64) (int64, error) {
	return untilEmpty(p, func(limit int) (int64, error) {
		return s.delete(ctx, p, "key_usage_minutes", `(api_key_id, minute) IN (
			SELECT api_key_id, minute FROM key_usage_minutes
			WHERE workspace_id = ? AND environment = ? AND minute < ?
			ORDER BY minute LIMIT ?`+s.skipLocked()+`)`,
			workspaceID, env, before, limit)
	})
}

// pruneReplays keeps those that run, however long ago they began. There are few replays: people
// start them.
func (s *Service) pruneReplays(ctx context.Context, p *pace, before time.Time) (int64, error) {
	return untilEmpty(p, func(limit int) (int64, error) {
		return s.delete(ctx, p, "org_replays", `status <> 'running' AND id IN (
			SELECT id FROM org_replays WHERE id < ? AND status <> 'running' ORDER BY id LIMIT ?`+s.skipLocked()+`)`,
			database.FirstID(before).String(), limit)
	})
}

func untilEmpty(p *pace, batch func(limit int) (int64, error)) (int64, error) {
	var total int64
	for {
		limit := p.rows
		n, err := batch(limit)
		total += n
		if err != nil || n < int64(limit) {
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

// delete runs one batch, and rests when others may be waiting for the database.
func (s *Service) delete(ctx context.Context, p *pace, table, where string, args ...any) (int64, error) {
	var n int64
	var took time.Duration
	// A connection first: on SQLite there is one, and waiting for it holds nobody up.
	err := s.db.Write.WithContext(ctx).Connection(func(conn *gorm.DB) error {
		began := s.now()
		done := conn.Exec("DELETE FROM "+table+" WHERE "+where, args...)
		n, took = done.RowsAffected, s.now().Sub(began)
		return done.Error
	})
	if err != nil {
		return 0, fmt.Errorf("delete old %s: %w", table, err)
	}
	return n, p.after(ctx, n, took)
}
