package keys

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/models"
)

// ScopeUses tells when programs last made use of the scopes of an API-access key. A scope that is
// missing was never used. Faults: NotFound.
func (s *Service) ScopeUses(ctx context.Context, actor access.Actor, id string) (map[access.Scope]time.Time, error) {
	if _, err := s.take(ctx, s.db.Read, actor, id); err != nil {
		return nil, err
	}
	rows, err := gorm.G[models.KeyScopeUse](s.db.Read).Where("api_key_id = ?", id).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select uses of scopes: %w", err)
	}
	used := map[access.Scope]time.Time{}
	for _, r := range rows {
		used[access.Scope(r.Scope)] = r.LastUsedAt.Time
	}
	return used, nil
}
