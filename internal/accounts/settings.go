package accounts

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"latchkey/internal/access"
	"latchkey/internal/audit"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Bounds and defaults of a workspace's settings.
const (
	MaxRetentionDays = 3650      // of both retention settings: ten years
	DefaultRateLimit = 600       // calls of the management API a minute, of a new workspace
	MaxRateLimit     = 1_000_000 // ...
	MaxPolicyDays    = 3650      // how old a policy may let a key become
	ProposedMaxAge   = 90        // days; what the console proposes when a maximum age is switched on
)

// WorkspaceSettings is what may be changed about a workspace. The policy applies on the plan
// enterprise only; on others it is left as it is stored, whatever the form says.
type WorkspaceSettings struct {
	Name                  string
	RawRetentionDays      int
	RejectedRetentionDays int
	RateLimit             int // calls of the management API a minute, 1 to MaxRateLimit
	PolicyMaxAgeDays      int // 1 to MaxPolicyDays; 0: any age
	PolicyRequireExpiry   bool
	PolicyRequireSecret   bool
}

// ChangeSettings writes the workspace's settings. It needs access.ManageSettings; Invalid has a
// sentence a field.
func (s *Service) ChangeSettings(ctx context.Context, actor access.Actor, form WorkspaceSettings) error {
	if err := actor.Require(access.ManageSettings); err != nil {
		return err
	}
	form.Name = tidy(form.Name)
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		w, err := lockWorkspace(ctx, tx, actor.WorkspaceID)
		if err != nil {
			return err
		}
		form := form.on(w)
		if err := form.check(); err != nil {
			return err
		}
		before, after := settingsChange(w, form)
		if len(after) == 0 {
			return nil
		}
		if err := updateSettings(ctx, tx, w.ID, form, models.At(s.now())); err != nil {
			return err
		}
		if err := s.statesChanged(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, s.now(), actor, audit.Change{
			Action: "workspace.settings_changed", Target: workspaceTarget(w), Before: before, After: after,
		})
	})
}

// on keeps the stored policy where the plan has none.
func (f WorkspaceSettings) on(w models.Workspace) WorkspaceSettings {
	if !HasPolicy(w.Plan) {
		f.PolicyMaxAgeDays, f.PolicyRequireExpiry, f.PolicyRequireSecret = w.PolicyMaxAgeDays, w.PolicyRequireExpiry, w.PolicyRequireSecret
	}
	return f
}

func (f WorkspaceSettings) check() error {
	problems := fault.Fields{}
	checkName(problems, "name", f.Name, "a name for the workspace")
	checkDays(problems, "raw_retention_days", f.RawRetentionDays)
	checkDays(problems, "rejected_retention_days", f.RejectedRetentionDays)
	if f.RateLimit < 1 || f.RateLimit > MaxRateLimit {
		problems.Add("rate_limit", "Enter a number of requests from 1 to 1000000.")
	}
	if f.PolicyMaxAgeDays < 0 || f.PolicyMaxAgeDays > MaxPolicyDays {
		problems.Add("policy_max_age_days", "Enter a number of days from 1 to 3650, or switch the maximum age off.")
	}
	return problems.Err()
}

func checkDays(f fault.Fields, field string, days int) {
	if days < 1 || days > MaxRetentionDays {
		f.Add(field, "Enter a number of days from 1 to 3650.")
	}
}

func settingsChange(w models.Workspace, form WorkspaceSettings) (before, after audit.Values) {
	before, after = audit.Values{}, audit.Values{}
	note := func(name string, was, is any) {
		if was != is {
			before[name], after[name] = was, is
		}
	}
	note("name", w.Name, form.Name)
	note("raw_retention_days", w.RawRetentionDays, form.RawRetentionDays)
	note("rejected_retention_days", w.RejectedRetentionDays, form.RejectedRetentionDays)
	note("rate_limit", w.RateLimit, form.RateLimit)
	note("policy_max_age_days", w.PolicyMaxAgeDays, form.PolicyMaxAgeDays)
	note("policy_require_expiry", w.PolicyRequireExpiry, form.PolicyRequireExpiry)
	note("policy_require_secret", w.PolicyRequireSecret, form.PolicyRequireSecret)
	return before, after
}

func updateSettings(ctx context.Context, tx *gorm.DB, id string, form WorkspaceSettings, now models.Time) error {
	_, err := gorm.G[models.Workspace](tx).Where("id = ?", id).Set(clause.Assignments(map[string]any{
		"name":                    form.Name,
		"raw_retention_days":      form.RawRetentionDays,
		"rejected_retention_days": form.RejectedRetentionDays,
		"rate_limit":              form.RateLimit,
		"policy_max_age_days":     form.PolicyMaxAgeDays,
		"policy_require_expiry":   form.PolicyRequireExpiry,
		"policy_require_secret":   form.PolicyRequireSecret,
		"updated_at":              now,
	})).Update(ctx)
	if err != nil {
		return fmt.Errorf("update workspace settings: %w", err)
	}
	return nil
}

func (s *Service) statesChanged(ctx context.Context, tx *gorm.DB) error {
	if s.cfg.StatesChanged == nil {
		return nil
	}
	return s.cfg.StatesChanged(ctx, tx)
}
