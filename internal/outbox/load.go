package outbox

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"latchkey/models"
)

// Querier reads on a connection of any kind: Postgres, SQLite or Gorm make one.
type Querier struct {
	each func(ctx context.Context, row func(scan) error, query string, args ...any) error
}

type scan = func(into ...any) error

// rows is what the drivers' rows have in common.
type rows interface {
	Next() bool
	Scan(into ...any) error
	Err() error
}

// Postgres reads on a connection, or in a transaction.
func Postgres(c interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}) Querier {
	return Querier{func(ctx context.Context, row func(scan) error, query string, args ...any) error {
		found, err := c.Query(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("read subscriptions: %w", err)
		}
		defer found.Close()
		return walk(found, row)
	}}
}

// SQLite reads in a transaction.
func SQLite(tx interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}) Querier {
	return Querier{func(ctx context.Context, row func(scan) error, query string, args ...any) error {
		found, err := tx.QueryContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("read subscriptions: %w", err)
		}
		defer func() { _ = found.Close() }()
		return walk(found, row)
	}}
}

// Gorm reads in a transaction of GORM's.
func Gorm(tx *gorm.DB) Querier {
	return Querier{func(ctx context.Context, row func(scan) error, query string, args ...any) error {
		found, err := tx.WithContext(ctx).Raw(query, args...).Rows()
		if err != nil {
			return fmt.Errorf("read subscriptions: %w", err)
		}
		defer func() { _ = found.Close() }()
		return walk(found, row)
	}}
}

func walk(found rows, row func(scan) error) error {
	for found.Next() {
		if err := row(found.Scan); err != nil {
			return fmt.Errorf("read subscriptions: %w", err)
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	return nil
}

// Ids as text: the drivers have kinds of their own for them.
const (
	selectEndpoints = `SELECT CAST(id AS TEXT), CAST(workspace_id AS TEXT), environment, event_types, source, COALESCE(CAST(api_key_id AS TEXT), ''), ordered, status
		FROM endpoints WHERE status <> 'deleted'`
	selectListeners = "SELECT CAST(workspace_id AS TEXT), environment, event_types FROM listeners WHERE TRUE"
)

// load adds what a condition leaves of endpoints and listeners. A listener counts until its row is
// gone: whether it has fallen silent is for those who remove rows.
func (s *Snapshot) load(ctx context.Context, q Querier, condition string, args ...any) error {
	if err := q.each(ctx, s.addEndpoint, selectEndpoints+condition+" ORDER BY id", args...); err != nil {
		return err
	}
	return q.each(ctx, s.addListener, selectListeners+condition, args...)
}

func (s *Snapshot) addEndpoint(scan scan) error {
	var e models.Endpoint
	var key string
	if err := scan(&e.ID, &e.WorkspaceID, &e.Environment, &e.EventTypes, &e.Source, &key, &e.Ordered, &e.Status); err != nil {
		return err
	}
	sub := Subscriber{EndpointID: e.ID, Enabled: e.Status == models.EndpointEnabled, Ordered: e.Ordered}
	s.add(e.WorkspaceID, e.Environment, ParsePatterns(e.EventTypes), func(a *audience) { a.add(sub, filter{e.Source, key}) })
	return nil
}

func (s *Snapshot) addListener(scan scan) error {
	var workspaceID, environment, patterns string
	if err := scan(&workspaceID, &environment, &patterns); err != nil {
		return err
	}
	s.add(workspaceID, environment, ParsePatterns(patterns), func(a *audience) { a.Listened = true })
	return nil
}
