package keys

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/models"
)

// CredentialOf is the credential of a key that nobody presents: for what this process itself sends
// or replays for a person who may manage the key. Errors are those of Authenticate, but for the
// secret's.
func (s *Service) CredentialOf(ctx context.Context, id string) (*Credential, error) {
	if !database.ValidID(id) {
		return nil, ErrUnknown
	}
	key, err := gorm.G[models.APIKey](s.db.Read).Where("id = ?", id).Take(ctx)
	if database.IsNotFound(err) {
		return nil, ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("look up key: %w", err)
	}
	c := credentialOf(key, s.now())
	return c, c.state(s.now())
}
