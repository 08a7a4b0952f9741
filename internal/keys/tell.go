package keys

import (
	"context"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// Why a key was deactivated, as other systems are told.
const (
	ReasonManual       = "manual"        // a person or a program did
	ReasonLeaked       = "leaked"        // a report said that its value is known to others
	ReasonMakerRemoved = "maker_removed" // who made it is no member any more
)

// Tell writes for other systems what happened to a key, in the transaction in which it did. The key
// is as it was left; more adds what belongs to the type.
func Tell(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, key models.APIKey, t outbox.Type, more func(*outbox.KeyData)) error {
	data := outbox.KeyData{
		ID: key.ID, Name: key.Name, Prefix: key.KeyPrefix, Environment: key.Environment, EndpointType: key.EndpointType,
		Status: statusOf(key, now), CreatedAt: outbox.Stamp{Time: key.CreatedAt.Time}, ExpiresAt: outbox.Stamp{Time: key.ExpiresAt.Time},
		By: actor.Label,
	}
	if more != nil {
		more(&data)
	}
	return outbox.Emit(ctx, tx, outbox.Event{
		WorkspaceID: key.WorkspaceID, Environment: key.Environment, Type: t, APIKeyID: key.ID, At: now, Data: data,
	})
}

// statusOf calls deactivated revoked, as the management API does.
func statusOf(key models.APIKey, now time.Time) string {
	if state := key.State(now); state != models.KeyDeactivated {
		return state
	}
	return "revoked"
}
