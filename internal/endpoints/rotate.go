package endpoints

import (
	"context"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/internal/signing"
	"latchkey/models"
)

// How long the secret before may go on signing.
const (
	DefaultGrace = 24 * time.Hour
	MaxGrace     = 7 * 24 * time.Hour
)

// Revealed are the secrets that sign now. Previous is zero unless the one before still does.
type Revealed struct {
	Secret, Previous signing.Secret
	PreviousEndsAt   time.Time
}

// Reveal shows an endpoint's secrets, and the audit log says to whom. Faults: NotFound; Forbidden;
// Conflict when they cannot be opened.
func (s *Service) Reveal(ctx context.Context, actor access.Actor, id string) (Revealed, error) {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return Revealed{}, err
	}
	var out Revealed
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		e, err := take(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		secrets, err := s.openAll(e)
		if err != nil {
			return errSealed(err)
		}
		out.Secret = secrets[0]
		if len(secrets) > 1 {
			out.Previous, out.PreviousEndsAt = secrets[1], e.PreviousEndsAt.Time
		}
		return audit.Record(ctx, tx, s.now().UTC(), actor, audit.Change{Action: "endpoint.secret_revealed", Target: target(e)})
	})
	if err != nil {
		return Revealed{}, err
	}
	return out, nil
}

// RotateSecret gives an endpoint another secret, and returns it with the end of the one before,
// which signs too until grace is over; none does with a grace of 0, and the time is zero. own is a
// secret of the person's own, empty for a new one. Faults: NotFound; Forbidden; Conflict while two
// secrets sign, or when this instance has no key to seal with; Invalid with the fields grace and
// secret.
func (s *Service) RotateSecret(ctx context.Context, actor access.Actor, id string, grace time.Duration, own string) (signing.Secret, time.Time, error) {
	fields, until := fault.Fields{}, models.Time{}
	if grace < 0 || grace > MaxGrace {
		fields.Add("grace", "Choose up to 7 days; with 0 the present secret ends at once.")
	}
	secret := chooseSecret(fields, own)
	if err := fields.Err(); err != nil {
		return signing.Secret{}, time.Time{}, err
	}
	err := s.change(ctx, actor, id, func(tx *gorm.DB, now time.Time, e models.Endpoint) error {
		if s.box == nil {
			return errNoBox
		}
		if s.rotating(e) {
			return fault.New(fault.Conflict, "This secret was rotated already: the one before signs until "+
				e.PreviousEndsAt.Format("2 January 2006 15:04")+" UTC. End that one first.")
		}
		present, err := s.open(e.ID, e.Secret)
		if err == nil && present == secret {
			return fault.Fields{"secret": "This is the secret that signs now. Use another one, or leave it empty for a new one."}.Err()
		}
		var previous []byte
		if grace > 0 && err == nil { // one that cannot be opened cannot sign
			previous, until = e.Secret, models.At(now.Add(grace))
		}
		return s.putSecret(ctx, tx, now, actor, e, secret, previous, until)
	})
	if err != nil {
		return signing.Secret{}, time.Time{}, err
	}
	return secret, until.Time, nil
}

func (s *Service) putSecret(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, e models.Endpoint, secret signing.Secret, previous []byte, until models.Time) error {
	err := update(ctx, tx, now, e, "secret = ?, secret_since = ?, previous_secret = ?, previous_ends_at = ?",
		s.seal(e.ID, secret), models.At(now), previous, until)
	if err != nil {
		return err
	}
	ends := now
	if !until.IsZero() {
		ends = until.Time
	}
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "endpoint.secret_rotated", Target: target(e),
		Before: audit.Values{"secret_since": e.SecretSince.Format(time.RFC3339)},
		After:  audit.Values{"secret_since": now.Format(time.RFC3339), "previous_ends_at": ends.Format(time.RFC3339)},
	})
}

// EndPreviousSecret lets only the present secret sign from now on. Faults: NotFound; Forbidden;
// Conflict when it is the only one already.
func (s *Service) EndPreviousSecret(ctx context.Context, actor access.Actor, id string) error {
	return s.change(ctx, actor, id, func(tx *gorm.DB, now time.Time, e models.Endpoint) error {
		if !s.rotating(e) {
			return fault.New(fault.Conflict, "Only one secret of this endpoint signs: it was not rotated, or the one before has ended already.")
		}
		if err := update(ctx, tx, now, e, "previous_secret = NULL, previous_ends_at = NULL"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "endpoint.previous_secret_ended", Target: target(e),
			Before: audit.Values{"previous_ends_at": e.PreviousEndsAt.Format(time.RFC3339)},
			After:  audit.Values{"previous_ends_at": now.Format(time.RFC3339)},
		})
	})
}
