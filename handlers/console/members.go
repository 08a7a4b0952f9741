package console

import (
	"net/http"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) memberRoutes() []Route {
	return []Route{
		{GET, "/w/:slug/settings/members", In(access.ManageMembers), s.members},
		{GET, "/w/:slug/settings/members/:id/role", In(access.ManageMembers), s.memberRole},
		{POST, "/w/:slug/settings/members/:id/role", In(access.ManageMembers), s.changeRole},
		{GET, "/w/:slug/settings/members/:id/removal", In(access.ManageMembers), s.confirmRemoval},
		{POST, "/w/:slug/settings/members/:id/removal", In(access.ManageMembers), s.removeMember},
	}
}

// roleTexts says each role in a line; the table on the Members page has the whole.
var roleTexts = map[access.Role]string{
	access.Owner:     "Everything, including owners and the plan.",
	access.Admin:     "Members, settings, audit, every key.",
	access.Developer: "Webhook keys, API-access keys, outbound endpoints.",
	access.Editor:    "Webhook keys and their templates.",
	access.Viewer:    "Signals, product orgs and requests, read only.",
}

func (s *server) members(c Ctx) error {
	v, ctx := visit(c), c.Request().Context()
	p := views.MembersView{
		Page:       s.shell(c, page{Title: "Members", Nav: navMembers}),
		InviteHref: v.path("settings/members/invitations/new"),
		Abilities:  abilities(),
	}
	for _, role := range access.Roles {
		p.Roles = append(p.Roles, role.Title())
	}
	list, err := s.Accounts.Members(ctx, v.Actor)
	if err != nil {
		return err
	}
	for _, m := range list {
		p.Members = append(p.Members, s.memberRow(c, m))
	}
	invitations, err := s.Accounts.Invitations(ctx, v.Actor)
	if err != nil {
		return err
	}
	for _, row := range invitations {
		p.Invitations = append(p.Invitations, views.InvitationRow{
			ID: row.ID, For: orText(row.Email, "Anyone with the link"), Role: access.Role(row.Role).Title(),
			Created: s.time(c, row.CreatedAt.Time, ""), Expires: s.time(c, row.ExpiresAt.Time, ""),
			RevokeHref: v.path("settings/members/invitations", row.ID, "revocation"),
		})
	}
	return s.render(c, http.StatusOK, views.Members(p), nil)
}

func (s *server) memberRow(c Ctx, m accounts.Member) views.MemberRow {
	v := visit(c)
	row := views.MemberRow{
		ID: m.AccountID, Name: m.Name, Email: m.Email, Role: m.Role.Title(), IsYou: m.AccountID == v.Account.ID,
		Joined:    s.time(c, m.JoinedAt.Time, ""),
		CanManage: m.Role != access.Owner || v.Actor.Can(access.ManageOwners),
		RoleHref:  v.path("settings/members", m.AccountID, "role"),
	}
	if !row.IsYou {
		row.RemoveHref = v.path("settings/members", m.AccountID, "removal")
	}
	return row
}

func abilities() []views.AbilityRow {
	var rows []views.AbilityRow
	for _, line := range access.Table {
		row := views.AbilityRow{Label: line.Label}
		for _, role := range access.Roles {
			row.Marks = append(row.Marks, access.Allows(role, line.Action))
		}
		rows = append(rows, row)
	}
	return rows
}

// roleCards are the roles as choices; Owner only for whoever may make owners.
func roleCards(actor access.Actor) []ui.RadioCard {
	var cards []ui.RadioCard
	for _, role := range access.Roles {
		card := ui.RadioCard{Value: string(role), Label: role.Title(), Text: roleTexts[role]}
		if role == access.Owner && !actor.Can(access.ManageOwners) {
			card.Disabled, card.Reason = true, "Only an Owner may make owners."
		}
		cards = append(cards, card)
	}
	return cards
}

