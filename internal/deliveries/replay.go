package deliveries

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// The states of a replay.
const (
	Running  = "running"
	Finished = "finished" // all are released; some may still wait to be sent
	Stopped  = "stopped"
	Broken   = "failed"
)

// ReplayForm says what to send again.
type ReplayForm struct {
	Kind  string    // models.DeliveryFailed or DeliverySkipped
	Since time.Time // of the messages; zero: all there are
	Rate  int       // a second, 1 to MaxRate; 0: DefaultRate
}

// StartReplay starts to release what Plan counts, at a rate; the workers do it. What fails or is
// skipped from now on does not belong to it. Faults: NotFound; Forbidden; Conflict when a replay of
// the endpoint runs, when it is disabled, when there is nothing to send; Invalid with the fields
// kind, since, rate.
func (s *Service) StartReplay(ctx context.Context, actor access.Actor, endpointID string, f ReplayForm) (Progress, error) {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return Progress{}, err
	}
	f.Rate = cmp.Or(f.Rate, DefaultRate)
	fields := fault.Fields{}
	s.checkPlan(fields, f.Kind, f.Since)
	if f.Rate < 1 || f.Rate > MaxRate {
		fields.Add("rate", fmt.Sprintf("Use 1 to %d a second.", MaxRate))
	}
	p, err := s.planned(ctx, actor, endpointID, f, fields.Err())
	if err != nil {
		return Progress{}, err
	}
	var row models.DeliveryReplay
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		e, err := s.enabled(ctx, tx, actor, endpointID)
		if err != nil {
			return err
		}
		if p.Running, err = running(ctx, tx, e); err != nil {
			return err
		}
		row, err = s.start(ctx, tx, actor, e, p, f.Rate)
		return err
	})
	if err != nil {
		return Progress{}, err
	}
	s.bell.Ring(endpointID)
	return Progress{DeliveryReplay: row}, nil
}

// planned counts outside the transaction: there may be millions, and a program's transaction holds up
// the writers of signals.
func (s *Service) planned(ctx context.Context, actor access.Actor, endpointID string, f ReplayForm, invalid error) (Plan, error) {
	e, err := endpoint(ctx, s.db.Read, actor, endpointID)
	switch {
	case err != nil:
		return Plan{}, err
	case e.Status != models.EndpointEnabled:
		return Plan{}, errDisabled
	case invalid != nil:
		return Plan{}, invalid
	}
	return plan(ctx, s.db.Read, e, f.Kind, f.Since)
}

// start runs while the endpoint's row is locked, so that of two replays that start at once the
// second one finds the first.
func (s *Service) start(ctx context.Context, tx *gorm.DB, actor access.Actor, e models.Endpoint, p Plan, rate int) (models.DeliveryReplay, error) {
	switch {
	case p.Running != "":
		return models.DeliveryReplay{}, fault.New(fault.Conflict, "A replay of this endpoint runs already. Wait for its end, or stop it.")
	case p.Count == 0:
		return models.DeliveryReplay{}, fault.New(fault.Conflict, "There is nothing to send again: no delivery since then is "+p.Kind+".")
	}
	now := s.now().UTC()
	row := models.DeliveryReplay{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: e.WorkspaceID, EndpointID: e.ID,
		Kind: p.Kind, Since: sinceOf(p), Rate: rate, Status: Running, Total: p.Count, UptoID: p.newest,
		StartedBy: optional(actor.AccountID), StartedLabel: actor.Label, StartedAt: models.At(now), UpdatedAt: models.At(now),
	}
	if err := gorm.G[models.DeliveryReplay](tx).Create(ctx, &row); err != nil {
		return row, fmt.Errorf("insert replay: %w", err)
	}
	return row, audit.Record(ctx, tx, now, actor, audit.Change{
		Action: "replay.started", Target: target(e),
		After: audit.Values{"replay_id": row.ID, "kind": row.Kind, "since": row.Since.Format(time.RFC3339), "rate": rate, "total": row.Total},
	})
}

// sinceOf is a time that the table can hold, which knows no zero.
func sinceOf(p Plan) models.Time {
	if p.Since.IsZero() {
		return models.At(p.Oldest)
	}
	return models.At(p.Since)
}

// StopReplay ends a replay that runs. What it has released is sent nevertheless. Faults: NotFound;
// Forbidden; Conflict when it has ended.
func (s *Service) StopReplay(ctx context.Context, actor access.Actor, endpointID, replayID string) (Progress, error) {
	if err := actor.Require(access.ManageEndpoints); err != nil {
		return Progress{}, err
	}
	now := s.now().UTC()
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		e, err := endpoint(ctx, tx, actor, endpointID)
		if err != nil {
			return err
		}
		row, err := takeReplay(ctx, tx, e, replayID)
		if err != nil {
			return err
		}
		done := tx.WithContext(ctx).Exec("UPDATE delivery_replays SET status = ?, updated_at = ?, finished_at = ? WHERE id = ? AND status = ?",
			Stopped, models.At(now), models.At(now), row.ID, Running)
		if done.Error != nil {
			return fmt.Errorf("stop replay: %w", done.Error)
		}
		if done.RowsAffected != 1 {
			return fault.New(fault.Conflict, "This replay has ended already.")
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "replay.stopped", Target: target(e),
			Before: audit.Values{"status": Running}, After: audit.Values{"status": Stopped, "replay_id": row.ID},
		})
	})
	if err != nil {
		return Progress{}, err
	}
	return s.progressOf(ctx, actor, endpointID, replayID)
}
