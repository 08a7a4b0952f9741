// Package orgs knows what product organisations are: how updates merge into one (merge.go), and how
// people read them: the list, an organisation with the history of its updates, and the updates that
// wait for a better template. It exports them.
//
// It never writes an organisation or an update (internal/ingest does), and knows nothing of HTTP.
package orgs

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

// scanRows bounds what a search without a fitting index reads for one page; the page then says so,
// and goes on from there.
const scanRows = 20000

// New makes the service.
func New(db *database.DB, now func() time.Time) *Service {
	return &Service{db: db, now: now, scan: scanRows}
}

// Cursor is where a page of a list stands: after the row that Paging.Older named (Before), or ahead
// of the one that Paging.Newer named (After). What is none counts as the beginning.
type Cursor struct{ Before, After string }

// Paging leads from one page of a list to its neighbours; empty where the list ends. Older is the
// next page in the order of the list, whatever that is.
type Paging struct {
	Older, Newer string
	Paused       bool // a search has looked through as many rows as one page may, and can be gone on with
}

// A KeyName is what everybody who may see data may know of a key.
type KeyName struct{ ID, Name, Prefix, Type string }

// keyNames looks the keys of a page up with one query.
func (s *Service) keyNames(ctx context.Context, workspaceID string, ids []string) (map[string]KeyName, error) {
	found := map[string]KeyName{}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for chunk := range slices.Chunk(ids, atOnce) {
		rows, err := gorm.G[models.APIKey](s.db.Read).Select("id", "name", "key_prefix", "endpoint_type").
			Where("(workspace_id = ? OR FALSE) AND id IN ?", workspaceID, chunk).Find(ctx) // OR: or SQLite would read the whole workspace
		if err != nil {
			return nil, fmt.Errorf("select key names: %w", err)
		}
		for _, r := range rows {
			found[r.ID] = KeyName{r.ID, r.Name, r.KeyPrefix, r.EndpointType}
		}
	}
	return found, nil
}

// atOnce bounds the parameters of one statement.
const atOnce = 400

func limited(n int) int {
	if n < 1 || n > 500 {
		return 50
	}
	return n
}

func mayRead(actor access.Actor) error { return actor.Require(access.ReadData) }