func (s *server) memberRole(c Ctx) error {
	m, err := s.Accounts.Member(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err != nil {
		return err
	}
	p := s.memberRoleView(c, m)
	p.Form = views.Form{Values: map[string]string{"role": string(m.Role)}}
	return s.render(c, http.StatusOK, views.MemberRole(p), views.MemberRoleDialog(p, false))
}

func (s *server) changeRole(c Ctx) error {
	v, ctx, id := visit(c), c.Request().Context(), c.Param("id")
	err := s.Accounts.ChangeRole(ctx, v.Actor, id, access.Role(form(c).Get("role")))
	m, memberErr := s.Accounts.Member(ctx, v.Actor, id)
	if memberErr != nil {
		return memberErr
	}
	if err != nil {
		p := s.memberRoleView(c, m)
		p.Form = sent(c, err, []string{"role"}, []string{"role"})
		return s.refused(c, err, views.MemberRole(p), views.MemberRoleDialog(p, false))
	}
	text := m.Name + " is now " + withArticle(m.Role.Title()) + "."
	if isHTMX(c) {
		return s.swapped(c, views.Member(s.memberRow(c, m)), text)
	}
	return s.done(c, v.path("settings/members"), text)
}

func (s *server) memberRoleView(c Ctx, m accounts.Member) views.MemberRoleView {
	v := visit(c)
	return views.MemberRoleView{
		Page: s.shell(c, page{Title: "Change role", Nav: navMembers}),
		ID:   m.AccountID, Name: m.Name, Roles: roleCards(v.Actor),
		Action: v.path("settings/members", m.AccountID, "role"), BackHref: v.path("settings/members"),
	}
}

func (s *server) confirmRemoval(c Ctx) error {
	m, err := s.Accounts.Member(c.Request().Context(), visit(c).Actor, c.Param("id"))
	if err != nil {
		return err
	}
	p := s.removalView(c, m)
	p.Form = views.Form{Values: map[string]string{"keys": accounts.KeepKeys}}
	return s.render(c, http.StatusOK, views.RemoveMember(p), views.RemoveMemberDialog(p, false))
}

func (s *server) removeMember(c Ctx) error {
	v, ctx, id := visit(c), c.Request().Context(), c.Param("id")
	m, err := s.Accounts.Member(ctx, v.Actor, id)
	if err != nil {
		return err
	}
	if err := s.Accounts.RemoveMember(ctx, v.Actor, id, form(c).Get("keys")); err != nil {
		p := s.removalView(c, m)
		p.Form = sent(c, err, []string{"keys"}, []string{"keys"})
		return s.refused(c, err, views.RemoveMember(p), views.RemoveMemberDialog(p, false))
	}
	text := m.Name + " was removed and signed out."
	if isHTMX(c) {
		return s.removed(c, text)
	}
	return s.done(c, v.path("settings/members"), text)
}

func (s *server) removalView(c Ctx, m accounts.Member) views.RemoveMemberView {
	v := visit(c)
	return views.RemoveMemberView{
		Page: s.shell(c, page{Title: "Remove member", Nav: navMembers}),
		ID:   m.AccountID, Name: m.Name, HasKeys: m.ActiveKeys > 0,
		Text:   "They lose access to " + v.Workspace.Name + " at once and are signed out everywhere. Invitation links that they created stop working.",
		Action: v.path("settings/members", m.AccountID, "removal"), BackHref: v.path("settings/members"),
		Keys: []ui.RadioCard{
			{Value: accounts.KeepKeys, Label: "Keep them", Text: "The " + counted(m.ActiveKeys, "active key") + " of " + m.Name + " keep working under their name."},
			{Value: accounts.HandOverKeys, Label: "Hand them over to me", Text: "They keep working and count as created by you."},
			{Value: accounts.DeactivateKeys, Label: "Deactivate them", Text: "Requests with these keys are rejected at once. This can't be undone."},
		},
	}
}
