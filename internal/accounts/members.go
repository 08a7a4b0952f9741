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

// Member is an account in the actor's workspace.
type Member struct {
	AccountID  string
	Name       string
	Email      string
	Role       access.Role
	JoinedAt   models.Time
	ActiveKeys int // keys that the member created and that are not deactivated
}

// What may become of a leaving member's keys.
const (
	KeepKeys       = "keep"
	HandOverKeys   = "hand_over"
	DeactivateKeys = "deactivate"
)

var errNoMember = fault.New(fault.NotFound, "This person is not a member of the workspace.")

// Members lists the workspace's members, owners first. It needs access.ReadMembers.
func (s *Service) Members(ctx context.Context, actor access.Actor) ([]Member, error) {
	if err := actor.Require(access.ReadMembers); err != nil {
		return nil, err
	}
	return s.members(ctx, actor.WorkspaceID, "")
}

// Member returns one member, or NotFound. It needs access.ManageMembers.
func (s *Service) Member(ctx context.Context, actor access.Actor, accountID string) (Member, error) {
	if err := actor.Require(access.ManageMembers); err != nil {
		return Member{}, err
	}
	if !database.ValidID(accountID) {
		return Member{}, errNoMember
	}
	rows, err := s.members(ctx, actor.WorkspaceID, accountID)
	if err != nil || len(rows) == 0 {
		return Member{}, orElse(err, errNoMember)
	}
	return rows[0], nil
}

