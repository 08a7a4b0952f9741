// Package audit writes and reads the log of changes. Record takes the transaction of the change:
// either both are committed or neither (promise P7).
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/models"
)

// Target is what was changed.
type Target struct {
	Type  string // e.g. api_key
	ID    string
	Label string // its name at that time
}

// Values are the members that changed, by name. Secrets never go in; say "secret": "set" instead.
type Values map[string]any

// Change is one entry to record.
type Change struct {
	Action string // noun.verb_past, e.g. api_key.deactivated
	Target Target
	Before Values
	After  Values
}

// Record writes the entry within tx. now is the use-case's own instant.
func Record(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, c Change) error {
	entry := models.AuditEntry{
		ID:             uuid.Must(uuid.NewV7()).String(),
		WorkspaceID:    optional(actor.WorkspaceID),
		ActorAccountID: optional(actor.AccountID),
		ActorKeyID:     optional(actor.KeyID),
		ActorLabel:     actor.Label,
		Action:         c.Action,
		TargetType:     c.Target.Type,
		TargetID:       c.Target.ID,
		TargetLabel:    c.Target.Label,
		IP:             actor.Origin.IP,
		RequestID:      actor.Origin.RequestID,
		Before:         encode(c.Before),
		After:          encode(c.After),
		CreatedAt:      models.At(now),
	}
	if err := gorm.G[models.AuditEntry](tx).Create(ctx, &entry); err != nil {
		return fmt.Errorf("record %s: %w", c.Action, err)
	}
	return nil
}

func optional(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

func encode(v Values) []byte {
	if len(v) == 0 {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		// Values are strings, numbers and times of ours; anything else is a programming error.
		panic("audit: " + err.Error())
	}
	return b
}
