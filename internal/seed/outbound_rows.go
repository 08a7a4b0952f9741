package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/endpoints"
	"latchkey/internal/notices"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// outboundRows writes the past of deliveries.
type outboundRows struct {
	demo *demo
	rnd  *rand.Rand // of its own, so that it changes nothing of the other contents
}

func newOutboundRows(d *demo) *outboundRows {
	return &outboundRows{demo: d, rnd: rand.New(rand.NewPCG(5, 26))}
}

// signals writes the messages of the week's signals that somebody subscribes to.
func (o *outboundRows) signals(ctx context.Context, tx *gorm.DB) error {
	who, err := outbox.Load(ctx, outbox.Gorm(tx))
	if err != nil {
		return err
	}
	began, err := o.began(ctx, tx)
	if err != nil {
		return err
	}
	var stored []models.Signal
	return tx.WithContext(ctx).Order("id").FindInBatches(&stored, batchRows, func(page *gorm.DB, _ int) error {
		var messages []models.Message
		var rows []models.Delivery
		for i := range stored {
			s := &stored[i]
			m := models.Message{
				ID: s.ID, WorkspaceID: s.WorkspaceID, Environment: s.Environment, EventType: string(outbox.SignalReceived), APIKeyID: &s.APIKeyID, Source: s.Source,
				CreatedAt: s.ReceivedAt,
			}
			for _, to := range who.For(s.WorkspaceID, s.Environment, outbox.SignalReceived, s.Source, s.APIKeyID).Endpoints {
				if began[to.EndpointID].Before(s.ReceivedAt.Time) {
					rows = append(rows, outbox.NewDelivery(&m, to))
					m.Body = outbox.SignalBody(s)
				}
			}
			if m.Body != nil {
				messages = append(messages, m)
			}
		}
		if err := insert(ctx, tx, messages); err != nil {
			return err
		}
		return insert(ctx, tx, rows)
	}).Error
}

// began is when each endpoint was made.
func (o *outboundRows) began(ctx context.Context, tx *gorm.DB) (map[string]time.Time, error) {
	made, err := gorm.G[models.Endpoint](tx).Select("id", "created_at").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select endpoints: %w", err)
	}
	out := map[string]time.Time{}
	for _, e := range made {
		out[e.ID] = e.CreatedAt.Time
	}
	return out, nil
}

func insert[T any](ctx context.Context, tx *gorm.DB, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	if err := gorm.G[T](tx).CreateInBatches(ctx, &rows, batchRows); err != nil {
		return fmt.Errorf("insert %T: %w", rows, err)
	}
	return nil
}

// settle writes what became of an endpoint's deliveries, its counts and its state.
func (o *outboundRows) settle(ctx context.Context, tx *gorm.DB, name string) error {
	id := o.demo.targets[name]
	rows, err := gorm.G[models.Delivery](tx).Where("endpoint_id = ?", id).Order("message_id").Find(ctx)
	if err != nil {
		return fmt.Errorf("select deliveries: %w", err)
	}
	made, err := gorm.G[models.DeliveryAttempt](tx).Where("endpoint_id = ?", id).Find(ctx) // of the tests
	if err != nil {
		return fmt.Errorf("select attempts: %w", err)
	}
	fresh := o.fates(name, rows)
	if _, err := gorm.G[models.Delivery](tx).Where("endpoint_id = ?", id).Delete(ctx); err != nil {
		return fmt.Errorf("delete deliveries: %w", err)
	}
	if err := insert(ctx, tx, rows); err != nil {
		return err
	}
	if err := insert(ctx, tx, fresh); err != nil {
		return err
	}
	if err := insert(ctx, tx, minutesOf(append(made, fresh...), o.demo.now)); err != nil {
		return err
	}
	state := stateOf(id, fresh)
	if name == catalogueEndpoint && !state.FailingSince.IsZero() {
		state.Warned = 50
		if err := o.warn(ctx, tx, state); err != nil {
			return err
		}
	}
	_, err = gorm.G[models.EndpointState](tx).Where("endpoint_id = ?", id).
		Select("failing_since", "failures", "warned", "last_success_at", "last_failure_at", "last_error").Updates(ctx, state)
	if err != nil {
		return fmt.Errorf("update an endpoint's state: %w", err)
	}
	return nil
}

// warn tells that an endpoint is half of the way to being disabled, as the worker does.
func (o *outboundRows) warn(ctx context.Context, tx *gorm.DB, state models.EndpointState) error {
	e, err := gorm.G[models.Endpoint](tx).Where("id = ?", state.EndpointID).Take(ctx)
	if err != nil {
		return fmt.Errorf("select endpoint: %w", err)
	}
	at, ends := state.FailingSince.Add(endpoints.DisabledAfter/2), state.FailingSince.Add(endpoints.DisabledAfter)
	_, err = notices.Raise(ctx, tx, at, notices.Notice{
		WorkspaceID: e.WorkspaceID, Kind: notices.EndpointFailing, Dedup: notices.FailingDedup(e.ID, state.FailingSince, state.Warned),
		Data: map[string]any{
			"endpoint_id": e.ID, "url": e.Address(), "description": e.Description, "environment": e.Environment, "percent": state.Warned, "error": state.LastError,
			"failing_since": state.FailingSince.Format(time.RFC3339), "disables_at": ends.Format(time.RFC3339),
		},
	})
	if err != nil {
		return err
	}
	return outbox.Emit(ctx, tx, outbox.Event{
		ID: idAt(o.rnd, at), WorkspaceID: e.WorkspaceID, Environment: e.Environment, Type: outbox.EndpointFailing, At: at, Except: e.ID,
		Data: outbox.EndpointData{
			ID: e.ID, URL: e.Address(), Description: e.Description, Environment: e.Environment, Percent: state.Warned,
			FailingSince: outbox.Stamp{Time: state.FailingSince.Time}, DisablesAt: &outbox.Stamp{Time: ends}, LastError: state.LastError,
		},
	})
}
