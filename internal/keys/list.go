package keys

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/token"
	"latchkey/models"
)

// Filter narrows the list; zero values mean "all".
type Filter struct {
	Environment string // live or test
	Status      string // active, expiring, expired, deactivated
	Type        string // endpoint type
	Search      string // part of the name or the prefix, a whole value, or the SHA-256 of one
	Before      string // id: only older keys
	After       string // id: only newer keys, those next to it
	Limit       int    // 1 to 100, default 50
	NoCounts    bool   // leave Page.Counts out, which costs as much as the page
}

// Item is a key as the list and its page show it.
type Item struct {
	models.APIKey
	LastUsed         models.KeyLastUsed
	CreatedByName    string // empty for the command line
	CreatedByKeyName string // the API-access key that made it; empty when a person did
	DeactivatedBy    string // name of who did it
	Rotating         bool   // the value before the present one is still valid, until PreviousEndsAt
}

// Page is one page of the list, with the counts of the status tabs under the same other filters.
type Page struct {
	Items    []Item
	Next     string // pass as Before; empty on the last page
	Previous string // pass as After; empty on the first page
	Counts   map[string]int
}

// ExpiringWithin is how near an expiry is shown as expiring.
const ExpiringWithin = 14 * 24 * time.Hour

// statusConditions are the tabs; :now and :soon are microseconds.
var statusConditions = map[string]string{
	"active":      "status = 'active' AND (expires_at IS NULL OR expires_at > @now)",
	"expiring":    "status = 'active' AND expires_at > @now AND expires_at <= @soon",
	"expired":     "status = 'active' AND expires_at <= @now",
	"deactivated": "status = 'deactivated'",
}

// List returns keys, newest first.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := actor.Require(access.ReadKeys); err != nil {
		return Page{}, err
	}
	if f.Limit < 1 || f.Limit > 100 {
		f.Limit = 50
	}
	var counts map[string]int
	var err error
	if !f.NoCounts {
		if counts, err = s.counts(ctx, actor, f); err != nil {
			return Page{}, err
		}
	}
	q := inTab(s.filtered(ctx, actor, f), f.Status, s.instants())
	before, after := database.ValidID(f.Before), database.ValidID(f.After)
	order := "id DESC"
	switch {
	case after:
		q, order = q.Where("id > ?", f.After), "id"
	case before:
		q = q.Where("id < ?", f.Before)
	}
	var keys []models.APIKey
	if err := q.Order(order).Limit(f.Limit + 1).Find(&keys).Error; err != nil {
		return Page{}, fmt.Errorf("list keys: %w", err)
	}
	more := len(keys) > f.Limit
	if more {
		keys = keys[:f.Limit]
	}
	if after {
		slices.Reverse(keys)
	}
	page := Page{Counts: counts}
	if n := len(keys); n > 0 && (more || after) {
		page.Next = keys[n-1].ID
	}
	if len(keys) > 0 && (before && !after || after && more) {
		page.Previous = keys[0].ID
	}
	page.Items, err = s.decorate(ctx, keys)
	return page, err
}

func inTab(q *gorm.DB, status string, instants map[string]any) *gorm.DB {
	switch condition, ok := statusConditions[status]; {
	case ok && strings.Contains(condition, "@"):
		return q.Where(condition, instants)
	case ok:
		// gorm would pass the map on as a value of its own.
		return q.Where(condition)
	}
	return q
}

func (s *Service) instants() map[string]any {
	now := s.now()
	return map[string]any{"now": models.At(now), "soon": models.At(now.Add(ExpiringWithin))}
}

// filtered applies everything but the status, so that the tabs can be counted with it.
func (s *Service) filtered(ctx context.Context, actor access.Actor, f Filter) *gorm.DB {
	q := s.db.Read.WithContext(ctx).Model(&models.APIKey{}).Where("workspace_id = ?", actor.WorkspaceID)
	if !actor.Can(access.ReadAPIKeys) {
		q = q.Where("endpoint_type <> ?", models.APIAccess)
	}
	if f.Environment != "" {
		q = q.Where("environment = ?", f.Environment)
	}
	if f.Type != "" {
		q = q.Where("endpoint_type = ?", f.Type)
	}
	if text := strings.TrimSpace(f.Search); text != "" {
		q = searched(q, text)
	}
	return q
}

