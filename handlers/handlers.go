// Package handlers mounts the doors of the product on one echo and gives them what they share:
// recovery, request ids, security headers, the access log and the health probes.
package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/handlers/api"
	"latchkey/handlers/console"
	"latchkey/handlers/gateway"
	"latchkey/internal/app"
	"latchkey/static"
)

// Ctx is the one place of this package that names echo's context.
type Ctx = echo.Context

// Options configure the doors.
type Options struct {
	BaseURL *url.URL
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
	Gateway gateway.Options
	// GitHubKeys are the pinned public keys of GitHub's secret scanning; nil: its alerts are not taken.
	GitHubKeys *api.GitHubKeys
	// StallTimeout is how long a form of the console may take to arrive, and a reader to take each
	// part of an answer; 0 means 30 seconds.
	StallTimeout time.Duration
	// Stopping is closed when the server begins to stop: streams end then, as their readers stay.
	Stopping <-chan struct{}
}

const (
	stallTimeout = 30 * time.Second
	// answerTimeouts is how many stall timeouts a request may take from its header to the end of
	// its answer, unless a stream or an upload moves the end on: longer than a body and a commit.
	answerTimeouts = 4
)

// Server is an HTTP server over New, with a deadline on everything that a client could hold open.
func Server(a *app.App, o Options) *http.Server {
	o = o.withDefaults()
	return &http.Server{
		Handler:           New(a, o),
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      answerTimeouts * o.StallTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// What clients do wrong on the wire is no event of ours.
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
}

func (o Options) withDefaults() Options {
	if o.StallTimeout == 0 {
		o.StallTimeout = stallTimeout
	}
	return o
}

// New mounts everything.
func New(a *app.App, o Options) *echo.Echo {
	o = o.withDefaults()
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientAddress(o.Proxies)
	e.Use(requestIDs, accessLog(a.Now), recoverPanics, securityHeaders(o.BaseURL), deadlines(o.StallTimeout))

	probes(e, a)
	files := echo.WrapHandler(static.Handler())
	for _, path := range []string{"/static/*", "/favicon.ico"} {
		e.GET(path, files)
		e.HEAD(path, files)
	}
	o.Gateway.Now, o.Gateway.Stopping, o.Gateway.BaseURL = a.Now, o.Stopping, o.BaseURL
	gateway.Register(e, a.Ingest, o.Gateway)
	c := console.Register(e, console.Deps{
		Accounts: a.Accounts, Audit: a.Audit, Keys: a.Keys, Signals: a.Signals, Templates: a.Templates, Orgs: a.Orgs, Ingest: a.Ingest, Notices: a.Notices, Hygiene: a.Hygiene, Leaks: a.Leaks, Endpoints: a.Endpoints, Deliveries: a.Deliveries, Dispatch: a.Dispatch, GitHubAlerts: o.GitHubKeys != nil, Gateway: e, BaseURL: o.BaseURL, Now: a.Now, Stopping: o.Stopping,
	})
	management := api.Register(e, api.Deps{
		Accounts: a.Accounts, Audit: a.Audit, Keys: a.Keys, Signals: a.Signals, Templates: a.Templates, Orgs: a.Orgs, Limits: a.Limits, Usage: a.Usage, Leaks: a.Leaks, Idempotency: a.Repeats, GitHubKeys: o.GitHubKeys, Endpoints: a.Endpoints, Deliveries: a.Deliveries, Dispatch: a.Dispatch, Listen: a.Listen, BaseURL: o.BaseURL, Now: a.Now, Stopping: o.Stopping,
	})
	e.HTTPErrorHandler = func(err error, ctx Ctx) {
		if api.Below(ctx.Request().URL.Path) {
			management.Fail(ctx, err)
			return
		}
		failed(c, ctx, err)
	}
	return e
}

// failed answers what no handler answered: the gateway's JSON below /api, a page elsewhere.
func failed(c *console.Console, ctx Ctx, err error) {
	if ctx.Response().Committed {
		return
	}
	if !strings.HasPrefix(ctx.Request().URL.Path, "/api/") {
		c.Fail(ctx, err)
		return
	}
	gateway.HurryBody(ctx)
	status, code, message := http.StatusInternalServerError, "internal_error", "Something went wrong on our side. Try again, and quote the request id if it stays."
	var he *echo.HTTPError
	switch {
	case errors.As(err, &he) && he.Code == http.StatusNotFound:
		status, code, message = he.Code, "not_found", "There is nothing at this URL. See the key's page for the URLs that take events."
	case errors.As(err, &he) && he.Code == http.StatusMethodNotAllowed:
		ctx.Response().Header().Set(echo.HeaderAllow, http.MethodPost)
		status, code, message = he.Code, "method_not_allowed", "Send events to this URL with POST."
	default:
		slog.Error("request failed", "request_id", requestID(ctx), "route", ctx.Path(), "err", err)
	}
	answer := map[string]any{"error": map[string]any{"code": code, "message": message}, "request_id": requestID(ctx)}
	if err := ctx.JSON(status, answer); err != nil {
		slog.Error("answer failed", "request_id", requestID(ctx), "err", err)
	}
}

func requestID(c Ctx) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// readyAfter is how long requests may wait for a commit before the instance says that it is stuck. A
// queue that is full is not: it refuses by itself, and a proxy that sent its share to the other
// instances would only fill theirs.
const readyAfter = 10 * time.Second

// probes answer load balancers: alive, and able to store.
func probes(e *echo.Echo, a *app.App) {
	e.GET("/healthz", func(c Ctx) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", func(c Ctx) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), 3*time.Second)
		defer cancel()
		if st := a.Ingest.Stats(); st.StuckFor > readyAfter {
			return c.String(http.StatusServiceUnavailable, "the write queue is stuck\n")
		}
		if err := a.DB.Ping(ctx); err != nil {
			return c.String(http.StatusServiceUnavailable, "the database does not answer\n")
		}
		return c.String(http.StatusOK, "ready\n")
	})
}
