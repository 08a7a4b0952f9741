package keys

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/models"
)

// Reported is what a report that a value has leaked found, and did.
type Reported struct {
	Known       bool
	Key         models.APIKey // as it was found
	WasPrevious bool          // the value before a rotation, and still valid
	WasRetired  bool          // a value that had ended before the report
	Ended       bool          // the report ended it
}

// EndReported takes a report that the value with this hash has leaked. A present value's key is
// deactivated when force is set or the key's own rule says so; a value before a rotation ends, since
// its senders have another one. then runs in the same transaction, for a known value. The actor acts
// in the key's workspace, whichever it is.
func (s *Service) EndReported(ctx context.Context, actor access.Actor, hash [32]byte, force bool,
	then func(tx *gorm.DB, r Reported) error) (Reported, error) {
	// Most reports are of nothing of ours; they must not hold up the writers.
	if _, _, err := lookUp(ctx, s.db.Read, hash, s.now()); err == ErrUnknown {
		return Reported{}, nil
	} else if err != nil {
		return Reported{}, err
	}
	var r Reported
	var values [][]byte
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockStates(ctx, tx); err != nil {
			return err
		}
		now := s.now().UTC()
		key, cred, err := lookUp(ctx, tx, hash, now)
		if err == ErrUnknown {
			return nil // deleted meanwhile
		}
		if err != nil {
			return err
		}
		if values, err = valuesOf(ctx, tx, key); err != nil {
			return err
		}
		actor.WorkspaceID = key.WorkspaceID
		if r, err = s.endReported(ctx, tx, actor, key, cred, force, now); err != nil || then == nil {
			return err
		}
		return then(tx, r)
	})
	s.evict(values)
	if err != nil {
		return Reported{}, err
	}
	return r, nil
}

func (s *Service) endReported(ctx context.Context, tx *gorm.DB, actor access.Actor, key models.APIKey, cred *Credential, force bool, now time.Time) (r Reported, err error) {
	valid := cred.state(now) == nil
	r = Reported{Known: true, Key: key, WasPrevious: cred.Previous && valid, WasRetired: cred.Previous && !valid}
	switch {
	case !valid:
	case cred.Previous:
		r.Ended, err = true, s.endPrevious(ctx, tx, actor, key)
	case force || key.OnLeak == models.OnLeakDeactivate:
		r.Ended, err = true, s.deactivate(ctx, tx, actor, key, ReasonLeaked)
	}
	return r, err
}

// Known tells which of these hashes are of values that keys have or had, in any workspace: for the
// receiver of reports, which hold mostly others.
func (s *Service) Known(ctx context.Context, hashes [][32]byte) (map[[32]byte]bool, error) {
	const chunk = 400
	found := map[[32]byte]bool{}
	for len(hashes) > 0 {
		n := min(chunk, len(hashes))
		list := make([][]byte, n)
		for i := range list {
			list[i] = hashes[i][:]
		}
		hashes = hashes[n:]
		var rows [][]byte
		err := s.db.Read.WithContext(ctx).Raw(`
			SELECT key_hash FROM api_keys WHERE key_hash IN ?
			UNION ALL SELECT key_hash FROM retired_key_values WHERE key_hash IN ?`, list, list).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("look up hashes: %w", err)
		}
		for _, hash := range rows {
			found[digest(hash)] = true
		}
	}
	return found, nil
}
