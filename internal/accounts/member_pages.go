package accounts

import (
	"context"
	"fmt"

	"latchkey/internal/access"
	"latchkey/models"
)

// MembersAfter returns up to limit members in the order of their accounts' ids, which no change of
// a name or role moves; after is the id that next named, or empty. It needs access.ReadMembers.
func (s *Service) MembersAfter(ctx context.Context, actor access.Actor, after string, limit int) (page []Member, next string, err error) {
	if err := actor.Require(access.ReadMembers); err != nil {
		return nil, "", err
	}
	condition, args := "", []any{models.KeyActive, actor.WorkspaceID}
	if after != "" {
		condition, args = "AND m.account_id > ?", append(args, after)
	}
	err = s.db.Read.WithContext(ctx).Raw(`
		SELECT m.account_id, a.name, a.email, m.role, m.created_at AS joined_at,
		       (SELECT COUNT(*)
		        FROM api_keys k
		        WHERE k.workspace_id = m.workspace_id AND k.created_by = m.account_id AND k.status = ?) AS active_keys
		FROM memberships m
		JOIN accounts a ON a.id = m.account_id
		WHERE m.workspace_id = ? `+condition+`
		ORDER BY m.account_id
		LIMIT ?`, append(args, limit+1)...).Scan(&page).Error
	if err != nil {
		return nil, "", fmt.Errorf("list members: %w", err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].AccountID
	}
	return page, next, nil
}

// CountMembers counts the members of the actor's workspace, which whoever sees the workspace may know.
func (s *Service) CountMembers(ctx context.Context, actor access.Actor) (int, error) {
	var n int
	err := s.db.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM memberships WHERE workspace_id = ?", actor.WorkspaceID).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count members: %w", err)
	}
	return n, nil
}
