package console

import (
	"net/http"
	"net/url"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/views"
)

func (s *server) invitationRoutes() []Route {
	return []Route{
		{GET, "/w/:slug/settings/members/invitations/new", In(access.ManageMembers), s.invite},
		{POST, "/w/:slug/settings/members/invitations", In(access.ManageMembers), s.createInvitation},
		{POST, "/w/:slug/settings/members/invitations/:id/revocation", In(access.ManageMembers), s.revokeInvitation},
		{GET, "/invitations/:token", Public, s.invitation},
		{POST, "/invitations/:token", Public, s.acceptInvitation},
	}
}

func (s *server) invite(c Ctx) error {
	p := s.inviteView(c)
	p.Form = views.Form{Values: map[string]string{"role": string(access.Developer)}}
	return s.render(c, http.StatusOK, views.Invite(p), nil)
}

// createInvitation shows the link in its own answer: it is nowhere else.
func (s *server) createInvitation(c Ctx) error {
	v, f := visit(c), form(c)
	row, token, err := s.Accounts.Invite(c.Request().Context(), v.Actor, access.Role(f.Get("role")), f.Get("email"))
	if err != nil {
		p := s.inviteView(c)
		p.Form = sent(c, err, []string{"role", "email"}, []string{"role", "email"})
		return s.refused(c, err, views.Invite(p), nil)
	}
	return s.render(c, http.StatusOK, views.Invited(views.InvitedView{
		Page:     s.shell(c, page{Title: "Invitation link", Nav: navMembers}),
		Link:     s.absoluteURL(c, "/invitations/"+token),
		Text:     "Pass it on to one person. They join as " + withArticle(access.Role(row.Role).Title()) + ". It works once, until " + s.day(c, row.ExpiresAt.Time) + ".",
		BackHref: v.path("settings/members"),
	}), nil)
}

func (s *server) revokeInvitation(c Ctx) error {
	if err := s.Accounts.RevokeInvitation(c.Request().Context(), visit(c).Actor, c.Param("id")); err != nil {
		return err
	}
	const text = "Invitation revoked. Its link no longer works."
	if isHTMX(c) {
		return s.removed(c, text)
	}
	return s.done(c, visit(c).path("settings/members"), text)
}

func (s *server) inviteView(c Ctx) views.InviteView {
	v := visit(c)
	return views.InviteView{
		Page:   s.shell(c, page{Title: "Invite member", Nav: navMembers}),
		Action: v.path("settings/members/invitations"), BackHref: v.path("settings/members"),
		Roles: roleCards(v.Actor),
	}
}

func (s *server) invitation(c Ctx) error {
	p, err := s.invitationView(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Invitation(p), nil)
}

func (s *server) acceptInvitation(c Ctx) error {
	if visit(c).signedIn() {
		return s.join(c)
	}
	f := form(c)
	in, err := s.Accounts.AcceptNew(c.Request().Context(), c.Param("token"), accounts.NewAccount{
		Name: f.Get("name"), Email: f.Get("email"), Password: f.Get("password"), TimeZone: f.Get("time_zone"),
	}, client(c))
	if err != nil {
		p, viewErr := s.invitationView(c)
		if viewErr != nil {
			return viewErr
		}
		p.Form = sent(c, err, []string{"name", "email", "time_zone"}, []string{"name", "email", "password"})
		return s.refused(c, err, views.Invitation(p), nil)
	}
	s.begin(c, in)
	return redirect(c, "/w/"+in.Slug)
}

func (s *server) join(c Ctx) error {
	slug, err := s.Accounts.Accept(c.Request().Context(), c.Param("token"), visit(c).Visit.Account, client(c))
	if err != nil {
		return err
	}
	return s.done(c, "/w/"+slug, "Welcome to the workspace.")
}

func (s *server) invitationView(c Ctx) (views.InvitationView, error) {
	token := c.Param("token")
	in, err := s.Accounts.Invitation(c.Request().Context(), token)
	here := "/invitations/" + url.PathEscape(token)
	return views.InvitationView{
		Page:          s.plain(c, "Join "+in.WorkspaceName),
		WorkspaceName: in.WorkspaceName, Role: withArticle(in.Role.Title()),
		Action: here, SignInHref: signInHref(here), AccountEmail: visit(c).Account.Email,
		Form: views.Form{Values: map[string]string{"email": in.Email}},
	}, err
}

// absoluteURL is a path as somebody elsewhere can open it.
func (s *server) absoluteURL(c Ctx, path string) string {
	if s.BaseURL != nil {
		return s.BaseURL.Scheme + "://" + s.BaseURL.Host + path
	}
	return c.Scheme() + "://" + c.Request().Host + path
}
