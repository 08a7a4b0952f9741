package console

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"latchkey/internal/accounts"
	"latchkey/internal/fault"
	"latchkey/views"
)

// themeCookie remembers the theme for pages before the sign-in, so that their first paint is right.
const themeCookie = "latchkey_theme"

func (s *server) entryRoutes() []Route {
	return []Route{
		{GET, "/", SignedIn, s.start},
		{GET, "/setup", Public, s.setUpForm},
		{POST, "/setup", Public, s.setUpInstance},
		{GET, "/sign-in", Public, s.signInForm},
		{POST, "/sign-in", Public, s.signIn},
		{POST, "/sign-out", Public, s.signOut},
		{GET, "/signals", SignedIn, s.toWorkspace},
		{GET, "/signals/*", SignedIn, s.toWorkspace},
		{GET, "/requests", SignedIn, s.toWorkspace},
		{GET, "/requests/*", SignedIn, s.toWorkspace},
		{GET, "/settings", SignedIn, s.toWorkspace},
		{GET, "/settings/*", SignedIn, s.toWorkspace},
		{GET, "/audit", SignedIn, s.toWorkspace},
	}
}

// start leads to the workspace that was used last.
func (s *server) start(c Ctx) error {
	b, err := s.Accounts.LastUsed(c.Request().Context(), visit(c).Visit.Account)
	if fault.Is(err, fault.NotFound) {
		return redirect(c, "/workspaces/new")
	}
	if err != nil {
		return err
	}
	return redirect(c, "/w/"+b.Workspace.Slug)
}

// toWorkspace puts the last used workspace before a path that names none.
func (s *server) toWorkspace(c Ctx) error {
	b, err := s.Accounts.LastUsed(c.Request().Context(), visit(c).Visit.Account)
	if err != nil {
		return err
	}
	return redirect(c, "/w/"+b.Workspace.Slug+c.Request().URL.RequestURI())
}

func (s *server) setUpForm(c Ctx) error {
	token := c.QueryParam("token")
	if err := s.Accounts.CheckSetup(c.Request().Context(), token, loopback(c)); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.SetUp(views.SetUpView{Page: s.plain(c, "Set up"), Token: token}), nil)
}

func (s *server) setUpInstance(c Ctx) error {
	f := form(c)
	token := f.Get("token")
	in, err := s.Accounts.SetUp(c.Request().Context(), token, loopback(c), accounts.SetUpForm{
		Name: f.Get("name"), Email: f.Get("email"), Password: f.Get("password"),
		Workspace: f.Get("workspace"), TimeZone: f.Get("time_zone"),
	}, client(c))
	if err != nil {
		shown := sent(c, err, []string{"name", "email", "workspace", "time_zone"}, []string{"name", "email", "password", "workspace"})
		return s.refused(c, err, views.SetUp(views.SetUpView{Page: s.plain(c, "Set up"), Token: token, Form: shown}), nil)
	}
	s.begin(c, in)
	return redirect(c, "/w/"+in.Slug)
}

func (s *server) signInForm(c Ctx) error {
	next := localPath(c.QueryParam("next"))
	if visit(c).signedIn() {
		return redirect(c, next)
	}
	if needed, err := s.needsSetup(c.Request().Context()); err != nil || needed {
		return orRedirect(c, err, "/setup")
	}
	return s.render(c, http.StatusOK, views.SignIn(views.SignInView{Page: s.plain(c, "Sign in"), Next: next}), nil)
}

func (s *server) signIn(c Ctx) error {
	f := form(c)
	next := localPath(f.Get("next"))
	in, err := s.Accounts.SignIn(c.Request().Context(), f.Get("email"), f.Get("password"), s.sessions.Token(c.Request()), client(c))
	if err == nil {
		s.begin(c, in)
		return redirect(c, next)
	}
	status := fault.Status(err)
	if status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
		return err
	}
	if status == http.StatusUnauthorized {
		// 401 would ask for a scheme of HTTP authentication, which forms are not.
		status = http.StatusUnprocessableEntity
	}
	setRetryAfter(c, err)
	shown := sent(c, err, []string{"email"}, nil)
	return s.render(c, status, views.SignIn(views.SignInView{Page: s.plain(c, "Sign in"), Next: next, Form: shown}), nil)
}

func (s *server) signOut(c Ctx) error {
	v := visit(c)
	if err := s.Accounts.SignOut(c.Request().Context(), v.Visit, client(c)); err != nil {
		return err
	}
	v.session.Options.MaxAge = -1
	if err := v.session.Save(c.Request(), c.Response()); err != nil {
		return err
	}
	return redirect(c, "/sign-in")
}

// begin gives the browser its new session and the account's theme.
func (s *server) begin(c Ctx, in accounts.SignedIn) {
	s.sessions.Adopt(c.Response(), visit(c).session, in)
	s.setTheme(c, in.Account.Theme)
}

func (s *server) setTheme(c Ctx, theme string) {
	c.SetCookie(&http.Cookie{
		Name: themeCookie, Value: theme, Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.BaseURL != nil && s.BaseURL.Scheme == "https",
	})
}

// needsSetup asks the database until the answer is no, and never again.
func (s *server) needsSetup(ctx context.Context) (bool, error) {
	if s.setUp.Load() {
		return false, nil
	}
	needed, err := s.Accounts.NeedsSetup(ctx)
	if err == nil && !needed {
		s.setUp.Store(true)
	}
	return needed, err
}

func orRedirect(c Ctx, err error, href string) error {
	if err != nil {
		return err
	}
	return redirect(c, href)
}

// forwarding are the headers that a proxy adds: with one of them the peer is not the browser.
var forwarding = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}

// loopback tells whether the browser runs on this machine and asked for it by a name of it: a page
// elsewhere could point its own name at 127.0.0.1.
func loopback(c Ctx) bool {
	r := c.Request()
	for _, name := range forwarding {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
