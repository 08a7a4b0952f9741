package keys

import (
	"context"
	"fmt"

	"latchkey/internal/access"
)

// Outside counts the requests from outside a key's address list since it is watched: those that it
// would have refused. Faults: NotFound.
func (s *Service) Outside(ctx context.Context, actor access.Actor, id string) (int64, error) {
	key, err := s.take(ctx, s.db.Read, actor, id)
	if err != nil || key.AllowListSince.IsZero() {
		return 0, err
	}
	var n int64
	err = s.db.Read.WithContext(ctx).Raw(`
		SELECT COALESCE(SUM(outside), 0)
		FROM key_usage_minutes
		WHERE api_key_id = ? AND minute >= ?`, id, key.AllowListSince.Unix()/60).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count requests from outside: %w", err)
	}
	return n, nil
}
