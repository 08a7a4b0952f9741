package accounts

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Preferences are how the console looks and behaves for one account.
type Preferences struct {
	Theme        string // system, light or dark
	TimeZone     string // IANA name
	ShortcutsOff bool
}

// Rename changes the account's name.
func (s *Service) Rename(ctx context.Context, a models.Account, name string, client Client) error {
	name = tidy(name)
	problems := fault.Fields{}
	checkName(problems, "name", name, "your name")
	if err := problems.Err(); err != nil {
		return err
	}
	return s.changeAccount(ctx, a.ID, client, func(now models.Account) (map[string]any, audit.Change) {
		if now.Name == name {
			return nil, audit.Change{}
		}
		return map[string]any{"name": name}, audit.Change{
			Action: "account.name_changed",
			Before: audit.Values{"name": now.Name}, After: audit.Values{"name": name},
		}
	})
}

// ChangePreferences changes theme, time zone and shortcuts.
func (s *Service) ChangePreferences(ctx context.Context, a models.Account, p Preferences, client Client) error {
	problems := fault.Fields{}
	if p.Theme != "system" && p.Theme != "light" && p.Theme != "dark" {
		problems.Add("theme", "Choose System, Light or Dark.")
	}
	if _, err := time.LoadLocation(p.TimeZone); err != nil || p.TimeZone == "" || p.TimeZone == "Local" {
		problems.Add("time_zone", "Enter a time zone by its IANA name, like Europe/Berlin.")
	}
	if err := problems.Err(); err != nil {
		return err
	}
	return s.changeAccount(ctx, a.ID, client, func(now models.Account) (map[string]any, audit.Change) {
		columns := map[string]any{"theme": p.Theme, "time_zone": p.TimeZone, "shortcuts_off": p.ShortcutsOff}
		before := audit.Values{"theme": now.Theme, "time_zone": now.TimeZone, "shortcuts_off": now.ShortcutsOff}
		after := audit.Values{}
		for name, was := range before {
			if columns[name] == was {
				delete(before, name)
			} else {
				after[name] = columns[name]
			}
		}
		if len(after) == 0 {
			return nil, audit.Change{}
		}
		return columns, audit.Change{Action: "account.preferences_changed", Before: before, After: after}
	})
}

// changeAccount writes the columns that fn chooses, with their audit entry; none is no change.
func (s *Service) changeAccount(ctx context.Context, id string, client Client, fn func(models.Account) (map[string]any, audit.Change)) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		a, err := lockAccount(ctx, tx, id)
		if err != nil {
			return err
		}
		columns, change := fn(a)
		if len(columns) == 0 {
			return nil
		}
		if err := s.updateAccount(ctx, tx, id, columns); err != nil {
			return err
		}
		change.Target = accountTarget(a)
		return audit.Record(ctx, tx, s.now(), self(a, client), change)
	})
}

func (s *Service) updateAccount(ctx context.Context, tx *gorm.DB, id string, columns map[string]any) error {
	columns["updated_at"] = models.At(s.now())
	if _, err := gorm.G[models.Account](tx).Where("id = ?", id).Set(clause.Assignments(columns)).Update(ctx); err != nil {
		return fmt.Errorf("update account: %w", err)
	}
	return nil
}

// ChangePassword sets a new password, ends every session of the account and begins a new one for
// the browser that asked. The current password is throttled like a sign-in.
func (s *Service) ChangePassword(ctx context.Context, a models.Account, current, password string, client Client) (SignedIn, error) {
	problems := fault.Fields{}
	checkPassword(problems, "password", password, a.Email)
	if current == "" || len(current) > MaxPassword {
		problems.Add("current_password", "Enter your current password.")
	}
	if err := problems.Err(); err != nil {
		return SignedIn{}, err
	}
	who := subjectsOf(a.Email, client.IP)
	if err := s.reserve(ctx, who); err != nil {
		return SignedIn{}, err
	}
	match, err := s.hasher.verify(ctx, a.PasswordHash, current)
	if err != nil {
		return SignedIn{}, fmt.Errorf("verify the current password: %w", err)
	}
	if !match {
		problems.Add("current_password", "This is not your current password.")
		return SignedIn{}, problems.Err()
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return SignedIn{}, fmt.Errorf("hash the new password: %w", err)
	}
	return s.replacePassword(ctx, a, hash, who, client)
}

func (s *Service) replacePassword(ctx context.Context, verified models.Account, hash string, who subjects, client Client) (SignedIn, error) {
	var in SignedIn
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		a, err := lockAccount(ctx, tx, verified.ID)
		if err != nil {
			return err
		}
		if a.PasswordHash != verified.PasswordHash {
			return fault.New(fault.Conflict, "Your password was changed a moment ago in another window. Sign in with the new one.")
		}
		if err := s.forgive(ctx, tx, who); err != nil {
			return err
		}
		if err := s.updateAccount(ctx, tx, a.ID, map[string]any{"password_hash": hash, "password_changed_at": models.At(s.now())}); err != nil {
			return err
		}
		ended, err := endSessionsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if in, err = s.beginSession(ctx, tx, a, client); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.now(), self(a, client), audit.Change{
			Action: "account.password_changed", Target: accountTarget(a),
			After: audit.Values{"password": "set", "sessions_ended": max(0, ended-1)},
		})
	})
	return in, err
}
