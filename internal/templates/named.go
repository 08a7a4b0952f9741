package templates

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/models"
)

// Named lists the workspace's named templates, by name. Fault: Forbidden.
func (s *Service) Named(ctx context.Context, actor access.Actor) ([]View, error) {
	if err := actor.Require(access.ReadTemplates); err != nil {
		return nil, err
	}
	rows, err := gorm.G[models.Template](s.db.Read).
		Where("workspace_id = ? AND name <> ''", actor.WorkspaceID).Order("LOWER(name), id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	return s.views(ctx, actor, rows)
}

// views is view for several templates, with one query for the keys and one for the versions.
func (s *Service) views(ctx context.Context, actor access.Actor, rows []models.Template) ([]View, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	ids := make([]string, len(rows))
	for i, t := range rows {
		ids[i] = t.ID
	}
	keys, err := s.keysOf(ctx, s.db.Read, actor.WorkspaceID, ids)
	if err != nil {
		return nil, err
	}
	newest, err := gorm.G[models.TemplateVersion](s.db.Read).
		Where("template_id IN ? AND version = (SELECT MAX(v.version) FROM template_versions v WHERE v.template_id = template_versions.template_id)", ids).
		Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select the newest versions: %w", err)
	}
	saved := map[string]Saved{}
	for _, row := range newest {
		if saved[row.TemplateID], err = decode(row); err != nil {
			return nil, err
		}
	}
	views := make([]View, len(rows))
	for i, t := range rows {
		v := saved[t.ID]
		views[i] = View{Template: t, Rows: v.Rows, Keys: keys[t.ID], SavedBy: v.CreatedLabel, SavedAt: v.CreatedAt.Time, Note: v.Note}
	}
	return views, nil
}
