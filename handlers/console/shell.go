package console

import (
	"log/slog"
	"strings"

	"latchkey/internal/access"
	"latchkey/views"
	"latchkey/views/ui"
)

// nav names a line of the navigation.
type nav string

const (
	navHome      nav = ""
	navSignals   nav = "signals"
	navOrgs      nav = "product-orgs"
	navRequests  nav = "requests"
	navUploads   nav = uploadsPath
	navKeys      nav = "settings/api-keys"
	navEndpoints nav = endpointsPath
	navMembers   nav = "settings/members"
	navAudit     nav = "audit"
	navSettings  nav = "settings"
	navSources   nav = "/docs/sources" // of no workspace
	navAPIDocs   nav = apiDocsPath
	navNone      nav = "-"
)

// page is what a handler says about its page; the rest of the frame follows from the visitor.
type page struct {
	Title  string
	Nav    nav
	HasEnv bool // the page shows data of one environment: offers the Live/Test switch
}

var navigation = []struct {
	nav     nav
	section string
	label   string
	icon    ui.IconName
	key     string
	action  access.Action
	hasEnv  bool
}{
	{navHome, "", "Home", ui.IconHome, "h", access.ReadData, true},
	{navSignals, "", "Signals", ui.IconInbox, "s", access.ReadData, true},
	{navOrgs, "", "Product orgs", ui.IconBuilding, "o", access.ReadData, true},
	{navRequests, "", "Requests", ui.IconActivity, "r", access.ReadData, true},
	{navUploads, "", "Uploads", ui.IconUpload, "u", access.ReadData, true},
	{navKeys, "Settings", "API keys", ui.IconKey, "k", access.ManageKeys, true},
	{navEndpoints, "", "Endpoints", ui.IconSend, "e", access.ManageEndpoints, true},
	{navMembers, "", "Members", ui.IconUsers, "m", access.ManageMembers, false},
	{navAudit, "", "Audit", ui.IconAudit, "a", access.ReadAudit, false},
	{navSettings, "", "Workspace", ui.IconSettings, "w", access.ManageSettings, false},
	{navSources, "Docs", "Sources", ui.IconWebhook, "d", access.ReadData, false},
	{navAPIDocs, "", "API reference", ui.IconCode, "i", access.ReadData, false},
}

// shell is the frame of a page: title, theme, what the last action did, and the navigation that
// the visitor's role may open.
func (s *server) shell(c Ctx, p page) views.Page {
	v := visit(c)
	out := views.Page{Title: p.Title, Theme: theme(c), Flash: s.takeFlash(c)}
	if v.signedIn() {
		out.Shell = s.frame(c, v, p)
	}
	return out
}

// plain is a page of its own, without the navigation, even for somebody who is signed in.
func (s *server) plain(c Ctx, title string) views.Page {
	return views.Page{Title: title, Theme: theme(c), Flash: s.takeFlash(c)}
}

func (s *server) frame(c Ctx, v *visitor, p page) *views.Shell {
	frame := &views.Shell{
		HomeHref: "/", NewWorkspaceHref: "/workspaces/new", ProfileHref: "/profile", SignOutHref: "/sign-out",
		AccountName: v.Account.Name, AccountEmail: v.Account.Email, ShortcutsOff: v.Account.ShortcutsOff,
		Environment: liveEnv,
	}
	s.placeIn(c, v, frame)
	if frame.WorkspaceSlug == "" {
		frame.WorkspaceName = "No workspace"
		return frame
	}
	frame.Nav = navFor(v, p.Nav)
	if p.Nav != navHome { // which lists every notice
		frame.Alert = s.alert(c)
	}
	if p.HasEnv {
		here := c.Request().URL.Path
		frame.Environment = v.Env
		frame.EnvSwitch = []views.EnvLink{
			{Label: "Live", Href: here, Current: v.Env == liveEnv},
			{Label: "Test", Href: withEnv(here, testEnv), Current: v.Env == testEnv},
		}
	}
	return frame
}

// placeIn fills the switcher. Pages outside a workspace show the last one used, so that the
// navigation stays.
func (s *server) placeIn(c Ctx, v *visitor, frame *views.Shell) {
	ctx := c.Request().Context()
	list, err := s.Accounts.Workspaces(ctx, v.Account.ID)
	if err != nil {
		slog.WarnContext(ctx, "workspaces not listed", "error", err, "request_id", requestID(c))
		return
	}
	last := v.Visit.Account.LastWorkspaceID
	for i, b := range list {
		isLast := last != nil && *last == b.Workspace.ID
		if v.Workspace.Slug == "" && (isLast || (last == nil && i == 0)) {
			v.Workspace = workspace{ID: b.Workspace.ID, Name: b.Workspace.Name, Slug: b.Workspace.Slug, Plan: b.Workspace.Plan}
			v.Actor.Role = b.Role
		}
	}
	for _, b := range list {
		frame.Workspaces = append(frame.Workspaces, views.WorkspaceLink{
			Name: b.Workspace.Name, Href: "/w/" + b.Workspace.Slug, Current: b.Workspace.Slug == v.Workspace.Slug,
		})
	}
	frame.WorkspaceName, frame.WorkspaceSlug = v.Workspace.Name, v.Workspace.Slug
	if v.Workspace.Slug != "" {
		frame.HomeHref = v.path()
	}
}

func navFor(v *visitor, current nav) []views.NavItem {
	var items []views.NavItem
	section := ""
	for _, n := range navigation {
		if n.section != "" {
			section = n.section
		}
		if !v.Actor.Can(n.action) {
			continue
		}
		href := v.path(string(n.nav))
		if strings.HasPrefix(string(n.nav), "/") {
			href = string(n.nav)
		}
		if n.hasEnv {
			href = withEnv(href, v.Env)
		}
		items = append(items, views.NavItem{Section: section, Label: n.label, Href: href, Icon: n.icon, Key: n.key, Current: n.nav == current})
		section = ""
	}
	return items
}

// theme is the account's, else the one that this browser chose last.
func theme(c Ctx) views.Theme {
	if v := visit(c); v.signedIn() {
		return views.Theme(v.Account.Theme)
	}
	cookie, err := c.Cookie(themeCookie)
	if err != nil {
		return views.ThemeSystem
	}
	return views.Theme(cookie.Value)
}
