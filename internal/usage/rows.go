package usage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/models"
)

const batch = 500

// write adds everything in one transaction.
func (g *gathered) write(ctx context.Context, tx *gorm.DB) error {
	if err := g.writeMinutes(ctx, tx); err != nil {
		return err
	}
	if err := g.writeLast(ctx, tx); err != nil {
		return err
	}
	return g.writeScopes(ctx, tx)
}

// writeMinutes adds counts to the rows that are there. Sorted, so that several instances lock rows
// in one order.
func (g *gathered) writeMinutes(ctx context.Context, tx *gorm.DB) error {
	rows := slices.SortedFunc(maps.Values(g.minutes), func(a, b *models.KeyUsageMinute) int {
		return cmp.Or(cmp.Compare(a.APIKeyID, b.APIKeyID), cmp.Compare(a.Minute, b.Minute))
	})
	sums := map[string]any{}
	for _, column := range []string{"accepted", "duplicates", "rejected", "previous", "outside"} {
		sums[column] = gorm.Expr(fmt.Sprintf("key_usage_minutes.%[1]s + excluded.%[1]s", column))
	}
	for chunk := range slices.Chunk(rows, batch) {
		err := tx.WithContext(ctx).Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "api_key_id"}, {Name: "minute"}},
			DoUpdates: clause.Assignments(sums),
		}).Create(chunk).Error
		if err != nil {
			return fmt.Errorf("add usage: %w", err)
		}
	}
	return nil
}

// lastColumns are the columns of key_last_used, each with the instant that it belongs to.
var lastColumns = map[string]string{
	"last_used_at": "last_used_at", "ip": "last_used_at", "user_agent": "last_used_at",
	"last_refused_at": "last_refused_at", "refused_ip": "last_refused_at", "refused_user_agent": "last_refused_at",
	"browser_seen_at":  "browser_seen_at",
	"previous_used_at": "previous_used_at", "previous_ip": "previous_used_at", "previous_user_agent": "previous_used_at",
	"outside_at": "outside_at", "outside_ip": "outside_at",
}

// writeLast moves last uses forward; what this instance has not seen stays as it is.
func (g *gathered) writeLast(ctx context.Context, tx *gorm.DB) error {
	rows := slices.SortedFunc(maps.Values(g.last), func(a, b *models.KeyLastUsed) int {
		return cmp.Compare(a.APIKeyID, b.APIKeyID)
	})
	newer := map[string]any{}
	for column, at := range lastColumns {
		newer[column] = gorm.Expr(fmt.Sprintf(
			"CASE WHEN COALESCE(excluded.%[2]s, 0) >= COALESCE(key_last_used.%[2]s, 1) THEN excluded.%[1]s ELSE key_last_used.%[1]s END", column, at))
	}
	for chunk := range slices.Chunk(rows, batch) {
		err := tx.WithContext(ctx).Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "api_key_id"}},
			DoUpdates: clause.Assignments(newer),
		}).Create(chunk).Error
		if err != nil {
			return fmt.Errorf("set last use: %w", err)
		}
	}
	return nil
}

// writeScopes moves the last uses of scopes forward.
func (g *gathered) writeScopes(ctx context.Context, tx *gorm.DB) error {
	rows := make([]models.KeyScopeUse, 0, len(g.scopes))
	for k, at := range g.scopes {
		rows = append(rows, models.KeyScopeUse{APIKeyID: k.keyID, Scope: k.scope, LastUsedAt: models.At(at)})
	}
	slices.SortFunc(rows, func(a, b models.KeyScopeUse) int {
		return cmp.Or(cmp.Compare(a.APIKeyID, b.APIKeyID), cmp.Compare(a.Scope, b.Scope))
	})
	for chunk := range slices.Chunk(rows, batch) {
		err := tx.WithContext(ctx).Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "api_key_id"}, {Name: "scope"}},
			DoUpdates: clause.Assignments(map[string]any{"last_used_at": gorm.Expr(
				"CASE WHEN excluded.last_used_at > key_scope_uses.last_used_at THEN excluded.last_used_at ELSE key_scope_uses.last_used_at END")}),
		}).Create(chunk).Error
		if err != nil {
			return fmt.Errorf("set scope use: %w", err)
		}
	}
	return nil
}
