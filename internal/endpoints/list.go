package endpoints

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Filter narrows the list; zero values mean "all".
type Filter struct {
	Environment string // live or test
	Status      string // enabled, disabled or failing (enabled, and its last attempts failed)
	Q           string // part of the URL or the description
	Before      string // id: only older ones
	Limit       int    // 1 to 100, default 50
}

// Page is one page of the list, newest first, with the counts of the status tabs under the same
// other filters ("" is all).
type Page struct {
	Items  []Item
	Next   string // pass as Before; empty on the last page
	Counts map[string]int
}

// statusConditions are the tabs, of endpoints e and their states s.
var statusConditions = map[string]string{
	"enabled":  "e.status = 'enabled'",
	"disabled": "e.status = 'disabled'",
	"failing":  "e.status = 'enabled' AND s.failing_since IS NOT NULL",
}

// List returns endpoints, newest first.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return Page{}, err
	}
	if f.Limit < 1 || f.Limit > 100 {
		f.Limit = 50
	}
	counts, err := s.counts(ctx, actor, f)
	if err != nil {
		return Page{}, err
	}
	q := s.filtered(ctx, actor, f)
	if condition, ok := statusConditions[f.Status]; ok {
		q = q.Where(condition)
	}
	if database.ValidID(f.Before) {
		q = q.Where("e.id < ?", f.Before)
	}
	var rows []models.Endpoint
	if err := q.Select("e.*").Order("e.id DESC").Limit(f.Limit + 1).Find(&rows).Error; err != nil {
		return Page{}, fmt.Errorf("list endpoints: %w", err)
	}
	page := Page{Counts: counts}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		page.Next = rows[f.Limit-1].ID
	}
	page.Items, err = s.decorate(ctx, rows)
	return page, err
}

// filtered applies everything but the status, so that the tabs can be counted with it.
func (s *Service) filtered(ctx context.Context, actor access.Actor, f Filter) *gorm.DB {
	q := s.db.Read.WithContext(ctx).Table("endpoints e").
		Joins("LEFT JOIN endpoint_states s ON s.endpoint_id = e.id").
		Where("e.workspace_id = ? AND e.status <> ?", actor.WorkspaceID, models.EndpointDeleted)
	if f.Environment != "" {
		q = q.Where("e.environment = ?", f.Environment)
	}
	if text := strings.TrimSpace(f.Q); text != "" {
		like := database.Contains(strings.ToLower(text))
		q = q.Where(`(LOWER(e.url) LIKE ? ESCAPE '\' OR LOWER(e.description) LIKE ? ESCAPE '\')`, like, like)
	}
	return q
}

func (s *Service) counts(ctx context.Context, actor access.Actor, f Filter) (map[string]int, error) {
	var row struct{ Total, Enabled, Disabled, Failing int }
	sum := func(name string) string {
		return "COALESCE(SUM(CASE WHEN " + statusConditions[name] + " THEN 1 ELSE 0 END), 0) AS " + name
	}
	err := s.filtered(ctx, actor, f).
		Select("COUNT(*) AS total, " + sum("enabled") + ", " + sum("disabled") + ", " + sum("failing")).Scan(&row).Error
	if err != nil {
		return nil, fmt.Errorf("count endpoints: %w", err)
	}
	return map[string]int{"": row.Total, "enabled": row.Enabled, "disabled": row.Disabled, "failing": row.Failing}, nil
}

// Get returns one endpoint of the actor's workspace. NotFound when it is another's, or deleted.
func (s *Service) Get(ctx context.Context, actor access.Actor, id string) (Item, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return Item{}, err
	}
	return s.byID(ctx, actor, id)
}

func (s *Service) byID(ctx context.Context, actor access.Actor, id string) (Item, error) {
	e, err := take(ctx, s.db.Read, actor, id)
	if err != nil {
		return Item{}, err
	}
	return s.item(ctx, e)
}

func (s *Service) item(ctx context.Context, e models.Endpoint) (Item, error) {
	items, err := s.decorate(ctx, []models.Endpoint{e})
	if err != nil {
		return Item{}, err
	}
	return items[0], nil
}
