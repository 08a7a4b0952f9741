package deliveries

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Rates of a replay, in deliveries a second.
const (
	DefaultRate = 50
	MaxRate     = 1000
)

// Plan is what a replay would send again.
type Plan struct {
	Kind           string // models.DeliveryFailed or DeliverySkipped
	Since          time.Time
	Count          int64
	Oldest, Newest time.Time // of the messages; zero without any
	Running        string    // id of a replay of the endpoint that runs; empty: none
	Enabled        bool      // a disabled endpoint must be enabled first

	newest string
}

// Took is how long releasing them takes at a rate; 0: DefaultRate.
func (p Plan) Took(rate int) time.Duration {
	if rate <= 0 {
		rate = DefaultRate
	}
	return time.Duration((p.Count+int64(rate)-1)/int64(rate)) * time.Second
}

// Plan counts what a replay would send again: an endpoint's deliveries of a kind whose messages are
// not older than since; zero: all there are. Faults: NotFound; Forbidden; Invalid with the fields
// kind and since.
func (s *Service) Plan(ctx context.Context, actor access.Actor, endpointID, kind string, since time.Time) (Plan, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return Plan{}, err
	}
	e, err := endpoint(ctx, s.db.Read, actor, endpointID)
	if err != nil {
		return Plan{}, err
	}
	fields := fault.Fields{}
	s.checkPlan(fields, kind, since)
	if err := fields.Err(); err != nil {
		return Plan{}, err
	}
	return plan(ctx, s.db.Read, e, kind, since)
}

func (s *Service) checkPlan(fields fault.Fields, kind string, since time.Time) {
	if kind != models.DeliveryFailed && kind != models.DeliverySkipped {
		fields.Add("kind", "Choose failed or skipped.")
	}
	if since.After(s.now()) {
		fields.Add("since", "Choose a time in the past.")
	}
}

func plan(ctx context.Context, db *gorm.DB, e models.Endpoint, kind string, since time.Time) (Plan, error) {
	p := Plan{Kind: kind, Since: since, Enabled: e.Status == models.EndpointEnabled}
	var row struct {
		Count          int64
		Oldest, Newest string
	}
	// As text, since Postgres has no least UUID before version 18; their order is the same.
	err := db.WithContext(ctx).Raw(`
		SELECT COUNT(*) AS count, COALESCE(MIN(CAST(message_id AS TEXT)), '') AS oldest, COALESCE(MAX(CAST(message_id AS TEXT)), '') AS newest
		FROM deliveries
		WHERE endpoint_id = ? AND workspace_id = ? AND message_id >= ? AND `+statusConditions[kind],
		e.ID, e.WorkspaceID, database.FirstID(since).String()).Scan(&row).Error
	if err != nil {
		return p, fmt.Errorf("count deliveries: %w", err)
	}
	p.Count, p.newest = row.Count, row.Newest
	if row.Count > 0 {
		p.Oldest, p.Newest = database.IDTextTime(row.Oldest), database.IDTextTime(row.Newest)
	}
	p.Running, err = running(ctx, db, e)
	return p, err
}

// running is the id of a replay of the endpoint that runs; empty: none.
func running(ctx context.Context, db *gorm.DB, e models.Endpoint) (id string, err error) {
	err = db.WithContext(ctx).Raw("SELECT CAST(id AS TEXT) FROM delivery_replays WHERE endpoint_id = ? AND status = 'running' ORDER BY id LIMIT 1", e.ID).
		Scan(&id).Error
	if err != nil {
		return "", fmt.Errorf("find a running replay: %w", err)
	}
	return id, nil
}
