package orgs

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// waits is word for word the condition of the index product_org_updates_waiting.
const waits = "status IN ('failed', 'quarantined')"

// countedTo is how far waiting updates are counted.
const countedTo = 10000

var errNoUpdate = fault.New(fault.NotFound, "This update does not exist, or its retention has ended.")

// Waiting lists the updates of a key that its template could not map, or that came before it had
// one, the last to arrive first. It needs access.ManageKeys.
func (s *Service) Waiting(ctx context.Context, actor access.Actor, keyID string, at Cursor, limit int) (Updates, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return Updates{}, err
	}
	if !database.ValidID(keyID) {
		return Updates{}, nil
	}
	return s.updates(ctx, actor, at, limit, func(db *gorm.DB) *gorm.DB {
		return db.Where("api_key_id = ? AND "+waits, keyID)
	})
}

// WaitingUpdate is one update that waits, by itself. NotFound when it does not wait, or is another
// key's; it needs access.ManageKeys.
func (s *Service) WaitingUpdate(ctx context.Context, actor access.Actor, keyID, updateID string) (Update, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return Update{}, err
	}
	if !database.ValidID(keyID) || !database.ValidID(updateID) {
		return Update{}, errNoUpdate
	}
	found, err := s.updates(ctx, actor, Cursor{}, 1, func(db *gorm.DB) *gorm.DB {
		return db.Where("id = ? AND api_key_id = ? AND "+waits, updateID, keyID)
	})
	if err != nil || len(found.Items) == 0 {
		return Update{}, orElse(err, errNoUpdate)
	}
	return found.Items[0], nil
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// KeyWaiting is how many updates of a key wait.
type KeyWaiting struct {
	ID, Name string
	Failed   int64 // their senders were told so
	Held     int64 // quarantined: their senders were told that they were accepted
	More     bool  // counting stopped at 10,000 of one of them
}

// Total is how many wait.
func (k KeyWaiting) Total() int64 { return k.Failed + k.Held }

// WaitingCounts tells the keys of an environment that have updates waiting, by name. It needs
// access.ManageKeys.
func (s *Service) WaitingCounts(ctx context.Context, actor access.Actor, environment string) ([]KeyWaiting, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return nil, err
	}
	return s.waitingCounts(ctx, `workspace_id = @ws AND environment = @env AND endpoint_type = 'product_orgs'`,
		map[string]any{"ws": actor.WorkspaceID, "env": environment})
}

// WaitingCount tells how many updates of one key wait. It needs access.ManageKeys.
func (s *Service) WaitingCount(ctx context.Context, actor access.Actor, keyID string) (KeyWaiting, error) {
	if err := actor.Require(access.ManageKeys); err != nil {
		return KeyWaiting{}, err
	}
	if !database.ValidID(keyID) {
		return KeyWaiting{}, nil
	}
	found, err := s.waitingCounts(ctx, "workspace_id = @ws AND id = @key", map[string]any{"ws": actor.WorkspaceID, "key": keyID})
	if err != nil || len(found) == 0 {
		return KeyWaiting{}, err
	}
	return found[0], nil
}

func (s *Service) waitingCounts(ctx context.Context, keys string, args map[string]any) ([]KeyWaiting, error) {
	args["most"] = countedTo + 1
	counted := func(status string) string {
		// The first of the conditions is that of the index.
		return `(SELECT COUNT(*) FROM (
			SELECT 1 FROM product_org_updates u
			WHERE u.api_key_id = k.id AND u.` + waits + ` AND u.status = '` + status + `'
			LIMIT @most) n)`
	}
	var all []KeyWaiting
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT k.id, k.name, `+counted(models.UpdateFailed)+` AS failed, `+counted(models.UpdateQuarantined)+` AS held
		FROM (SELECT id, name FROM api_keys WHERE `+keys+` ORDER BY LOWER(name), id LIMIT 500) k
		ORDER BY LOWER(k.name), k.id`, args).Scan(&all).Error
	if err != nil {
		return nil, fmt.Errorf("count waiting updates: %w", err)
	}
	waiting := all[:0]
	for _, k := range all {
		k.More = k.Failed > countedTo || k.Held > countedTo
		k.Failed, k.Held = min(k.Failed, countedTo), min(k.Held, countedTo)
		if k.Total() > 0 {
			waiting = append(waiting, k)
		}
	}
	return waiting, nil
}
