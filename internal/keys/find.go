package keys

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/models"
)

// Found is a key, and which of its values was looked for.
type Found struct {
	Item
	Value     string    // one of the Value constants
	RetiredAt time.Time // when it was replaced; zero for the present one
}

// Which value of a key was found.
const (
	ValuePresent  = "present"
	ValuePrevious = "previous" // before a rotation, and still valid
	ValueRetired  = "retired"  // before a rotation, and over
)

// Find returns the id of the key whose whole value is given, or "" when the workspace has none:
// for a search box into which a whole key was pasted.
func (s *Service) Find(ctx context.Context, actor access.Actor, value string) (string, error) {
	hash, ok := hashOf(strings.TrimSpace(value))
	if !ok {
		return "", nil
	}
	found, err := s.FindHash(ctx, actor, hash)
	if found == nil {
		return "", err
	}
	return found.ID, nil
}

// FindHash returns the key of the actor's workspace that has, or had, the value with this hash; nil
// when there is none that the actor may see.
func (s *Service) FindHash(ctx context.Context, actor access.Actor, hash [32]byte) (*Found, error) {
	now := s.now()
	key, cred, err := lookUp(ctx, s.db.Read, hash, now)
	if err == ErrUnknown || err == nil && (key.WorkspaceID != actor.WorkspaceID || !actor.Can(reading(key.EndpointType))) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	items, err := s.decorate(ctx, []models.APIKey{key})
	if err != nil {
		return nil, err
	}
	found := &Found{Item: items[0], Value: ValuePresent, RetiredAt: cred.RetiredAt}
	switch {
	case cred.Previous && cred.state(now) == nil:
		found.Value = ValuePrevious
	case cred.Previous:
		found.Value = ValueRetired
	}
	return found, nil
}

// maxFound bounds how many keys a prefix finds; it is drawn at random, so two are rare.
const maxFound = 50

// FindPrefix returns the keys that show, or showed, this beginning of a value: sk_live_a2f9, the
// a2f9 alone, or more of the key.
func (s *Service) FindPrefix(ctx context.Context, actor access.Actor, text string) ([]Item, error) {
	if err := actor.Require(access.ReadKeys); err != nil {
		return nil, err
	}
	text = strings.TrimSpace(text)
	if parts := strings.SplitN(text, "_", 4); len(parts) == 4 {
		text = strings.Join(parts[:3], "_")
	}
	if text == "" {
		return nil, nil
	}
	var keys []models.APIKey
	err := s.filtered(ctx, actor, Filter{}).Where(byPrefix(ctx, s.db.Read, actor.WorkspaceID, text)).
		Order("id DESC").Limit(maxFound).Find(&keys).Error
	if err != nil {
		return nil, fmt.Errorf("find keys by prefix: %w", err)
	}
	return s.decorate(ctx, keys)
}

func byPrefix(ctx context.Context, db *gorm.DB, workspaceID, text string) *gorm.DB {
	condition, like := "key_prefix = ?", text
	if !strings.Contains(text, "_") && len(text) == 4 {
		condition, like = `key_prefix LIKE ? ESCAPE '\'`, "%"+database.BeginsWith("_"+text)
		like = strings.TrimSuffix(like, "%")
	}
	db = db.WithContext(ctx)
	return db.Where(condition, like).
		Or("id IN (SELECT api_key_id FROM retired_key_values WHERE workspace_id = ? AND "+condition+")", workspaceID, like)
}
