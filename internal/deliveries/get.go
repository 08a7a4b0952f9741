package deliveries

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Detail is a delivery with its message and its attempts, the first one first.
type Detail struct {
	Item
	Endpoint models.Endpoint // without secrets and headers
	Message  models.Message
	Attempts []models.DeliveryAttempt
}

// Get returns one delivery. Faults: NotFound, Forbidden.
func (s *Service) Get(ctx context.Context, actor access.Actor, endpointID, messageID string) (Detail, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return Detail{}, err
	}
	e, err := endpoint(ctx, s.db.Read, actor, endpointID)
	if err != nil {
		return Detail{}, err
	}
	d, err := take(ctx, s.db.Read, e, messageID)
	if err != nil {
		return Detail{}, err
	}
	out := Detail{Item: item(d), Endpoint: e}
	out.Message, err = gorm.G[models.Message](s.db.Read).Where("id = ? AND workspace_id = ?", messageID, actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return Detail{}, errNoDelivery
	}
	if err != nil {
		return Detail{}, fmt.Errorf("select message: %w", err)
	}
	out.Attempts, err = gorm.G[models.DeliveryAttempt](s.db.Read).
		Where("endpoint_id = ? AND message_id = ?", endpointID, messageID).Order("number").Find(ctx)
	if err != nil {
		return Detail{}, fmt.Errorf("select attempts: %w", err)
	}
	return out, nil
}

// take reads a delivery of an endpoint that the actor may see.
func take(ctx context.Context, db *gorm.DB, e models.Endpoint, messageID string) (models.Delivery, error) {
	if !database.ValidID(messageID) {
		return models.Delivery{}, errNoDelivery
	}
	d, err := gorm.G[models.Delivery](db).
		Where("endpoint_id = ? AND message_id = ? AND workspace_id = ?", e.ID, messageID, e.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return d, errNoDelivery
	}
	if err != nil {
		return d, fmt.Errorf("select delivery: %w", err)
	}
	return d, nil
}

// Told is a delivery of a message, with the endpoint that it goes to.
type Told struct {
	Item
	Endpoint models.Endpoint // without secrets and headers
}

// OfMessage lists the deliveries of the message about a signal, an update or a refused request,
// which has the same id, by the age of their endpoints. It is empty for those who may not see
// endpoints.
func (s *Service) OfMessage(ctx context.Context, actor access.Actor, messageID string) ([]Told, error) {
	if !actor.Can(access.ReadEndpoints) || !database.ValidID(messageID) {
		return nil, nil
	}
	endpoints, err := gorm.G[models.Endpoint](s.db.Read).Omit("secret", "previous_secret", "headers").
		Where("workspace_id = ? AND status <> ?", actor.WorkspaceID, models.EndpointDeleted).Order("id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select endpoints: %w", err)
	}
	ids := make([]string, len(endpoints))
	for i, e := range endpoints {
		ids[i] = e.ID
	}
	rows, err := gorm.G[models.Delivery](s.db.Read).
		Where("endpoint_id IN ? AND message_id = ? AND workspace_id = ?", ids, messageID, actor.WorkspaceID).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("select deliveries: %w", err)
	}
	var told []Told
	for _, e := range endpoints {
		for _, d := range rows {
			if d.EndpointID == e.ID {
				told = append(told, Told{Item: item(d), Endpoint: e})
			}
		}
	}
	return told, nil
}
