package endpoints

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/access"
	"latchkey/models"
)

// Bucket is a part of a chart: the attempts that ended in it.
type Bucket struct {
	Start             time.Time
	Delivered, Failed int64
	AverageUS         int64 // duration of an attempt, in microseconds; 0 without any
}

// ChartKept is how far back charts go.
const ChartKept = 7 * 24 * time.Hour

// step is the width of a bucket.
func step(span time.Duration) time.Duration {
	switch {
	case span <= time.Hour:
		return time.Minute
	case span <= 24*time.Hour:
		return 15 * time.Minute
	}
	return 2 * time.Hour
}

// Chart counts the attempts of the last span, at most ChartKept: an hour by the minute, up to 24
// hours by 15 minutes, more by 2 hours. Buckets without attempts are there too, oldest first.
// Faults: NotFound, Forbidden.
func (s *Service) Chart(ctx context.Context, actor access.Actor, id string, span time.Duration) ([]Bucket, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return nil, err
	}
	if _, err := take(ctx, s.db.Read, actor, id); err != nil {
		return nil, err
	}
	if span <= 0 || span > ChartKept {
		span = ChartKept
	}
	width := step(span)
	last := s.now().UTC().Truncate(width)
	buckets := make([]Bucket, span/width)
	first := last.Add(-time.Duration(len(buckets)-1) * width)
	for i := range buckets {
		buckets[i].Start = first.Add(time.Duration(i) * width)
	}
	return buckets, s.fill(ctx, id, buckets, width)
}

func (s *Service) fill(ctx context.Context, id string, buckets []Bucket, width time.Duration) error {
	first, minutes := buckets[0].Start.Unix()/60, int64(width/time.Minute)
	var rows []models.EndpointMinute
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT (minute - ?) / ? AS minute, SUM(delivered) AS delivered, SUM(failed) AS failed, SUM(duration_us) AS duration_us
		FROM endpoint_minutes
		WHERE endpoint_id = ? AND minute >= ? AND minute < ?
		GROUP BY 1`, first, minutes, id, first, first+int64(len(buckets))*minutes).Scan(&rows).Error
	if err != nil {
		return fmt.Errorf("count attempts: %w", err)
	}
	for _, r := range rows {
		b := &buckets[r.Minute]
		b.Delivered, b.Failed = r.Delivered, r.Failed
		if n := r.Delivered + r.Failed; n > 0 {
			b.AverageUS = r.DurationUS / n
		}
	}
	return nil
}
