package console

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/internal/accounts"
	"latchkey/internal/audit"
	"latchkey/internal/deliveries"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/hygiene"
	"latchkey/internal/ingest"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/internal/notices"
	"latchkey/internal/orgs"
	"latchkey/internal/signals"
	"latchkey/internal/templates"
)

// Ctx is the request and its answer; the one place that names echo's type.
type Ctx = echo.Context

// Deps is what the console stands on.
type Deps struct {
	Accounts   *accounts.Service
	Audit      *audit.Log
	Keys       *keys.Service
	Signals    *signals.Service
	Templates  *templates.Service
	Orgs       *orgs.Service
	Ingest     *ingest.Service
	Notices    *notices.Service
	Hygiene    *hygiene.Service
	Leaks      *leaks.Service
	Endpoints  *endpoints.Service
	Deliveries *deliveries.Service
	Dispatch   *dispatch.Service
	// GitHubAlerts tells that alerts of GitHub's secret scanning are taken.
	GitHubAlerts bool
	Gateway      http.Handler    // the mounted routes, for test events
	Stopping     <-chan struct{} // closed when the server begins to stop: streams end then
	BaseURL      *url.URL        // as people reach this instance; HTTPS makes cookies secure
	Now          func() time.Time
}

type server struct {
	Deps
	sessions *accounts.Store
	origins  *http.CrossOriginProtection
	setUp    atomic.Bool // once true, nobody asks the database again
}

func newServer(d Deps) *server {
	s := &server{Deps: d, origins: http.NewCrossOriginProtection()}
	secure := d.BaseURL != nil && d.BaseURL.Scheme == "https"
	s.sessions = accounts.NewStore(d.Accounts, secure)
	if d.BaseURL != nil {
		// A proxy may rewrite Host; the address that people use is ours all the same.
		origin := d.BaseURL.Scheme + "://" + d.BaseURL.Host
		if err := s.origins.AddTrustedOrigin(origin); err != nil {
			panic("console: base URL: " + err.Error())
		}
	}
	return s
}

// Console is the mounted door.
type Console struct{ s *server }

// Register mounts every route. It panics on a route without an Access: that is a mistake in this
// package.
func Register(e *echo.Echo, d Deps) *Console {
	s := newServer(d)
	for _, r := range s.routes() {
		if !r.Access.declared() {
			panic("console: " + r.Method + " " + r.Path + " declares no access")
		}
		e.Add(r.Method, r.Path, s.handle(r))
	}
	return &Console{s}
}

// Routes lists every route of the console, for guard tests.
func Routes() []Route { return (&server{}).routes() }

// Fail answers a request outside the console's routes, like an unknown path, with the page of its
// error in the frame that the reader knows.
func (c *Console) Fail(ctx Ctx, err error) {
	h := ctx.Response().Header()
	h.Add("Vary", "HX-Request")
	h.Set("Cache-Control", "no-store")
	if visit(ctx).session == nil {
		if seen := c.s.recognise(ctx); seen != nil {
			c.s.log(ctx, seen, "session not read")
		}
	}
	c.s.fail(ctx, err)
}
