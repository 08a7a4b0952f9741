// Package endpoints is the life of an outbound endpoint: create, list, change, disable, delete, its
// signing secret and its health. It owns the tables endpoints, endpoint_states (with the workers of
// internal/dispatch) and endpoint_minutes, and sends nothing.
//
// Secrets and the values of custom headers are sealed by secretbox before they reach a table, and
// are shown by Reveal alone, which the audit log notes.
package endpoints

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/egress"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/internal/outbox"
	"latchkey/internal/secretbox"
	"latchkey/models"
)

// MaxPerEnvironment is how many endpoints an environment of a workspace may have.
const MaxPerEnvironment = 50

// Options configure a Service.
type Options struct {
	DB      *database.DB
	Keys    *keys.Service
	Now     func() time.Time
	Secrets *secretbox.Box // nil: no endpoint can be made
	Client  *egress.Client // checks URLs
	Bell    *outbox.Bell   // rung when something is to be sent at once; may be nil
}

// Service holds what the use-cases share.
type Service struct {
	db     *database.DB
	keys   *keys.Service
	now    func() time.Time
	box    *secretbox.Box
	client *egress.Client
	bell   *outbox.Bell
}

// New makes the service.
func New(o Options) *Service {
	return &Service{db: o.DB, keys: o.Keys, now: o.Now, box: o.Secrets, client: o.Client, bell: o.Bell}
}

// CanKeepSecrets tells whether this instance has a key to seal signing secrets with.
func (s *Service) CanKeepSecrets() bool { return s.box != nil }

var errNoEndpoint = fault.New(fault.NotFound, "This endpoint does not exist.")

// take reads an endpoint of the actor's workspace; a deleted one does not exist.
func take(ctx context.Context, db *gorm.DB, actor access.Actor, id string) (models.Endpoint, error) {
	if !database.ValidID(id) {
		return models.Endpoint{}, errNoEndpoint
	}
	e, err := gorm.G[models.Endpoint](db).
		Where("id = ? AND workspace_id = ? AND status <> ?", id, actor.WorkspaceID, models.EndpointDeleted).Take(ctx)
	if database.IsNotFound(err) {
		return e, errNoEndpoint
	}
	if err != nil {
		return e, fmt.Errorf("select endpoint: %w", err)
	}
	return e, nil
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

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
