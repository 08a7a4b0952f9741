package orgs

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Payload is what a sender sent for one organisation, as it was sent.
type Payload struct {
	UpdateID   string
	RequestID  string
	KeyID      string
	ReceivedAt models.Time
	Raw        []byte
}

// LastPayload is the newest payload of a key, whatever became of it; nil when it has none. It needs
// access.ReadData.
func (s *Service) LastPayload(ctx context.Context, actor access.Actor, keyID string) (*Payload, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	if !database.ValidID(keyID) {
		return nil, nil
	}
	return s.payload(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Where("api_key_id = ? AND workspace_id = ?", keyID, actor.WorkspaceID)
	})
}

// Payload is that of one update. NotFound when it is another workspace's; it needs access.ReadData.
func (s *Service) Payload(ctx context.Context, actor access.Actor, updateID string) (*Payload, error) {
	if err := mayRead(actor); err != nil {
		return nil, err
	}
	if !database.ValidID(updateID) {
		return nil, errNoUpdate
	}
	p, err := s.payload(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Where("id = ? AND workspace_id = ?", updateID, actor.WorkspaceID)
	})
	if p == nil && err == nil {
		return nil, errNoUpdate
	}
	return p, err
}

func (s *Service) payload(ctx context.Context, scope func(*gorm.DB) *gorm.DB) (*Payload, error) {
	var rows []models.ProductOrgUpdate
	err := scope(s.db.Read.WithContext(ctx)).Select("id", "request_id", "api_key_id", "received_at", "raw").
		Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("select payload: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	r := rows[0]
	return &Payload{UpdateID: r.ID, RequestID: r.RequestID, KeyID: r.APIKeyID, ReceivedAt: r.ReceivedAt, Raw: r.Raw}, nil
}

// maxOfRequest is how many updates a request's page lists.
const maxOfRequest = 20

// UpdateOfRequest lists what a request brought, in its order, at most 20, and tells how many there
// are. It needs access.ReadData.
func (s *Service) UpdateOfRequest(ctx context.Context, actor access.Actor, requestID string) (items []Update, total int64, err error) {
	if err := mayRead(actor); err != nil {
		return nil, 0, err
	}
	if !database.ValidID(requestID) {
		return nil, 0, nil
	}
	mine := s.db.Read.WithContext(ctx).Model(&models.ProductOrgUpdate{}).
		Where("request_id = ? AND workspace_id = ?", requestID, actor.WorkspaceID).Session(&gorm.Session{})
	if err := mine.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count updates of request: %w", err)
	}
	var rows []models.ProductOrgUpdate
	if err := mine.Select(updateColumns).Order("item_index, id").Limit(maxOfRequest).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list updates of request: %w", err)
	}
	items, err = s.withKeys(ctx, actor, rows)
	return items, total, err
}
