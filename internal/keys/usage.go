package keys

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/access"
	"latchkey/models"
)

// Traffic is what a key received lately, for the confirmation of its end.
type Traffic struct {
	Last24h  int64 // items accepted in the last 24 hours
	LatestAt time.Time
	LatestIP string
}

// NeedsName tells whether deactivating asks for the typed name.
func (t Traffic) NeedsName() bool { return t.Last24h > 0 }

// Traffic sums the last 24 hours of a key.
func (s *Service) Traffic(ctx context.Context, actor access.Actor, id string) (Traffic, error) {
	item, err := s.Get(ctx, actor, id)
	if err != nil {
		return Traffic{}, err
	}
	t := Traffic{LatestAt: item.LastUsed.LastUsedAt.Time, LatestIP: item.LastUsed.IP}
	since := s.now().Add(-24*time.Hour).Unix() / 60
	err = s.db.Read.WithContext(ctx).Raw(`
		SELECT COALESCE(SUM(accepted + duplicates), 0)
		FROM key_usage_minutes
		WHERE api_key_id = ? AND minute >= ?`, id, since).Scan(&t.Last24h).Error
	if err != nil {
		return Traffic{}, fmt.Errorf("sum traffic: %w", err)
	}
	return t, nil
}

// Span is how far back a chart looks and how wide its bars are.
type Span struct {
	Name    string
	Buckets int
	Width   time.Duration
}

// Spans are the charts' choices.
var Spans = []Span{
	{"24h", 24, time.Hour},
	{"7d", 28, 6 * time.Hour},
	{"30d", 30, 24 * time.Hour},
}

// SpanNamed returns the span of that name, the first by default.
func SpanNamed(name string) Span {
	for _, s := range Spans {
		if s.Name == name {
			return s
		}
	}
	return Spans[0]
}

// window is the width of a bar in minutes, and the number of the first bar that is shown at now.
func (s Span) window(now time.Time) (width, first int64) {
	width = int64(s.Width / time.Minute)
	return width, now.Unix()/60/width - int64(s.Buckets) + 1
}

// Bucket is one bar: what arrived from Start for the span's width. Duplicates count as accepted.
type Bucket struct {
	Start              time.Time
	Accepted, Rejected int64
}

// Usage returns the bars of one key, oldest first, none missing.
func (s *Service) Usage(ctx context.Context, actor access.Actor, id string, span Span) ([]Bucket, error) {
	if _, err := s.take(ctx, s.db.Read, actor, id); err != nil {
		return nil, err
	}
	return s.buckets(ctx, span, "api_key_id = ?", id)
}

// WorkspaceUsage returns the bars of all webhook keys of one environment.
func (s *Service) WorkspaceUsage(ctx context.Context, actor access.Actor, environment string, span Span) ([]Bucket, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return nil, err
	}
	const webhooks = `workspace_id = ? AND environment = ? AND api_key_id NOT IN (
		SELECT id FROM api_keys WHERE workspace_id = ? AND endpoint_type = 'api_access')`
	return s.buckets(ctx, span, webhooks, actor.WorkspaceID, environment, actor.WorkspaceID)
}

func (s *Service) buckets(ctx context.Context, span Span, where string, args ...any) ([]Bucket, error) {
	width, first := span.window(s.now())
	var rows []struct{ Bucket, Accepted, Rejected int64 }
	args = append([]any{width}, append(args, first*width)...)
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT minute / ? AS bucket, SUM(accepted + duplicates) AS accepted, SUM(rejected) AS rejected
		FROM key_usage_minutes
		WHERE `+where+` AND minute >= ?
		GROUP BY 1`, args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("sum usage: %w", err)
	}
	out := make([]Bucket, span.Buckets)
	for i := range out {
		out[i].Start = time.Unix((first+int64(i))*width*60, 0).UTC()
	}
	for _, r := range rows {
		if i := r.Bucket - first; i >= 0 && i < int64(len(out)) {
			out[i].Accepted, out[i].Rejected = r.Accepted, r.Rejected
		}
	}
	return out, nil
}

// Attention lists keys that someone should look at: those that expire soon and those that no
// request has used for idle, at most limit each.
func (s *Service) Attention(ctx context.Context, actor access.Actor, environment string, idle time.Duration, limit int) (expiring, unused []Item, err error) {
	if err := actor.Require(access.ReadKeys); err != nil {
		return nil, nil, err
	}
	now := s.now()
	base := Filter{Environment: environment}
	var soon, old []models.APIKey
	err = s.filtered(ctx, actor, base).Where(statusConditions["expiring"], s.instants()).
		Order("expires_at").Limit(limit).Find(&soon).Error
	if err != nil {
		return nil, nil, fmt.Errorf("select expiring keys: %w", err)
	}
	since := models.At(now.Add(-idle))
	err = s.filtered(ctx, actor, base).Where(statusConditions["active"], s.instants()).
		Where("created_at < ? AND NOT EXISTS (SELECT 1 FROM key_last_used u WHERE u.api_key_id = api_keys.id AND u.last_used_at >= ?)", since, since).
		Order("id").Limit(limit).Find(&old).Error
	if err != nil {
		return nil, nil, fmt.Errorf("select idle keys: %w", err)
	}
	if expiring, err = s.decorate(ctx, soon); err != nil {
		return nil, nil, err
	}
	unused, err = s.decorate(ctx, old)
	return expiring, unused, err
}
