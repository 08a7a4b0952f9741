package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/models"
)

// Event is something to tell.
type Event struct {
	ID          string // UUID of what it tells of, which becomes the message's; empty: a new one
	WorkspaceID string
	Environment string
	Type        Type
	APIKeyID    string    // the key that it is about; empty: none
	Source      string    // of signals and requests
	At          time.Time // now, by the caller's clock
	Data        any       // encodes to a JSON object
	Except      string    // an endpoint that is not told: the one that it is about
}

// Emit writes an event's message and deliveries in the transaction of what it tells; nothing when
// nobody subscribes. Nobody is woken: workers look each second.
func Emit(ctx context.Context, tx *gorm.DB, e Event) error {
	who, err := audienceOf(ctx, tx, e)
	if err != nil || who.Empty() {
		return err
	}
	m, err := e.message()
	if err != nil {
		return err
	}
	// A message that is there already was told already.
	once := tx.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true})
	done := once.Create(&m)
	if done.Error != nil {
		return fmt.Errorf("insert message: %w", done.Error)
	}
	if done.RowsAffected == 0 || len(who.Endpoints) == 0 {
		return nil
	}
	rows := make([]models.Delivery, len(who.Endpoints))
	for i, to := range who.Endpoints {
		rows[i] = NewDelivery(&m, to)
	}
	if err := tx.WithContext(ctx).CreateInBatches(&rows, 100).Error; err != nil {
		return fmt.Errorf("insert deliveries: %w", err)
	}
	return nil
}

// audienceOf reads who gets an event inside its own transaction: these are rare, and need no
// snapshot to be quick.
func audienceOf(ctx context.Context, tx *gorm.DB, e Event) (Audience, error) {
	s := &Snapshot{routes: map[route]*audience{}}
	if err := s.load(ctx, Gorm(tx), " AND workspace_id = ? AND environment = ?", e.WorkspaceID, e.Environment); err != nil {
		return Audience{}, err
	}
	who := s.For(e.WorkspaceID, e.Environment, e.Type, e.Source, e.APIKeyID)
	who.Endpoints = slices.DeleteFunc(slices.Clone(who.Endpoints), func(to Subscriber) bool { return to.EndpointID == e.Except })
	return who, nil
}

func (e Event) message() (models.Message, error) {
	if e.ID == "" {
		e.ID = uuid.Must(uuid.NewV7()).String()
	}
	body, err := Encode(e.Type, e.At, e.Data)
	if err != nil {
		return models.Message{}, err
	}
	m := models.Message{
		ID: e.ID, WorkspaceID: e.WorkspaceID, Environment: e.Environment, EventType: string(e.Type), Source: e.Source,
		Body: body, CreatedAt: models.At(e.At),
	}
	if e.APIKeyID != "" {
		m.APIKeyID = &e.APIKeyID
	}
	return m, nil
}

// NewDelivery is what a subscriber gets of a message when it is written: to be sent at once, or
// skipped while the endpoint is disabled.
func NewDelivery(m *models.Message, to Subscriber) models.Delivery {
	d := models.Delivery{
		EndpointID: to.EndpointID, MessageID: m.ID, WorkspaceID: m.WorkspaceID, EventType: m.EventType, Ordered: to.Ordered,
		Status: models.DeliveryPending, NextAttemptAt: m.CreatedAt, CreatedAt: m.CreatedAt,
	}
	if !to.Enabled {
		d.Status, d.NextAttemptAt, d.FinishedAt = models.DeliverySkipped, models.Time{}, m.CreatedAt
	}
	return d
}

// Changed must be called, under the state lock, in each transaction that changes who gets what: the
// writers go by what they remember until the version moves.
func Changed(ctx context.Context, tx *gorm.DB) error {
	if err := tx.WithContext(ctx).Exec("UPDATE outbox_state SET version = version + 1").Error; err != nil {
		return fmt.Errorf("raise the outbox's version: %w", err)
	}
	return nil
}
