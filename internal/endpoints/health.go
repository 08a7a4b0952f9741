package endpoints

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/outbox"
	"latchkey/models"
)

// decorate adds what is known of each: one query a kind, however many endpoints there are.
func (s *Service) decorate(ctx context.Context, rows []models.Endpoint) ([]Item, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]string, len(rows))
	for i, e := range rows {
		ids[i] = e.ID
	}
	now := s.now().UTC()
	health, err := s.health(ctx, ids, now)
	if err != nil {
		return nil, err
	}
	named, err := s.names(ctx, rows)
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(rows))
	for i, e := range rows {
		items[i] = s.assembleItem(e, health[e.ID], named)
	}
	return items, nil
}

func (s *Service) assembleItem(e models.Endpoint, h health, named names) Item {
	item := Item{
		Endpoint: e, State: h.state, Types: outbox.ParsePatterns(e.EventTypes), Rotating: s.rotating(e),
		Delivered24h: h.Delivered, Failed24h: h.Failed,
		Pending: h.Pending, Failed: h.FailedNow, Skipped: h.Skipped,
		APIKeyName: named.of(e.APIKeyID), CreatedByName: named.of(e.CreatedBy), CreatedByKeyName: named.of(e.CreatedByKey),
	}
	if headers, err := s.openHeaders(e); err == nil {
		item.Headers = maskHeaders(headers)
	}
	if e.Status == models.EndpointEnabled {
		item.NextAttemptAt = h.NextAttemptAt.Time
		if paused := h.state.PausedUntil; h.Pending > 0 && paused.After(item.NextAttemptAt) {
			item.NextAttemptAt = paused.Time
		}
		if !h.state.FailingSince.IsZero() {
			item.DisablesAt = h.state.FailingSince.Add(DisabledAfter)
		}
	}
	item.Secret, item.PreviousSecret, item.Endpoint.Headers = nil, nil, nil
	return item
}

// health is what the workers wrote of an endpoint.
type health struct {
	EndpointID                  string
	Delivered, Failed           int64 // attempts of 24 hours
	Pending, FailedNow, Skipped int64
	NextAttemptAt               models.Time

	state models.EndpointState
}

// The counts end at a bound, by the partial indexes: a SQLite index over two states is used when
// both are named.
var countsSQL = fmt.Sprintf(`
	SELECT e.id AS endpoint_id,
		(SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.status = 'pending' LIMIT %[1]d) x) AS pending,
		(SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.status = 'failed'
			AND d.status IN ('failed', 'skipped') LIMIT %[1]d) x) AS failed_now,
		(SELECT COUNT(*) FROM (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.status = 'skipped'
			AND d.status IN ('failed', 'skipped') LIMIT %[1]d) x) AS skipped,
		(SELECT MIN(d.next_attempt_at) FROM deliveries d WHERE d.endpoint_id = e.id AND d.status = 'pending') AS next_attempt_at,
		(SELECT COALESCE(SUM(m.delivered), 0) FROM endpoint_minutes m WHERE m.endpoint_id = e.id AND m.minute > ?) AS delivered,
		(SELECT COALESCE(SUM(m.failed), 0) FROM endpoint_minutes m WHERE m.endpoint_id = e.id AND m.minute > ?) AS failed
	FROM endpoints e
	WHERE e.id IN ?`, CountedUpTo+1)

func (s *Service) health(ctx context.Context, ids []string, now time.Time) (map[string]health, error) {
	since := now.Add(-24*time.Hour).Unix() / 60
	var rows []health
	if err := s.db.Read.WithContext(ctx).Raw(countsSQL, since, since, ids).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	states, err := gorm.G[models.EndpointState](s.db.Read).Where("endpoint_id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select states of endpoints: %w", err)
	}
	found := map[string]health{}
	for _, r := range rows {
		found[r.EndpointID] = r
	}
	for _, state := range states {
		h := found[state.EndpointID]
		h.state = state
		found[state.EndpointID] = h
	}
	return found, nil
}

// names are those of keys and people, by id.
type names map[string]string

func (n names) of(id *string) string {
	if id == nil {
		return ""
	}
	return n[*id]
}

func (s *Service) names(ctx context.Context, rows []models.Endpoint) (names, error) {
	var ids []string
	for _, e := range rows {
		for _, id := range []*string{e.APIKeyID, e.CreatedBy, e.CreatedByKey} {
			if id != nil {
				ids = append(ids, *id)
			}
		}
	}
	found := names{}
	if len(ids) == 0 {
		return found, nil
	}
	var named []struct{ ID, Name string }
	err := s.db.Read.WithContext(ctx).Raw(
		"SELECT id, name FROM api_keys WHERE id IN ? UNION ALL SELECT id, name FROM accounts WHERE id IN ?", ids, ids).Scan(&named).Error
	if err != nil {
		return nil, fmt.Errorf("select names: %w", err)
	}
	for _, n := range named {
		found[n.ID] = n.Name
	}
	return found, nil
}
