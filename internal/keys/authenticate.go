package keys

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
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

	hash       digest
	secretHash []byte
	status     string
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
	key, err := token.Parse(presented)
	if err != nil {
		return nil, ErrUnknown
	}
	cred, err := s.credential(ctx, key.Hash())
	if err != nil {
		return nil, err
	}
	return cred, cred.check(s.now(), secret)
}

// credential reads from memory, else by one indexed SELECT. An entry that says "expired" is read
// again: its expiry may have been moved by another instance.
func (s *Service) credential(ctx context.Context, hash digest) (*Credential, error) {
	now := s.now()
	cred, generation := s.cache.get(hash, now)
	if cred != nil && (cred.status == models.KeyDeactivated || !cred.expired(now)) {
		return cred, nil
	}
	ctx, cancel := context.WithTimeout(ctx, LookUpTimeout)
	defer cancel()
	key, err := gorm.G[models.APIKey](s.db.Read).Where("key_hash = ?", hash[:]).Take(ctx)
	if database.IsNotFound(err) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("look up key: %w", err)
	}
	cred = credentialOf(key, now)
	s.cache.put(hash, cred, generation)
	return cred, nil
}

func credentialOf(key models.APIKey, now time.Time) *Credential {
	c := &Credential{
		ID: key.ID, WorkspaceID: key.WorkspaceID, Environment: key.Environment,
		EndpointType: key.EndpointType, Prefix: key.KeyPrefix,
		SettingsVersion: key.SettingsVersion, OnError: key.OnError,
		SignatureScheme: key.SignatureScheme, SignatureSecret: key.SignatureSecret,
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
	switch err := renewed.check(s.now(), ""); err {
	case ErrDeactivated, ErrExpired:
		return renewed, err
	}
	return renewed, nil
}

// Recheck reads the state of a credential past the cache: ErrDeactivated, ErrExpired or ErrUnknown
// when it has ended since. A refusal goes by it, so that its reason is that of the contract's order
// though another instance or the command line ended the key a moment ago.
func (s *Service) Recheck(ctx context.Context, c *Credential) error {
	_, err := s.Renew(ctx, c)
	return err
}

func (c *Credential) expired(now time.Time) bool {
	return !c.expiresAt.IsZero() && !now.Before(c.expiresAt.Time)
}

func (c *Credential) check(now time.Time, secret string) error {
	switch {
	case c.status == models.KeyDeactivated:
		return ErrDeactivated
	case c.expired(now):
		return ErrExpired
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
