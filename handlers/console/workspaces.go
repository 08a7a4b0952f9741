package console

import (
	"net/http"

	"latchkey/internal/access"
	"latchkey/views"
)

func (s *server) workspaceRoutes() []Route {
	return []Route{
		{GET, "/workspaces/new", SignedIn, s.newWorkspace},
		{POST, "/workspaces", SignedIn, s.createWorkspace},
		{GET, "/w/:slug/leaving", Member, s.confirmLeave},
		{POST, "/w/:slug/leaving", Member, s.leave},
		{GET, "/w/:slug/settings", In(access.ManageSettings), s.settings},
		{POST, "/w/:slug/settings", In(access.ManageSettings), s.changeSettings},
		{GET, "/w/:slug/settings/plan", In(access.ManagePlan), s.plan},
		{GET, "/w/:slug/settings/plan/change", In(access.ManagePlan), s.confirmPlan},
		{POST, "/w/:slug/settings/plan", In(access.ManagePlan), s.changePlan},
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
