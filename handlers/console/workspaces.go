package console

import (
	"net/http"
	"strconv"
	"strings"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) workspaceRoutes() []Route {
	return []Route{
		{GET, "/workspaces/new", SignedIn, s.newWorkspace},
		{POST, "/workspaces", SignedIn, s.createWorkspace},
		{GET, "/w/:slug/leaving", Member, s.confirmLeave},
		{POST, "/w/:slug/leaving", Member, s.leave},
		{GET, "/w/:slug/settings", In(access.ManageSettings), s.settings},
		{POST, "/w/:slug/settings", In(access.ManageSettings), s.changeSettings},
	}
}

func (s *server) newWorkspace(c Ctx) error {
	return s.render(c, http.StatusOK, views.NewWorkspace(s.newWorkspaceView(c)), nil)
}

func (s *server) createWorkspace(c Ctx) error {
	w, err := s.Accounts.CreateWorkspace(c.Request().Context(), visit(c).Account.ID, form(c).Get("name"), client(c))
	if err != nil {
		p := s.newWorkspaceView(c)
		p.Form = sent(c, err, []string{"name"}, []string{"name"})
		return s.refused(c, err, views.NewWorkspace(p), nil)
	}
	return s.done(c, "/w/"+w.Slug, "Workspace "+w.Name+" created.")
}

func (s *server) newWorkspaceView(c Ctx) views.NewWorkspaceView {
	return views.NewWorkspaceView{Page: s.shell(c, page{Title: "New workspace", Nav: navNone}), BackHref: "/"}
}

func (s *server) confirmLeave(c Ctx) error {
	v := visit(c)
	p := views.LeaveView{Name: v.Workspace.Name, Action: v.path("leaving"), BackHref: "/profile"}
	if isHTMX(c) {
		return write(c, http.StatusOK, views.LeaveDialog(p, false))
	}
	p.Page = s.shell(c, page{Title: "Leave " + v.Workspace.Name, Nav: navNone})
	return write(c, http.StatusOK, views.Leave(p))
}

func (s *server) leave(c Ctx) error {
	v := visit(c)
	if err := s.Accounts.Leave(c.Request().Context(), v.Actor); err != nil {
		return err
	}
	return s.done(c, "/profile", "You left "+v.Workspace.Name+".")
}

func (s *server) settings(c Ctx) error {
	p, err := s.settingsView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Settings(p), nil)
}

func (s *server) changeSettings(c Ctx) error {
	f := form(c)
	err := s.Accounts.ChangeSettings(c.Request().Context(), visit(c).Actor, accounts.WorkspaceSettings{
		Name: f.Get("name"), RawRetentionDays: days(f.Get("raw_retention_days")), RejectedRetentionDays: days(f.Get("rejected_retention_days")),
	})
	if err != nil {
		p, viewErr := s.settingsView(c)
		if viewErr != nil {
			return viewErr
		}
		fields := []string{"name", "raw_retention_days", "rejected_retention_days"}
		p.Form = sent(c, err, fields, fields)
		return s.refused(c, err, views.Settings(p), nil)
	}
	return s.done(c, visit(c).path("settings"), "Settings saved.")
}

func (s *server) settingsView(c Ctx) (views.SettingsView, error) {
	v := visit(c)
	w, err := s.Accounts.Workspace(c.Request().Context(), v.Actor)
	created := s.time(c, w.CreatedAt.Time, "")
	return views.SettingsView{
		Page:   s.shell(c, page{Title: "Workspace settings", Nav: navSettings}),
		Action: v.path("settings"),
		Form: views.Form{Values: map[string]string{
			"name":                    w.Name,
			"raw_retention_days":      strconv.Itoa(w.RawRetentionDays),
			"rejected_retention_days": strconv.Itoa(w.RejectedRetentionDays),
		}},
		Facts: []ui.Fact{
			{Label: "Plan", Value: planName(w.Plan)},
			{Label: "Address", Value: v.path(), Mono: true, Hint: "It stays the same when the name changes."},
			{Label: "Workspace ID", Value: w.ID, Mono: true, Copy: true},
			{Label: "Created", Time: &created},
		},
	}, err
}

// days reads a whole number; anything else is 0, which the use-case refuses with a sentence.
func days(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}

func planName(plan string) string {
	if plan == "" {
		return ""
	}
	return strings.ToUpper(plan[:1]) + plan[1:]
}
