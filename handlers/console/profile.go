package console

import (
	"net/http"

	"latchkey/internal/accounts"
	"latchkey/views"
)

// activityShown is how many of the account's latest changes its profile lists.
const activityShown = 10

func (s *server) profileRoutes() []Route {
	return []Route{
		{GET, "/profile", SignedIn, s.profile},
		{POST, "/profile/name", SignedIn, s.rename},
		{POST, "/profile/preferences", SignedIn, s.changePreferences},
		{POST, "/profile/password", SignedIn, s.changePassword},
		{POST, "/profile/sessions/:id/end", SignedIn, s.endSession},
		{POST, "/profile/other-sessions/end", SignedIn, s.endOtherSessions},
	}
}

func (s *server) profile(c Ctx) error {
	p, err := s.profileView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Profile(p), nil)
}

func (s *server) rename(c Ctx) error {
	err := s.Accounts.Rename(c.Request().Context(), visit(c).Visit.Account, form(c).Get("name"), client(c))
	if err != nil {
		return s.profileRefused(c, err, func(p *views.ProfileView) {
			p.Name = sent(c, err, []string{"name"}, []string{"name"})
		})
	}
	return s.done(c, "/profile", "Name saved.")
}

func (s *server) changePreferences(c Ctx) error {
	f := form(c)
	chosen := accounts.Preferences{Theme: f.Get("theme"), TimeZone: f.Get("time_zone"), ShortcutsOff: f.Get("shortcuts") != "on"}
	err := s.Accounts.ChangePreferences(c.Request().Context(), visit(c).Visit.Account, chosen, client(c))
	if err != nil {
		return s.profileRefused(c, err, func(p *views.ProfileView) {
			p.Preferences = sent(c, err, []string{"theme", "time_zone", "shortcuts"}, []string{"theme", "time_zone"})
		})
	}
	s.setTheme(c, chosen.Theme)
	return s.done(c, "/profile", "Preferences saved.")
}

func (s *server) changePassword(c Ctx) error {
	f := form(c)
	in, err := s.Accounts.ChangePassword(c.Request().Context(), visit(c).Visit.Account, f.Get("current_password"), f.Get("password"), client(c))
	if err != nil {
		return s.profileRefused(c, err, func(p *views.ProfileView) {
			p.Password = sent(c, err, nil, []string{"current_password", "password"})
		})
	}
	s.begin(c, in)
	return s.done(c, "/profile", "Password changed. Every other browser was signed out.")
}

func (s *server) endSession(c Ctx) error {
	if err := s.Accounts.EndSession(c.Request().Context(), visit(c).Visit.Account, c.Param("id"), client(c)); err != nil {
		return err
	}
	return s.done(c, "/profile", "Session ended.")
}

func (s *server) endOtherSessions(c Ctx) error {
	n, err := s.Accounts.EndOtherSessions(c.Request().Context(), visit(c).Visit, client(c))
	if err != nil {
		return err
	}
	return s.done(c, "/profile", "Signed out "+counted(n, "other session")+".")
}

// profileRefused shows the profile again with one of its forms as it was sent.
func (s *server) profileRefused(c Ctx, err error, change func(*views.ProfileView)) error {
	p, viewErr := s.profileView(c)
	if viewErr != nil {
		return viewErr
	}
	change(&p)
	return s.refused(c, err, views.Profile(p), nil)
}

func (s *server) profileView(c Ctx) (views.ProfileView, error) {
	v, ctx := visit(c), c.Request().Context()
	p := views.ProfileView{
		Page:  s.shell(c, page{Title: "Profile", Nav: navNone}),
		Email: v.Account.Email,
		Name:  views.Form{Values: map[string]string{"name": v.Account.Name}},
		Preferences: views.Form{Values: map[string]string{
			"theme": v.Account.Theme, "time_zone": v.Visit.Account.TimeZone, "shortcuts": onOff(!v.Account.ShortcutsOff),
		}},
	}
	sessions, err := s.Accounts.Sessions(ctx, v.Account.ID)
	if err != nil {
		return p, err
	}
	for _, row := range sessions {
		p.Sessions = append(p.Sessions, views.SessionRow{
			ID: row.ID, Browser: browserName(row.UserAgent), Address: row.IP, Current: row.ID == v.Visit.SessionID,
			Seen: s.time(c, row.LastSeenAt.Time, ""), Began: s.time(c, row.CreatedAt.Time, ""),
			EndHref: "/profile/sessions/" + row.ID + "/end",
		})
	}
	p.HasOthers = len(sessions) > 1
	entries, err := s.Audit.OfAccount(ctx, v.Account.ID, activityShown)
	if err != nil {
		return p, err
	}
	for _, e := range entries {
		p.Activity = append(p.Activity, s.auditRow(c, e))
	}
	list, err := s.Accounts.Workspaces(ctx, v.Account.ID)
	for _, b := range list {
		home := "/w/" + b.Workspace.Slug
		p.Workspaces = append(p.Workspaces, views.BelongingRow{Name: b.Workspace.Name, Href: home, Role: b.Role.Title(), LeaveHref: home + "/leaving"})
	}
	return p, err
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return ""
}
