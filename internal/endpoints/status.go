package endpoints

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/notices"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Disable stops sending: nothing more is begun, and what is pending, and what comes, is kept as
// skipped. Of what is pending the first 5,000 are at once, and the rest soon after, by the sweep of
// the workers. An endpoint that is disabled already stays as it is. Faults: NotFound, Forbidden.
func (s *Service) Disable(ctx context.Context, actor access.Actor, id string) error {
	return s.change(ctx, actor, id, func(tx *gorm.DB, now time.Time, e models.Endpoint) error {
		if e.Status != models.EndpointEnabled {
			return nil
		}
		_, err := disable(ctx, tx, now, actor, e, models.DisabledManual, "")
		return err
	})
}

// DisableBySystem disables an enabled endpoint for models.DisabledGone or DisabledFailing, as Disable
// does: in one transaction with the audit entry, the notice and the message to other
// endpoints. It does nothing when the endpoint is not enabled any more. detail is a sentence for
// people.
func (s *Service) DisableBySystem(ctx context.Context, id, reason, detail string) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.keys.LockStates(ctx, tx); err != nil {
			return err
		}
		e, err := gorm.G[models.Endpoint](tx).Where("id = ? AND status = ?", id, models.EndpointEnabled).Take(ctx)
		if database.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("select endpoint: %w", err)
		}
		now := s.now().UTC()
		skipped, err := disable(ctx, tx, now, access.System(e.WorkspaceID), e, reason, detail)
		if err != nil {
			return err
		}
		data := map[string]any{
			"endpoint_id": e.ID, "url": e.Address(), "environment": e.Environment, "disabled_at": now.Format(time.RFC3339),
			"reason": reason, "error": detail,
		}
		if skipped < skippedAtOnce { // else nobody has counted them
			data["skipped"] = skipped
		}
		_, err = notices.Raise(ctx, tx, now, notices.Notice{
			WorkspaceID: e.WorkspaceID, Kind: notices.EndpointDisabled, Dedup: notices.DisabledDedup(e.ID, models.At(now)), Data: data,
		})
		return err
	})
}

// disable is what both have in common; skipped counts the deliveries that were pending, up to
// skippedAtOnce.
func disable(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, e models.Endpoint, reason, detail string) (skipped int64, err error) {
	err = update(ctx, tx, now, e, "status = ?, disabled_reason = ?, disabled_at = ?", models.EndpointDisabled, reason, models.At(now))
	if err != nil {
		return 0, err
	}
	if skipped, err = stopSending(ctx, tx, now, e, "The endpoint was disabled."); err != nil {
		return 0, err
	}
	after := audit.Values{"status": models.EndpointDisabled, "reason": reason}
	if detail != "" {
		after["detail"] = detail
	}
	if skipped == skippedAtOnce {
		after["skipped"] = fmt.Sprintf("%d or more", skipped)
	} else if skipped > 0 {
		after["skipped"] = skipped
	}
	err = audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "endpoint.disabled", Target: target(e), Before: audit.Values{"status": models.EndpointEnabled}, After: after,
	})
	if err != nil {
		return 0, err
	}
	return skipped, tell(ctx, tx, now, actor, e, reason, detail)
}

// tell writes the message to the workspace's other endpoints.
func tell(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, e models.Endpoint, reason, detail string) error {
	var state models.EndpointState
	err := tx.WithContext(ctx).Raw("SELECT * FROM endpoint_states WHERE endpoint_id = ?", e.ID).Scan(&state).Error
	if err != nil {
		return fmt.Errorf("select endpoint's state: %w", err)
	}
	if detail == "" {
		detail = state.LastError
	}
	return outbox.Emit(ctx, tx, outbox.Event{
		WorkspaceID: e.WorkspaceID, Environment: e.Environment, Type: outbox.EndpointDisabled, At: now, Except: e.ID,
		Data: outbox.EndpointData{
			ID: e.ID, URL: e.Address(), Description: e.Description, Environment: e.Environment, Reason: reason,
			FailingSince: outbox.Stamp{Time: state.FailingSince.Time}, LastError: detail, By: actor.Label,
		},
	})
}

