// Package signals reads what arrived: the requests that the gateway logged, the signals that they
// stored, and the day's numbers. It exports signals, and deletes what is past its retention.
//
// It never writes a request or a signal (internal/ingest does), and knows nothing of HTTP.
package signals

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Service holds what the use-cases share.
type Service struct {
	db   *database.DB
	now  func() time.Time
	scan int // rows that one page of a search looks through
}

// scanRows bounds what a search without a fitting index reads for one page; the page then says how
// far back it looked, and goes on from there.
const scanRows = 20000

// New makes the service.
func New(db *database.DB, now func() time.Time) *Service {
	return &Service{db: db, now: now, scan: scanRows}
}

// A KeyName is what a role that may not see keys still sees of one: its name.
type KeyName struct{ ID, Name string }

// KeyNames lists the webhook keys of an environment by name, for a filter. It needs
// access.ReadData.
func (s *Service) KeyNames(ctx context.Context, actor access.Actor, environment string) ([]KeyName, error) {
	if err := actor.Require(access.ReadData); err != nil {
		return nil, err
	}
	rows, err := gorm.G[models.APIKey](s.db.Read).Select("id", "name").
		Where("workspace_id = ? AND environment = ? AND endpoint_type <> ?", actor.WorkspaceID, environment, models.APIAccess).
		Order("LOWER(name), id").Limit(500).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list key names: %w", err)
	}
	names := make([]KeyName, len(rows))
	for i, r := range rows {
		names[i] = KeyName{r.ID, r.Name}
	}
	return names, nil
}

// keyRow is what the lists join of a key.
type keyRow struct{ Name, Prefix, Type string }

// inWorkspace is the condition for rows that an id names, their own or their key's, which is what
// their index is asked by. Written plainly, SQLite would take an index by workspace instead, and read
// all of the workspace: it has no statistics that would tell it better.
const inWorkspace = "(workspace_id = ? OR FALSE)"

// keysOf looks the keys of a page up with one query.
func (s *Service) keysOf(ctx context.Context, actor access.Actor, ids []string) (map[string]keyRow, error) {
	found := map[string]keyRow{}
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := gorm.G[models.APIKey](s.db.Read).Select("id", "name", "key_prefix", "endpoint_type").
		Where(inWorkspace+" AND id IN ?", actor.WorkspaceID, ids).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select key names: %w", err)
	}
	for _, r := range rows {
		found[r.ID] = keyRow{r.Name, r.KeyPrefix, r.EndpointType}
	}
	return found, nil
}

// query is one page of a list, newest first. indexed conditions are served by an index in the order
// of ids; the rest are looked for row by row.
type query struct {
	indexed func() *gorm.DB // fresh with each call: a reused chain keeps its conditions
	rest    []condition
	at      Cursor
	limit   int
}

// Cursor is where a page of a list stands: below an id (Before), or just above one (After). What
// is no id counts as none.
type Cursor struct{ Before, After string }

// Paging leads from one page of a list to its neighbours: the ids to pass as Before and After,
// empty where the list ends.
type Paging struct {
	Older, Newer string
	SearchedTo   time.Time // set when a search paused at that time, to be gone on with
}

type condition struct {
	text string
	args []any
}

func (q *query) also(text string, args ...any) {
	q.rest = append(q.rest, condition{text, args})
}

func (q query) ascending() bool { return database.ValidID(q.at.After) }

func (q query) page() *gorm.DB {
	db := q.indexed()
	switch {
	case q.ascending():
		return db.Where("id > ?", q.at.After).Order("id")
	case database.ValidID(q.at.Before):
		db = db.Where("id < ?", q.at.Before)
	}
	return db.Order("id DESC")
}

// edge is the last id that one page of a search looks at; empty when it may look at everything.
func (s *Service) edge(q query) (string, error) {
	if len(q.rest) == 0 {
		return "", nil
	}
	var ids []string
	if err := q.page().Select("id").Limit(1).Offset(s.scan).Find(&ids).Error; err != nil {
		return "", fmt.Errorf("bound the search: %w", err)
	}
	if len(ids) == 0 {
		return "", nil
	}
	return ids[0], nil
}

// find reads one page, newest first; id tells a row's.
func find[T any](s *Service, q query, columns []string, id func(T) string) ([]T, Paging, error) {
	edge, err := s.edge(q)
	if err != nil {
		return nil, Paging{}, err
	}
	db := q.page()
	switch {
	case edge != "" && q.ascending():
		db = db.Where("id <= ?", edge)
	case edge != "":
		db = db.Where("id >= ?", edge)
	}
	for _, c := range q.rest {
		db = db.Where(c.text, c.args...)
	}
	var rows []T
	if err := db.Select(columns).Limit(q.limit + 1).Find(&rows).Error; err != nil {
		return nil, Paging{}, err
	}
	last := edge // where the next page in this direction begins
	if len(rows) > q.limit {
		rows = rows[:q.limit]
		last, edge = id(rows[q.limit-1]), ""
	}
	paging := Paging{}
	if edge != "" {
		paging.SearchedTo = database.IDTextTime(edge)
	}
	if q.ascending() {
		slices.Reverse(rows)
		paging.Newer = last
		if len(rows) > 0 {
			paging.Older = id(rows[len(rows)-1])
		}
		return rows, paging, nil
	}
	paging.Older = last
	if database.ValidID(q.at.Before) && len(rows) > 0 {
		paging.Newer = id(rows[0])
	}
	return rows, paging, nil
}

// between narrows a chain to an arrival time: an id begins with its own.
func between(db *gorm.DB, from, to time.Time) *gorm.DB {
	if !from.IsZero() {
		db = db.Where("id >= ?", database.FirstID(from).String())
	}
	if !to.IsZero() {
		db = db.Where("id < ?", database.FirstID(to).String())
	}
	return db
}

func limited(n int) int {
	if n < 1 || n > 500 {
		return 50
	}
	return n
}
