package signals

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
)

const (
	// partitionsPerRetention is into how many parts the longest retention is divided. More of them
	// end a signal sooner after its time; but whoever reads the newest signals plans for each part
	// and locks its indexes (docs/performance.md).
	partitionsPerRetention = 15
	// partitionAhead is how long before its time the part for it is made.
	partitionAhead = 36 * time.Hour
	// partitionLock bounds how long writers wait behind a change of the parts. When something reads
	// the table for longer than that, the change is tried again in a while.
	partitionLock  = "SET LOCAL lock_timeout = '250ms'"
	partitionTries = 8
	partitionPause = 500 * time.Millisecond
	// partitionLockKey is the advisory lock of whoever changes the parts.
	partitionLockKey = 4_836_120_017
)

// partition is a part of the table of signals on Postgres: the ids from From up to, not
// including, To. The first is open below (From is the smallest id), the last above.
type partition struct {
	name             string
	from, to         string // ids; empty where it is open
	fromTime, toTime time.Time
}

// open tells the part that takes every id from its beginning on.
func (p partition) open() bool { return p.to == "" }

// coarse tells a part that is dropped too late for what is in it, since it is longer than parts
// are made now. Its old rows are deleted one by one: the first, which holds what there was before
// there were parts; those from when the retention was longer.
func (p partition) coarse(length time.Duration) bool {
	return p.from == "" || p.open() || p.toTime.Sub(p.fromTime) > length
}

// partitionLength is how long the next parts are: whole days, so that the longest retention has
// about partitionsPerRetention of them.
func partitionLength(longest time.Duration) time.Duration {
	return max(1, longest/partitionsPerRetention/day) * day
}

const day = 24 * time.Hour

var partitionBounds = regexp.MustCompile(`^FOR VALUES FROM \((?:MINVALUE|'([0-9a-f-]{36})')\) TO \((?:MAXVALUE|'([0-9a-f-]{36})')\)$`)

