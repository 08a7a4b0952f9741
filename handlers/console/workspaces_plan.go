package console

import (
	"net/http"
	"slices"

	"latchkey/internal/accounts"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
	"latchkey/views"
)

// planInfo is a plan as people read it.
type planInfo struct {
	plan, name, text string
	allows           []string
}

var planInfos = []planInfo{{
	plan: models.PlanFree, name: "Free", text: "Webhook keys only.",
	allows: []string{"Keys for signals and product orgs", "No API access: programs cannot use the management API"},
}, {
	plan: models.PlanTeam, name: "Team", text: "Webhook keys and API access.",
	allows: []string{"Keys for signals and product orgs", "API access keys with scopes"},
}, {
	plan: models.PlanEnterprise, name: "Enterprise", text: "Webhook keys, API access and a key policy.",
	allows: []string{"Keys for signals and product orgs", "API access keys with scopes", "A key policy: maximum age, required expiry, required shared secret"},
}}

func planNamed(plan string) planInfo {
	for _, p := range planInfos {
		if p.plan == plan {
			return p
		}
	}
	return planInfo{plan: plan, name: plan}
}

// plan shows what each plan allows.
func (s *server) plan(c Ctx) error {
	v := visit(c)
	p := views.PlansView{Page: s.shell(c, page{Title: "Plan", Nav: navSettings}), BackHref: v.path("settings")}
	for _, info := range planInfos {
		card := views.PlanCard{Name: info.name, Allows: info.allows, Current: info.plan == v.Workspace.Plan}
		if !card.Current {
			card.Href = v.path("settings/plan/change") + "?to=" + info.plan
		}
		p.Plans = append(p.Plans, card)
	}
	return s.render(c, http.StatusOK, views.Plans(p), nil)
}

// confirmPlan names what the change does before it is made.
func (s *server) confirmPlan(c Ctx) error {
	v, to := visit(c), c.QueryParam("to")
	if !slices.Contains(accounts.Plans, to) {
		return fault.New(fault.NotFound, "There is no such plan.")
	}
	if to == v.Workspace.Plan {
		return fault.New(fault.Conflict, "This workspace is on the plan "+planNamed(to).name+" already.")
	}
	effects, err := s.planEffects(c, to)
	if err != nil {
		return err
	}
	p := views.PlanChangeView{
		From: v.Workspace.Plan, FromName: planNamed(v.Workspace.Plan).name, To: to, ToName: planNamed(to).name,
		Effects: effects, Less: slices.Index(accounts.Plans, to) < slices.Index(accounts.Plans, v.Workspace.Plan),
		Action: v.path("settings/plan"), BackHref: v.path("settings/plan"),
	}
	if !isHTMX(c) {
		p.Page = s.shell(c, page{Title: "Change to " + p.ToName, Nav: navSettings})
	}
	return s.render(c, http.StatusOK, views.PlanChange(p), views.PlanChangeDialog(p, false))
}

func (s *server) changePlan(c Ctx) error {
	f := form(c)
	change := accounts.PlanChange{From: f.Get("from"), To: f.Get("plan")}
	if err := s.Accounts.ChangePlan(c.Request().Context(), visit(c).Actor, change); err != nil {
		if text := fault.FieldsOf(err)["plan"]; text != "" {
			return fault.Wrap(fault.Invalid, text, err)
		}
		return err
	}
	return s.done(c, visit(c).path("settings"), "The plan is "+planNamed(change.To).name+" now.")
}

// planEffects are sentences about what changes for this workspace.
func (s *server) planEffects(c Ctx, to string) ([]string, error) {
	v, ctx := visit(c), c.Request().Context()
	w, err := s.Accounts.Workspace(ctx, v.Actor)
	if err != nil {
		return nil, err
	}
	found, err := s.Keys.List(ctx, v.Actor, keys.Filter{Type: models.APIAccess, Limit: 1})
	if err != nil {
		return nil, err
	}
	var out []string
	if had, has := accounts.HasAPI(w.Plan), accounts.HasAPI(to); had != has {
		out = append(out, apiEffect(has, found.Counts["active"]))
	}
	if had, has := accounts.HasPolicy(w.Plan), accounts.HasPolicy(to); had != has {
		out = append(out, policyEffect(has, w))
	}
	return append(out, "Webhook keys go on as they are. Nothing is deleted."), nil
}

func apiEffect(has bool, active int) string {
	switch {
	case has && active == 0:
		return "Programs may use the management API with API access keys. There is none yet."
	case has:
		return "API access keys are accepted again: " + counted(active, "active key") + "."
	case active == 0:
		return "API access keys are refused from now on, and none can be created. There is no active one."
	default:
		return "API access keys are refused from now on: " + counted(active, "active key") + " will stop working at once, and none can be created."
	}
}

func policyEffect(has bool, w models.Workspace) string {
	rules := policyRules(w)
	switch {
	case has && rules == "":
		return "A key policy can be set in the workspace settings."
	case has:
		return "The stored key policy applies to new keys again: " + rules + "."
	case rules == "":
		return "A key policy can no longer be set. None is set now."
	default:
		return "The key policy no longer applies (" + rules + "). It stays stored for a return to Enterprise."
	}
}

// policyRules are the rules that are set, in words; empty without any.
func policyRules(w models.Workspace) string {
	var rules []string
	if w.PolicyMaxAgeDays > 0 {
		rules = append(rules, "at most "+counted(w.PolicyMaxAgeDays, "day")+" old")
	}
	if w.PolicyRequireExpiry {
		rules = append(rules, "an expiry")
	}
	if w.PolicyRequireSecret {
		rules = append(rules, "a shared secret for webhook keys")
	}
	return listed(rules)
}

// listed joins words as a sentence does: "a, b and c".
func listed(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		out := words[0]
		for _, w := range words[1 : n-1] {
			out += ", " + w
		}
		return out + " and " + words[n-1]
	}
}
