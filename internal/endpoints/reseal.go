package endpoints

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"latchkey/models"
)

// Reseal seals again, with the present key, what an old key sealed: secrets and headers of
// endpoints, and the signing secrets of sources. It may run beside servers that know both keys, and
// again. What no key opens is left as it is and named in the error, after everything else is done.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	if s.box == nil {
		return 0, errNoBox
	}
	for {
		done, moved, err := s.resealOnce(ctx)
		n += done
		if err != nil || !moved {
			of, keysErr := s.keys.ResealSignatures(ctx, s.box.Reseal)
			return n + of, errors.Join(err, keysErr)
		}
	}
}

// resealOnce tells with moved that somebody changed a secret meanwhile: a rotation takes what the
// old key sealed to another column.
func (s *Service) resealOnce(ctx context.Context) (n int, moved bool, err error) {
	rows, err := gorm.G[models.Endpoint](s.db.Read).Where("secret IS NOT NULL").Order("id").Find(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("select endpoints: %w", err)
	}
	var problems []error
	for _, e := range rows {
		for _, c := range []sealed{
			{"secret", e.Secret, secretContext(e.ID)},
			{"previous_secret", e.PreviousSecret, secretContext(e.ID)},
			{"headers", e.Headers, headersContext(e.ID)},
		} {
			done, missed, err := s.reseal(ctx, e, c)
			if err != nil {
				problems = append(problems, fmt.Errorf("%s of the endpoint %s (%s): %w", c.column, e.ID, e.Label(), err))
			}
			n, moved = n+done, moved || missed
		}
	}
	return n, moved, errors.Join(problems...)
}

// sealed is a column that holds a sealed text.
type sealed struct {
	column  string
	text    []byte
	context string
}

// reseal writes only over what it read, and tells when that was not there any more.
func (s *Service) reseal(ctx context.Context, e models.Endpoint, c sealed) (n int, missed bool, err error) {
	if c.text == nil {
		return 0, false, nil
	}
	fresh, err := s.box.Reseal(c.text, c.context)
	if err != nil || bytes.Equal(fresh, c.text) {
		return 0, false, err
	}
	done := s.db.Write.WithContext(ctx).Exec("UPDATE endpoints SET "+c.column+" = ? WHERE id = ? AND "+c.column+" = ?", fresh, e.ID, c.text)
	if done.Error != nil {
		return 0, false, fmt.Errorf("update endpoint: %w", done.Error)
	}
	return int(done.RowsAffected), done.RowsAffected == 0, nil
}
