package api

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/internal/accounts"
	"latchkey/internal/audit"
	"latchkey/internal/deliveries"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/idempotency"
	"latchkey/internal/keys"
	"latchkey/internal/leaks"
	"latchkey/internal/listen"
	"latchkey/internal/orgs"
	"latchkey/internal/ratelimit"
	"latchkey/internal/signals"
	"latchkey/internal/templates"
	"latchkey/internal/usage"
)

// Ctx is the one place of this package that names echo's context.
type Ctx = echo.Context

// Deps are the use-cases behind the routes.
type Deps struct {
	Accounts    *accounts.Service
	Audit       *audit.Log
	Keys        *keys.Service
	Signals     *signals.Service
	Templates   *templates.Service
	Orgs        *orgs.Service
	Endpoints   *endpoints.Service
	Deliveries  *deliveries.Service
	Dispatch    *dispatch.Service
	Listen      *listen.Service
	Limits      *ratelimit.Service
	Usage       *usage.Recorder
	Leaks       *leaks.Service
	Idempotency *idempotency.Service
	GitHubKeys  *GitHubKeys // nil: no alerts of GitHub are taken
	BaseURL     *url.URL    // as programs reach this instance; nil: by the Host that each one names
	Now         func() time.Time
	Stopping    <-chan struct{} // closed when the server begins to stop: streams end then
}

// GitHubKeys are the pinned public keys of GitHub's secret scanning.
type GitHubKeys = leaks.GitHubKeys

// API answers the routes of the table.
type API struct {
	Deps
	allow map[string]string // echo path -> its methods, for the header Allow
}

// Bases are where the routes stand; all of them answer the same.
var Bases = []string{"/api/v1", "/v1"}

// methods are those that echo is told of for each path, so that the others are refused with the
// right Allow instead of echo's own answers.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

// Register mounts the routes of the table below each base.
func Register(e *echo.Echo, d Deps) *API {
	a := &API{Deps: d, allow: map[string]string{}}
	for _, base := range Bases {
		taken := map[string]map[string]bool{}
		for _, r := range Routes() {
			path := base + r.Path
			if taken[path] == nil {
				taken[path] = map[string]bool{}
			}
			for _, m := range r.methods() {
				e.Add(m, path, a.handle(r))
				taken[path][m] = true
			}
		}
		for path, have := range taken {
			a.allow[path] = allowed(have)
			for _, m := range methods {
				if !have[m] {
					e.Add(m, path, a.methodNotAllowed)
				}
			}
		}
	}
	return a
}
