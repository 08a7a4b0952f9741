package endpoints

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/models"
)

// AlreadyMade says that the form was sent before; the endpoint it made is there.
type AlreadyMade struct{ EndpointID string }

func (AlreadyMade) Error() string { return "This form has made its endpoint already." }

// nonceKept is how long a form makes one endpoint: as long as answers are kept for repeats of a call.
const nonceKept = 24 * time.Hour

// requireNew looks under the state lock, so that of two that come at once the second one finds the
// first. A nonce that was used longer ago is free again.
func requireNew(ctx context.Context, tx *gorm.DB, e models.Endpoint, now time.Time) error {
	if e.FormNonce == nil {
		return nil
	}
	made, err := gorm.G[models.Endpoint](tx).Select("id", "created_at").
		Where("workspace_id = ? AND form_nonce = ?", e.WorkspaceID, *e.FormNonce).Take(ctx)
	if database.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("select the form's endpoint: %w", err)
	}
	if made.CreatedAt.After(now.Add(-nonceKept)) {
		return AlreadyMade{EndpointID: made.ID}
	}
	if err := tx.WithContext(ctx).Exec("UPDATE endpoints SET form_nonce = NULL WHERE id = ?", made.ID).Error; err != nil {
		return fmt.Errorf("forget the nonce: %w", err)
	}
	return nil
}