// stopSending turns what is pending into skipped, up to a bound, and stops a replay that runs. What
// is beyond the bound is not sent either, since workers send for enabled endpoints alone; their sweep
// skips it.
func stopSending(ctx context.Context, tx *gorm.DB, now time.Time, e models.Endpoint, why string) (int64, error) {
	// The row that workers take first when they write results: see holdResults.
	if err := tx.WithContext(ctx).Exec("UPDATE endpoint_states SET paused_until = NULL WHERE endpoint_id = ?", e.ID).Error; err != nil {
		return 0, fmt.Errorf("hold off results: %w", err)
	}
	skipped, err := skip(tx.WithContext(ctx), models.At(now), e.ID, skippedAtOnce)
	if err != nil {
		return 0, err
	}
	err = tx.WithContext(ctx).Exec(`
		UPDATE delivery_replays SET status = 'stopped', problem = ?, updated_at = ?, finished_at = ?
		WHERE endpoint_id = ? AND status = 'running'`, why, models.At(now), models.At(now), e.ID).Error
	if err != nil {
		return 0, fmt.Errorf("stop the replay: %w", err)
	}
	return skipped, nil
}

// Enable lets a disabled endpoint get what comes from now on, and forgets that it failed. What was
// skipped stays so until somebody replays it; what the sweep has not reached yet is skipped first.
// Faults: NotFound, Forbidden.
func (s *Service) Enable(ctx context.Context, actor access.Actor, id string) error {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return err
	}
	for {
		e, err := take(ctx, s.db.Read, actor, id)
		if err != nil {
			return err
		}
		if e.Status != models.EndpointEnabled {
			if err := s.Sweep(ctx, id); err != nil {
				return err
			}
		}
		if err := s.enable(ctx, actor, id); !errors.Is(err, errMore) {
			return err
		}
	}
}

// enable does it, unless more became pending meanwhile than may be skipped under the state lock.
func (s *Service) enable(ctx context.Context, actor access.Actor, id string) error {
	return s.change(ctx, actor, id, func(tx *gorm.DB, now time.Time, e models.Endpoint) error {
		if e.Status == models.EndpointEnabled {
			return nil
		}
		if err := update(ctx, tx, now, e, "status = ?, disabled_reason = '', disabled_at = NULL", models.EndpointEnabled); err != nil {
			return err
		}
		if err := forget(ctx, tx, now, e); err != nil {
			return err
		}
		if err := settle(ctx, tx, now, e); err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "endpoint.enabled", Target: target(e),
			Before: audit.Values{"status": models.EndpointDisabled, "reason": e.DisabledReason}, After: audit.Values{"status": models.EndpointEnabled},
		})
	})
}

// forget clears what was before an endpoint is enabled: its failures, and what is pending still.
func forget(ctx context.Context, tx *gorm.DB, now time.Time, e models.Endpoint) error {
	err := tx.WithContext(ctx).Exec(`
		UPDATE endpoint_states SET failing_since = NULL, failures = 0, warned = 0, paused_until = NULL
		WHERE endpoint_id = ?`, e.ID).Error
	if err != nil {
		return fmt.Errorf("forget failures: %w", err)
	}
	n, err := skip(tx.WithContext(ctx), models.At(now), e.ID, skippedAtOnce)
	if err == nil && n == skippedAtOnce {
		return errMore
	}
	return err
}

// settle closes the notices about an endpoint: somebody has acted.
func settle(ctx context.Context, tx *gorm.DB, now time.Time, e models.Endpoint) error {
	err := tx.WithContext(ctx).Exec(`
		UPDATE notices SET dismissed_at = ?
		WHERE workspace_id = ? AND kind IN (?, ?) AND dismissed_at IS NULL AND dedup LIKE ?`, models.At(now), e.WorkspaceID,
		notices.EndpointDisabled, notices.EndpointFailing, "%:"+e.ID+":%").Error
	if err != nil {
		return fmt.Errorf("settle notices: %w", err)
	}
	return nil
}
