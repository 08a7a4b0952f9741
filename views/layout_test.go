package views_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"latchkey/views"
	"latchkey/views/ui"
)

func render(t *testing.T, c templ.Component) string {
	t.Helper()
	var b strings.Builder
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatalf("render: %v", err)
	}
	return b.String()
}

func shell() *views.Shell {
	return &views.Shell{
		WorkspaceName: "Acme <b>", HomeHref: "/w/acme", AccountName: "Ada", AccountEmail: "ada@example.com",
		ProfileHref: "/profile", SignOutHref: "/sign-out",
		Workspaces: []views.WorkspaceLink{{Name: "Acme", Href: "/w/acme", Current: true}},
		Nav:        []views.NavItem{{Label: "Home", Href: "/w/acme", Icon: ui.IconHome, Key: "h"}, {Section: "Settings", Label: "API keys", Href: "/w/acme/settings/api-keys", Icon: ui.IconKey, Current: true}},
		EnvSwitch:  []views.EnvLink{{Label: "Live", Href: "?", Current: true}, {Label: "Test", Href: "?env=test"}},
	}
}

func TestLayoutKeepsTheContentSecurityPolicy(t *testing.T) {
	page := views.Page{Title: "<x>", Shell: shell(), Flash: &ui.ToastProps{Text: "<i>"}}
	for name, out := range map[string]string{
		"layout": render(t, views.Layout(page)),
		"auth":   render(t, views.AuthLayout(views.Page{Title: "Sign in"})),
		"error":  render(t, views.Error(views.Internal(page, "req_1", "/"))),
	} {
		if regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:`).MatchString(out) {
			t.Errorf("%s carries inline style or script", name)
		}
		for _, m := range regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`).FindAllStringSubmatch(out, -1) {
			if !strings.Contains(m[1], `src="/static/`) || m[2] != "" {
				t.Errorf("%s: script %q %q", name, m[1], m[2])
			}
		}
		if strings.Contains(out, "//") && regexp.MustCompile(`(?:src|href)="(?:https?:)?//`).MatchString(out) {
			t.Errorf("%s names another host", name)
		}
		if n := strings.Count(out, "<dialog"); n != 1 {
			t.Errorf("%s has %d dialogs", name, n)
		}
	}
}

func TestFirstPaintHasTheReadersTheme(t *testing.T) {
	for theme, want := range map[views.Theme]string{"": "system", views.ThemeDark: "dark", views.ThemeLight: "light", `"><script>`: "system"} {
		if out := render(t, views.Layout(views.Page{Theme: theme, Shell: shell()})); !strings.Contains(out, `data-theme="`+want+`"`) {
			t.Errorf("theme %q is not drawn as %s", theme, want)
		}
	}
}

func TestTestEnvironmentSaysSo(t *testing.T) {
	s := shell()
	if strings.Contains(render(t, views.Layout(views.Page{Shell: s})), "Test environment.") {
		t.Error("the banner shows in Live")
	}
	s.Environment = "test"
	if !strings.Contains(render(t, views.Layout(views.Page{Shell: s})), "Test environment.") {
		t.Error("the banner is missing in Test")
	}
}

func TestSignOutIsAPostForm(t *testing.T) {
	out := render(t, views.Layout(views.Page{Shell: shell()}))
	if !regexp.MustCompile(`<form method="post" action="/sign-out"`).MatchString(out) {
		t.Error("no form posts to /sign-out")
	}
	if strings.Contains(out, `href="/sign-out"`) {
		t.Error("a link signs out")
	}
}

func TestNavigationMarksThePageOneIsOn(t *testing.T) {
	out := render(t, views.Layout(views.Page{Shell: shell()}))
	if !strings.Contains(out, `href="/w/acme/settings/api-keys" aria-current="page"`) || strings.Count(out, `aria-current="page"`) != 1 {
		t.Error("the current page is not marked, or not it alone")
	}
}

func TestShortcutsCanBeSwitchedOff(t *testing.T) {
	s := shell()
	s.ShortcutsOff = true
	for want, p := range map[string]views.Page{"on": {Shell: shell()}, "off": {Shell: s}} {
		if !strings.Contains(render(t, views.Layout(p)), `data-shortcuts="`+want+`"`) {
			t.Errorf("shortcuts are not %s", want)
		}
	}
}

func TestErrorPagesSayTheWayOut(t *testing.T) {
	p := views.Page{Shell: shell()}
	for name, e := range map[string]views.ErrorPage{
		"403": views.Forbidden(p, "Only Owners and Admins can see members.", "/w/acme"),
		"404": views.NotFound(p, "/w/acme"),
		"422": views.Unprocessable(p, "Choose a role.", "/w/acme"),
		"429": views.TooMany(p, "Try again in 4 minutes.", "/w/acme"),
		"503": views.Unavailable(p, "Try again in a minute.", "/w/acme"),
		"500": views.Internal(p, "req_018f", "/w/acme"),
	} {
		out := render(t, views.Error(e))
		if e.Status != name || !strings.Contains(out, html.EscapeString(e.Title)) || !strings.Contains(out, `href="/w/acme"`) {
			t.Errorf("%s: the page lacks its title or the way out", name)
		}
	}
	if out := render(t, views.Error(views.Internal(p, "req_018f", "/"))); !strings.Contains(out, "req_018f") {
		t.Error("500 does not show the request ID")
	}
}
