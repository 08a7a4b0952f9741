package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/models"
)

// InvitationLife is how long an invitation link works.
const InvitationLife = 7 * 24 * time.Hour

// Invited is what the holder of a link may know about it.
type Invited struct {
	WorkspaceName string
	WorkspaceSlug string
	Role          access.Role
	Email         string // whom it is for; may be empty
	ExpiresAt     models.Time
}

// errStaleInvitation is the same for every link that does not work, so that links cannot be probed.
var errStaleInvitation = fault.New(fault.NotFound, "This invitation link is not valid: it was used, revoked or is older than 7 days. Ask for a new one.")

// Invitations lists those that still work, the newest first. It needs access.ManageMembers.
func (s *Service) Invitations(ctx context.Context, actor access.Actor) ([]models.Invitation, error) {
	if err := actor.Require(access.ManageMembers); err != nil {
		return nil, err
	}
	rows, err := gorm.G[models.Invitation](s.db.Read).
		Where("workspace_id = ? AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > ?", actor.WorkspaceID, models.At(s.now())).
		Order("created_at DESC, id").Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return rows, nil
}

// Invite makes an invitation and returns the token of its link, which is never shown again. It
// needs access.ManageMembers, and access.ManageOwners to invite an Owner.
func (s *Service) Invite(ctx context.Context, actor access.Actor, role access.Role, email string) (models.Invitation, string, error) {
	email = normalEmail(email)
	problems := fault.Fields{}
	if !role.Valid() {
		problems.Add("role", "Choose one of the roles.")
	}
	if email != "" {
		checkEmail(problems, "email", email)
	}
	if err := problems.Err(); err != nil {
		return models.Invitation{}, "", err
	}
	text, hash, err := s.newToken()
	if err != nil {
		return models.Invitation{}, "", err
	}
	now := s.now()
	row := models.Invitation{
		ID: newID(), WorkspaceID: actor.WorkspaceID, Role: string(role), Email: email, TokenHash: hash,
		CreatedBy: actor.AccountID, CreatedAt: models.At(now), ExpiresAt: models.At(now.Add(InvitationLife)),
	}
	if row.CreatedBy == "" {
		row.CreatedBy = uuid.Nil.String() // the command line has no account
	}
	err = s.db.Tx(ctx, func(tx *gorm.DB) error { return s.insertInvitation(ctx, tx, actor, row) })
	return row, text, err
}

func (s *Service) insertInvitation(ctx context.Context, tx *gorm.DB, actor access.Actor, row models.Invitation) error {
	if _, err := lockWorkspace(ctx, tx, actor.WorkspaceID); err != nil {
		return err
	}
	if err := refreshRole(ctx, tx, &actor); err != nil {
		return err
	}
	need := access.ManageMembers
	if access.Role(row.Role) == access.Owner {
		need = access.ManageOwners
	}
	if err := actor.Require(need); err != nil {
		return err
	}
	if err := gorm.G[models.Invitation](tx).Create(ctx, &row); err != nil {
		return fmt.Errorf("create invitation: %w", err)
	}
	return audit.Record(ctx, tx, s.now(), actor, audit.Change{
		Action: "invitation.created", Target: invitationTarget(row),
		After: audit.Values{"role": row.Role, "email": row.Email, "expires_at": row.ExpiresAt.Time},
	})
}

// RevokeInvitation ends a link that was not used yet. NotFound when there is none.
func (s *Service) RevokeInvitation(ctx context.Context, actor access.Actor, id string) error {
	gone := fault.New(fault.NotFound, "This invitation does not exist, or was used or revoked already.")
	if !database.ValidID(id) {
		return gone
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := refreshRole(ctx, tx, &actor); err != nil {
			return err
		}
		if err := actor.Require(access.ManageMembers); err != nil {
			return err
		}
		row, err := gorm.G[models.Invitation](tx, rowLock).Where("id = ? AND workspace_id = ?", id, actor.WorkspaceID).Take(ctx)
		if database.IsNotFound(err) || (err == nil && !s.usable(row)) {
			return gone
		}
		if err != nil {
			return fmt.Errorf("select invitation: %w", err)
		}
		if _, err := gorm.G[models.Invitation](tx).Where("id = ?", row.ID).Update(ctx, "revoked_at", models.At(s.now())); err != nil {
			return fmt.Errorf("revoke invitation: %w", err)
		}
		return audit.Record(ctx, tx, s.now(), actor, audit.Change{
			Action: "invitation.revoked", Target: invitationTarget(row), Before: audit.Values{"role": row.Role, "email": row.Email},
		})
	})
}

