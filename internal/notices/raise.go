package notices

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/models"
)

// Notice is one to raise. Data goes to JSON: strings, numbers and booleans, never a secret.
type Notice struct {
	WorkspaceID string
	Kind        string
	Dedup       string // unique in the workspace: the same notice is raised once
	APIKeyID    string
	Data        map[string]any
	Silent      bool // kept, so that it is raised once, but put before nobody
}

// ExpiryDedup names a notice about an expiry. The instant is part of it, so that an expiry that is
// moved is told of again, and so that Open knows which notices have been overtaken.
func ExpiryDedup(kind, keyID string, expires models.Time, days int) string {
	return kind + ":" + keyID + ":" + strconv.FormatInt(expires.UnixMicro(), 10) + ":" + strconv.Itoa(days)
}

// current is the part of a WHERE about notices n of keys k that leaves out what has been overtaken:
// the key was deactivated, or ends at another time; the endpoint works again.
const current = currentKey + " AND " + currentEndpoint

const currentKey = "(n.kind NOT IN ('" + Expiring + "', '" + Expired + "') OR k.status = 'active' AND " +
	"n.dedup LIKE n.kind || ':' || CAST(k.id AS TEXT) || ':' || CAST(k.expires_at AS TEXT) || ':%')"

// Raise keeps the notice within tx unless it was raised before; created says whether it was new.
// Of several transactions with the same notice one creates it, and the others wait for its end.
func Raise(ctx context.Context, tx *gorm.DB, now time.Time, n Notice) (created bool, err error) {
	row := models.Notice{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: n.WorkspaceID, Kind: n.Kind, Dedup: n.Dedup,
		Data: encode(n.Data), CreatedAt: models.At(now),
	}
	if n.APIKeyID != "" {
		row.APIKeyID = &n.APIKeyID
	}
	if n.Silent {
		row.DismissedAt = row.CreatedAt
	}
	done := tx.WithContext(ctx).Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "workspace_id"}, {Name: "dedup"}}, DoNothing: true,
	}).Create(&row)
	if done.Error != nil {
		return false, fmt.Errorf("insert notice: %w", done.Error)
	}
	return done.RowsAffected == 1, nil
}

// Amend gives a notice that was raised before other data, and opens it again: what it tells about
// went on.
func Amend(ctx context.Context, tx *gorm.DB, n Notice) error {
	err := tx.WithContext(ctx).Exec(
		"UPDATE notices SET data = ?, dismissed_at = NULL, dismissed_by = NULL WHERE workspace_id = ? AND dedup = ?",
		encode(n.Data), n.WorkspaceID, n.Dedup).Error
	if err != nil {
		return fmt.Errorf("amend notice: %w", err)
	}
	return nil
}

// Supersede closes the open notices of one kind about a key, all but the one with this dedup: the
// newer one says what they said.
func Supersede(ctx context.Context, tx *gorm.DB, now time.Time, kind, keyID, dedup string) error {
	err := tx.WithContext(ctx).Exec(
		"UPDATE notices SET dismissed_at = ? WHERE api_key_id = ? AND kind = ? AND dedup <> ? AND dismissed_at IS NULL",
		models.At(now), keyID, kind, dedup).Error
	if err != nil {
		return fmt.Errorf("supersede notices: %w", err)
	}
	return nil
}

func encode(data map[string]any) []byte {
	if data == nil {
		data = map[string]any{}
	}
	text, err := json.Marshal(data)
	if err != nil {
		// Data is strings, numbers and booleans of ours; anything else is a programming error.
		panic("notices: " + err.Error())
	}
	return text
}
