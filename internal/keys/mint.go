package keys

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"latchkey/internal/access"
	"latchkey/internal/fault"
	"latchkey/models"
)

// ErrPlan says that the workspace's plan has no API access.
var ErrPlan = fault.New(fault.Forbidden, "The plan of this workspace has no API access. An Owner can change the plan in the workspace's settings.")

// workspace reads what rules keys are made under.
func workspace(ctx context.Context, db *gorm.DB, id string) (models.Workspace, error) {
	w, err := gorm.G[models.Workspace](db).Where("id = ?", id).Take(ctx)
	if err != nil {
		return w, fmt.Errorf("select workspace: %w", err)
	}
	return w, nil
}

func requirePlan(w models.Workspace, endpointType string) error {
	if endpointType == models.APIAccess && w.Plan == models.PlanFree {
		return ErrPlan
	}
	return nil
}

// checkScopes adds what is wrong with the scopes of a key; who may grant them is another question.
func checkScopes(fields fault.Fields, scopes access.Scopes) {
	unknown := scopes.Unknown()
	if len(unknown) == 0 {
		return
	}
	names := make([]string, len(unknown))
	for i, s := range unknown {
		names[i] = quote(string(s))
	}
	fields.Add("scopes", "There is no scope "+strings.Join(names, ", ")+".")
}

// requireScopes refuses to give away what the actor may not grant.
func requireScopes(actor access.Actor, scopes access.Scopes) error {
	var lacking []string
	for _, s := range scopes {
		if !actor.Grantable(s) {
			lacking = append(lacking, string(s))
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	sentence := "Your role (" + actor.Role.Title() + ") may not grant: " + strings.Join(lacking, ", ") + "."
	if actor.IsProgram() {
		sentence = "A key grants only scopes that it has itself, and this one lacks: " + strings.Join(lacking, ", ") + "."
	}
	err := fault.New(fault.Forbidden, sentence)
	err.Fields = fault.Fields{"scopes": sentence}
	return err
}

// requireRenewal refuses to hand out, or to keep alive, what the actor could not make: a value of a
// key with wider scopes, or with a longer life than a program's own.
func requireRenewal(actor access.Actor, key models.APIKey) error {
	if err := requireScopes(actor, access.ParseScopes(key.Scopes)); err != nil {
		return err
	}
	if actor.IsProgram() && later(key.ExpiresAt.Time, actor.KeyExpiry) {
		return fault.New(fault.Forbidden, "This key lives longer than the one that asks for it, which ends on "+day(actor.KeyExpiry)+". Use a key that lives as long.")
	}
	return nil
}

// later compares two expiries; zero is never.
func later(a, b time.Time) bool {
	switch {
	case b.IsZero():
		return false
	case a.IsZero():
		return true
	}
	return a.After(b)
}

// checkLife adds why a key may not live until at (zero: for ever), by who makes it and by the
// workspace's policy. since is when its value was made.
func checkLife(fields fault.Fields, actor access.Actor, w models.Workspace, at, since time.Time) {
	if actor.IsProgram() && later(at, actor.KeyExpiry) {
		fields.Add("expires", "A key makes none that lives longer than itself, and this one ends on "+day(actor.KeyExpiry)+". Choose that time or an earlier one.")
	}
	if w.Plan != models.PlanEnterprise {
		return
	}
	if w.PolicyRequireExpiry && at.IsZero() {
		fields.Add("expires", "The key policy of this workspace asks for an expiry. Choose one.")
	}
	if w.PolicyMaxAgeDays == 0 {
		return
	}
	if limit := since.AddDate(0, 0, w.PolicyMaxAgeDays); later(at, limit) {
		fields.Add("expires", fmt.Sprintf("The key policy of this workspace lets a key live for %d days. Choose %s or earlier.", w.PolicyMaxAgeDays, day(limit)))
	}
}

func checkSecretPolicy(fields fault.Fields, w models.Workspace, f CreateForm) {
	if w.Plan == models.PlanEnterprise && w.PolicyRequireSecret && f.EndpointType != models.APIAccess && !f.WithSecret {
		fields.Add("secret", "The key policy of this workspace asks for a shared secret with every webhook key.")
	}
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
