package orgs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"latchkey/internal/access"
	"latchkey/models"
)

const (
	// maxChoices bounds what a filter offers.
	maxChoices = 100
	// recentOrgs bounds what is looked at where no index tells the values that there are.
	recentOrgs = 5000
	// sampledOrgs and sampledBytes bound the orgs that custom fields are looked for in.
	sampledOrgs  = 200
	sampledBytes = 32 << 10
	// customPrefix begins the name of a custom field.
	customPrefix = "custom."
)

// Plans are the plans that the organisations of an environment have, in order, at most 100. It
// needs access.ReadData.
func (s *Service) Plans(ctx context.Context, actor access.Actor, environment string) ([]string, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	var plans []string
	// From one plan to the next by the index, however many organisations have each.
	err := s.db.Read.WithContext(ctx).Raw(`
		WITH RECURSIVE plans (plan, n) AS (
			SELECT (SELECT MIN(plan) FROM product_orgs WHERE workspace_id = @ws AND environment = @env AND plan > ''), 1
			UNION ALL
			SELECT (SELECT MIN(o.plan) FROM product_orgs o WHERE o.workspace_id = @ws AND o.environment = @env AND o.plan > p.plan), n + 1
			FROM plans p
			WHERE p.plan IS NOT NULL AND n < @most
		)
		SELECT plan FROM plans WHERE plan IS NOT NULL`,
		map[string]any{"ws": actor.WorkspaceID, "env": environment, "most": maxChoices}).Scan(&plans).Error
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	return plans, nil
}

// TrialStatuses are those of the 5,000 organisations that changed last, in order, at most 100. It
// needs access.ReadData.
func (s *Service) TrialStatuses(ctx context.Context, actor access.Actor, environment string) ([]string, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	var found []string
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT DISTINCT trial_status
		FROM (
			SELECT trial_status
			FROM product_orgs
			WHERE workspace_id = ? AND environment = ?
			ORDER BY updated_at DESC, id DESC
			LIMIT ?
		) recent
		WHERE trial_status <> ''
		ORDER BY trial_status
		LIMIT ?`, actor.WorkspaceID, environment, recentOrgs, maxChoices).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("list trial statuses: %w", err)
	}
	return found, nil
}

// CustomColumns are the names of the custom fields of the 200 organisations that changed last, in
// order, at most 100: "custom.region". It needs access.ReadData.
func (s *Service) CustomColumns(ctx context.Context, actor access.Actor, environment string) ([]string, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	var rows []models.ProductOrg
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT id, fields
		FROM (
			SELECT id, fields
			FROM product_orgs
			WHERE workspace_id = ? AND environment = ?
			ORDER BY updated_at DESC, id DESC
			LIMIT ?
		) recent
		WHERE LENGTH(fields) <= ?`, actor.WorkspaceID, environment, sampledOrgs, sampledBytes).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list custom fields: %w", err)
	}
	names := map[string]bool{}
	for _, r := range rows {
		state, err := Decode(r.Fields)
		if err != nil {
			return nil, fmt.Errorf("read values of product org %s: %w", r.ID, err)
		}
		for name := range state {
			if strings.HasPrefix(name, customPrefix) {
				names[name] = true
			}
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	return sorted[:min(len(sorted), maxChoices)], nil
}

// Counts tells how many organisations there are.
type Counts struct {
	All     int64
	Match   int64 // of them, those that the filter leaves
	AtLeast bool  // there are more than were counted, and Match is not known
}

// Count counts the organisations of an environment, up to as many as a search looks through at
// once, and those that the filter leaves. It needs access.ReadData.
func (s *Service) Count(ctx context.Context, actor access.Actor, f Filter) (Counts, error) {
	if err := mayRead(actor); err != nil {
		return Counts{}, err
	}
	f.Sort = ByUpdate
	q := s.query(ctx, actor, f)
	var c Counts
	// Ordered, so that the planner counts in the index and not in the table.
	err := s.db.Read.WithContext(ctx).Raw("SELECT COUNT(*) FROM (?) n", q.base().Select("1").Order("updated_at, id").Limit(s.scan+1)).Scan(&c.All).Error
	if err != nil {
		return Counts{}, fmt.Errorf("count product orgs: %w", err)
	}
	if c.AtLeast = c.All > int64(s.scan); c.AtLeast {
		c.All = int64(s.scan)
		return c, nil
	}
	db := q.base()
	for _, condition := range slices.Concat(q.indexed, q.rest) {
		if condition.text != otherThan {
			db = db.Where(condition.text, condition.args...)
		}
	}
	if err := db.Count(&c.Match).Error; err != nil {
		return Counts{}, fmt.Errorf("count product orgs: %w", err)
	}
	return c, nil
}
