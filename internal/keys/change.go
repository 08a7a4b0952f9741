package keys

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Rename gives a key another name. Faults: NotFound, Invalid with the field name.
func (s *Service) Rename(ctx context.Context, actor access.Actor, id, name string) error {
	_, err := s.Change(ctx, actor, id, Patch{Name: &name}, -1)
	return err
}

// ChangeExpiry sets or clears the end of an active key; an expired or deactivated key stays so.
// Faults: NotFound, Forbidden, Conflict, Invalid with the field expires.
func (s *Service) ChangeExpiry(ctx context.Context, actor access.Actor, id string, at time.Time) error {
	_, err := s.Change(ctx, actor, id, Patch{ExpiresAt: &at}, -1)
	return err
}

// Deactivate ends a key for good. When it has returned, no request on any instance is
// acknowledged with the key (promise P3): it holds the state lock against every writer's
// transaction. confirm must be the key's name when events came in the last 24 hours.
// Faults: NotFound, Conflict (not active any more), Invalid with the field confirm.
func (s *Service) Deactivate(ctx context.Context, actor access.Actor, id, confirm string) error {
	traffic, err := s.Traffic(ctx, actor, id)
	if err != nil {
		return err
	}
	return s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		if traffic.NeedsName() && strings.TrimSpace(confirm) != key.Name {
			fields := fault.Fields{}
			fields.Add("confirm", "Type the key's name, "+key.Name+", exactly as it stands here.")
			return fields.Err()
		}
		return s.deactivate(ctx, tx, actor, key, ReasonManual)
	})
}

// Revoke ends a key without a typed name, for the command line and programs. It reports whether
// the key was still active.
func (s *Service) Revoke(ctx context.Context, actor access.Actor, id string) (bool, error) {
	changed := false
	err := s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		if changed = key.Status == models.KeyActive; !changed {
			return nil
		}
		return s.deactivate(ctx, tx, actor, key, ReasonManual)
	})
	return changed, err
}

// longOver is how long ago a key expired that no instance's clock can still take for valid.
const longOver = 24 * time.Hour

// DeactivateAllBy ends every active key that an account made, within the caller's transaction. Keys
// that expired long ago stay as they are: a program may have made very many, and the writers wait.
func (s *Service) DeactivateAllBy(ctx context.Context, tx *gorm.DB, actor access.Actor, accountID string) error {
	if err := s.lockStates(ctx, tx); err != nil {
		return err
	}
	keys, err := gorm.G[models.APIKey](tx).
		Where("workspace_id = ? AND created_by = ? AND status = ? AND (expires_at IS NULL OR expires_at > ?)",
			actor.WorkspaceID, accountID, models.KeyActive, models.At(s.now().Add(-longOver))).
		Find(ctx)
	if err != nil {
		return fmt.Errorf("select the member's keys: %w", err)
	}
	for _, key := range keys {
		if err := s.deactivate(ctx, tx, actor, key, ReasonMakerRemoved); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) deactivate(ctx context.Context, tx *gorm.DB, actor access.Actor, key models.APIKey, reason string) error {
	if key.Status != models.KeyActive {
		return fault.New(fault.Conflict, "This key was deactivated already.")
	}
	now := s.now().UTC()
	if err := update(ctx, tx, now, key, "status = ?, deactivated_at = ?, deactivated_by = ?",
		models.KeyDeactivated, models.At(now), optional(actor.Maker())); err != nil {
		return err
	}
	values, err := valuesOf(ctx, tx, key)
	if err != nil {
		return err
	}
	s.evict(values)
	err = audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "api_key.deactivated", Target: target(key),
		Before: audit.Values{"status": "active"}, After: audit.Values{"status": "deactivated"},
	})
	if err != nil {
		return err
	}
	key.Status = models.KeyDeactivated
	return Tell(ctx, tx, now, actor, key, outbox.KeyDeactivated, func(d *outbox.KeyData) { d.Reason = reason })
}

// change runs fn on one key, which the actor may manage, under the state lock, so that no writer
// commits with the state that fn is about to end.
func (s *Service) change(ctx context.Context, actor access.Actor, id string, fn func(*gorm.DB, models.APIKey) error) error {
	if err := actor.Require(access.ManageKeys); err != nil {
		return err
	}
	var values [][]byte
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockStates(ctx, tx); err != nil {
			return err
		}
		key, err := s.take(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		if err := actor.Require(managing(key.EndpointType)); err != nil {
			return err
		}
		if values, err = valuesOf(ctx, tx, key); err != nil {
			return err
		}
		return fn(tx, key)
	})
	// Once more after the commit: a look-up in between may have read the old row.
	s.evict(values)
	return err
}

// valuesOf are the hashes that a key is looked up by, those of retired values too.
func valuesOf(ctx context.Context, tx *gorm.DB, key models.APIKey) ([][]byte, error) {
	rows, err := gorm.G[models.RetiredKeyValue](tx).Select("key_hash").Where("api_key_id = ?", key.ID).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select retired values: %w", err)
	}
	values := [][]byte{key.KeyHash}
	for _, r := range rows {
		values = append(values, r.KeyHash)
	}
	return values, nil
}

func (s *Service) evict(values [][]byte) {
	for _, hash := range values {
		s.cache.evict(hash)
	}
}

// stateLock is the advisory lock that orders changes of key states against writers; the number is
// arbitrary but must never change.
const stateLock = 0x6c61746368 // "latch"

// lockStates waits for the writers' open transactions and holds off new ones until tx ends. On
// SQLite the write lock taken at BEGIN does the same.
func (s *Service) lockStates(ctx context.Context, tx *gorm.DB) error {
	if !s.db.IsPostgres() {
		return nil
	}
	if err := tx.WithContext(ctx).Exec("SELECT pg_advisory_xact_lock(?)", int64(stateLock)).Error; err != nil {
		return fmt.Errorf("lock key states: %w", err)
	}
	return nil
}

// StateLockShared is the statement that a Postgres writer runs first in its transaction, before it
// reads key states in a statement of its own. The order matters: a snapshot taken before the lock
// can predate a deactivation.
const StateLockShared = "SELECT " + StateLockCall

// StateLockCall is the call in StateLockShared, for a statement that does more.
const StateLockCall = "pg_advisory_xact_lock_shared(465491485544)"

// update changes columns of a key as it was read, raises the version of its settings, so that no
// instance goes on by the old ones, and that of all states.
func update(ctx context.Context, tx *gorm.DB, now time.Time, key models.APIKey, set string, args ...any) error {
	args = append(args, models.At(now), key.ID, key.WorkspaceID, key.Status, key.SettingsVersion)
	done := tx.WithContext(ctx).Exec("UPDATE api_keys SET "+set+", updated_at = ?, settings_version = settings_version + 1"+
		" WHERE id = ? AND workspace_id = ? AND status = ? AND settings_version = ?", args...)
	if done.Error != nil {
		return fmt.Errorf("update key: %w", done.Error)
	}
	if done.RowsAffected != 1 {
		return ErrMoved
	}
	return statesChanged(ctx, tx)
}
