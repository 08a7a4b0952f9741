package keys

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Rotation is what people watch while two values of a key are valid: who still uses the old one.
type Rotation struct {
	PreviousPrefix string
	RetiredAt      time.Time // when the key was rotated
	EndsAt         time.Time // when the old value ends

	// Since the rotation, and at most in the last hour. All that arrived in the very minute of the
	// rotation counts as old: it must not look as if senders had moved on that have not.
	OldLastHour, NewLastHour int64

	OldUsedAt           time.Time // zero: not since the rotation
	OldIP, OldUserAgent string
	Buckets             []RotationBucket
}

// RotationBucket is one bar: what arrived from Start with the old and with the new value.
type RotationBucket struct {
	Start    time.Time
	Old, New int64
}

// Rotation returns nil when only one value of the key is valid. Faults: Forbidden, NotFound.
func (s *Service) Rotation(ctx context.Context, actor access.Actor, id string, span Span) (*Rotation, error) {
	item, err := s.Get(ctx, actor, id)
	if err != nil || !item.Rotating {
		return nil, err
	}
	now := s.now()
	old, err := gorm.G[models.RetiredKeyValue](s.db.Read).
		Where("api_key_id = ? AND ends_at > ?", id, models.At(now)).Order("retired_at DESC").Take(ctx)
	if database.IsNotFound(err) {
		return nil, nil // ended just now
	}
	if err != nil {
		return nil, fmt.Errorf("select retired value: %w", err)
	}
	r := &Rotation{PreviousPrefix: old.KeyPrefix, RetiredAt: old.RetiredAt.Time, EndsAt: old.EndsAt.Time}
	if used := item.LastUsed; !used.PreviousUsedAt.Before(r.RetiredAt) {
		r.OldUsedAt, r.OldIP, r.OldUserAgent = used.PreviousUsedAt.Time, used.PreviousIP, used.PreviousUserAgent
	}
	turn := r.RetiredAt.Unix() / 60
	// Of the minute of the rotation only what is known to have come after it.
	hour, err := s.split(ctx, id, 1<<40, max(now.Unix()/60-59, turn), turn-1, turn)
	if err != nil {
		return nil, err
	}
	for _, b := range hour {
		r.OldLastHour, r.NewLastHour = r.OldLastHour+b.Old, r.NewLastHour+b.New
	}
	r.Buckets, err = s.rotationBuckets(ctx, id, span, turn)
	return r, err
}

type splitRow struct{ Bucket, Old, New int64 }

// split sums what arrived from a minute on, by buckets of so many minutes. After the minute before,
// what came with the old value is told by its own count; until then all of it did. After the minute
// turn the rest came with the new one.
func (s *Service) split(ctx context.Context, id string, width, from, before, turn int64) ([]splitRow, error) {
	var rows []splitRow
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT minute / ? AS bucket,
			SUM(CASE WHEN minute > ? THEN previous ELSE accepted + duplicates + rejected END) AS old,
			SUM(CASE WHEN minute > ? AND accepted + duplicates + rejected > previous THEN accepted + duplicates + rejected - previous ELSE 0 END) AS new
		FROM key_usage_minutes
		WHERE api_key_id = ? AND minute >= ?
		GROUP BY 1`, width, before, turn, id, from).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("sum usage of two values: %w", err)
	}
	return rows, nil
}

func (s *Service) rotationBuckets(ctx context.Context, id string, span Span, turn int64) ([]RotationBucket, error) {
	width, first := span.window(s.now())
	rows, err := s.split(ctx, id, width, first*width, turn, turn)
	if err != nil {
		return nil, err
	}
	out := make([]RotationBucket, span.Buckets)
	for i := range out {
		out[i].Start = time.Unix((first+int64(i))*width*60, 0).UTC()
	}
	for _, r := range rows {
		if i := r.Bucket - first; i >= 0 && i < int64(len(out)) {
			out[i].Old, out[i].New = r.Old, r.New
		}
	}
	return out, nil
}
