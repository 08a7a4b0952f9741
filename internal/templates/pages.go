package templates

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/models"
)

// List returns up to limit templates of the workspace, the last to be made first, those of single
// keys too; before is the id that next named. Fault: Forbidden.
func (s *Service) List(ctx context.Context, actor access.Actor, before string, limit int) (views []View, next string, err error) {
	if err := actor.Require(access.ReadTemplates); err != nil {
		return nil, "", err
	}
	q := gorm.G[models.Template](s.db.Read).Where("workspace_id = ?", actor.WorkspaceID)
	if before != "" {
		q = q.Where("id < ?", before)
	}
	rows, err := q.Order("id DESC").Limit(limit + 1).Find(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("list templates: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ID
	}
	views, err = s.views(ctx, actor, rows)
	return views, next, err
}

// History returns up to limit versions of a template with their rows, newest first, below the
// version before (0: from the newest); next is 0 after the first version. Faults: Forbidden, NotFound.
func (s *Service) History(ctx context.Context, actor access.Actor, id string, before, limit int) (versions []Saved, next int, err error) {
	if err := actor.Require(access.ReadTemplates); err != nil {
		return nil, 0, err
	}
	if _, err := take(ctx, s.db.Read, actor, id); err != nil {
		return nil, 0, err
	}
	q := gorm.G[models.TemplateVersion](s.db.Read).Where("template_id = ?", id)
	if before > 0 {
		q = q.Where("version < ?", before)
	}
	rows, err := q.Order("version DESC").Limit(limit + 1).Find(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("list versions: %w", err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].Version
	}
	versions = make([]Saved, len(rows))
	for i, row := range rows {
		if versions[i], err = decode(row); err != nil {
			return nil, 0, err
		}
	}
	return versions, next, nil
}
