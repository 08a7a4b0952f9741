package templates

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// maxVersions bounds a list; older versions are there by number.
const maxVersions = 200

// Versions lists a template's versions, newest first, the newest 200. Faults: Forbidden, NotFound.
func (s *Service) Versions(ctx context.Context, actor access.Actor, id string) ([]models.TemplateVersion, error) {
	if err := actor.Require(access.ReadTemplates); err != nil {
		return nil, err
	}
	if _, err := take(ctx, s.db.Read, actor, id); err != nil {
		return nil, err
	}
	rows, err := gorm.G[models.TemplateVersion](s.db.Read).
		Where("template_id = ?", id).Order("version DESC").Limit(maxVersions).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return rows, nil
}

// Version returns one version with its rows. Faults: Forbidden; NotFound.
func (s *Service) Version(ctx context.Context, actor access.Actor, id string, n int) (Saved, error) {
	if err := actor.Require(access.ReadTemplates); err != nil {
		return Saved{}, err
	}
	if _, err := take(ctx, s.db.Read, actor, id); err != nil {
		return Saved{}, err
	}
	return version(ctx, s.db.Read, id, n)
}

func target(t models.Template, keys []KeyRef) audit.Target {
	return audit.Target{Type: "template", ID: t.ID, Label: label(t, keys)}
}

// entry tells what a version changes. Rows are not repeated here: the version holds them.
func (d draft) entry(before View) audit.Change {
	after := audit.Values{"version": before.Template.Version + 1, "changes": changes(before.Rows, d.rows)}
	if d.note != "" {
		after["note"] = d.note
	}
	if d.from > 0 {
		after["restored_version"] = d.from
	}
	return audit.Change{
		Action: d.action, Target: target(before.Template, before.Keys),
		Before: audit.Values{"version": before.Template.Version}, After: after,
	}
}

// maxTold bounds how many changed rows an entry of the audit log tells.
const maxTold = 10

// changes tells what differs in a line, such as "plan: added. mrr: removed."
func changes(before, after mapping.Template) string {
	var told []string
	found := mapping.Diff(before, after)
	for i, c := range found {
		if i == maxTold {
			told = append(told, fmt.Sprintf("And %d more.", len(found)-maxTold))
			break
		}
		said := strings.Join(c.Words, " ")
		if said == "" {
			said = c.Kind + "."
		}
		told = append(told, c.Target+": "+said)
	}
	return strings.Join(told, " ")
}
