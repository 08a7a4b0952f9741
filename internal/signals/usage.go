package signals

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// MaxUsagePoints bounds what Usage returns: a day of minutes.
const MaxUsagePoints = 1440

// UsageFilter says whose usage, when, and how fine. From is inclusive, To exclusive; both are
// widened to whole steps of UTC.
type UsageFilter struct {
	KeyID       string // empty: all keys
	Environment string // of all keys: live, test, or both when empty
	From, To    time.Time
	Step        time.Duration // a minute, an hour or a day
}

// UsagePoint is what arrived from Start for a step. Previous and Outside count requests, among the
// others: with the value before a rotation, and from outside the address list that is watched.
type UsagePoint struct {
	Start                          time.Time
	Accepted, Duplicates, Rejected int64
	Previous, Outside              int64
}

var errNoKey = fault.New(fault.NotFound, "This key does not exist.")

// Usage returns what one key or all of them received, oldest first, no step missing. Faults:
// Forbidden without access.ReadData; NotFound for another workspace's key; Invalid with the fields
// from and to when there are more than MaxUsagePoints steps, or none.
func (s *Service) Usage(ctx context.Context, actor access.Actor, f UsageFilter) ([]UsagePoint, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return nil, err
	}
	width := int64(f.Step / time.Minute)
	first, end := f.From.Unix()/60/width, f.To.Add(-1).Unix()/60/width+1
	if err := checkUsage(f, end-first); err != nil {
		return nil, err
	}
	if f.KeyID != "" {
		if err := s.hasKey(ctx, actor, f.KeyID); err != nil {
			return nil, err
		}
	}
	rows, err := s.usageRows(ctx, actor, f, width, first*width, end*width)
	if err != nil {
		return nil, err
	}
	points := make([]UsagePoint, end-first)
	for i := range points {
		points[i].Start = time.Unix((first+int64(i))*width*60, 0).UTC()
	}
	for _, r := range rows {
		start := points[r.Step-first].Start
		points[r.Step-first] = r.UsagePoint
		points[r.Step-first].Start = start
	}
	return points, nil
}

func checkUsage(f UsageFilter, steps int64) error {
	fields := fault.Fields{}
	switch {
	case !f.To.After(f.From):
		fields.Add("to", "Choose an end after the beginning.")
	case steps > MaxUsagePoints:
		fields.Add("from", fmt.Sprintf("This is %d steps; %d are possible at once. Choose a later beginning, an earlier end or a wider step.", steps, MaxUsagePoints))
	}
	return fields.Err()
}

func (s *Service) hasKey(ctx context.Context, actor access.Actor, id string) error {
	if !database.ValidID(id) {
		return errNoKey
	}
	_, err := gorm.G[models.APIKey](s.db.Read).Select("id").Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return errNoKey
	}
	if err != nil {
		return fmt.Errorf("select key: %w", err)
	}
	return nil
}

type usageRow struct {
	Step int64
	UsagePoint
}

// usageRows sums by the primary key for one key, and by the index over workspaces for all.
func (s *Service) usageRows(ctx context.Context, actor access.Actor, f UsageFilter, width, from, to int64) ([]usageRow, error) {
	where, args := "workspace_id = ? AND environment IN ?", []any{actor.WorkspaceID, environments(f.Environment)}
	if f.KeyID != "" {
		where, args = "api_key_id = ?", []any{f.KeyID}
	}
	args = append([]any{width}, append(args, from, to)...)
	var rows []usageRow
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT minute / ? AS step, SUM(accepted) AS accepted, SUM(duplicates) AS duplicates, SUM(rejected) AS rejected,
		       SUM(previous) AS previous, SUM(outside) AS outside
		FROM key_usage_minutes
		WHERE `+where+` AND minute >= ? AND minute < ?
		GROUP BY 1`, args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("sum usage: %w", err)
	}
	return rows, nil
}

func environments(one string) []string {
	if one == "" {
		return []string{models.Live, models.Test}
	}
	return []string{one}
}
