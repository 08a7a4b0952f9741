// Package views renders the console's pages. Each page is one templ component that takes one struct: flat, strings already
// formatted, booleans for what the reader may do. It knows templ, the kit in views/ui and the names of the static files;
// it must not know models, HTTP or the database.
package views

import "latchkey/views/ui"

// Theme is what the reader chose; the cookie is read by the server, so that the first paint is right.
type Theme string

const (
	ThemeSystem Theme = "system"
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

// Page is what every page has. Shell is nil when nobody is signed in.
type Page struct {
	Title string // without the product's name
	Theme Theme  // anything unknown counts as ThemeSystem
	Lang  string // "en" unless set
	Shell *Shell
	Flash *ui.ToastProps // what the last action did, shown once
}

// Shell is the frame around a signed-in page. The caller leaves out what the role may not open.
type Shell struct {
	WorkspaceName    string
	WorkspaceSlug    string
	HomeHref         string
	Workspaces       []WorkspaceLink
	NewWorkspaceHref string // empty when not offered
	Nav              []NavItem
	AccountName      string
	AccountEmail     string
	ProfileHref      string
	SignOutHref      string    // POSTed to
	Environment      string    // "live" or "test"; test shows the banner
	EnvSwitch        []EnvLink // empty on pages that have no environments
	Alert            *Alert    // what cannot wait; nil mostly
	ShortcutsOff     bool
}

// WorkspaceLink is one workspace of the account.
type WorkspaceLink struct {
	Name    string
	Href    string
	Current bool
}

// NavItem is one line of the navigation. Section starts a new group with that heading; Key is the letter after "g".
type NavItem struct {
	Section string
	Label   string
	Href    string
	Icon    ui.IconName
	Key     string
	Current bool
}

// EnvLink is one side of the Live/Test switch: this page in that environment.
type EnvLink struct {
	Label   string // "Live", "Test"
	Href    string
	Current bool
}

func (p Page) lang() string {
	if p.Lang == "" {
		return "en"
	}
	return p.Lang
}

func (p Page) theme() string {
	switch p.Theme {
	case ThemeLight, ThemeDark:
		return string(p.Theme)
	default:
		return string(ThemeSystem)
	}
}

func (p Page) title() string {
	if p.Title == "" {
		return "Latchkey"
	}
	return p.Title + " · Latchkey"
}

func (p Page) shortcuts() string {
	if p.Shell == nil || p.Shell.ShortcutsOff {
		return "off"
	}
	return "on"
}

func (s Shell) test() bool { return s.Environment == "test" }

// workspaceMenu is the switcher's list.
func (s Shell) workspaceMenu() []ui.MenuItem {
	items := make([]ui.MenuItem, 0, len(s.Workspaces)+1)
	for _, w := range s.Workspaces {
		items = append(items, ui.MenuItem{Label: w.Name, Href: w.Href, Current: w.Current})
	}
	if s.NewWorkspaceHref != "" {
		items = append(items, ui.MenuItem{Label: "New workspace", Href: s.NewWorkspaceHref, Icon: ui.IconPlus})
	}
	return items
}

func (s Shell) accountMenu() []ui.MenuItem {
	return []ui.MenuItem{
		{Label: "Profile", Href: s.ProfileHref, Icon: ui.IconUser},
		{Label: "Sign out", Action: s.SignOutHref, Icon: ui.IconSignOut},
	}
}
