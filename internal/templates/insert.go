package templates

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/mapping"
	"latchkey/models"
)

// Insert makes a template within the caller's transaction: version 1 of rows, or version 0 without
// any, whose payloads wait. It records nothing, since it is part of a change that does. Faults:
// Invalid with the field template (see FindingsOf) or name; Conflict when the name is taken.
func Insert(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, name string, rows *mapping.Template) (models.Template, error) {
	return insert(ctx, tx, now, actor, name, rows, "")
}

// Of returns the template that a key of the actor's workspace goes by. NotFound when it has none.
func Of(ctx context.Context, tx *gorm.DB, actor access.Actor, key models.APIKey) (models.Template, error) {
	if key.TemplateID == nil {
		return models.Template{}, errNoTemplate
	}
	return take(ctx, tx, actor, *key.TemplateID)
}

// Copy makes a template without a name of another's newest rows, within the caller's transaction.
func Copy(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, from models.Template) (models.Template, error) {
	if from.Version == 0 {
		return insert(ctx, tx, now, actor, "", nil, "")
	}
	saved, err := version(ctx, tx, from.ID, from.Version)
	if err != nil {
		return models.Template{}, err
	}
	return insert(ctx, tx, now, actor, "", &saved.Rows, fmt.Sprintf("Copied from %s, version %d", from.Name, from.Version))
}

func insert(ctx context.Context, tx *gorm.DB, now time.Time, actor access.Actor, name string, rows *mapping.Template, note string) (models.Template, error) {
	t := models.Template{
		ID: uuid.Must(uuid.NewV7()).String(), WorkspaceID: actor.WorkspaceID, CreatedBy: account(actor),
		CreatedAt: models.At(now), UpdatedAt: models.At(now),
	}
	if name != "" {
		var err error
		if t.Name, err = freeName(ctx, tx, actor, t.ID, name); err != nil {
			return t, err
		}
	}
	var body []byte
	if rows != nil {
		var err error
		if _, body, err = check(*rows); err != nil {
			return t, err
		}
		t.Version = 1
	}
	if err := gorm.G[models.Template](tx).Create(ctx, &t); err != nil {
		return t, nameTaken(err, t.Name, "insert template")
	}
	if rows == nil {
		return t, nil
	}
	return t, insertVersion(ctx, tx, now, actor, t, body, note)
}

func account(actor access.Actor) *string {
	maker := actor.Maker()
	if maker == "" {
		return nil
	}
	return &maker
}
