package orgs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// query is one page of the list. Its order is a column and the id, ties included, so that a page
// begins where the one before it ended however many rows came or went between.
type query struct {
	base    func() *gorm.DB // fresh with each call: a reused chain keeps its conditions
	indexed []condition     // served by an index in the list's order
	rest    []condition     // looked for row by row
	exact   string          // an org id that is looked up by itself
	order   order
	at      Cursor
	limit   int
}

type condition struct {
	text string
	args []any
}

func (q *query) also(text string, args ...any) {
	q.rest = append(q.rest, condition{text, args})
}

// order is a column with an index of its own. The databases differ in where NULL stands in it, so
// what has no value is read by itself, after the rest.
type order struct {
	column    string
	nullable  bool
	ascending bool
}

var columns = map[Sort]order{
	ByUpdate: {column: "updated_at"},
	ByMRR:    {column: "mrr", nullable: true},
	ByUsers:  {column: "user_count", nullable: true},
}

func (s *Service) query(ctx context.Context, actor access.Actor, f Filter) query {
	o, known := columns[f.Sort]
	if !known {
		o = columns[ByUpdate]
	}
	o.ascending = f.Ascending
	q := query{order: o, at: f.At, limit: limited(f.Limit), base: func() *gorm.DB {
		return s.db.Read.WithContext(ctx).Model(&models.ProductOrg{}).
			Where("workspace_id = ? AND environment = ?", actor.WorkspaceID, f.Environment)
	}}
	filterOf(&q, f)
	return q
}

// place is a row's place in the order.
type place struct {
	value any // nil: it has none
	id    string
}

func (o order) placeOf(r models.ProductOrg) place {
	p := place{id: r.ID}
	switch {
	case o.column == "updated_at":
		p.value = r.UpdatedAt.UnixMicro()
	case o.column == "mrr" && r.MRR != nil:
		p.value = *r.MRR
	case o.column == "user_count" && r.UserCount != nil:
		p.value = *r.UserCount
	}
	return p
}

// text writes a place for the URL: the value, "~" and the id.
func (p place) text() string {
	switch v := p.value.(type) {
	case int64:
		return strconv.FormatInt(v, 10) + "~" + p.id
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64) + "~" + p.id
	default:
		return "~" + p.id
	}
}

// parse reads a place; nil when the text is none of this order.
func (o order) parse(text string) *place {
	value, id, found := strings.Cut(text, "~")
	if !found || !database.ValidID(id) {
		return nil
	}
	p := place{id: id}
	var err error
	switch {
	case value == "" && o.nullable:
	case o.column == "mrr":
		p.value, err = strconv.ParseFloat(value, 64)
	default:
		p.value, err = strconv.ParseInt(value, 10, 64)
	}
	if err != nil {
		return nil
	}
	return &p
}

// walk is a reading of the list, onwards or back.
type walk struct {
	query
	back bool
	from *place // exclusive; nil: from the end that it begins at
}

func (w walk) descending() bool { return w.order.ascending == w.back }

// parts are the rows with a value (false) and those without (true), in the order of the walk.
func (w walk) parts() []bool {
	parts := []bool{false}
	if w.order.nullable {
		parts = append(parts, true)
	}
	if w.back {
		slices.Reverse(parts)
	}
	if w.from != nil {
		parts = parts[slices.Index(parts, w.from.value == nil):]
	}
	return parts
}

// part is the chain over the rows with a value, or those without.
func (w walk) part(null bool) *gorm.DB {
	db := w.base()
	for _, c := range w.indexed {
		db = db.Where(c.text, c.args...)
	}
	switch {
	case null:
		db = db.Where(w.order.column + " IS NULL")
	case w.order.nullable:
		db = db.Where(w.order.column + " IS NOT NULL")
	}
	if w.from != nil && null == (w.from.value == nil) {
		db = w.beyond(db, *w.from, false)
	}
	direction := ""
	if w.descending() {
		direction = " DESC"
	}
	return db.Order(w.order.column + direction + ", id" + direction)
}

// beyond narrows a chain to what lies beyond a place, or up to it.
func (w walk) beyond(db *gorm.DB, p place, upTo bool) *gorm.DB {
	sign := ">"
	if w.descending() != upTo {
		sign = "<"
	}
	if upTo {
		sign += "="
	}
	if p.value == nil {
		return db.Where("id "+sign+" ?", p.id)
	}
	return db.Where("("+w.order.column+", id) "+sign+" (?, ?)", p.value, p.id)
}

// find reads one page in the list's order.
func (s *Service) find(q query) ([]models.ProductOrg, Paging, error) {
	w := walk{query: q, from: q.order.parse(q.at.Before)}
	if back := q.order.parse(q.at.After); back != nil {
		w.back, w.from = true, back
	}
	rows, next, paused, err := s.read(w)
	if err != nil {
		return nil, Paging{}, fmt.Errorf("list product orgs: %w", err)
	}
	onwards := ""
	if next != nil {
		onwards = next.text()
	}
	paging := Paging{Older: onwards, Paused: paused}
	if w.back {
		slices.Reverse(rows)
		paging = Paging{Newer: onwards, Paused: paused}
		if len(rows) > 0 {
			paging.Older = q.order.placeOf(rows[len(rows)-1]).text()
		}
	} else if w.from != nil && len(rows) > 0 {
		paging.Newer = q.order.placeOf(rows[0]).text()
	}
	return rows, paging, nil
}

// read returns the rows of a walk and where it goes on; nil at its end.
func (s *Service) read(w walk) (rows []models.ProductOrg, next *place, paused bool, err error) {
	for _, null := range w.parts() {
		edge, err := s.edge(w, null)
		if err != nil {
			return nil, nil, false, err
		}
		db := w.part(null)
		if edge != nil {
			db = w.beyond(db, *edge, true)
		}
		for _, c := range w.rest {
			db = db.Where(c.text, c.args...)
		}
		var found []models.ProductOrg
		if err := db.Limit(w.limit + 1 - len(rows)).Find(&found).Error; err != nil {
			return nil, nil, false, err
		}
		rows = append(rows, found...)
		if len(rows) > w.limit {
			rows = rows[:w.limit]
			last := w.order.placeOf(rows[w.limit-1])
			return rows, &last, false, nil
		}
		if edge != nil {
			return rows, edge, true, nil
		}
	}
	return rows, nil, false, nil
}

// edge is the last place that one page of a search looks at; nil when it may look at everything.
func (s *Service) edge(w walk, null bool) (*place, error) {
	if len(w.rest) == 0 {
		return nil, nil
	}
	var rows []models.ProductOrg
	err := w.part(null).Select("id", w.order.column).Limit(1).Offset(s.scan).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	p := w.order.placeOf(rows[0])
	return &p, nil
}

// IsPlace tells whether a text is a place in this order, as Paging gives them.
func (s Sort) IsPlace(text string) bool {
	o, known := columns[s]
	if !known {
		o = columns[ByUpdate]
	}
	return o.parse(text) != nil
}
