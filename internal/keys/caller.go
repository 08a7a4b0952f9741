package keys

import (
	"context"
	"sync"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Caller is a program that presented a key to the management API. Immutable: calls share it.
type Caller struct {
	Credential *Credential
	Key        models.APIKey
	Workspace  models.Workspace
	Scopes     access.Scopes
	Grants     []string // the fine scopes that Scopes stand for

	version int64 // of the key states: what it says was so then, or later
	readAt  time.Time
}

// Actor acts with the key's scopes.
func (c *Caller) Actor(o access.Origin) access.Actor {
	a := access.Actor{
		WorkspaceID: c.Key.WorkspaceID,
		Label:       c.Key.Name + " (" + c.Credential.Prefix + ")",
		Origin:      o,
		KeyID:       c.Key.ID,
		Scopes:      c.Scopes,
		KeyExpiry:   c.Key.ExpiresAt.Time,
	}
	if c.Key.CreatedBy != nil {
		a.KeyMaker = *c.Key.CreatedBy
	}
	return a
}

// AuthenticateAPI finds the caller behind a key that is presented to the management API. What it
// says was true after the call began, whichever instance changed it: once a deactivation, rotation
// or change of scopes has returned, no later call goes by what was before.
//
// Errors are ErrUnknown, ErrDeactivated and ErrExpired; the caller comes with the latter two, and
// with ErrUnknown when the key exists but is no API-access key. Other errors mean that the database
// did not answer.
func (s *Service) AuthenticateAPI(ctx context.Context, presented string) (*Caller, error) {
	hash, ok := hashOf(presented)
	if !ok {
		return nil, ErrUnknown
	}
	version, err := s.epoch.current(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	c := s.callers.get(hash)
	if c == nil || c.version < version || now.Sub(c.readAt) > cacheAge {
		if c, err = s.readCaller(ctx, hash, version, now); err != nil {
			return nil, err
		}
		s.callers.put(hash, c)
	}
	if c.Key.EndpointType != models.APIAccess {
		return c, ErrUnknown
	}
	return c, c.Credential.state(now)
}

// readCaller reads rows that are at least as new as version, which was read before them.
func (s *Service) readCaller(ctx context.Context, hash digest, version int64, now time.Time) (*Caller, error) {
	ctx, cancel := context.WithTimeout(ctx, LookUpTimeout)
	defer cancel()
	key, cred, err := lookUp(ctx, s.db.Read, hash, now)
	if err != nil {
		return nil, err
	}
	w, err := workspace(ctx, s.db.Read, key.WorkspaceID)
	if err != nil {
		return nil, err
	}
	scopes := access.ParseScopes(key.Scopes)
	return &Caller{
		Credential: cred, Key: key, Workspace: w, Scopes: scopes, Grants: access.Scopes(scopes.Fine()).Strings(), version: version, readAt: now,
	}, nil
}

// Guard lets a transaction through while the caller's key, by the value that was presented, is
// valid, grants what it granted and lives as long as when the call began. It holds the state lock,
// so that a deactivation either comes first, and nothing is changed, or waits for the change.
//
// A call that ends its own value or narrows its own scopes changes nothing more under its guard.
func (s *Service) Guard(c *Caller) database.Guard {
	return func(ctx context.Context, tx *gorm.DB) error {
		if err := s.lockStates(ctx, tx); err != nil {
			return err
		}
		now := s.now()
		key, cred, err := lookUp(ctx, tx, c.Credential.hash, now)
		if err == nil {
			err = cred.state(now)
		}
		switch {
		case err == ErrUnknown, err == ErrDeactivated, err == ErrExpired:
			return fault.New(fault.Unauthenticated, "This key ended a moment ago; nothing was changed.")
		case err != nil:
			return err
		case len(access.ParseScopes(key.Scopes).Wider(c.Scopes)) > 0:
			return fault.New(fault.Forbidden, "The scopes of this key were changed a moment ago; nothing was changed by this call.")
		case later(c.Key.ExpiresAt.Time, key.ExpiresAt.Time):
			return fault.New(fault.Forbidden, "This key was given an earlier expiry a moment ago; nothing was changed by this call.")
		}
		return nil
	}
}

// callerSize bounds how many callers an instance remembers.
const callerSize = 10_000

// callers remembers, by the hash of what they present.
type callers struct {
	mu      sync.RWMutex
	entries map[digest]*Caller
	size    int
}

func newCallers(size int) *callers { return &callers{entries: map[digest]*Caller{}, size: size} }

func (m *callers) get(hash digest) *Caller {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.entries[hash]
}

// put keeps the newer of two that were read at the same time.
func (m *callers) put(hash digest, c *Caller) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, known := m.entries[hash]
	if known && before.version > c.version {
		return
	}
	if !known && len(m.entries) >= m.size {
		for victim := range m.entries { // map order is as good as random
			delete(m.entries, victim)
			break
		}
	}
	m.entries[hash] = c
}