// Invitation says what a link is for, or NotFound.
func (s *Service) Invitation(ctx context.Context, token string) (Invited, error) {
	row, w, err := s.findInvitation(ctx, s.db.Read, token)
	if err != nil {
		return Invited{}, err
	}
	return Invited{WorkspaceName: w.Name, WorkspaceSlug: w.Slug, Role: access.Role(row.Role), Email: row.Email, ExpiresAt: row.ExpiresAt}, nil
}

// Accept makes a signed-in account a member, and returns the workspace's slug. The link works once.
// Conflict when the account is a member already; the link then stays good.
func (s *Service) Accept(ctx context.Context, token string, a models.Account, client Client) (string, error) {
	var slug string
	err := s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		slug, err = s.accept(ctx, tx, token, a, client)
		return err
	})
	return slug, err
}

// AcceptNew makes an account and its membership at once, and signs it in.
func (s *Service) AcceptNew(ctx context.Context, token string, form NewAccount, client Client) (SignedIn, error) {
	if _, err := s.Invitation(ctx, token); err != nil {
		return SignedIn{}, err
	}
	a, err := s.newAccount(ctx, fault.Fields{}, form)
	if err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := gorm.G[models.Account](tx).Create(ctx, &a); err != nil {
			if database.IsDuplicate(err) {
				problems := fault.Fields{}
				problems.Add("email", "There is an account with this email already. Sign in to accept the invitation.")
				return problems.Err()
			}
			return fmt.Errorf("create account: %w", err)
		}
		slug, err := s.accept(ctx, tx, token, a, client)
		if err != nil {
			return err
		}
		in, err = s.beginSession(ctx, tx, a, client)
		in.Slug = slug
		return err
	})
	return in, err
}

func (s *Service) accept(ctx context.Context, tx *gorm.DB, token string, a models.Account, client Client) (string, error) {
	row, w, err := s.findInvitation(ctx, tx, token)
	if err != nil {
		return "", err
	}
	already := fault.New(fault.Conflict, "You are a member of "+w.Name+" already. The link still works for somebody else.")
	if _, err := memberIn(ctx, tx, w.ID, a.ID); !fault.Is(err, fault.NotFound) {
		return "", orElse(err, already)
	}
	now := models.At(s.now())
	n, err := gorm.G[models.Invitation](tx).
		Where("id = ? AND accepted_at IS NULL AND revoked_at IS NULL", row.ID).
		Set(clause.Assignments(map[string]any{"accepted_at": now, "accepted_by": a.ID})).Update(ctx)
	if err != nil {
		return "", fmt.Errorf("use up invitation: %w", err)
	}
	if n != 1 {
		// Somebody else was quicker with the same link.
		return "", errStaleInvitation
	}
	m := models.Membership{WorkspaceID: w.ID, AccountID: a.ID, Role: row.Role, CreatedAt: now}
	if err := gorm.G[models.Membership](tx).Create(ctx, &m); err != nil {
		if database.IsDuplicate(err) {
			return "", already // by another link, a moment ago
		}
		return "", fmt.Errorf("create membership: %w", err)
	}
	actor := self(a, client)
	actor.WorkspaceID = w.ID
	return w.Slug, audit.Record(ctx, tx, now.Time, actor, audit.Change{
		Action: "member.joined", Target: accountTarget(a), After: audit.Values{"role": row.Role, "invitation": row.ID},
	})
}

func (s *Service) findInvitation(ctx context.Context, db *gorm.DB, token string) (models.Invitation, models.Workspace, error) {
	row, err := gorm.G[models.Invitation](db).Where("token_hash = ?", hashToken(token)).Take(ctx)
	if database.IsNotFound(err) || (err == nil && !s.usable(row)) {
		return row, models.Workspace{}, errStaleInvitation
	}
	if err != nil {
		return row, models.Workspace{}, fmt.Errorf("select invitation: %w", err)
	}
	w, err := gorm.G[models.Workspace](db).Where("id = ?", row.WorkspaceID).Take(ctx)
	if err != nil {
		return row, w, fmt.Errorf("select the invitation's workspace: %w", err)
	}
	return row, w, nil
}

func (s *Service) usable(row models.Invitation) bool {
	return row.AcceptedAt.IsZero() && row.RevokedAt.IsZero() && s.now().Before(row.ExpiresAt.Time)
}

func invitationTarget(row models.Invitation) audit.Target {
	label := row.Email
	if label == "" {
		label = "a new " + access.Role(row.Role).Title()
	}
	return audit.Target{Type: "invitation", ID: row.ID, Label: label}
}
