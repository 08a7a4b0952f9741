package dispatch

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/internal/notices"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// tale is what people must hear of an endpoint: that it is failing, or that it gets nothing more.
type tale struct {
	owner   *owner
	percent int    // of the way to being disabled; 0: disable it
	reason  string // of models, when percent is 0
	detail  string
	failing models.Time // since when
	target  *endpoints.Target
}

const maxTales = 256

// thresholds of the way to being disabled at which people are warned, the last first.
var thresholds = []int{90, 70, 50}

// tales are what a failure gives to tell. The owner's lock is held.
func (o *owner) tales(r egress.Result, now time.Time) []tale {
	if r.Error == "" || o.closing {
		return nil
	}
	t := tale{owner: o, detail: clean(r.Detail), failing: models.At(o.state.failingSince), target: o.target}
	failing := now.Sub(o.state.failingSince)
	switch {
	case r.Gone:
		t.reason = models.DisabledGone
	case failing >= endpoints.DisabledAfter:
		t.reason = models.DisabledFailing
	default:
		for _, percent := range thresholds {
			if failing*100 >= endpoints.DisabledAfter*time.Duration(percent) && o.warned < percent {
				t.percent, o.warned = percent, percent
				return []tale{t}
			}
		}
		return nil
	}
	o.closing = true
	return []tale{t}
}

// later hands a tale to its teller; when there are too many the next failure brings it again.
func (s *Service) later(t tale) {
	select {
	case s.told <- t:
	default:
		t.owner.untold(t)
	}
}

// untold makes the next failure tell again.
func (o *owner) untold(t tale) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closing = false
	if t.percent > 0 {
		o.warned = min(o.warned, t.percent-1)
	}
}

// tell tells until ctx ends. What the database does not take is tried again.
func (s *Service) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-s.told:
			s.tellOne(ctx, t)
		}
	}
}

func (s *Service) tellOne(ctx context.Context, t tale) {
	var err error
	for range 3 {
		if t.percent > 0 {
			err = s.warn(ctx, t)
		} else {
			err = s.Endpoints.DisableBySystem(ctx, t.owner.id, t.reason, t.detail)
		}
		if err == nil {
			break
		}
		slog.Error("an endpoint's failing could not be told; tried again", "endpoint", t.owner.id, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	if err != nil {
		t.owner.untold(t)
	}
	t.owner.mu.Lock()
	t.owner.closing = false
	t.owner.stale = true // a disabled one is left
	t.owner.mu.Unlock()
	t.owner.poke()
}

// warn tells once, whoever sends: people by a notice, the other endpoints by a message.
func (s *Service) warn(ctx context.Context, t tale) error {
	now := s.Now()
	disables := t.failing.Add(endpoints.DisabledAfter)
	return s.DB.Tx(ctx, func(tx *gorm.DB) error {
		done := tx.Exec("UPDATE endpoint_states SET warned = ? WHERE endpoint_id = ? AND warned < ? AND failing_since = ?",
			t.percent, t.owner.id, t.percent, t.failing)
		if done.Error != nil {
			return fmt.Errorf("note the warning: %w", done.Error)
		}
		if done.RowsAffected == 0 {
			return nil // it was told, or is over
		}
		e, err := gorm.G[models.Endpoint](tx).Select("description", "url").Where("id = ?", t.owner.id).Take(ctx)
		if err != nil {
			return fmt.Errorf("read the endpoint: %w", err)
		}
		_, err = notices.Raise(ctx, tx, now, notices.Notice{
			WorkspaceID: t.target.WorkspaceID, Kind: notices.EndpointFailing,
			Dedup: notices.FailingDedup(t.owner.id, t.failing, t.percent),
			Data: map[string]any{
				"endpoint_id": t.owner.id, "url": e.Address(), "description": e.Description, "environment": t.target.Environment,
				"percent": t.percent, "error": t.detail,
				"failing_since": t.failing.Format(time.RFC3339), "disables_at": disables.UTC().Format(time.RFC3339),
			},
		})
		if err != nil {
			return err
		}
		return outbox.Emit(ctx, tx, outbox.Event{
			WorkspaceID: t.target.WorkspaceID, Environment: t.target.Environment, Type: outbox.EndpointFailing, At: now, Except: t.owner.id,
			Data: outbox.EndpointData{
				ID: t.owner.id, URL: e.Address(), Description: e.Description, Environment: t.target.Environment, Percent: t.percent,
				FailingSince: outbox.Stamp{Time: t.failing.Time}, DisablesAt: &outbox.Stamp{Time: disables}, LastError: t.detail,
			},
		})
	})
}
