package hygiene

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

// Fixes that are not the first of their kind; the others have the name of the kind.
const (
	OldValueEnd   = "old_value:end"
	MakerLeftTake = "maker_left:take"
)

// care is one fix under way.
type care struct {
	*Service
	actor access.Actor
	look  *look
	kind  string
	row   row
	item  keys.Item
}

// fixes say what each fix does. Each returns a sentence that says what was done.
var fixes = map[string]func(context.Context, *care) (string, error){
	NeverUsed:     deactivate,
	Idle90:        deactivate,
	Browser:       deactivate,
	MakerLeft:     deactivate,
	MakerLeftTake: takeOver,
	OldValue:      extend,
	OldValueEnd:   finish,
	ScopesUnused:  narrow,
	Idle30:        expire,
	NoExpiry:      expire,
	PolicyAge:     expire,
	PolicyExpiry:  expire,
	PolicySecret:  expire,
}

// Fix mends one finding. That it is still so is checked once more in the transaction of the change,
// with every other change of the key held off. It returns a sentence that says what was done.
// Faults: Forbidden; NotFound; Conflict when the finding is no longer so; Invalid with the field fix.
func (s *Service) Fix(ctx context.Context, actor access.Actor, fix, keyID string) (done string, err error) {
	mend, ok := fixes[fix]
	if !ok {
		return "", fault.Fields{"fix": "There is no such fix. Load the page again."}.Err()
	}
	kind, _, _ := strings.Cut(fix, ":")
	item, err := s.keys.Get(ctx, actor, keyID)
	if err != nil {
		return "", err
	}
	l, seen, err := s.see(ctx, s.db.Read, actor, kind, keyID)
	if err == nil && seen.SettingsVersion != item.SettingsVersion {
		err = errMended
	}
	if err != nil {
		return "", err
	}
	guarded := database.Guarded(ctx, func(ctx context.Context, tx *gorm.DB) error {
		if err := s.keys.LockStates(ctx, tx); err != nil {
			return err
		}
		again, now, err := s.see(ctx, tx, actor, kind, keyID)
		if err == nil && (now != seen || again.policy != l.policy) {
			return errMended
		}
		return err
	})
	if done, err = mend(guarded, &care{Service: s, actor: actor, look: l, kind: kind, row: seen, item: item}); err != nil {
		return "", err
	}
	return done, nil
}

var errMended = fault.New(fault.Conflict, "This is no longer so, or the key was changed meanwhile. Nothing was done; load the page again.")

// see finds the key if it is of that kind.
func (s *Service) see(ctx context.Context, db *gorm.DB, actor access.Actor, kind, keyID string) (*look, row, error) {
	l, err := newLook(ctx, db, actor, s.now())
	if err != nil {
		return nil, row{}, err
	}
	rows, err := l.rows(kind, "", " AND k.id = @key", map[string]any{"key": keyID}, 1)
	if err == nil && len(rows) == 0 {
		err = errMended
	}
	if err != nil {
		return nil, row{}, err
	}
	return l, rows[0], nil
}

func deactivate(ctx context.Context, c *care) (string, error) {
	ended, err := c.keys.Revoke(ctx, c.actor, c.row.ID)
	if err == nil && !ended {
		err = errMended
	}
	return c.item.Name + " was deactivated.", err
}

func takeOver(ctx context.Context, c *care) (string, error) {
	err := c.keys.TakeOver(ctx, c.actor, c.row.ID)
	return "You answer for " + c.item.Name + " now.", err
}

func extend(ctx context.Context, c *care) (string, error) {
	until := c.look.extended(c.item)
	if !until.After(c.item.PreviousEndsAt.Time) {
		return "", fault.New(fault.Conflict, "The old value ends together with the key itself. Move the key's expiry first.")
	}
	until, err := c.keys.ExtendRotation(ctx, c.actor, c.row.ID, until)
	return "The old value of " + c.item.Name + " works until " + moment(until) + ".", err
}

func finish(ctx context.Context, c *care) (string, error) {
	err := c.keys.FinishRotation(ctx, c.actor, c.row.ID)
	return "The old value of " + c.item.Name + " has ended.", err
}

func narrow(ctx context.Context, c *care) (string, error) {
	kept := c.look.kept(c.item, scopesOf(c.row.Unused))
	_, err := c.keys.Change(ctx, c.actor, c.row.ID, keys.Patch{Scopes: &kept}, c.row.SettingsVersion)
	left := strings.Join(kept.Strings(), ", ")
	if left == "" {
		left = "no scope"
	}
	return c.item.Name + " has " + left + " now.", err
}

func expire(ctx context.Context, c *care) (string, error) {
	end := models.At(c.look.newEnd(c.kind, c.item)).Time
	_, err := c.keys.Change(ctx, c.actor, c.row.ID, keys.Patch{ExpiresAt: &end}, c.row.SettingsVersion)
	return c.item.Name + " ends on " + date(end) + ".", err
}
