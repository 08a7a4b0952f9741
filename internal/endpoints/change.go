package endpoints

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/egress"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Patch says what of an endpoint changes; nil stays as it is. Its environment always does.
type Patch struct {
	URL         *string
	Description *string
	EventTypes  *[]string
	Source      *string // empty: any
	APIKeyID    *string // empty: any
	Ordered     *bool
	Concurrency *int
	RateLimit   *int
	Headers     *[]egress.Header // all that there shall be; one without a value keeps the value it has
}

// Changed is an endpoint after a change.
type Changed struct {
	Item
	Warning string // about a new URL; empty: none
}

// ErrMoved says that the endpoint changed since the caller read it.
var ErrMoved = fault.New(fault.Conflict, "This endpoint was changed by someone else a moment ago. Load it again, then decide.")

// Change changes several things at once, or none when one of them may not be. base is the Version
// that the caller read, negative for any. What the endpoint has already is no change. What is
// pending goes by the new settings. Faults: NotFound; Forbidden; ErrMoved; Invalid with the fields
// of Create; Conflict when headers cannot be sealed or opened.
func (s *Service) Change(ctx context.Context, actor access.Actor, id string, p Patch, base int) (Changed, error) {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return Changed{}, err
	}
	before, err := take(ctx, s.db.Read, actor, id)
	if err != nil {
		return Changed{}, err
	}
	p, checked, err := s.tidy(ctx, actor, p, before)
	if err != nil {
		return Changed{}, err
	}
	reordered := p.Ordered != nil && *p.Ordered != before.Ordered
	if reordered && *p.Ordered && (base < 0 || base == before.Version) {
		// Before the change, since from then on only what is marked is sent in order.
		if err := s.align(ctx, id, true); err != nil {
			return Changed{}, err
		}
	}
	err = s.change(ctx, actor, id, func(tx *gorm.DB, now time.Time, e models.Endpoint) error {
		if base >= 0 && base != e.Version {
			return ErrMoved
		}
		return s.apply(ctx, tx, now, actor, p, e)
	})
	if err != nil {
		return Changed{}, err
	}
	if reordered {
		s.alignSoon(ctx, id, *p.Ordered)
	}
	item, err := s.byID(ctx, actor, id)
	return Changed{Item: item, Warning: checked.Warning}, err
}

// tidy brings values into the form in which they are stored, and says what no endpoint may have.
func (s *Service) tidy(ctx context.Context, actor access.Actor, p Patch, e models.Endpoint) (Patch, egress.Checked, error) {
	fields, checked, err := fault.Fields{}, egress.Checked{}, error(nil)
	if p.Description != nil {
		p.Description = trimmed(p.Description)
		checkDescription(fields, *p.Description)
	}
	if p.EventTypes != nil {
		types := []string(checkTypes(fields, *p.EventTypes))
		p.EventTypes = &types
	}
	if p.Source != nil {
		p.Source = trimmed(p.Source)
		checkSource(fields, *p.Source)
	}
	checkLimits(fields, or(p.Concurrency, e.Concurrency), or(p.RateLimit, e.RateLimit))
	if p.URL != nil && strings.TrimSpace(*p.URL) != e.URL {
		if checked, err = s.checkURL(ctx, fields, *p.URL, e.Environment); err != nil {
			return p, checked, err
		}
		p.URL = &checked.URL
	} else {
		p.URL = nil
	}
	if p.APIKeyID != nil && *p.APIKeyID != orEmpty(e.APIKeyID) {
		if err := checkKey(ctx, s.db.Read, fields, actor.WorkspaceID, e.Environment, *p.APIKeyID); err != nil {
			return p, checked, err
		}
	}
	return p, checked, fields.Err()
}

func trimmed(text *string) *string {
	t := strings.TrimSpace(*text)
	return &t
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

// apply writes what differs, and lets what is pending go by it.
func (s *Service) apply(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, p Patch, e models.Endpoint) error {
	changes, err := s.edits(p, e)
	if err != nil || changes.none() {
		return err
	}
	if err := update(ctx, tx, now, e, strings.Join(changes.sets, ", "), changes.args...); err != nil {
		return err
	}
	if changes.elsewhere {
		if err := unpause(ctx, tx, e.ID); err != nil {
			return err
		}
	}
	e.Description, e.URL = or(p.Description, e.Description), or(p.URL, e.URL)
	return audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "endpoint.updated", Target: target(e), Before: changes.before, After: changes.after,
	})
}

// change runs fn on one endpoint under the state lock, so that no writer commits by what fn is
// about to end, and wakes the workers.
func (s *Service) change(ctx context.Context, actor access.Actor, id string, fn func(*gorm.DB, time.Time, models.Endpoint) error) error {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return err
	}
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.keys.LockStates(ctx, tx); err != nil {
			return err
		}
		e, err := take(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		return fn(tx, s.now().UTC(), e)
	})
	if err == nil {
		s.bell.Ring(id)
	}
	return err
}

// update changes columns of an endpoint as it was read, and raises its version and that of who gets
// what.
func update(ctx context.Context, tx *gorm.DB, now time.Time, e models.Endpoint, set string, args ...any) error {
	args = append(args, models.At(now), e.ID, e.WorkspaceID, e.Version)
	done := tx.WithContext(ctx).Exec("UPDATE endpoints SET "+set+", updated_at = ?, version = version + 1"+
		" WHERE id = ? AND workspace_id = ? AND version = ?", args...)
	if done.Error != nil {
		return fmt.Errorf("update endpoint: %w", done.Error)
	}
	if done.RowsAffected != 1 {
		return ErrMoved
	}
	return outbox.Changed(ctx, tx)
}

// unpause lets the next attempt be made at once: what kept failing may be mended.
func unpause(ctx context.Context, tx *gorm.DB, endpointID string) error {
	err := tx.WithContext(ctx).Exec("UPDATE endpoint_states SET paused_until = NULL, failures = 0 WHERE endpoint_id = ?", endpointID).Error
	if err != nil {
		return fmt.Errorf("end the pause: %w", err)
	}
	return nil
}
