package keys

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/internal/token"
	"latchkey/models"
)

// Credential is what a request needs to know of a key. Immutable.
type Credential struct {
	ID           string
	WorkspaceID  string
	Environment  string
	EndpointType string
	Prefix       string

	SettingsVersion int    // the writer compares it inside its transaction; see Renew
	TemplateID      string // product_orgs: the payload template
	OnError         string // product_orgs: models.OnErrorReject or OnErrorQuarantine
	SignatureScheme string // source.Scheme whose signature is required; empty: none
	SignatureSecret []byte // sealed by internal/secretbox

	RateLimit     int    // requests a minute; 0: no limit
	AllowListMode string // models.AllowListOff, AllowListWatch or AllowListEnforce
	AllowList     []netip.Prefix
	OnLeak        string

	Previous  bool      // it is the value that the key had before a rotation
	RetiredAt time.Time // when the rotation was
	EndsAt    time.Time // when this value ends, apart from the key's own expiry; zero: with the key

	hash       digest
	secretHash []byte
	status     string
	over       bool // a value that was ended before its time, whatever this instance's clock says
	expiresAt  models.Time
	readAt     time.Time
}

// LookUpTimeout bounds a look-up that a sender waits for: a database that is silent is told as
// such, fast.
const LookUpTimeout = 5 * time.Second

// Why a key does not authenticate, in the order of checks.
var (
	ErrUnknown       = errors.New("unknown key")
	ErrDeactivated   = errors.New("deactivated key")
	ErrExpired       = errors.New("expired key")
	ErrSecretMissing = errors.New("shared secret missing")
	ErrSecretWrong   = errors.New("shared secret wrong")
)

// Authenticate finds the key that a program presents and checks its state and shared secret.
// The credential is returned with every error but ErrUnknown, so that the refusal can be shown to
// the key's owners. Other errors mean that the database did not answer.
func (s *Service) Authenticate(ctx context.Context, presented, secret string) (*Credential, error) {
	hash, ok := hashOf(presented)
	if !ok {
		return nil, ErrUnknown
	}
	cred, err := s.credential(ctx, hash)
	if err != nil {
		return nil, err
	}
	return cred, cred.check(s.now(), secret)
}

// credential reads from memory, else by one indexed SELECT. An entry that says "expired" is read
// again: its end may have been moved by another instance.
func (s *Service) credential(ctx context.Context, hash digest) (*Credential, error) {
	now := s.now()
	cred, generation := s.cache.get(hash, now)
	if cred != nil && (cred.status == models.KeyDeactivated || !cred.expired(now) || cred.final()) {
		return cred, nil
	}
	return s.lookUps.share(ctx, hash, generation, now, func(ctx context.Context) (*Credential, error) {
		ctx, cancel := context.WithTimeout(ctx, LookUpTimeout)
		defer cancel()
		_, cred, err := lookUp(ctx, s.db.Read, hash, now)
		if err != nil {
			return nil, err
		}
		s.cache.put(hash, cred, generation)
		return cred, nil
	})
}

// lookUp finds the key that has, or had, the value with this hash. Only a hash that is no present
// value is looked for among the retired ones.
func lookUp(ctx context.Context, db *gorm.DB, hash digest, now time.Time) (models.APIKey, *Credential, error) {
	key, err := gorm.G[models.APIKey](db).Where("key_hash = ?", hash[:]).Take(ctx)
	if err == nil {
		return key, credentialOf(key, now), nil
	}
	if !database.IsNotFound(err) {
		return key, nil, fmt.Errorf("look up key: %w", err)
	}
	old, err := gorm.G[models.RetiredKeyValue](db).Where("key_hash = ?", hash[:]).Take(ctx)
	if database.IsNotFound(err) {
		return key, nil, ErrUnknown
	}
	if err != nil {
		return key, nil, fmt.Errorf("look up retired value: %w", err)
	}
	key, err = gorm.G[models.APIKey](db).Where("id = ?", old.APIKeyID).Take(ctx)
	if database.IsNotFound(err) {
		return key, nil, ErrUnknown
	}
	if err != nil {
		return key, nil, fmt.Errorf("look up the key of a retired value: %w", err)
	}
	// Again, after the key: an end that was moved in between must not stand beside the settings
	// version of after the move, which the writer would take as a proof that it is the present one.
	if old, err = gorm.G[models.RetiredKeyValue](db).Where("key_hash = ?", hash[:]).Take(ctx); err != nil {
		return key, nil, fmt.Errorf("look up retired value: %w", err)
	}
	cred := credentialOf(key, now)
	// Only the value that the present one replaced can be valid. One before it is over, though this
	// instance's clock has not come to its end.
	cred.over = key.PreviousEndsAt.IsZero() || !old.RetiredAt.Equal(key.ValueSince.Time)
	cred.hash, cred.Prefix = hash, old.KeyPrefix
	cred.Previous, cred.RetiredAt, cred.EndsAt = true, old.RetiredAt.Time, old.EndsAt.Time
	return key, cred, nil
}

