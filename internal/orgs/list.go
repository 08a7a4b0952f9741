package orgs

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Sort is what a list is ordered by.
type Sort string

// The orders. What has no value comes last in both directions.
const (
	ByUpdate Sort = "updated" // when a value last changed
	ByMRR    Sort = "mrr"
	ByUsers  Sort = "users"
)

// Filter narrows the organisations; zero values mean "all", but Environment is always one of
// models.Live and models.Test.
type Filter struct {
	Environment string
	Search      string // part of the org's id, name or domain, in any case
	Plan        string // exactly
	TrialStatus string // exactly
	Sort        Sort   // ByUpdate unless set
	Ascending   bool   // lowest or oldest first
	At          Cursor
	Limit       int // 1 to 500, default 50
}

// Item is a line of the list.
type Item struct {
	models.ProductOrg
	State State // every value, exact
}

// Page is a part of the list.
type Page struct {
	Items []Item
	Paging
}

var errNoOrg = fault.New(fault.NotFound, "This product org does not exist.")

// List returns one page of the organisations. A search for a whole org id has that org first. It
// needs access.ReadData.
func (s *Service) List(ctx context.Context, actor access.Actor, f Filter) (Page, error) {
	if err := mayRead(actor); err != nil {
		return Page{}, err
	}
	q := s.query(ctx, actor, f)
	rows, paging, err := s.find(q)
	if err != nil {
		return Page{}, err
	}
	if first := f.At.Before == "" && f.At.After == ""; first && q.exact != "" {
		named, err := s.exactly(q)
		if err != nil {
			return Page{}, err
		}
		rows = append(named, rows...)
	}
	items, err := withState(rows)
	return Page{items, paging}, err
}

// exactly finds the organisation whose id is what was searched for, at once however many there are.
func (s *Service) exactly(q query) ([]models.ProductOrg, error) {
	db := q.base().Where("org_key = ?", q.exact)
	for _, c := range slices.Concat(q.indexed, q.rest) {
		if c.text != contains && c.text != otherThan {
			db = db.Where(c.text, c.args...)
		}
	}
	var rows []models.ProductOrg
	if err := db.Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find product org: %w", err)
	}
	return rows, nil
}

func withState(rows []models.ProductOrg) ([]Item, error) {
	items := make([]Item, len(rows))
	for i, r := range rows {
		state, err := Decode(r.Fields)
		if err != nil {
			return nil, fmt.Errorf("read values of product org %s: %w", r.ID, err)
		}
		items[i] = Item{r, state}
	}
	return items, nil
}

const (
	contains = `(LOWER(org_key) LIKE ? ESCAPE '\' OR LOWER(name) LIKE ? ESCAPE '\' OR LOWER(domain) LIKE ? ESCAPE '\'
		OR org_key LIKE ? ESCAPE '\' OR name LIKE ? ESCAPE '\')`
	// otherThan leaves out the org whose id was searched for: it stands first already.
	otherThan = "org_key <> ?"
)

// filterOf tells the conditions that an index serves in the order of the list from the rest.
func filterOf(q *query, f Filter) {
	if f.Plan != "" {
		c := condition{"plan = ?", []any{f.Plan}}
		if q.order.column == "updated_at" {
			q.indexed = append(q.indexed, c)
		} else {
			q.rest = append(q.rest, c)
		}
	}
	if f.TrialStatus != "" {
		q.also("trial_status = ?", f.TrialStatus)
	}
	search := strings.TrimSpace(f.Search)
	if search == "" {
		return
	}
	// SQLite's LOWER knows ASCII alone: the text as it was typed finds the rest.
	lower, typed := database.Contains(strings.ToLower(search)), database.Contains(search)
	q.exact = search
	q.also(contains, lower, lower, lower, typed, typed)
	q.also(otherThan, search)
}
