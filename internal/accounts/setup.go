package accounts

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// setupTokenLife is how long a printed set-up link works; a restart prints a new one.
const setupTokenLife = 7 * 24 * time.Hour

// setupLock is the key of the Postgres advisory lock that lets one set-up run at a time.
const setupLock = 0x6c617463686b6579 // "latchkey"

// SetUpForm is the first owner and the first workspace.
type SetUpForm struct {
	Name      string
	Email     string
	Password  string
	Workspace string
	TimeZone  string // see NewAccount
}

var errSetUpDone = fault.New(fault.NotFound, "Latchkey is set up already. Sign in instead.")

// NeedsSetup tells whether no account exists yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	return needsSetup(ctx, s.db.Read)
}

func needsSetup(ctx context.Context, db *gorm.DB) (bool, error) {
	rows, err := gorm.G[models.Account](db).Select("id").Limit(1).Find(ctx)
	if err != nil {
		return false, fmt.Errorf("look for accounts: %w", err)
	}
	return len(rows) == 0, nil
}

// IssueSetupToken returns a new token for the set-up link. Every instance may issue one; each
// works until the set-up is done.
func (s *Service) IssueSetupToken(ctx context.Context) (string, error) {
	text, hash, err := s.newToken()
	if err != nil {
		return "", err
	}
	row := models.SetupToken{TokenHash: hash, CreatedAt: models.At(s.now())}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if needed, err := needsSetup(ctx, tx); err != nil || !needed {
			return orElse(err, errSetUpDone)
		}
		return gorm.G[models.SetupToken](tx).Create(ctx, &row)
	})
	if err != nil {
		return "", fmt.Errorf("issue a set-up token: %w", err)
	}
	return text, nil
}

// CheckSetup tells whether the set-up page may be shown: NotFound once it is done, Forbidden
// without a valid token unless the request came over loopback.
func (s *Service) CheckSetup(ctx context.Context, token string, loopback bool) error {
	return s.checkSetup(ctx, s.db.Read, token, loopback)
}

func (s *Service) checkSetup(ctx context.Context, db *gorm.DB, token string, loopback bool) error {
	if needed, err := needsSetup(ctx, db); err != nil || !needed {
		return orElse(err, errSetUpDone)
	}
	if loopback {
		return nil
	}
	cutoff := models.At(s.now().Add(-setupTokenLife))
	rows, err := gorm.G[models.SetupToken](db).Where("token_hash = ? AND created_at > ?", hashToken(token), cutoff).Limit(1).Find(ctx)
	if err != nil {
		return fmt.Errorf("look up the set-up token: %w", err)
	}
	if len(rows) == 0 {
		return fault.New(fault.Forbidden, "Open the set-up link that the server printed when it started. If it is gone, restart the server: it prints a new one.")
	}
	return nil
}

// SetUp makes the first account, owner of the first workspace, and signs it in. It happens exactly
// once; the errors are those of CheckSetup, and Invalid with sentences by field.
func (s *Service) SetUp(ctx context.Context, token string, loopback bool, form SetUpForm, client Client) (SignedIn, error) {
	if err := s.CheckSetup(ctx, token, loopback); err != nil {
		return SignedIn{}, err
	}
	account, workspace, err := s.founders(ctx, form)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockSetup(tx); err != nil {
			return err
		}
		// Again under the lock: two browsers may have passed the first check.
		if err := s.checkSetup(ctx, tx, token, loopback); err != nil {
			return err
		}
		if err := s.found(ctx, tx, account, workspace, self(account, client)); err != nil {
			return err
		}
		in, err = s.beginSession(ctx, tx, account, client)
		return err
	})
	in.Slug = workspace.Slug
	return in, err
}

// SetUpFromCommandLine does the same for whoever can run the binary beside the database.
func (s *Service) SetUpFromCommandLine(ctx context.Context, form SetUpForm) (models.Account, models.Workspace, error) {
	account, workspace, err := s.founders(ctx, form)
	if err != nil {
		return account, workspace, err
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockSetup(tx); err != nil {
			return err
		}
		if err := s.checkSetup(ctx, tx, "", true); err != nil {
			return err
		}
		return s.found(ctx, tx, account, workspace, access.CommandLine(""))
	})
	return account, workspace, err
}

// founders checks the form and makes the rows, with the password hashed: that takes too long for a
// transaction.
func (s *Service) founders(ctx context.Context, form SetUpForm) (models.Account, models.Workspace, error) {
	problems := fault.Fields{}
	name := tidy(form.Workspace)
	checkName(problems, "workspace", name, "a name for the workspace, for example your company")
	account, err := s.newAccount(ctx, problems, NewAccount{Name: form.Name, Email: form.Email, Password: form.Password, TimeZone: form.TimeZone})
	if err != nil {
		return account, models.Workspace{}, err
	}
	workspace := s.newWorkspace(name)
	workspace.Slug = slugOf(name)
	return account, workspace, nil
}

func (s *Service) found(ctx context.Context, tx *gorm.DB, a models.Account, w models.Workspace, actor access.Actor) error {
	if err := gorm.G[models.Account](tx).Create(ctx, &a); err != nil {
		return fmt.Errorf("create the first account: %w", err)
	}
	if err := s.insertWorkspace(ctx, tx, w, a, actor); err != nil {
		return err
	}
	actor.WorkspaceID = w.ID
	if _, err := gorm.G[models.SetupToken](tx).Where("created_at IS NOT NULL").Delete(ctx); err != nil {
		return fmt.Errorf("delete the set-up tokens: %w", err)
	}
	return audit.Record(ctx, tx, s.now(), actor, audit.Change{
		Action: "instance.set_up",
		Target: audit.Target{Type: "account", ID: a.ID, Label: a.Email},
		After:  audit.Values{"name": a.Name, "email": a.Email, "workspace": w.Name},
	})
}

// lockSetup lets one set-up run at a time. On SQLite the transaction began with the write lock.
func (s *Service) lockSetup(tx *gorm.DB) error {
	if !s.db.IsPostgres() {
		return nil
	}
	if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", int64(setupLock)).Error; err != nil {
		return fmt.Errorf("lock the set-up: %w", err)
	}
	return nil
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
