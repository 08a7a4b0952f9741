package console

import (
	"net/url"
	"path"
	"time"

	"github.com/gorilla/sessions"

	"latchkey/internal/access"
	"latchkey/internal/accounts"
)

// The environments of the URL's env parameter.
const (
	liveEnv = "live"
	testEnv = "test"
)

// visitor is what is known about a request before its handler runs.
type visitor struct {
	session   *sessions.Session
	Visit     accounts.Visit
	Account   account
	Workspace workspace // in routes with a slug
	Actor     access.Actor
	Env       string // from the URL: live unless it says test
}

// account is the signed-in person; ID is empty when nobody is.
type account struct {
	ID, Name, Email, Theme string
	Zone                   *time.Location
	ShortcutsOff           bool
}

type workspace struct{ ID, Name, Slug, Plan string }

const visitorKey = "latchkey.visitor"

// visit returns the request's visitor, never nil.
func visit(c Ctx) *visitor {
	if v, ok := c.Get(visitorKey).(*visitor); ok {
		return v
	}
	v := &visitor{Env: liveEnv, Account: account{Zone: time.UTC}}
	c.Set(visitorKey, v)
	return v
}

func (v *visitor) signedIn() bool { return v.Account.ID != "" }

// path joins the parts under the visitor's workspace; each part may hold slashes of its own.
func (v *visitor) path(parts ...string) string {
	return path.Join(append([]string{"/w", v.Workspace.Slug}, parts...)...)
}

// envPath is path, keeping the environment that the page shows.
func (v *visitor) envPath(parts ...string) string {
	return withEnv(v.path(parts...), v.Env)
}

func withEnv(href, env string) string {
	if env == testEnv {
		return href + "?" + url.Values{"env": {testEnv}}.Encode()
	}
	return href
}

// client is the browser, as accounts wants to know it.
func client(c Ctx) accounts.Client {
	return accounts.Client{IP: c.RealIP(), UserAgent: c.Request().UserAgent(), RequestID: requestID(c)}
}

func requestID(c Ctx) string { return c.Response().Header().Get("X-Request-Id") }

func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		// A zone that a newer database of zones has dropped; UTC is always right.
		return time.UTC
	}
	return zone
}
