package accounts

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// NewAccount is what a person gives to get one.
type NewAccount struct {
	Name     string
	Email    string
	Password string
	TimeZone string // IANA name as the browser tells it; UTC when empty or unknown
}

// newAccount checks the form, adding to problems that the caller found, and returns the row. It
// hashes, so it must run outside any transaction.
func (s *Service) newAccount(ctx context.Context, problems fault.Fields, form NewAccount) (models.Account, error) {
	name, email := tidy(form.Name), normalEmail(form.Email)
	checkName(problems, "name", name, "your name")
	checkEmail(problems, "email", email)
	checkPassword(problems, "password", form.Password, email)
	if err := problems.Err(); err != nil {
		return models.Account{}, err
	}
	hash, err := s.hasher.hash(ctx, form.Password)
	if err != nil {
		return models.Account{}, err
	}
	now := models.At(s.now())
	return models.Account{
		ID: newID(), Email: email, Name: name, PasswordHash: hash, Theme: "system", TimeZone: knownZone(form.TimeZone),
		PasswordChangedAt: now, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// knownZone is the zone when it is one, else UTC: a browser's guess is never worth an error.
func knownZone(name string) string {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return "UTC"
	}
	return name
}

// Account returns one account by id, or NotFound.
func (s *Service) Account(ctx context.Context, id string) (models.Account, error) {
	return account(ctx, s.db.Read, id)
}

func account(ctx context.Context, db *gorm.DB, id string) (models.Account, error) {
	a, err := gorm.G[models.Account](db).Where("id = ?", id).Take(ctx)
	if database.IsNotFound(err) {
		return a, fault.New(fault.NotFound, "This account does not exist.")
	}
	if err != nil {
		return a, fmt.Errorf("select account: %w", err)
	}
	return a, nil
}
