package keys

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/outbox"
	"latchkey/internal/token"
	"latchkey/models"
)

// CreateForm is what a person or program chooses of a new key. Status, maker and workspace are
// not among it: they follow from the actor.
type CreateForm struct {
	Name         string
	Environment  string // live or test
	EndpointType string
	ExpiresAt    time.Time // zero: never
	WithSecret   bool      // also require a shared secret
	Nonce        string    // same nonce within 24 hours, same key: a double click makes one

	// A product_orgs key needs exactly one of these three; other keys take none.
	TemplateID   string            // a named template of the workspace
	Template     *mapping.Template // rows of its own
	CaptureFirst bool              // rows later: what arrives waits for them

	OnError string // product_orgs: models.OnErrorReject (also when empty) or OnErrorQuarantine

	Scopes access.Scopes // api_access: what it may do; none grants nothing

	RateLimit     int    // webhook keys: requests a minute; 0: no limit
	OnLeak        string // models.OnLeakDeactivate (also when empty) or OnLeakAlert
	AllowList     string // addresses and CIDRs, separated by spaces, commas or line breaks
	AllowListMode string // models.AllowListOff (also when empty), AllowListWatch or AllowListEnforce
}

// Created is a new key with its plaintexts, for the one response that shows them.
type Created struct {
	Key    models.APIKey
	Value  token.Plaintext
	Secret token.Plaintext // zero when none is required
}

// AlreadyMade says that the form was sent before; the key it made is there, its value is gone.
type AlreadyMade struct{ KeyID string }

func (AlreadyMade) Error() string { return "This form has made its key already." }

// Create makes a key. Faults: Forbidden, with the field scopes when the actor may not grant one, and
// ErrPlan; Invalid with the fields name, environment, endpoint_type, expires, secret, scopes,
// rate_limit, on_leak, allow_list, allow_list_mode, template (see templates.FindingsOf), on_error;
// AlreadyMade for a repeated nonce.
func (s *Service) Create(ctx context.Context, actor access.Actor, f CreateForm) (Created, error) {
	return s.create(ctx, actor, f, fault.Fields{}, func() (value, error) { return s.draw(f.Environment) })
}

// value is what programs present: drawn here, or known by its hash only.
type value struct {
	plaintext token.Plaintext
	hash      digest
	prefix    string
	imported  bool
}

func (s *Service) draw(environment string) (value, error) {
	key, err := token.Generate(s.random, s.brand, environment)
	if err != nil {
		return value{}, fmt.Errorf("generate key: %w", err)
	}
	return value{plaintext: key.Plaintext(), hash: key.Hash(), prefix: key.Display()}, nil
}

// create makes a key with the value that draw returns. fields holds what is wrong already.
func (s *Service) create(ctx context.Context, actor access.Actor, f CreateForm, fields fault.Fields, draw func() (value, error)) (Created, error) {
	now := s.now().UTC()
	if err := s.allow(ctx, actor, &f, fields, now); err != nil {
		return Created{}, err
	}
	v, err := draw()
	if err != nil {
		return Created{}, err
	}
	made, err := s.assemble(actor, f, v, now)
	if err != nil {
		return Created{}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if v.imported {
			if err := s.requireUnused(ctx, tx, v.hash); err != nil {
				return err
			}
		}
		if err := forgetNonce(ctx, tx, actor, f.Nonce, now); err != nil {
			return err
		}
		template, err := f.template(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		return insert(ctx, tx, now, actor, &made.Key, template)
	})
	if database.IsDuplicate(err) {
		return Created{}, s.duplicate(ctx, actor, f.Nonce, v, err)
	}
	if err != nil {
		return Created{}, err
	}
	return made, nil
}

// allow tidies the form and says what keeps the actor from making this key.
func (s *Service) allow(ctx context.Context, actor access.Actor, f *CreateForm, fields fault.Fields, now time.Time) error {
	if err := actor.Require(managing(f.EndpointType)); err != nil {
		return err
	}
	if f.Template != nil {
		if err := actor.Require(access.ManageTemplates); err != nil {
			return err
		}
	}
	w, err := workspace(ctx, s.db.Read, actor.WorkspaceID)
	if err != nil {
		return err
	}
	if err := requirePlan(w, f.EndpointType); err != nil {
		return err
	}
	*f = f.tidy(fields)
	if err := f.check(fields, actor, w, now); err != nil {
		return err
	}
	return requireScopes(actor, f.Scopes)
}

