package ingest

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

const usageBatch = 500

// writeMinutes adds counts to the rows that are there. Sorted, so that several instances lock rows
// in one order.
func writeMinutes(ctx context.Context, tx *gorm.DB, minutes map[minuteKey]*models.KeyUsageMinute) error {
	rows := slices.SortedFunc(maps.Values(minutes), func(a, b *models.KeyUsageMinute) int {
		return cmp.Or(cmp.Compare(a.APIKeyID, b.APIKeyID), cmp.Compare(a.Minute, b.Minute))
	})
	for chunk := range slices.Chunk(rows, usageBatch) {
		err := tx.WithContext(ctx).Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "api_key_id"}, {Name: "minute"}},
			DoUpdates: clause.Assignments(map[string]any{
				"accepted":   gorm.Expr("key_usage_minutes.accepted + excluded.accepted"),
				"duplicates": gorm.Expr("key_usage_minutes.duplicates + excluded.duplicates"),
				"rejected":   gorm.Expr("key_usage_minutes.rejected + excluded.rejected"),
			}),
		}).Create(chunk).Error
		if err != nil {
			return fmt.Errorf("add usage: %w", err)
		}
	}
	return nil
}

// writeLast moves last uses forward; what this instance has not seen stays as it is.
func writeLast(ctx context.Context, tx *gorm.DB, last map[string]*models.KeyLastUsed) error {
	rows := slices.SortedFunc(maps.Values(last), func(a, b *models.KeyLastUsed) int {
		return cmp.Compare(a.APIKeyID, b.APIKeyID)
	})
	newer := func(column, at string) clause.Expr {
		return gorm.Expr(fmt.Sprintf(
			"CASE WHEN COALESCE(excluded.%[2]s, 0) >= COALESCE(key_last_used.%[2]s, 1) THEN excluded.%[1]s ELSE key_last_used.%[1]s END", column, at))
	}
	for chunk := range slices.Chunk(rows, usageBatch) {
		err := tx.WithContext(ctx).Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "api_key_id"}},
			DoUpdates: clause.Assignments(map[string]any{
				"last_used_at":       newer("last_used_at", "last_used_at"),
				"ip":                 newer("ip", "last_used_at"),
				"user_agent":         newer("user_agent", "last_used_at"),
				"last_refused_at":    newer("last_refused_at", "last_refused_at"),
				"refused_ip":         newer("refused_ip", "last_refused_at"),
				"refused_user_agent": newer("refused_user_agent", "last_refused_at"),
				"browser_seen_at":    newer("browser_seen_at", "browser_seen_at"),
			}),
		}).Create(chunk).Error
		if err != nil {
			return fmt.Errorf("set last use: %w", err)
		}
	}
	return nil
}
