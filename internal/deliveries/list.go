package deliveries

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Filter narrows the list; zero values mean "all".
type Filter struct {
	Status   string    // of models
	Type     string    // an event type
	From, To time.Time // of the message: from inclusive, to exclusive
	Before   string    // message id (UUID): only older ones
	Limit    int       // 1 to 100, default 50
}

// Item is a delivery in a list.
type Item struct {
	models.Delivery
	MessageAt time.Time // when the message's id was made, to the millisecond
}

// Page is one page, newest message first.
type Page struct {
	Items []Item
	Next  string // pass as Before; empty on the last page
}

// statusConditions name both states of the partial index over what was not delivered, since SQLite
// uses it only then.
var statusConditions = map[string]string{
	models.DeliveryPending:   "status = 'pending'",
	models.DeliveryDelivered: "status = 'delivered'",
	models.DeliveryFailed:    "status = 'failed' AND status IN ('failed', 'skipped')",
	models.DeliverySkipped:   "status = 'skipped' AND status IN ('failed', 'skipped')",
}

// List returns an endpoint's deliveries. Faults: NotFound, Forbidden.
func (s *Service) List(ctx context.Context, actor access.Actor, endpointID string, f Filter) (Page, error) {
	if err := actor.Require(access.ReadEndpoints); err != nil {
		return Page{}, err
	}
	if _, err := endpoint(ctx, s.db.Read, actor, endpointID); err != nil {
		return Page{}, err
	}
	if f.Limit < 1 || f.Limit > 100 {
		f.Limit = 50
	}
	var rows []models.Delivery
	q := f.apply(s.db.Read.WithContext(ctx).Where("endpoint_id = ? AND workspace_id = ?", endpointID, actor.WorkspaceID))
	if err := q.Order(f.message() + " DESC").Limit(f.Limit + 1).Find(&rows).Error; err != nil {
		return Page{}, fmt.Errorf("list deliveries: %w", err)
	}
	page := Page{}
	if len(rows) > f.Limit {
		rows = rows[:f.Limit]
		page.Next = rows[f.Limit-1].MessageID
	}
	for _, d := range rows {
		page.Items = append(page.Items, item(d))
	}
	return page, nil
}

// message is the column that orders the list. What is pending, which is seldom much, is compared as
// text, so that it is looked for by its own index and not among all there is.
func (f Filter) message() string {
	if f.Status == models.DeliveryPending {
		return "CAST(message_id AS TEXT)"
	}
	return "message_id"
}

func item(d models.Delivery) Item {
	return Item{Delivery: d, MessageAt: database.IDTextTime(d.MessageID)}
}

func (f Filter) apply(q *gorm.DB) *gorm.DB {
	if condition, ok := statusConditions[f.Status]; ok {
		q = q.Where(condition)
	}
	if f.Type != "" {
		q = q.Where("event_type = ?", f.Type)
	}
	if !f.From.IsZero() {
		q = q.Where(f.message()+" >= ?", database.FirstID(f.From).String())
	}
	if !f.To.IsZero() {
		q = q.Where(f.message()+" < ?", database.FirstID(f.To).String())
	}
	if database.ValidID(f.Before) {
		q = q.Where(f.message()+" < ?", f.Before)
	}
	return q
}
