// Package keys is the life of an API key: create, import, list, change, rotate, deactivate,
// authenticate, count. It owns the tables api_keys, retired_key_values, key_states,
// key_usage_minutes and key_last_used, and knows nothing of HTTP or of what is sent with a key.
//
// A key has one value at a time, which programs present. A rotation gives it another; the value
// before stays valid for a grace, and is known for good, so that a leaked one can be told.
package keys

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/token"
	"latchkey/models"
)

// Service holds what the use-cases share.
type Service struct {
	db     *database.DB
	now    func() time.Time
	random io.Reader
	brand  string
	cache  *cache

	lookUps *lookUps
	callers *callers
	epoch   *epoch
}

// Options configure a Service; zero values mean the real clock's source, crypto/rand and "sk".
type Options struct {
	Now    func() time.Time
	Random io.Reader
	Brand  string
}

// New makes the service.
func New(db *database.DB, o Options) *Service {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Brand == "" {
		o.Brand = token.DefaultBrand
	}
	return &Service{
		db: db, now: o.Now, random: o.Random, brand: o.Brand,
		cache: newCache(cacheSize), lookUps: newLookUps(), callers: newCallers(callerSize), epoch: newEpoch(db),
	}
}

// Brand is the configured beginning of new keys.
func (s *Service) Brand() string { return s.brand }

var errNoKey = fault.New(fault.NotFound, "This key does not exist.")

// Get returns one key of the actor's workspace. NotFound when it is another's.
func (s *Service) Get(ctx context.Context, actor access.Actor, id string) (Item, error) {
	if err := actor.Require(access.ReadKeys); err != nil {
		return Item{}, err
	}
	return s.item(ctx, actor, id)
}

func (s *Service) item(ctx context.Context, actor access.Actor, id string) (Item, error) {
	key, err := s.take(ctx, s.db.Read, actor, id)
	if err != nil {
		return Item{}, err
	}
	items, err := s.decorate(ctx, []models.APIKey{key})
	if err != nil {
		return Item{}, err
	}
	return items[0], nil
}

// take reads a key that the actor may see, or change.
func (s *Service) take(ctx context.Context, db *gorm.DB, actor access.Actor, id string) (models.APIKey, error) {
	if !database.ValidID(id) {
		return models.APIKey{}, errNoKey
	}
	key, err := gorm.G[models.APIKey](db).
		Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return key, errNoKey
	}
	if err != nil {
		return key, fmt.Errorf("select key: %w", err)
	}
	if !actor.Can(reading(key.EndpointType)) && !actor.Can(managing(key.EndpointType)) {
		return models.APIKey{}, errNoKey
	}
	return key, nil
}

// reading is what one needs to see keys of a type.
func reading(endpointType string) access.Action {
	if endpointType == models.APIAccess {
		return access.ReadAPIKeys
	}
	return access.ReadKeys
}

// managing is what one needs to make and change keys of a type.
func managing(endpointType string) access.Action {
	if endpointType == models.APIAccess {
		return access.ManageAPIKeys
	}
	return access.ManageKeys
}

func target(k models.APIKey) audit.Target {
	return audit.Target{Type: "api_key", ID: k.ID, Label: k.Name}
}