func (s *Service) members(ctx context.Context, workspaceID, accountID string) ([]Member, error) {
	condition, args := "", []any{models.KeyActive, workspaceID}
	if accountID != "" {
		condition, args = "AND m.account_id = ?", append(args, accountID)
	}
	var rows []Member
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT m.account_id, a.name, a.email, m.role, m.created_at AS joined_at,
		       (SELECT COUNT(*)
		        FROM api_keys k
		        WHERE k.workspace_id = m.workspace_id AND k.created_by = m.account_id AND k.status = ?) AS active_keys
		FROM memberships m
		JOIN accounts a ON a.id = m.account_id
		WHERE m.workspace_id = ? `+condition+`
		ORDER BY CASE m.role WHEN 'owner' THEN 1 WHEN 'admin' THEN 2 WHEN 'developer' THEN 3 WHEN 'editor' THEN 4 ELSE 5 END,
		         lower(a.name), a.id`, args...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	return rows, nil
}

// ChangeRole gives a member another role. Only Owners make and unmake owners, and the last Owner
// stays one: Conflict.
func (s *Service) ChangeRole(ctx context.Context, actor access.Actor, accountID string, role access.Role) error {
	if !role.Valid() {
		problems := fault.Fields{}
		problems.Add("role", "Choose one of the roles.")
		return problems.Err()
	}
	return s.changeMember(ctx, actor, accountID, func(tx *gorm.DB, actor access.Actor, m Member) error {
		if role == m.Role {
			return nil
		}
		if role == access.Owner {
			if err := actor.Require(access.ManageOwners); err != nil {
				return err
			}
		}
		n, err := gorm.G[models.Membership](tx).Where("workspace_id = ? AND account_id = ?", actor.WorkspaceID, m.AccountID).Update(ctx, "role", string(role))
		if err != nil || n != 1 {
			return fmt.Errorf("update role: %d rows, %w", n, err)
		}
		return audit.Record(ctx, tx, s.now(), actor, audit.Change{
			Action: "member.role_changed", Target: memberTarget(m),
			Before: audit.Values{"role": m.Role}, After: audit.Values{"role": role},
		})
	}, role != access.Owner)
}

// RemoveMember ends a membership and every session of that account, and does with the member's keys
// what keys says: KeepKeys, HandOverKeys (to the actor) or DeactivateKeys. With the last of these
// no request is acknowledged with one of the keys once it has returned.
func (s *Service) RemoveMember(ctx context.Context, actor access.Actor, accountID, keys string) error {
	if keys != KeepKeys && keys != HandOverKeys && keys != DeactivateKeys {
		problems := fault.Fields{}
		problems.Add("keys", "Choose what becomes of the keys.")
		return problems.Err()
	}
	if accountID == actor.AccountID {
		return fault.New(fault.Conflict, "To remove yourself, leave the workspace instead.")
	}
	return s.changeMember(ctx, actor, accountID, func(tx *gorm.DB, actor access.Actor, m Member) error {
		ended, err := endSessionsOf(ctx, tx, m.AccountID)
		if err != nil {
			return err
		}
		if err := s.dispose(ctx, tx, actor, m, keys); err != nil {
			return err
		}
		if err := s.endMembership(ctx, tx, actor, m); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.now(), actor, audit.Change{
			Action: "member.removed", Target: memberTarget(m),
			Before: audit.Values{"role": m.Role},
			After:  audit.Values{"keys": keys, "sessions_ended": ended},
		})
	}, true)
}

// Leave ends the actor's own membership; their keys stay. The last Owner cannot leave: Conflict.
func (s *Service) Leave(ctx context.Context, actor access.Actor) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := lockWorkspace(ctx, tx, actor.WorkspaceID); err != nil {
			return err
		}
		me, err := memberIn(ctx, tx, actor.WorkspaceID, actor.AccountID)
		if err != nil {
			return err
		}
		if err := keepOneOwner(ctx, tx, me, actor.WorkspaceID); err != nil {
			return err
		}
		if err := s.endMembership(ctx, tx, actor, me); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.now(), actor, audit.Change{
			Action: "member.left", Target: memberTarget(me), Before: audit.Values{"role": me.Role},
		})
	})
}

// changeMember runs fn with the workspace locked and both sides read anew: the actor's role may
// have changed since the request began. With unmakes, an Owner who is the last one is protected.
func (s *Service) changeMember(ctx context.Context, actor access.Actor, accountID string, fn func(*gorm.DB, access.Actor, Member) error, unmakes bool) error {
	if !database.ValidID(accountID) {
		return errNoMember
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		if _, err := lockWorkspace(ctx, tx, actor.WorkspaceID); err != nil {
			return err
		}
		if err := refreshRole(ctx, tx, &actor); err != nil {
			return err
		}
		if err := actor.Require(access.ManageMembers); err != nil {
			return err
		}
		m, err := memberIn(ctx, tx, actor.WorkspaceID, accountID)
		if err != nil {
			return err
		}
		if m.Role == access.Owner {
			if err := actor.Require(access.ManageOwners); err != nil {
				return err
			}
			if unmakes {
				if err := keepOneOwner(ctx, tx, m, actor.WorkspaceID); err != nil {
					return err
				}
			}
		}
		return fn(tx, actor, m)
	})
}

// refreshRole reads the actor's role within tx. The command line keeps its own.
func refreshRole(ctx context.Context, tx *gorm.DB, actor *access.Actor) error {
	if actor.AccountID == "" {
		return nil
	}
	me, err := memberIn(ctx, tx, actor.WorkspaceID, actor.AccountID)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Forbidden, "You are no longer a member of this workspace.")
	}
	actor.Role = me.Role
	return err
}

func memberIn(ctx context.Context, tx *gorm.DB, workspaceID, accountID string) (Member, error) {
	row, err := gorm.G[models.Membership](tx).Where("workspace_id = ? AND account_id = ?", workspaceID, accountID).Take(ctx)
	if database.IsNotFound(err) {
		return Member{}, errNoMember
	}
	if err != nil {
		return Member{}, fmt.Errorf("select membership: %w", err)
	}
	a, err := account(ctx, tx, accountID)
	if err != nil {
		return Member{}, err
	}
	return Member{AccountID: a.ID, Name: a.Name, Email: a.Email, Role: access.Role(row.Role), JoinedAt: row.CreatedAt}, nil
}

// keepOneOwner refuses when m is the only Owner. The caller holds the workspace's lock.
func keepOneOwner(ctx context.Context, tx *gorm.DB, m Member, workspaceID string) error {
	if m.Role != access.Owner {
		return nil
	}
	others, err := gorm.G[models.Membership](tx).
		Where("workspace_id = ? AND role = ? AND account_id <> ?", workspaceID, string(access.Owner), m.AccountID).Count(ctx, "*")
	if err != nil {
		return fmt.Errorf("count owners: %w", err)
	}
	if others == 0 {
		return fault.New(fault.Conflict, "A workspace needs an Owner, and "+m.Name+" is the last one. Make another member Owner first.")
	}
	return nil
}

// dispose does with a leaving member's keys what was chosen.
func (s *Service) dispose(ctx context.Context, tx *gorm.DB, actor access.Actor, m Member, keys string) error {
	switch keys {
	case DeactivateKeys:
		if s.cfg.DeactivateAllBy == nil {
			return fmt.Errorf("deactivate the member's keys: not wired")
		}
		return s.cfg.DeactivateAllBy(ctx, tx, actor, m.AccountID)
	case HandOverKeys:
		return s.handOver(ctx, tx, actor, m)
	default:
		return nil
	}
}

func (s *Service) handOver(ctx context.Context, tx *gorm.DB, actor access.Actor, m Member) error {
	done := tx.WithContext(ctx).Exec("UPDATE api_keys SET created_by = ?, settings_version = settings_version + 1"+
		" WHERE workspace_id = ? AND created_by = ?", actor.AccountID, actor.WorkspaceID, m.AccountID)
	if done.Error != nil {
		return fmt.Errorf("hand the keys over: %w", done.Error)
	}
	n := done.RowsAffected
	if n == 0 {
		return nil
	}
	if err := s.statesChanged(ctx, tx); err != nil {
		return err
	}
	return audit.Record(ctx, tx, s.now(), actor, audit.Change{
		Action: "api_key.handed_over", Target: memberTarget(m),
		Before: audit.Values{"created_by": m.Email},
		After:  audit.Values{"created_by": actor.Label, "keys": n},
	})
}

// endMembership deletes the row, and revokes the invitations that the member still had out.
func (s *Service) endMembership(ctx context.Context, tx *gorm.DB, actor access.Actor, m Member) error {
	n, err := gorm.G[models.Membership](tx).Where("workspace_id = ? AND account_id = ?", actor.WorkspaceID, m.AccountID).Delete(ctx)
	if err != nil || n != 1 {
		return fmt.Errorf("delete membership: %d rows, %w", n, err)
	}
	_, err = gorm.G[models.Invitation](tx).
		Where("workspace_id = ? AND created_by = ? AND accepted_at IS NULL AND revoked_at IS NULL", actor.WorkspaceID, m.AccountID).
		Update(ctx, "revoked_at", models.At(s.now()))
	if err != nil {
		return fmt.Errorf("revoke the member's invitations: %w", err)
	}
	return nil
}

func memberTarget(m Member) audit.Target {
	return audit.Target{Type: "account", ID: m.AccountID, Label: m.Email}
}
