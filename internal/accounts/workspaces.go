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

// Belonging is a workspace as one of its members sees it.
type Belonging struct {
	Workspace models.Workspace
	Role      access.Role
}

// Workspaces lists what the account belongs to, by name.
func (s *Service) Workspaces(ctx context.Context, accountID string) ([]Belonging, error) {
	rows, err := s.belongings(ctx, "m.account_id = ?", accountID)
	if err != nil {
		return nil, fmt.Errorf("list workspaces: %w", err)
	}
	return rows, nil
}

// Enter returns the workspace with that slug and the account's role in it. A workspace that the
// account does not belong to is NotFound, exactly like one that does not exist.
func (s *Service) Enter(ctx context.Context, accountID, slug string) (Belonging, error) {
	rows, err := s.belongings(ctx, "m.account_id = ? AND w.slug = ?", accountID, slug)
	if err != nil {
		return Belonging{}, fmt.Errorf("select workspace: %w", err)
	}
	if len(rows) == 0 {
		return Belonging{}, fault.New(fault.NotFound, "This workspace does not exist, or you are not a member of it.")
	}
	return rows[0], nil
}

func (s *Service) belongings(ctx context.Context, condition string, args ...any) ([]Belonging, error) {
	var rows []struct {
		models.Workspace
		Role string
	}
	err := s.db.Read.WithContext(ctx).Raw(`
		SELECT w.*, m.role
		FROM memberships m
		JOIN workspaces w ON w.id = m.workspace_id
		WHERE `+condition+`
		ORDER BY lower(w.name), w.id`, args...).Scan(&rows).Error
	list := make([]Belonging, len(rows))
	for i, r := range rows {
		list[i] = Belonging{Workspace: r.Workspace, Role: access.Role(r.Role)}
	}
	return list, err
}

// LastUsed returns the workspace that the account was in last, else its first one; NotFound when
// it belongs to none.
func (s *Service) LastUsed(ctx context.Context, a models.Account) (Belonging, error) {
	rows, err := s.Workspaces(ctx, a.ID)
	if err != nil {
		return Belonging{}, err
	}
	for _, b := range rows {
		if a.LastWorkspaceID != nil && b.Workspace.ID == *a.LastWorkspaceID {
			return b, nil
		}
	}
	if len(rows) == 0 {
		return Belonging{}, fault.New(fault.NotFound, "You don't belong to a workspace yet.")
	}
	return rows[0], nil
}

// RememberWorkspace notes the workspace as the last one used; no change worth an audit entry.
func (s *Service) RememberWorkspace(ctx context.Context, a models.Account, workspaceID string) error {
	if a.LastWorkspaceID != nil && *a.LastWorkspaceID == workspaceID {
		return nil
	}
	_, err := gorm.G[models.Account](s.db.Write).Where("id = ?", a.ID).Update(ctx, "last_workspace_id", workspaceID)
	if err != nil {
		return fmt.Errorf("remember the workspace: %w", err)
	}
	return nil
}

// CreateWorkspace makes another workspace with the account as its owner. The slug follows the name
// and never changes afterwards, since links carry it.
func (s *Service) CreateWorkspace(ctx context.Context, accountID, name string, client Client) (models.Workspace, error) {
	problems := fault.Fields{}
	name = tidy(name)
	checkName(problems, "name", name, "a name for the workspace")
	if err := problems.Err(); err != nil {
		return models.Workspace{}, err
	}
	w := s.newWorkspace(name)
	for try := range 5 {
		var err error
		if w.Slug, err = s.slug(name, try); err != nil {
			return w, err
		}
		err = s.db.Tx(ctx, func(tx *gorm.DB) error {
			a, err := account(ctx, tx, accountID)
			if err != nil {
				return err
			}
			return s.insertWorkspace(ctx, tx, w, a, self(a, client))
		})
		if !database.IsDuplicate(err) {
			return w, err
		}
	}
	return w, fault.New(fault.Conflict, "Every short name for this workspace is taken. Choose another name.")
}

func (s *Service) newWorkspace(name string) models.Workspace {
	now := models.At(s.now())
	return models.Workspace{
		ID: newID(), Name: name, Plan: s.cfg.DefaultPlan,
		RawRetentionDays: s.cfg.RawRetentionDays, RejectedRetentionDays: s.cfg.RejectedRetentionDays,
		RateLimit: DefaultRateLimit,
		CreatedAt: now, UpdatedAt: now,
	}
}

// insertWorkspace writes the workspace with its first owner, within tx.
func (s *Service) insertWorkspace(ctx context.Context, tx *gorm.DB, w models.Workspace, owner models.Account, actor access.Actor) error {
	if err := gorm.G[models.Workspace](tx).Create(ctx, &w); err != nil {
		return fmt.Errorf("create workspace: %w", err)
	}
	m := models.Membership{WorkspaceID: w.ID, AccountID: owner.ID, Role: string(access.Owner), CreatedAt: w.CreatedAt}
	if err := gorm.G[models.Membership](tx).Create(ctx, &m); err != nil {
		return fmt.Errorf("create the owner's membership: %w", err)
	}
	actor.WorkspaceID = w.ID
	return audit.Record(ctx, tx, s.now(), actor, audit.Change{
		Action: "workspace.created",
		Target: workspaceTarget(w),
		After:  audit.Values{"name": w.Name, "slug": w.Slug, "plan": w.Plan, "owner": owner.Email},
	})
}

// Workspace returns the actor's workspace.
func (s *Service) Workspace(ctx context.Context, actor access.Actor) (models.Workspace, error) {
	w, err := gorm.G[models.Workspace](s.db.Read).Where("id = ?", actor.WorkspaceID).Take(ctx)
	if database.IsNotFound(err) {
		return w, fault.New(fault.NotFound, "This workspace does not exist.")
	}
	if err != nil {
		return w, fmt.Errorf("select workspace: %w", err)
	}
	return w, nil
}

// lockWorkspace makes changes of members and settings of one workspace wait for each other. On
// SQLite the transaction began with the write lock.
func lockWorkspace(ctx context.Context, tx *gorm.DB, id string) (models.Workspace, error) {
	w, err := gorm.G[models.Workspace](tx, rowLock).Where("id = ?", id).Take(ctx)
	if database.IsNotFound(err) {
		return w, fault.New(fault.NotFound, "This workspace does not exist.")
	}
	if err != nil {
		return w, fmt.Errorf("lock workspace: %w", err)
	}
	return w, nil
}

func workspaceTarget(w models.Workspace) audit.Target {
	return audit.Target{Type: "workspace", ID: w.ID, Label: w.Name}
}