// partitions reads the parts from the catalog, oldest first; none on SQLite.
func (s *Service) partitions(ctx context.Context) ([]partition, error) {
	if !s.db.IsPostgres() {
		return nil, nil
	}
	var rows []struct{ Name, Bounds string }
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
		FROM pg_inherits i
		JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'signals'::regclass`).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list the parts of signals: %w", err)
	}
	parts := make([]partition, len(rows))
	for i, row := range rows {
		bounds := partitionBounds.FindStringSubmatch(row.Bounds)
		if bounds == nil {
			return nil, fmt.Errorf("the part %s of signals has bounds that Latchkey did not make: %s", row.Name, row.Bounds)
		}
		parts[i] = partition{row.Name, bounds[1], bounds[2], database.IDTextTime(bounds[1]), database.IDTextTime(bounds[2])}
	}
	slices.SortFunc(parts, func(a, b partition) int { return a.fromTime.Compare(b.fromTime) })
	return parts, nil
}

// errPartitionsBusy says that another instance is changing the parts.
var errPartitionsBusy = errors.New("another instance changes the parts of signals")

// keepPartitions makes the parts for the time that comes, and drops those in which every row is
// past the longest retention. It returns how many it dropped. Only one instance at a time does it;
// the others leave it to that one. On SQLite it does nothing.
//
// What cannot be had at once, because something else reads the table for long, is left for the
// next time: until then the last part takes what comes, whenever it comes.
func (s *Service) keepPartitions(ctx context.Context, longest time.Duration) (dropped int64, err error) {
	parts, err := s.partitions(ctx)
	if err != nil || len(parts) == 0 {
		return 0, err
	}
	now := s.now()
	if last := parts[len(parts)-1]; last.fromTime.Before(now.Add(partitionAhead)) {
		if _, err := s.again(ctx, func() error { return s.cutLast(ctx, now, partitionLength(longest)) }); err != nil {
			return 0, err
		}
	}
	for _, p := range parts {
		if p.open() || p.toTime.After(now.Add(-longest)) {
			continue
		}
		done, err := s.again(ctx, func() error { return s.dropPartition(ctx, p) })
		if err != nil || !done {
			return dropped, err
		}
		dropped++
		slog.InfoContext(ctx, "dropped a part of signals, all past retention", "part", p.name, "to", p.toTime)
	}
	return dropped, nil
}

// again tries a change of the parts a few times, since it does not wait long for its locks, and
// tells whether it was made.
func (s *Service) again(ctx context.Context, change func() error) (done bool, err error) {
	for range partitionTries {
		if err = change(); err == nil || errors.Is(err, errPartitionsBusy) {
			return err == nil, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(partitionPause):
		}
	}
	slog.WarnContext(ctx, "the parts of signals could not be changed; tried again with the next clean-up", "err", err)
	return false, nil
}

// alone runs one change in a transaction, unless another instance is at it.
func (s *Service) alone(ctx context.Context, change func(tx *gorm.DB) error) error {
	return s.db.Write.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var mine bool
		if err := tx.Raw("SELECT pg_try_advisory_xact_lock(?)", int64(partitionLockKey)).Scan(&mine).Error; err != nil {
			return fmt.Errorf("lock the parts of signals: %w", err)
		}
		if !mine {
			return errPartitionsBusy
		}
		if err := tx.Exec(partitionLock).Error; err != nil {
			return fmt.Errorf("bound the wait for locks: %w", err)
		}
		return change(tx)
	})
}

// dropPartition drops a part with all that is in it.
func (s *Service) dropPartition(ctx context.Context, p partition) error {
	return s.alone(ctx, func(tx *gorm.DB) error {
		// The parent first, as writers lock it, and by its bounds once more: another instance may
		// have been quicker, and the name may be another part's by now.
		if err := tx.Exec("LOCK TABLE ONLY signals IN ACCESS EXCLUSIVE MODE").Error; err != nil {
			return fmt.Errorf("lock signals: %w", err)
		}
		there, err := s.within(tx).has(ctx, p)
		if err != nil || !there {
			return err
		}
		if err := tx.Exec("DROP TABLE " + p.name).Error; err != nil {
			return fmt.Errorf("drop the part %s of signals: %w", p.name, err)
		}
		return nil
	})
}

// within is the service over a transaction.
func (s *Service) within(tx *gorm.DB) *Service {
	db := *s.db
	db.Write, db.Read = tx, tx
	return &Service{db: &db, now: s.now, scan: s.scan}
}

func (s *Service) has(ctx context.Context, p partition) (bool, error) {
	parts, err := s.partitions(ctx)
	return slices.Contains(parts, p), err
}

// cutLast ends the last part where the next one begins, and makes a new last one from there on.
// Usually it is empty and this touches the catalog only. When it holds rows, because nobody made
// parts for a while, what they are is proved first, while others go on writing.
func (s *Service) cutLast(ctx context.Context, now time.Time, length time.Duration) error {
	parts, err := s.partitions(ctx)
	if err != nil {
		return err
	}
	last := parts[len(parts)-1]
	if !last.fromTime.Before(now.Add(partitionAhead)) {
		return nil // another instance was quicker
	}
	end, empty, err := s.endOf(ctx, last, now, length)
	if err != nil {
		return err
	}
	bounds := "'" + last.from + "') TO ('" + end + "')"
	check := "CHECK (id >= '" + last.from + "' AND id < '" + end + "')"
	proof := [][]string{
		{"ALTER TABLE " + last.name + " DROP CONSTRAINT IF EXISTS signals_ids", "ALTER TABLE " + last.name + " ADD CONSTRAINT signals_ids " + check + " NOT VALID"},
		{"ALTER TABLE " + last.name + " VALIDATE CONSTRAINT signals_ids"},
	}
	if empty {
		proof = nil
	}
	// Should the change itself have to wait for another hour, the proof is taken back. Where even that
	// fails the next one replaces it, and its end is partitionAhead from now at least.
	for _, statements := range append(proof, []string{
		"LOCK TABLE ONLY signals IN ACCESS EXCLUSIVE MODE",
		"ALTER TABLE signals DETACH PARTITION " + last.name,
		"ALTER TABLE " + last.name + " RENAME TO " + partitionName(last.fromTime),
		"ALTER TABLE signals ATTACH PARTITION " + partitionName(last.fromTime) + " FOR VALUES FROM (" + bounds,
		"ALTER TABLE " + partitionName(last.fromTime) + " DROP CONSTRAINT IF EXISTS signals_ids",
		"CREATE TABLE signals_last PARTITION OF signals FOR VALUES FROM ('" + end + "') TO (MAXVALUE)",
	}) {
		err := s.alone(ctx, func(tx *gorm.DB) error {
			if there, err := s.within(tx).has(ctx, last); err != nil || !there {
				return err // another instance was quicker
			}
			for _, statement := range statements {
				if err := tx.Exec(statement).Error; err != nil {
					return fmt.Errorf("%s: %w", statement, err)
				}
			}
			return nil
		})
		if err != nil {
			if !empty {
				s.dropProof(ctx, last.name)
			}
			return err
		}
	}
	return nil
}

// dropProof takes the check of a cut that failed off the last part: once its end has come, it would
// refuse every signal.
func (s *Service) dropProof(ctx context.Context, part string) {
	err := s.alone(context.WithoutCancel(ctx), func(tx *gorm.DB) error {
		return tx.Exec("ALTER TABLE IF EXISTS " + part + " DROP CONSTRAINT IF EXISTS signals_ids").Error
	})
	if err != nil {
		slog.WarnContext(ctx, "the check of a part of signals is still there; the next clean-up, within the hour, takes it off", "part", part, "err", err)
	}
}

// partitionName tells when a part begins. Parts begin at midnight (UTC).
func partitionName(from time.Time) string { return "signals_" + from.Format("20060102") }

// endOf is the id at which the last part is to end: a length after its beginning, if that is after
// every row in it and late enough for the next one to be made ahead of its time; else later. It also
// tells whether the part is empty.
func (s *Service) endOf(ctx context.Context, last partition, now time.Time, length time.Duration) (end string, empty bool, err error) {
	var ids []string
	if err := s.db.Read.WithContext(ctx).Raw("SELECT id FROM " + last.name + " ORDER BY id DESC LIMIT 1").Scan(&ids).Error; err != nil {
		return "", false, fmt.Errorf("find the newest signal: %w", err)
	}
	least := now
	if len(ids) > 0 && database.IDTextTime(ids[0]).After(least) {
		least = database.IDTextTime(ids[0])
	}
	least = least.Add(partitionAhead)
	at := last.fromTime.Add(length)
	for at.Before(least) {
		at = at.Add(day)
	}
	return database.FirstID(at).String(), len(ids) == 0, nil
}
