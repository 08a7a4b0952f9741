package accounts

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// SignedIn is a session that has just begun. Token is the cookie's value: it is in no table.
type SignedIn struct {
	Token   string
	Account models.Account
	Slug    string // of the workspace to go to; may be empty
}

var errNoMatch = fault.New(fault.Unauthenticated, "That email and password don't match.")

// SignIn checks the password and begins a session; the session of oldToken, if any, ends. Errors:
// Unauthenticated with one sentence whichever was wrong, TooMany with the minutes left,
// Unavailable when too many sign in at once.
func (s *Service) SignIn(ctx context.Context, email, password, oldToken string, client Client) (SignedIn, error) {
	email = normalEmail(email)
	if email == "" || password == "" || len(email) > maxEmailBytes || len(password) > MaxPassword {
		return SignedIn{}, errNoMatch
	}
	who := subjectsOf(email, client.IP)
	if err := s.reserve(ctx, who); err != nil {
		return SignedIn{}, err
	}
	rows, err := gorm.G[models.Account](s.db.Read).Where("email = ?", email).Limit(1).Find(ctx)
	if err != nil {
		return SignedIn{}, fmt.Errorf("select account by email: %w", err)
	}
	var found models.Account
	if len(rows) == 1 {
		found = rows[0]
	}
	// Hash even on a miss, so that timing does not tell known emails from unknown ones.
	match, err := s.hasher.verify(ctx, found.PasswordHash, password)
	if err != nil {
		return SignedIn{}, fmt.Errorf("verify password: %w", err)
	}
	if !match {
		return SignedIn{}, errNoMatch
	}
	return s.admit(ctx, found, who, oldToken, client)
}

// admit begins the session in the transaction that sees the password still unchanged.
func (s *Service) admit(ctx context.Context, verified models.Account, who subjects, oldToken string, client Client) (SignedIn, error) {
	var in SignedIn
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		a, err := lockAccount(ctx, tx, verified.ID)
		if err != nil {
			return err
		}
		if a.PasswordHash != verified.PasswordHash {
			return errNoMatch
		}
		if err := s.forgive(ctx, tx, who); err != nil {
			return err
		}
		if err := deleteSessionByToken(ctx, tx, oldToken); err != nil {
			return err
		}
		if in, err = s.beginSession(ctx, tx, a, client); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.now(), self(a, client), audit.Change{
			Action: "session.created", Target: accountTarget(a),
		})
	})
	return in, err
}

func accountTarget(a models.Account) audit.Target {
	return audit.Target{Type: "account", ID: a.ID, Label: a.Email}
}
