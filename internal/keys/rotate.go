package keys

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// How long the value before a rotation stays valid: by default, and at most.
const (
	DefaultGrace = 24 * time.Hour
	MaxGrace     = 30 * 24 * time.Hour
)

// RotateForm is how a key gets another value.
type RotateForm struct {
	Grace time.Duration // how long the value before stays valid; 0: it ends at once
	Base  int           // settings version that the caller saw; negative: the one at the call's beginning
}

// Rotated is a key with its new value, for the one response that shows it. Its shared secret stays.
type Rotated struct {
	Created
	EndsAt time.Time // of the value before; zero: it ended at once
}

// Rotate gives a key another value; everything else of it stays. The value before works until the
// grace is over or the key itself ends. When Rotate has returned without a grace, nothing is
// acknowledged with the old value any more (promise P3). Faults: NotFound; Forbidden when the actor
// could not make such a key; Conflict when the key has ended or two values are valid already;
// ErrMoved; Invalid with the field grace.
func (s *Service) Rotate(ctx context.Context, actor access.Actor, id string, f RotateForm) (Rotated, error) {
	if f.Grace < 0 || f.Grace > MaxGrace {
		return Rotated{}, fault.Fields{"grace": "Choose a grace of at most 30 days, or none."}.Err()
	}
	if err := actor.Require(access.ManageKeys); err != nil {
		return Rotated{}, err
	}
	seen, err := s.take(ctx, s.db.Read, actor, id)
	if err != nil {
		return Rotated{}, err
	}
	if f.Base >= 0 {
		seen.SettingsVersion = f.Base
	}
	v, err := s.draw(seen.Environment)
	if err != nil {
		return Rotated{}, err
	}
	var out Rotated
	now := s.now().UTC()
	err = s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		if err := rotatable(actor, key, now); err != nil {
			return err
		}
		if key.SettingsVersion != seen.SettingsVersion {
			return ErrMoved
		}
		end, err := replace(ctx, tx, now, key, v, f.Grace)
		if err != nil {
			return err
		}
		if out.Key, err = s.take(ctx, tx, actor, id); err != nil {
			return err
		}
		out.Value, out.EndsAt = v.plaintext, out.Key.PreviousEndsAt.Time
		err = audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "api_key.rotated", Target: target(key),
			Before: audit.Values{"key_prefix": key.KeyPrefix},
			After:  audit.Values{"key_prefix": v.prefix, "previous_ends_at": end.Format(time.RFC3339)},
		})
		if err != nil {
			return err
		}
		return Tell(ctx, tx, now, actor, out.Key, outbox.KeyRotated, func(d *outbox.KeyData) {
			d.PreviousEndsAt = &outbox.Stamp{Time: end}
		})
	})
	if err != nil {
		return Rotated{}, err
	}
	return out, nil
}

func rotatable(actor access.Actor, key models.APIKey, now time.Time) error {
	if state := key.State(now); state != "active" {
		return fault.New(fault.Conflict, "This key is "+state+", so it gets no new value. Create a new key instead.")
	}
	if key.RotatingAt(now) {
		return fault.New(fault.Conflict, "This key was rotated already: the value before works until "+day(key.PreviousEndsAt.Time)+". End that one first.")
	}
	return requireRenewal(actor, key)
}

// replace retires the key's value and gives it another one. It returns when the old one ends.
func replace(ctx context.Context, tx *gorm.DB, now time.Time, key models.APIKey, v value, grace time.Duration) (time.Time, error) {
	end := now.Add(grace)
	if later(end, key.ExpiresAt.Time) {
		end = key.ExpiresAt.Time
	}
	until := models.At(end)
	if grace == 0 {
		until = models.Time{}
	}
	retired := models.RetiredKeyValue{
		KeyHash: key.KeyHash, APIKeyID: key.ID, WorkspaceID: key.WorkspaceID, KeyPrefix: key.KeyPrefix,
		RetiredAt: models.At(now), EndsAt: models.At(end),
	}
	if err := gorm.G[models.RetiredKeyValue](tx).Create(ctx, &retired); err != nil {
		return end, fmt.Errorf("retire value: %w", err)
	}
	return end, update(ctx, tx, now, key,
		"key_hash = ?, key_prefix = ?, imported = ?, value_since = ?, previous_ends_at = ?",
		v.hash[:], v.prefix, false, models.At(now), until)
}

// ExtendRotation moves the end of the value before the present one, and returns it: at most
// MaxGrace away, and never after the key's own expiry. Faults: NotFound; Forbidden; Conflict when no
// such value is valid; Invalid with the field ends_at.
func (s *Service) ExtendRotation(ctx context.Context, actor access.Actor, id string, until time.Time) (time.Time, error) {
	now := s.now().UTC()
	switch {
	case !until.After(now):
		return until, fault.Fields{"ends_at": "Choose a time in the future, or end the old value now."}.Err()
	case until.After(now.Add(MaxGrace)):
		return until, fault.Fields{"ends_at": "Choose a time within 30 days."}.Err()
	}
	end := models.At(until)
	err := s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		if !key.RotatingAt(now) {
			return errNotRotating()
		}
		if later(end.Time, key.ExpiresAt.Time) {
			end = key.ExpiresAt
		}
		if end.Equal(key.PreviousEndsAt.Time) {
			return nil
		}
		if later(end.Time, key.PreviousEndsAt.Time) {
			if err := requireRenewal(actor, key); err != nil {
				return err
			}
		}
		if err := update(ctx, tx, now, key, "previous_ends_at = ?", end); err != nil {
			return err
		}
		if err := moveRetired(ctx, tx, key, end.Time); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "api_key.rotation_extended", Target: target(key),
			Before: audit.Values{"previous_ends_at": key.PreviousEndsAt.Format(time.RFC3339)},
			After:  audit.Values{"previous_ends_at": end.Format(time.RFC3339)},
		})
	})
	return end.Time, err
}

// FinishRotation ends the value before the present one. When it has returned, nothing is
// acknowledged with that value any more (promise P3). Faults: NotFound; Conflict when no such value
// is valid.
func (s *Service) FinishRotation(ctx context.Context, actor access.Actor, id string) error {
	return s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		return s.endPrevious(ctx, tx, actor, key)
	})
}

func (s *Service) endPrevious(ctx context.Context, tx *gorm.DB, actor access.Actor, key models.APIKey) error {
	now := s.now().UTC()
	if !key.RotatingAt(now) {
		return errNotRotating()
	}
	if err := update(ctx, tx, now, key, "previous_ends_at = NULL"); err != nil {
		return err
	}
	if err := moveRetired(ctx, tx, key, now); err != nil {
		return err
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "api_key.rotation_finished", Target: target(key),
		Before: audit.Values{"previous_ends_at": key.PreviousEndsAt.Format(time.RFC3339)},
		After:  audit.Values{"previous_ends_at": now.Format(time.RFC3339)},
	})
}

// moveRetired moves the end of the one retired value that is still valid.
func moveRetired(ctx context.Context, tx *gorm.DB, key models.APIKey, end time.Time) error {
	n, err := gorm.G[models.RetiredKeyValue](tx).
		Where("api_key_id = ? AND ends_at = ?", key.ID, key.PreviousEndsAt).Update(ctx, "ends_at", models.At(end))
	if err != nil || n != 1 {
		return fmt.Errorf("move the end of a retired value: %d rows, %w", n, err)
	}
	return nil
}

func errNotRotating() error {
	return fault.New(fault.Conflict, "Only one value of this key is valid: it was not rotated, or the old value has ended already.")
}