func credentialOf(key models.APIKey, now time.Time) *Credential {
	c := &Credential{
		ID: key.ID, WorkspaceID: key.WorkspaceID, Environment: key.Environment,
		EndpointType: key.EndpointType, Prefix: key.KeyPrefix,
		SettingsVersion: key.SettingsVersion, OnError: key.OnError,
		SignatureScheme: key.SignatureScheme, SignatureSecret: key.SignatureSecret,
		RateLimit: key.RateLimit, AllowListMode: key.AllowListMode, AllowList: prefixes(key.AllowList), OnLeak: key.OnLeak,
		hash: digest(key.KeyHash), secretHash: key.SecretHash, status: key.Status, expiresAt: key.ExpiresAt, readAt: now,
	}
	if key.TemplateID != nil {
		c.TemplateID = *key.TemplateID
	}
	return c
}

// Renew reads a credential past the cache, after the writer found that the key's settings changed.
// With ErrDeactivated or ErrExpired the credential is returned too, as by Authenticate.
func (s *Service) Renew(ctx context.Context, c *Credential) (*Credential, error) {
	s.Forget(c)
	renewed, err := s.credential(ctx, c.hash)
	if err != nil {
		return nil, err
	}
	return renewed, renewed.state(s.now())
}

// Recheck reads the state of a credential past the cache: ErrDeactivated, ErrExpired or ErrUnknown
// when it has ended since. A refusal goes by it, so that its reason is that of the contract's order
// though another instance or the command line ended the key a moment ago.
func (s *Service) Recheck(ctx context.Context, c *Credential) error {
	_, err := s.Renew(ctx, c)
	return err
}

// Ends is when the presented value stops to work by itself: with its key, or at the end of the
// grace that a rotation left it. False: never.
func (c *Credential) Ends() (time.Time, bool) {
	end := c.expiresAt.Time
	if !c.EndsAt.IsZero() && (end.IsZero() || c.EndsAt.Before(end)) {
		end = c.EndsAt
	}
	return end, !end.IsZero()
}

func (c *Credential) expired(now time.Time) bool {
	end, ends := c.Ends()
	return c.over || ends && !now.Before(end)
}

// final tells that it is a retired value whose end was over when it was read: nothing revives it.
func (c *Credential) final() bool { return c.over || c.Previous && !c.EndsAt.After(c.readAt) }

// state is ErrDeactivated, ErrExpired or nil.
func (c *Credential) state(now time.Time) error {
	switch {
	case c.status == models.KeyDeactivated:
		return ErrDeactivated
	case c.expired(now):
		return ErrExpired
	}
	return nil
}

func (c *Credential) check(now time.Time, secret string) error {
	if err := c.state(now); err != nil {
		return err
	}
	switch {
	case c.secretHash == nil:
		return nil
	case secret == "":
		return ErrSecretMissing
	}
	hash := token.Hash(secret)
	if subtle.ConstantTimeCompare(hash[:], c.secretHash) != 1 {
		return ErrSecretWrong
	}
	return nil
}

// Forget drops a credential that the writer found to be out of date.
func (s *Service) Forget(c *Credential) { s.cache.evict(c.hash[:]) }

// ByPrefix returns the workspace whose only keys carry this display prefix, or "": so that a
// mistyped key's refusal can be shown to those who wonder.
func (s *Service) ByPrefix(ctx context.Context, display string) (workspaceID string, err error) {
	var ids []string
	err = s.db.Read.WithContext(ctx).Raw(
		"SELECT DISTINCT workspace_id FROM api_keys WHERE key_prefix = ? LIMIT 2", display).Scan(&ids).Error
	if err != nil || len(ids) != 1 {
		return "", err
	}
	return ids[0], nil
}
