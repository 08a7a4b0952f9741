package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"latchkey/models"
)

// SignatureContext is what a key's sealed signing secret belongs to.
func SignatureContext(keyID string) string { return "api_key:" + keyID + ":signature" }

// ResealSignatures seals the signing secrets of sources again, with reseal, and counts those that
// changed. What cannot be opened is left as it is and named in the error. Writing only over what was
// read: whoever set another secret meanwhile sealed it with the present key. The settings stay the
// same, so no version grows.
func (s *Service) ResealSignatures(ctx context.Context, reseal func(sealed []byte, context string) ([]byte, error)) (n int, err error) {
	rows, err := gorm.G[models.APIKey](s.db.Read).
		Select("id", "name", "signature_secret").Where("signature_secret IS NOT NULL").Order("id").Find(ctx)
	if err != nil {
		return 0, fmt.Errorf("select signing secrets: %w", err)
	}
	var problems []error
	for _, key := range rows {
		fresh, err := reseal(key.SignatureSecret, SignatureContext(key.ID))
		if err != nil {
			problems = append(problems, fmt.Errorf("signing secret of the API key %s (%s): %w", key.ID, key.Name, err))
			continue
		}
		if bytes.Equal(fresh, key.SignatureSecret) {
			continue
		}
		done := s.db.Write.WithContext(ctx).Exec("UPDATE api_keys SET signature_secret = ? WHERE id = ? AND signature_secret = ?",
			fresh, key.ID, key.SignatureSecret)
		if done.Error != nil {
			return n, fmt.Errorf("update key: %w", done.Error)
		}
		n += int(done.RowsAffected)
	}
	return n, errors.Join(problems...)
}
