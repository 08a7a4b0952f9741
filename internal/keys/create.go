package keys

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/mapping"
	"latchkey/internal/token"
	"latchkey/models"
)

// types are what a key can be for.
var types = []string{models.SignalStaging, models.ProductOrgs}

const (
	maxName   = 100
	maxExpiry = 10 * 365 * 24 * time.Hour
)

// CreateForm is what a person or program chooses of a new key. Status, maker and workspace are
// not among it: they follow from the actor.
type CreateForm struct {
	Name         string
	Environment  string // live or test
	EndpointType string
	ExpiresAt    time.Time // zero: never
	WithSecret   bool      // also require a shared secret
	Nonce        string    // same nonce, same key: a double click makes one

	// A product_orgs key needs exactly one of these three; other keys take none.
	TemplateID   string            // a named template of the workspace
	Template     *mapping.Template // rows of its own
	CaptureFirst bool              // rows later: what arrives waits for them

	OnError string // product_orgs: models.OnErrorReject (also when empty) or OnErrorQuarantine
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

// Create makes a key. Faults: Forbidden; Invalid with the fields name, environment,
// endpoint_type, expires, template (see templates.FindingsOf), on_error; AlreadyMade for a repeated
// nonce.
func (s *Service) Create(ctx context.Context, actor access.Actor, f CreateForm) (Created, error) {
	now := s.now().UTC()
	f.Name = strings.TrimSpace(f.Name)
	if err := actor.Require(actionFor(f.EndpointType)); err != nil {
		return Created{}, err
	}
	if err := f.check(now); err != nil {
		return Created{}, err
	}
	made, err := s.generate(actor, f, now)
	if err != nil {
		return Created{}, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		template, err := f.template(ctx, tx, now, actor)
		if err != nil {
			return err
		}
		return insert(ctx, tx, now, actor, &made.Key, template)
	})
	if database.IsDuplicate(err) && f.Nonce != "" {
		return Created{}, s.alreadyMade(ctx, actor, f.Nonce, err)
	}
	if err != nil {
		return Created{}, err
	}
	return made, nil
}

func (f CreateForm) check(now time.Time) error {
	fields := fault.Fields{}
	checkName(fields, f.Name)
	if f.Environment != models.Live && f.Environment != models.Test {
		fields.Add("environment", "Choose Live or Test.")
	}
	if !slices.Contains(types, f.EndpointType) {
		fields.Add("endpoint_type", "Choose what the key is for. This version makes keys for: "+strings.Join(types, ", ")+".")
	}
	checkExpiry(fields, f.ExpiresAt, now)
	if len(f.Nonce) > 64 {
		fields.Add("nonce", "The form is damaged. Load the page again.")
	}
	return f.checkTemplate(fields)
}

func checkName(fields fault.Fields, name string) {
	switch {
	case name == "":
		fields.Add("name", "Give the key a name, such as the system that will use it.")
	case utf8.RuneCountInString(name) > maxName:
		fields.Add("name", fmt.Sprintf("Use at most %d characters.", maxName))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		fields.Add("name", "Use visible characters only.")
	}
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func checkExpiry(fields fault.Fields, at, now time.Time) {
	switch {
	case at.IsZero():
	case !at.After(now):
		fields.Add("expires", "Choose a time in the future, or no expiry.")
	case at.Sub(now) > maxExpiry:
		fields.Add("expires", "Choose a time within ten years, or no expiry.")
	}
}

func (s *Service) generate(actor access.Actor, f CreateForm, now time.Time) (Created, error) {
	value, err := token.Generate(s.random, s.brand, f.Environment)
	if err != nil {
		return Created{}, fmt.Errorf("generate key: %w", err)
	}
	hash := value.Hash()
	key := models.APIKey{
		ID:           uuid.Must(uuid.NewV7()).String(),
		WorkspaceID:  actor.WorkspaceID,
		Name:         f.Name,
		Environment:  f.Environment,
		EndpointType: f.EndpointType,
		KeyPrefix:    value.Display(),
		KeyHash:      hash[:],
		Status:       models.KeyActive,
		OnError:      cmp.Or(f.OnError, models.OnErrorReject),
		ExpiresAt:    models.At(f.ExpiresAt),
		CreatedAt:    models.At(now),
		UpdatedAt:    models.At(now),
	}
	if actor.AccountID != "" {
		key.CreatedBy = &actor.AccountID
	}
	if f.Nonce != "" {
		key.FormNonce = &f.Nonce
	}
	made := Created{Value: value.Plaintext()}
	if f.WithSecret {
		if made.Secret, err = token.GenerateShared(s.random); err != nil {
			return Created{}, fmt.Errorf("generate shared secret: %w", err)
		}
		digest := token.Hash(made.Secret.Reveal())
		key.SecretHash = digest[:]
	}
	made.Key = key
	return made, nil
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
	if err := gorm.G[models.APIKey](tx).Create(ctx, key); err != nil {
		return fmt.Errorf("insert key: %w", err)
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "api_key.created",
		Target: target(*key),
		After:  after,
	})
}

func (s *Service) alreadyMade(ctx context.Context, actor access.Actor, nonce string, cause error) error {
	key, err := gorm.G[models.APIKey](s.db.Read).
		Where("workspace_id = ? AND form_nonce = ?", actor.WorkspaceID, nonce).Take(ctx)
	if err != nil {
		return cause
	}
	return AlreadyMade{KeyID: key.ID}
}

func expiryText(t models.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}