func (s *Service) assemble(actor access.Actor, f CreateForm, v value, now time.Time) (Created, error) {
	made := Created{Value: v.plaintext, Key: models.APIKey{
		ID:            uuid.Must(uuid.NewV7()).String(),
		WorkspaceID:   actor.WorkspaceID,
		Name:          f.Name,
		Environment:   f.Environment,
		EndpointType:  f.EndpointType,
		KeyPrefix:     v.prefix,
		KeyHash:       v.hash[:],
		Imported:      v.imported,
		Status:        models.KeyActive,
		OnError:       cmp.Or(f.OnError, models.OnErrorReject),
		Scopes:        f.Scopes.String(),
		RateLimit:     f.RateLimit,
		OnLeak:        f.OnLeak,
		AllowList:     f.AllowList,
		AllowListMode: f.AllowListMode,
		ExpiresAt:     models.At(f.ExpiresAt),
		ValueSince:    models.At(now),
		CreatedBy:     optional(actor.Maker()),
		CreatedByKey:  optional(actor.KeyID),
		CreatedAt:     models.At(now),
		UpdatedAt:     models.At(now),
		FormNonce:     optional(f.Nonce),
	}}
	if f.AllowListMode != models.AllowListOff {
		made.Key.AllowListSince = models.At(now)
	}
	if f.WithSecret {
		var err error
		if made.Secret, err = token.GenerateShared(s.random); err != nil {
			return Created{}, fmt.Errorf("generate shared secret: %w", err)
		}
		digest := token.Hash(made.Secret.Reveal())
		made.Key.SecretHash = digest[:]
	}
	return made, nil
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func insert(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, key *models.APIKey, template *models.Template) error {
	after := audit.Values{
		"name": key.Name, "environment": key.Environment, "endpoint_type": key.EndpointType,
		"key_prefix": key.KeyPrefix, "expires_at": expiryText(key.ExpiresAt), "shared_secret": key.SecretHash != nil,
	}
	if template != nil {
		key.TemplateID = &template.ID
		after["on_error"], after["template"] = key.OnError, describe(*template)
	}
	addSettings(after, *key)
	action := "api_key.created"
	if key.Imported {
		action = "api_key.imported"
	}
	if err := gorm.G[models.APIKey](tx).Create(ctx, key); err != nil {
		return fmt.Errorf("insert key: %w", err)
	}
	err := audit.Record(ctx, tx, now, actor, audit.Change{
		Action: action,
		Target: target(*key),
		After:  after,
	})
	if err != nil {
		return err
	}
	return Tell(ctx, tx, now, actor, *key, outbox.KeyCreated, nil)
}

// addSettings notes what is not as it is by default.
func addSettings(after audit.Values, key models.APIKey) {
	if key.EndpointType == models.APIAccess {
		after["scopes"] = key.Scopes
	}
	if key.RateLimit != 0 {
		after["rate_limit"] = key.RateLimit
	}
	if key.OnLeak != models.OnLeakDeactivate {
		after["on_leak"] = key.OnLeak
	}
	if key.AllowList != "" {
		after["allow_list"], after["allow_list_mode"] = key.AllowList, key.AllowListMode
	}
}

// nonceKept is how long a form makes one key: as long as answers are kept for repeats of a call.
const nonceKept = 24 * time.Hour

// forgetNonce frees a nonce that was used longer ago.
func forgetNonce(ctx context.Context, tx *gorm.DB, actor access.Actor, nonce string, now time.Time) error {
	if nonce == "" {
		return nil
	}
	err := tx.WithContext(ctx).Exec("UPDATE api_keys SET form_nonce = NULL WHERE workspace_id = ? AND form_nonce = ? AND created_at <= ?",
		actor.WorkspaceID, nonce, models.At(now.Add(-nonceKept))).Error
	if err != nil {
		return fmt.Errorf("forget the nonce: %w", err)
	}
	return nil
}

// duplicate tells a form that was sent twice from a value that is somebody's already.
func (s *Service) duplicate(ctx context.Context, actor access.Actor, nonce string, v value, cause error) error {
	if nonce != "" {
		key, err := gorm.G[models.APIKey](s.db.Read).
			Where("workspace_id = ? AND form_nonce = ?", actor.WorkspaceID, nonce).Take(ctx)
		if err == nil {
			return AlreadyMade{KeyID: key.ID}
		}
	}
	if v.imported {
		return errValueUsed()
	}
	return cause
}

func expiryText(t models.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}
