package fill

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/database"
	"latchkey/internal/token"
)

// keyChunk keeps a statement below the parameters that both databases take.
const keyChunk = 500

// makeKeys inserts webhook keys that work. Half of them were used lately, a tenth expires within two
// months, a twentieth was deactivated: lists and hygiene have something to show. What it returns are
// the keys that are active.
func makeKeys(ctx context.Context, db *database.DB, workspaceID string, o Options) ([]string, error) {
	w := db.Write.WithContext(ctx)
	var active []string
	now, day := o.Until.UnixMicro(), (24 * time.Hour).Microseconds()
	for from := 0; from < o.Keys; from += keyChunk {
		var values, uses []any
		count := min(keyChunk, o.Keys-from)
		for i := from; i < from+count; i++ {
			key, err := token.Generate(rand.Reader, token.DefaultBrand, "live")
			if err != nil {
				return nil, fmt.Errorf("generate a key: %w", err)
			}
			id, hash := uuid.Must(uuid.NewV7()).String(), key.Hash()
			status, expires, deactivated := "active", any(nil), any(nil)
			switch {
			case i%20 == 0:
				status, deactivated = "deactivated", now-day
			case i%10 == 1:
				expires = now + int64(i%60)*day
			}
			if status == "active" {
				active = append(active, key.Plaintext().Reveal())
			}
			created := now - int64(i%400)*day
			values = append(values, id, workspaceID, fmt.Sprintf("Integration %05d", i), key.Display(), hash[:], status, expires, created, created, created, deactivated)
			if i%2 == 0 {
				uses = append(uses, id, now-int64(i%100)*day)
			}
		}
		if err := w.Exec(`INSERT INTO api_keys (id, workspace_id, name, environment, endpoint_type, key_prefix, key_hash, status, expires_at, created_at, updated_at, value_since, deactivated_at)
			VALUES `+rows(count, "(?, ?, ?, 'live', 'signal_staging', ?, ?, ?, ?, ?, ?, ?, ?)"), values...).Error; err != nil {
			return nil, fmt.Errorf("insert keys: %w", err)
		}
		if err := w.Exec("INSERT INTO key_last_used (api_key_id, last_used_at, ip, user_agent) VALUES "+
			rows(len(uses)/2, "(?, ?, '203.0.113.7', 'bench')"), uses...).Error; err != nil {
			return nil, fmt.Errorf("insert last uses: %w", err)
		}
	}
	return active, nil
}

func rows(n int, row string) string { return strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") }
