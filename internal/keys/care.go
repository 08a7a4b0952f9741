package keys

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Items returns keys by their ids, in that order, without those that the actor may not see.
func (s *Service) Items(ctx context.Context, actor access.Actor, ids []string) ([]Item, error) {
	if err := actor.Require(access.ReadKeys); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []models.APIKey
	if err := s.filtered(ctx, actor, Filter{}).Where("id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("select keys: %w", err)
	}
	items, err := s.decorate(ctx, rows)
	if err != nil {
		return nil, err
	}
	byID := map[string]Item{}
	for _, item := range items {
		byID[item.ID] = item
	}
	out := make([]Item, 0, len(items))
	for _, id := range ids {
		if item, ok := byID[id]; ok {
			out = append(out, item)
		}
	}
	return out, nil
}

// TakeOver makes the actor the one who answers for a key, as if they had made it. Faults: NotFound;
// Forbidden; Conflict when the key is deactivated, or the actor is no person.
func (s *Service) TakeOver(ctx context.Context, actor access.Actor, id string) error {
	if actor.AccountID == "" {
		return fault.New(fault.Conflict, "Only a person can answer for a key. Sign in to the console to take it over.")
	}
	return s.change(ctx, actor, id, func(tx *gorm.DB, key models.APIKey) error {
		switch {
		case key.Status == models.KeyDeactivated:
			return fault.New(fault.Conflict, "This key is deactivated; nobody needs to answer for it any more.")
		case key.CreatedBy != nil && *key.CreatedBy == actor.AccountID:
			return nil
		}
		now := s.now().UTC()
		if err := update(ctx, tx, now, key, "created_by = ?", actor.AccountID); err != nil {
			return err
		}
		before, err := emailOf(ctx, tx, key.CreatedBy)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, now, actor, audit.Change{
			Action: "api_key.taken_over", Target: target(key),
			Before: audit.Values{"created_by": before},
			After:  audit.Values{"created_by": actor.Label},
		})
	})
}

// emailOf is how the log calls who made a key; empty when nobody did, or nobody knows any more.
func emailOf(ctx context.Context, tx *gorm.DB, account *string) (email string, err error) {
	if account == nil {
		return "", nil
	}
	err = tx.WithContext(ctx).Raw("SELECT email FROM accounts WHERE id = ?", *account).Scan(&email).Error
	if err != nil {
		return "", fmt.Errorf("select maker: %w", err)
	}
	return email, nil
}

// LockStates holds off every change of a key until tx ends, for those who look at several things
// before one of the changes here. It comes first in a transaction.
func (s *Service) LockStates(ctx context.Context, tx *gorm.DB) error { return s.lockStates(ctx, tx) }