// searched finds by a part of the name or of the display prefix, or by a whole value or its SHA-256,
// present or retired.
func searched(q *gorm.DB, text string) *gorm.DB {
	if hash, ok := ParseSHA256(text); ok {
		return q.Where(hasValue, hash[:], hash[:])
	}
	if key, err := token.Parse(text); err == nil {
		hash := key.Hash()
		return q.Where(hasValue, hash[:], hash[:])
	}
	like := database.Contains(strings.ToLower(text))
	return q.Where(`(LOWER(name) LIKE ? ESCAPE '\' OR LOWER(key_prefix) LIKE ? ESCAPE '\')`, like, like)
}

const hasValue = "id IN (SELECT v.id FROM api_keys v WHERE v.key_hash = ? UNION ALL SELECT r.api_key_id FROM retired_key_values r WHERE r.key_hash = ?)"

func (s *Service) counts(ctx context.Context, actor access.Actor, f Filter) (map[string]int, error) {
	var row struct{ Total, Active, Expiring, Expired, Deactivated int }
	sum := func(name string) string {
		return "COALESCE(SUM(CASE WHEN " + statusConditions[name] + " THEN 1 ELSE 0 END), 0) AS " + name
	}
	err := s.filtered(ctx, actor, f).Select("COUNT(*) AS total, "+sum("active")+", "+sum("expiring")+", "+
		sum("expired")+", "+sum("deactivated"), s.instants()).Scan(&row).Error
	if err != nil {
		return nil, fmt.Errorf("count keys: %w", err)
	}
	return map[string]int{
		"": row.Total, "active": row.Active, "expiring": row.Expiring, "expired": row.Expired, "deactivated": row.Deactivated,
	}, nil
}

// decorate adds last use and the makers' names, with one query each.
func (s *Service) decorate(ctx context.Context, keys []models.APIKey) ([]Item, error) {
	ids, people, makers := make([]string, 0, len(keys)), make([]string, 0, len(keys)), []string{}
	for _, k := range keys {
		ids = append(ids, k.ID)
		for _, p := range []*string{k.CreatedBy, k.DeactivatedBy} {
			if p != nil && !slices.Contains(people, *p) {
				people = append(people, *p)
			}
		}
		if k.CreatedByKey != nil && !slices.Contains(makers, *k.CreatedByKey) {
			makers = append(makers, *k.CreatedByKey)
		}
	}
	used, err := s.lastUsed(ctx, ids)
	if err != nil {
		return nil, err
	}
	names, err := s.names(ctx, people)
	if err != nil {
		return nil, err
	}
	programs, err := s.keyNames(ctx, makers)
	if err != nil {
		return nil, err
	}
	now, items := s.now(), make([]Item, len(keys))
	for i, k := range keys {
		items[i] = Item{
			APIKey: k, LastUsed: used[k.ID], CreatedByName: nameOf(names, k.CreatedBy), DeactivatedBy: nameOf(names, k.DeactivatedBy),
			Rotating: k.RotatingAt(now),
		}
		if k.CreatedByKey != nil {
			items[i].CreatedByKeyName = programs[*k.CreatedByKey]
		}
	}
	return items, nil
}

func (s *Service) keyNames(ctx context.Context, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	rows, err := gorm.G[models.APIKey](s.db.Read).Select("id", "name").Where("id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select names of keys: %w", err)
	}
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, nil
}

func (s *Service) lastUsed(ctx context.Context, ids []string) (map[string]models.KeyLastUsed, error) {
	found := map[string]models.KeyLastUsed{}
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := gorm.G[models.KeyLastUsed](s.db.Read).Where("api_key_id IN ?", ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select last use: %w", err)
	}
	for _, r := range rows {
		found[r.APIKeyID] = r
	}
	return found, nil
}

func (s *Service) names(ctx context.Context, accounts []string) (map[string]string, error) {
	names := map[string]string{}
	if len(accounts) == 0 {
		return names, nil
	}
	rows, err := gorm.G[models.Account](s.db.Read).Select("id", "name").Where("id IN ?", accounts).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select names: %w", err)
	}
	for _, r := range rows {
		names[r.ID] = r.Name
	}
	return names, nil
}

func nameOf(names map[string]string, id *string) string {
	if id == nil {
		return ""
	}
	if name, ok := names[*id]; ok {
		return name
	}
	return "a former member"
}
