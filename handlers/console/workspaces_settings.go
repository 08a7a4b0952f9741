package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/hygiene"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

// settingsFields are the form's fields as they stand on the page.
var settingsFields = []string{
	"name", "raw_retention_days", "rejected_retention_days", "rate_limit",
	"policy_max_age", "policy_max_age_days", "policy_require_expiry", "policy_require_secret",
}

func (s *server) settings(c Ctx) error {
	p, err := s.settingsView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Settings(p), nil)
}

func (s *server) changeSettings(c Ctx) error {
	err := s.Accounts.ChangeSettings(c.Request().Context(), visit(c).Actor, settingsForm(form(c)))
	if err != nil {
		p, viewErr := s.settingsView(c)
		if viewErr != nil {
			return viewErr
		}
		p.Form = sent(c, err, settingsFields, settingsFields)
		return s.refused(c, err, views.Settings(p), nil)
	}
	return s.done(c, visit(c).path("settings"), "Settings saved.")
}

func settingsForm(f url.Values) accounts.WorkspaceSettings {
	out := accounts.WorkspaceSettings{
		Name: f.Get("name"), RawRetentionDays: whole(f.Get("raw_retention_days")), RejectedRetentionDays: whole(f.Get("rejected_retention_days")),
		RateLimit:           whole(f.Get("rate_limit")),
		PolicyRequireExpiry: f.Get("policy_require_expiry") != "", PolicyRequireSecret: f.Get("policy_require_secret") != "",
	}
	if f.Get("policy_max_age") != "" {
		// 0 would mean that no age is too high, which is not what the ticked box says.
		if out.PolicyMaxAgeDays = whole(f.Get("policy_max_age_days")); out.PolicyMaxAgeDays == 0 {
			out.PolicyMaxAgeDays = -1
		}
	}
	return out
}

func (s *server) settingsView(c Ctx) (views.SettingsView, error) {
	v := visit(c)
	w, err := s.Accounts.Workspace(c.Request().Context(), v.Actor)
	if err != nil {
		return views.SettingsView{}, err
	}
	created := s.time(c, w.CreatedAt.Time, "")
	p := views.SettingsView{
		Page:   s.shell(c, page{Title: "Workspace settings", Nav: navSettings}),
		Action: v.path("settings"),
		Form:   views.Form{Values: settingsValues(w)},
		Plan:   planNamed(w.Plan).name, PlanText: planNamed(w.Plan).text, HasAPI: accounts.HasAPI(w.Plan), HasPolicy: accounts.HasPolicy(w.Plan),
		Facts: []ui.Fact{
			{Label: "Address", Value: v.path(), Mono: true, Hint: "It stays the same when the name changes."},
			{Label: "Workspace ID", Value: w.ID, Mono: true, Copy: true},
			{Label: "Created", Time: &created},
		},
	}
	if v.Actor.Can(access.ManagePlan) {
		p.PlanHref = v.path("settings/plan")
	}
	if p.HasPolicy {
		p.Findings, err = s.policyFindings(c)
	}
	return p, err
}

func settingsValues(w models.Workspace) map[string]string {
	values := map[string]string{
		"name":                    w.Name,
		"raw_retention_days":      strconv.Itoa(w.RawRetentionDays),
		"rejected_retention_days": strconv.Itoa(w.RejectedRetentionDays),
		"rate_limit":              strconv.Itoa(w.RateLimit),
		"policy_max_age_days":     strconv.Itoa(accounts.ProposedMaxAge),
		"policy_require_expiry":   ticked(w.PolicyRequireExpiry),
		"policy_require_secret":   ticked(w.PolicyRequireSecret),
	}
	if w.PolicyMaxAgeDays > 0 {
		values["policy_max_age"], values["policy_max_age_days"] = "on", strconv.Itoa(w.PolicyMaxAgeDays)
	}
	return values
}

// policyRulesFound are the findings about the policy, with what is said of one key and of several.
var policyRulesFound = []struct{ kind, one, more string }{
	{hygiene.PolicyAge, "is older than the policy allows, or may become so.", "are older than the policy allows, or may become so."},
	{hygiene.PolicyExpiry, "has no expiry.", "have no expiry."},
	{hygiene.PolicySecret, "has no shared secret.", "have no shared secret."},
}

// policyFindings say how many of the existing keys do not meet the policy, rule by rule.
func (s *server) policyFindings(c Ctx) ([]views.PolicyFinding, error) {
	v := visit(c)
	var out []views.PolicyFinding
	for _, env := range []string{liveEnv, testEnv} {
		found, err := s.Hygiene.List(c.Request().Context(), v.Actor, hygiene.Filter{Environment: env, Limit: 1})
		if err != nil {
			return nil, err
		}
		for _, rule := range policyRulesFound {
			n, words := found.Counts[rule.kind], rule.more
			if n == 1 {
				words = rule.one
			}
			if n > 0 {
				out = append(out, views.PolicyFinding{Text: counted(n, env+" key") + " " + words, Href: hygieneQuery{Env: env, Kind: rule.kind}.href(v)})
			}
		}
	}
	return out, nil
}

func ticked(on bool) string {
	if on {
		return "on"
	}
	return ""
}

// whole reads a whole number; anything else is 0, which the use-case refuses with a sentence.
func whole(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}
