package endpoints

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/egress"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/internal/signing"
	"latchkey/models"
)

// Created is a new endpoint with its secret.
type Created struct {
	Item
	Secret  signing.Secret
	Warning string // about the URL; empty: none
}

// Create makes an endpoint, which gets what is written from then on. Faults: Forbidden; Conflict
// when this instance has no key to seal secrets with, or the environment is full; Invalid with the
// fields url, description, environment, event_types, source, api_key_id, concurrency, rate_limit,
// headers, secret; AlreadyMade for a repeated nonce.
func (s *Service) Create(ctx context.Context, actor access.Actor, f Form) (Created, error) {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return Created{}, err
	}
	if s.box == nil {
		return Created{}, errNoBox
	}
	f, secret, checked, err := s.checkForm(ctx, actor, f)
	if err != nil {
		return Created{}, err
	}
	now := s.now().UTC()
	e := s.assemble(actor, f, checked.URL, secret, now)
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.keys.LockStates(ctx, tx); err != nil {
			return err
		}
		if err := requireNew(ctx, tx, e, now); err != nil {
			return err
		}
		if err := requireRoom(ctx, tx, e); err != nil {
			return err
		}
		return insert(ctx, tx, now, actor, e, f.Headers)
	})
	if err != nil {
		return Created{}, err
	}
	item, err := s.item(ctx, e)
	return Created{Item: item, Secret: secret, Warning: checked.Warning}, err
}

// checkForm tidies the form and says what no endpoint may have.
func (s *Service) checkForm(ctx context.Context, actor access.Actor, f Form) (Form, signing.Secret, egress.Checked, error) {
	fields := fault.Fields{}
	f.Description, f.Source = strings.TrimSpace(f.Description), strings.TrimSpace(f.Source)
	f.Concurrency = cmp.Or(f.Concurrency, DefaultConcurrency)
	f.Headers = tidyHeaders(f.Headers)
	checkEnvironment(fields, f.Environment)
	checkDescription(fields, f.Description)
	f.EventTypes = checkTypes(fields, f.EventTypes)
	checkSource(fields, f.Source)
	checkLimits(fields, f.Concurrency, f.RateLimit)
	secret := chooseSecret(fields, f.Secret)
	checked, err := s.checkURL(ctx, fields, f.URL, f.Environment)
	if err == nil {
		err = checkHeaders(fields, f.Headers)
	}
	if err == nil {
		err = checkKey(ctx, s.db.Read, fields, actor.WorkspaceID, f.Environment, f.APIKeyID)
	}
	if err == nil {
		err = fields.Err()
	}
	return f, secret, checked, err
}

func (s *Service) assemble(actor access.Actor, f Form, url string, secret signing.Secret, now time.Time) models.Endpoint {
	id := uuid.Must(uuid.NewV7()).String()
	return models.Endpoint{
		ID:           id,
		WorkspaceID:  actor.WorkspaceID,
		Environment:  f.Environment,
		URL:          url,
		Description:  f.Description,
		EventTypes:   outbox.Patterns(f.EventTypes).String(),
		Source:       f.Source,
		APIKeyID:     optional(f.APIKeyID),
		Ordered:      f.Ordered,
		Concurrency:  f.Concurrency,
		RateLimit:    f.RateLimit,
		Headers:      s.sealHeaders(id, f.Headers),
		Secret:       s.seal(id, secret),
		SecretSince:  models.At(now),
		Status:       models.EndpointEnabled,
		Version:      1,
		CreatedAt:    models.At(now),
		CreatedBy:    optional(actor.Maker()),
		CreatedByKey: optional(actor.KeyID),
		UpdatedAt:    models.At(now),
		FormNonce:    optional(f.Nonce),
	}
}

// requireRoom counts under the state lock, so that two that come at once are both counted.
func requireRoom(ctx context.Context, tx *gorm.DB, e models.Endpoint) error {
	n, err := gorm.G[models.Endpoint](tx).
		Where("workspace_id = ? AND environment = ? AND status <> ?", e.WorkspaceID, e.Environment, models.EndpointDeleted).Count(ctx, "id")
	if err != nil {
		return fmt.Errorf("count endpoints: %w", err)
	}
	if n >= MaxPerEnvironment {
		return fault.New(fault.Conflict, fmt.Sprintf("The %s environment of this workspace has %d endpoints, and that is the most it may have. Delete one that is not needed any more.",
			e.Environment, MaxPerEnvironment))
	}
	return nil
}

func insert(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, e models.Endpoint, headers []egress.Header) error {
	if err := gorm.G[models.Endpoint](tx).Create(ctx, &e); err != nil {
		return fmt.Errorf("insert endpoint: %w", err)
	}
	if err := gorm.G[models.EndpointState](tx).Create(ctx, &models.EndpointState{EndpointID: e.ID}); err != nil {
		return fmt.Errorf("insert endpoint's state: %w", err)
	}
	if err := outbox.Changed(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{Action: "endpoint.created", Target: target(e), After: described(e, headers)})
}

// described is what the audit log says of a new endpoint: what is not as it is by default.
func described(e models.Endpoint, headers []egress.Header) audit.Values {
	after := audit.Values{"url": e.URL, "environment": e.Environment, "event_types": e.EventTypes, "secret": "set"}
	if e.Source != "" {
		after["source"] = e.Source
	}
	if e.APIKeyID != nil {
		after["api_key_id"] = *e.APIKeyID
	}
	if e.Ordered {
		after["ordered"] = true
	}
	if e.Concurrency != DefaultConcurrency {
		after["concurrency"] = e.Concurrency
	}
	if e.RateLimit != 0 {
		after["rate_limit"] = e.RateLimit
	}
	if len(headers) > 0 {
		after["headers"] = headerNames(headers)
	}
	return after
}
