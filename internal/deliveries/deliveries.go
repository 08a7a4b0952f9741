// Package deliveries is what people see of what was sent to an endpoint, and what they ask for: one
// delivery again, or all that failed or were skipped since. It reads the tables messages,
// deliveries and delivery_attempts, which internal/outbox and internal/dispatch write, owns
// delivery_replays with the latter, and applies retention to all of them. It sends nothing.
package deliveries

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Service holds what the use-cases share.
type Service struct {
	db   *database.DB
	now  func() time.Time
	bell *outbox.Bell
}

// New makes the service. The bell, which may be nil, is rung when something is to be sent at once.
func New(db *database.DB, now func() time.Time, bell *outbox.Bell) *Service {
	return &Service{db: db, now: now, bell: bell}
}

var (
	errNoEndpoint = fault.New(fault.NotFound, "This endpoint does not exist.")
	errNoDelivery = fault.New(fault.NotFound, "This delivery does not exist, or is past its retention.")
	errNoReplay   = fault.New(fault.NotFound, "This replay does not exist.")
	errDisabled   = fault.New(fault.Conflict, "This endpoint is disabled, so nothing is sent to it. Enable it first.")
)

// endpoint reads one of the actor's workspace; a deleted one does not exist. Its secrets and
// headers stay in the table.
func endpoint(ctx context.Context, db *gorm.DB, actor access.Actor, id string) (models.Endpoint, error) {
	if !database.ValidID(id) {
		return models.Endpoint{}, errNoEndpoint
	}
	e, err := gorm.G[models.Endpoint](db).Omit("secret", "previous_secret", "headers").
		Where("id = ? AND workspace_id = ? AND status <> ?", id, actor.WorkspaceID, models.EndpointDeleted).Take(ctx)
	if database.IsNotFound(err) {
		return e, errNoEndpoint
	}
	if err != nil {
		return e, fmt.Errorf("select endpoint: %w", err)
	}
	return e, nil
}

// enabled reads an endpoint and holds off, until tx ends, that it is changed: what tx makes pending
// is then seen by who disables it.
func (s *Service) enabled(ctx context.Context, tx *gorm.DB, actor access.Actor, id string) (models.Endpoint, error) {
	e, err := endpoint(ctx, tx, actor, id)
	if err != nil {
		return e, err
	}
	var locked struct {
		Status  string
		Ordered bool
	}
	lock := ""
	if s.db.IsPostgres() {
		lock = " FOR UPDATE"
	}
	if err := tx.WithContext(ctx).Raw("SELECT status, ordered FROM endpoints WHERE id = ?"+lock, id).Scan(&locked).Error; err != nil {
		return e, fmt.Errorf("lock endpoint: %w", err)
	}
	e.Ordered = locked.Ordered // it may have changed since it was read
	switch locked.Status {
	case models.EndpointEnabled:
		return e, nil
	case models.EndpointDisabled:
		return e, errDisabled
	}
	return e, errNoEndpoint
}

func target(e models.Endpoint) audit.Target {
	return audit.Target{Type: "endpoint", ID: e.ID, Label: e.Label()}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
