package console

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
	"latchkey/internal/fault"
)

// maxForm bounds what a form may send.
const maxForm = 1 << 20

// handle puts the checks that every route has before its handler, and the error page behind it.
func (s *server) handle(r Route) echo.HandlerFunc {
	return func(c Ctx) error {
		h := c.Response().Header()
		h.Add("Vary", "HX-Request")
		h.Set("Cache-Control", "no-store")
		err := s.enter(c, r.Access)
		if err == nil {
			err = r.Handler(c)
		}
		if err != nil {
			s.fail(c, err)
		}
		return nil
	}
}

// enter checks, in this order: same origin, size, session, membership, role.
func (s *server) enter(c Ctx, need Access) error {
	if err := s.origins.Check(c.Request()); err != nil {
		return fault.Wrap(fault.Forbidden, "This request came from another site, so nothing was changed. Open the page here and try again.", err)
	}
	if err := readableURL(c); err != nil {
		return err
	}
	if err := readForm(c); err != nil {
		return err
	}
	if err := s.recognise(c); err != nil {
		return err
	}
	v := visit(c)
	if need.level >= signedIn && !v.signedIn() {
		return fault.New(fault.Unauthenticated, "Sign in to continue.")
	}
	if need.level < member {
		return nil
	}
	if err := s.enterWorkspace(c, v); err != nil {
		return err
	}
	if need.action != "" {
		return v.Actor.Require(need.action)
	}
	return nil
}

// readableURL refuses what no link of ours holds and Postgres cannot compare with: U+0000, and bytes
// that are no UTF-8.
func readableURL(c Ctx) error {
	if !storable(c.Request().URL.Path) {
		return fault.New(fault.NotFound, "There is no such page.")
	}
	for name, values := range c.QueryParams() {
		if !storable(name) || slices.ContainsFunc(values, func(v string) bool { return !storable(v) }) {
			return fault.New(fault.Invalid, "The address has characters that no text can hold. Go back and type the search again.")
		}
	}
	return nil
}

func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

func readForm(c Ctx) error {
	r := c.Request()
	if r.Method != POST {
		return nil
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	err := r.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return fault.Wrap(fault.Invalid, "The form is larger than 1 MiB. Nothing was changed.", err)
	case err != nil:
		return fault.Wrap(fault.Invalid, "The form could not be read. Nothing was changed.", err)
	}
	return nil
}

// recognise reads the session, and with it the account.
func (s *server) recognise(c Ctx) error {
	v := visit(c)
	if c.QueryParam("env") == testEnv {
		v.Env = testEnv
	}
	session, err := s.sessions.Get(c.Request(), s.sessions.Name())
	if err != nil {
		return err
	}
	v.session = session
	s.setAccount(c, v, accounts.VisitOf(session))
	if !v.signedIn() {
		return nil
	}
	if err := s.Accounts.Seen(c.Request().Context(), v.Visit, client(c)); err != nil {
		// Worth a line, not worth refusing the page.
		slog.WarnContext(c.Request().Context(), "session not marked as seen", "error", err, "request_id", requestID(c))
	}
	return nil
}

func (s *server) setAccount(c Ctx, v *visitor, seen accounts.Visit) {
	a := seen.Account
	v.Visit = seen
	v.Account = account{ID: a.ID, Name: a.Name, Email: a.Email, Theme: a.Theme, Zone: zoneOf(a.TimeZone), ShortcutsOff: a.ShortcutsOff}
	v.Actor = access.Actor{
		AccountID: a.ID, Label: a.Email,
		Origin: access.Origin{IP: c.RealIP(), RequestID: requestID(c)},
	}
}

// enterWorkspace looks the account's membership up by the slug; no membership is NotFound.
func (s *server) enterWorkspace(c Ctx, v *visitor) error {
	ctx := c.Request().Context()
	b, err := s.Accounts.Enter(ctx, v.Account.ID, c.Param("slug"))
	if err != nil {
		return err
	}
	v.Workspace = workspace{ID: b.Workspace.ID, Name: b.Workspace.Name, Slug: b.Workspace.Slug, Plan: b.Workspace.Plan}
	v.Actor.WorkspaceID, v.Actor.Role = b.Workspace.ID, b.Role
	if err := s.Accounts.RememberWorkspace(ctx, v.Visit.Account, b.Workspace.ID); err != nil {
		slog.WarnContext(ctx, "last workspace not remembered", "error", err, "request_id", requestID(c))
	}
	return nil
}
