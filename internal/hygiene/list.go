package hygiene

import (
	"context"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/keys"
)

// Filter narrows a list; zero values mean "all".
type Filter struct {
	Environment string // live or test
	Kind        string
	Before      string // Page.Next of the page before
	Limit       int    // 1 to 100, default 50
}

// Page is a part of the findings, ordered by kind as in Kinds, the newest key first.
type Page struct {
	Findings []Finding
	Counts   map[string]int // of each kind, under the same environment; "" is the sum
	Next     string         // empty on the last page
}

// place is where a page begins: after a key among the findings of a kind.
type place struct{ kind, before string }

func (p place) String() string { return p.kind + "." + p.before }

func parsePlace(text string) (place, bool) {
	kind, id, _ := strings.Cut(text, ".")
	return place{kind, id}, rank(kind) >= 0 && database.ValidID(id)
}

// List returns what was found. Forbidden for those who may not manage keys.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return Page{}, err
	}
	if f.Limit < 1 || f.Limit > 100 {
		f.Limit = 50
	}
	l, err := newLook(ctx, s.db.Read, actor, s.now())
	if err != nil {
		return Page{}, err
	}
	counts, err := l.counts(f.Environment)
	if err != nil {
		return Page{}, err
	}
	page := Page{Counts: counts}
	found, err := l.page(f, counts)
	if err != nil {
		return Page{}, err
	}
	if len(found) > f.Limit {
		found = found[:f.Limit]
		last := found[f.Limit-1]
		page.Next = place{last.kind, last.ID}.String()
	}
	page.Findings, err = s.describe(ctx, actor, l, found)
	return page, err
}

// match is a row with the kind that it was found as.
type match struct {
	kind string
	row
}

// page collects up to one more than a page of matches, kind by kind.
func (l *look) page(f Filter, counts map[string]int) ([]match, error) {
	from, resumed := parsePlace(f.Before)
	var found []match
	for i, k := range kinds {
		left := f.Limit + 1 - len(found)
		if counts[k.Kind] == 0 || left == 0 || f.Kind != "" && f.Kind != k.Kind || resumed && i < rank(from.kind) {
			continue
		}
		extra, args := "", map[string]any{}
		if resumed && k.Kind == from.kind {
			extra, args = " AND k.id < @before", map[string]any{"before": from.before}
		}
		rows, err := l.rows(k.Kind, f.Environment, extra, args, left)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found = append(found, match{k.Kind, r})
		}
	}
	return found, nil
}

// describe adds the keys, sentences and fixes.
func (s *Service) describe(ctx context.Context, actor access.Actor, l *look, found []match) ([]Finding, error) {
	ids := make([]string, len(found))
	for i, m := range found {
		ids[i] = m.ID
	}
	items, err := s.keys.Items(ctx, actor, ids)
	if err != nil {
		return nil, err
	}
	byID := map[string]keys.Item{}
	for _, item := range items {
		byID[item.ID] = item
	}
	findings := make([]Finding, 0, len(found))
	for _, m := range found {
		if item, ok := byID[m.ID]; ok {
			findings = append(findings, l.finding(m, item))
		}
	}
	return findings, nil
}
