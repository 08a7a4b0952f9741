package accounts

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// ResetPassword sets a password for whoever can run the binary beside the database: the way back
// from a forgotten one, since the product sends no mail. Every session of the account ends, and a
// block of its sign-in with them. Faults: NotFound; Invalid with the field password.
func (s *Service) ResetPassword(ctx context.Context, email, password string) error {
	email = normalEmail(email)
	problems := fault.Fields{}
	checkPassword(problems, "password", password, email)
	if err := problems.Err(); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("hash the new password: %w", err)
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		a, err := gorm.G[models.Account](tx, rowLock).Where("email = ?", email).Take(ctx)
		if database.IsNotFound(err) {
			return fault.New(fault.NotFound, "There is no account with the email "+email+".")
		}
		if err != nil {
			return fmt.Errorf("select account: %w", err)
		}
		if err := s.updateAccount(ctx, tx, a.ID, map[string]any{"password_hash": hash, "password_changed_at": models.At(s.now())}); err != nil {
			return err
		}
		if err := s.forgive(ctx, tx, subjectsOf(a.Email, "")); err != nil {
			return err
		}
		ended, err := endSessionsOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.now(), access.CommandLine(""), audit.Change{
			Action: "account.password_reset", Target: accountTarget(a),
			After: audit.Values{"password": "set", "sessions_ended": ended},
		})
	})
}
