package accounts

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Plans lists the plans, from least to most.
var Plans = []string{models.PlanFree, models.PlanTeam, models.PlanEnterprise}

// HasAPI tells whether programs may use API-access keys on a plan.
func HasAPI(plan string) bool { return plan != models.PlanFree }

// HasPolicy tells whether a key policy applies on a plan.
func HasPolicy(plan string) bool { return plan == models.PlanEnterprise }

// PlanChange is a new plan, and the one that the person who chose it saw.
type PlanChange struct{ From, To string }

// ChangePlan writes the workspace's plan. It needs access.ManagePlan. Invalid when there is no such
// plan, Conflict when the plan is no longer the one that was seen or is the new one already.
func (s *Service) ChangePlan(ctx context.Context, actor access.Actor, c PlanChange) error {
	if err := actor.Require(access.ManagePlan); err != nil {
		return err
	}
	if !slices.Contains(Plans, c.To) {
		return fault.Fields{"plan": "Choose one of the plans free, team and enterprise."}.Err()
	}
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		w, err := lockWorkspace(ctx, tx, actor.WorkspaceID)
		if err != nil {
			return err
		}
		switch {
		case w.Plan == c.To:
			return fault.New(fault.Conflict, "This workspace is on that plan already.")
		case w.Plan != c.From:
			return fault.New(fault.Conflict, "The plan was changed meanwhile. Look at it again before you change it.")
		}
		if err := updatePlan(ctx, tx, w.ID, c.To, models.At(s.now())); err != nil {
			return err
		}
		if err := s.statesChanged(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.now(), actor, audit.Change{
			Action: "workspace.plan_changed", Target: workspaceTarget(w),
			Before: audit.Values{"plan": c.From}, After: audit.Values{"plan": c.To},
		})
	})
}

func updatePlan(ctx context.Context, tx *gorm.DB, id, plan string, now models.Time) error {
	_, err := gorm.G[models.Workspace](tx).Where("id = ?", id).
		Set(clause.Assignments(map[string]any{"plan": plan, "updated_at": now})).Update(ctx)
	if err != nil {
		return fmt.Errorf("update the plan: %w", err)
	}
	return nil
}
