package accounts

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// WorkspaceNamed finds a workspace's id by slug or id, for the command line; an empty name means
// the only one there is. Faults: NotFound, Invalid when there are several to choose from.
func (s *Service) WorkspaceNamed(ctx context.Context, name string) (string, error) {
	q := gorm.G[models.Workspace](s.db.Read).Where("1 = 1")
	switch {
	case database.ValidID(name):
		q = q.Where("id = ?", name)
	case name != "":
		q = q.Where("slug = ?", name)
	}
	found, err := q.Limit(2).Find(ctx)
	if err != nil {
		return "", fmt.Errorf("find workspace: %w", err)
	}
	switch {
	case len(found) == 1:
		return found[0].ID, nil
	case len(found) == 2:
		return "", fault.New(fault.Invalid, "There are several workspaces. Say which with --workspace SLUG.")
	case name != "":
		return "", fault.New(fault.NotFound, "There is no workspace "+name+".")
	default:
		return "", fault.New(fault.NotFound, "There is no workspace yet. Run the set-up first.")
	}
}
