// Package templates keeps payload templates and their versions, and holds them compiled for the
// gateway. It owns the tables templates and template_versions. Which key goes by which template is
// a column of the key, so package keys changes it; this package only reads it.
package templates

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// Service holds what the use-cases share, among it the programs that this instance has compiled.
type Service struct {
	db    *database.DB
	now   func() time.Time
	cache *cache
}

// New makes the service.
func New(db *database.DB, now func() time.Time) *Service {
	return &Service{db: db, now: now, cache: newCache(cacheSize)}
}

// KeyRef is a key that goes by a template.
type KeyRef struct {
	ID, Name, Environment string
	Status                string // active, expired or deactivated
}

// View is a template with its newest rows, and the keys that go by it.
type View struct {
	Template models.Template
	Rows     mapping.Template // without rows at version 0
	Keys     []KeyRef         // oldest first
	SavedBy  string           // who saved the newest version, as the audit log shows it
	SavedAt  time.Time        // when; zero at version 0
	Note     string           // of the newest version
}

// Waiting tells that payloads wait for the first version.
func (v View) Waiting() bool { return v.Template.Version == 0 }

// Label is the template as sentences name it: its name, or whose it is.
func (v View) Label() string { return label(v.Template, v.Keys) }

func label(t models.Template, keys []KeyRef) string {
	switch {
	case t.Name != "":
		return t.Name
	case len(keys) > 0:
		return "of " + keys[0].Name
	default:
		return "without a name"
	}
}

var errNoTemplate = fault.New(fault.NotFound, "This template does not exist.")

// Get returns a template of the actor's workspace. Faults: Forbidden, NotFound.
func (s *Service) Get(ctx context.Context, actor access.Actor, id string) (View, error) {
	if err := actor.Require(access.ReadTemplates); err != nil {
		return View{}, err
	}
	t, err := take(ctx, s.db.Read, actor, id)
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, s.db.Read, t)
}

// ForKey returns the template that a key goes by, and the key. Faults: Forbidden; NotFound, also
// for a key of a type that has none.
func (s *Service) ForKey(ctx context.Context, actor access.Actor, keyID string) (View, models.APIKey, error) {
	if err := actor.Require(access.ReadTemplates); err != nil {
		return View{}, models.APIKey{}, err
	}
	errNoKey := fault.New(fault.NotFound, "This key does not exist.")
	if !database.ValidID(keyID) {
		return View{}, models.APIKey{}, errNoKey
	}
	key, err := gorm.G[models.APIKey](s.db.Read).Where("id = ? AND workspace_id = ? AND endpoint_type = ?",
		keyID, actor.WorkspaceID, models.ProductOrgs).Take(ctx)
	if database.IsNotFound(err) || err == nil && key.TemplateID == nil {
		return View{}, models.APIKey{}, errNoKey
	}
	if err != nil {
		return View{}, models.APIKey{}, fmt.Errorf("select key: %w", err)
	}
	t, err := take(ctx, s.db.Read, actor, *key.TemplateID)
	if err != nil {
		return View{}, models.APIKey{}, err
	}
	v, err := s.view(ctx, s.db.Read, t)
	return v, key, err
}

func take(ctx context.Context, db *gorm.DB, actor access.Actor, id string) (models.Template, error) {
	return takeLocked(ctx, gorm.G[models.Template](db), actor, id)
}

func takeLocked(ctx context.Context, q gorm.Interface[models.Template], actor access.Actor, id string) (models.Template, error) {
	if !database.ValidID(id) {
		return models.Template{}, errNoTemplate
	}
	t, err := q.Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return t, errNoTemplate
	}
	if err != nil {
		return t, fmt.Errorf("select template: %w", err)
	}
	return t, nil
}

func (s *Service) view(ctx context.Context, db *gorm.DB, t models.Template) (View, error) {
	v := View{Template: t}
	keys, err := s.keysOf(ctx, db, t.WorkspaceID, []string{t.ID})
	if err != nil {
		return View{}, err
	}
	v.Keys = keys[t.ID]
	if t.Version == 0 {
		return v, nil
	}
	saved, err := version(ctx, db, t.ID, t.Version)
	if err != nil {
		return View{}, err
	}
	v.Rows, v.SavedBy, v.SavedAt, v.Note = saved.Rows, saved.CreatedLabel, saved.CreatedAt.Time, saved.Note
	return v, nil
}

// keysOf lists the keys of several templates with one query.
func (s *Service) keysOf(ctx context.Context, db *gorm.DB, workspaceID string, ids []string) (map[string][]KeyRef, error) {
	rows, err := gorm.G[models.APIKey](db).
		Where("workspace_id = ? AND template_id IN ?", workspaceID, ids).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select the template's keys: %w", err)
	}
	found := map[string][]KeyRef{}
	for _, k := range rows {
		found[*k.TemplateID] = append(found[*k.TemplateID],
			KeyRef{ID: k.ID, Name: k.Name, Environment: k.Environment, Status: k.State(s.now())})
	}
	return found, nil
}

// Saved is one version with its rows.
type Saved struct {
	models.TemplateVersion
	Rows mapping.Template
}

func version(ctx context.Context, db *gorm.DB, id string, n int) (Saved, error) {
	var row models.TemplateVersion
	err := gorm.ErrRecordNotFound
	if n == int(int32(n)) { // the column's
		row, err = gorm.G[models.TemplateVersion](db).Where("template_id = ? AND version = ?", id, n).Take(ctx)
	}
	if database.IsNotFound(err) {
		return Saved{}, fault.New(fault.NotFound, fmt.Sprintf("This template has no version %d.", n))
	}
	if err != nil {
		return Saved{}, fmt.Errorf("select version %d of template %s: %w", n, id, err)
	}
	return decode(row)
}

func decode(row models.TemplateVersion) (Saved, error) {
	saved := Saved{TemplateVersion: row}
	if err := json.Unmarshal(row.Body, &saved.Rows); err != nil {
		return Saved{}, fmt.Errorf("read version %d of template %s: %w", row.Version, row.TemplateID, err)
	}
	return saved, nil
}
