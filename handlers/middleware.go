package handlers

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"latchkey/handlers/api"
)

// requestIDs gives each request an id of ours; one that a client sends is not believed.
func requestIDs(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c Ctx) error {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make a request id: %w", err)
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id.String())
		return next(c)
	}
}

// recoverPanics turns a panic into an internal error, and keeps its trace for the log.
func recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c Ctx) (err error) {
		defer func() {
			if r := recover(); r != nil {
				if r == http.ErrAbortHandler {
					panic(r)
				}
				slog.Error("panic", "request_id", requestID(c), "route", c.Path(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
				err = errors.New("panic in a handler")
			}
		}()
		return next(c)
	}
}

// accessLog writes a line a request with the route's template, never the URI: the key is in it.
// What the gateway accepts is in its own log, so those lines are for debugging only.
func accessLog(now func() time.Time) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c Ctx) error {
			start := now()
			err := next(c)
			if err != nil {
				c.Error(err)
			}
			level := slog.LevelInfo
			path := c.Path()
			if strings.HasPrefix(path, "/static/") || forPrograms(path) || path == "/healthz" || path == "/readyz" {
				level = slog.LevelDebug
			}
			// A program that is told to come back later is no event of its own: under overload there are
			// thousands a second. They are counted, and a database that fails is logged where it does.
			if status := c.Response().Status; status >= http.StatusInternalServerError && !(status == http.StatusServiceUnavailable && forPrograms(path)) {
				level = slog.LevelWarn
			}
			if ctx := c.Request().Context(); slog.Default().Enabled(ctx, level) {
				slog.LogAttrs(ctx, level, "request",
					slog.String("request_id", requestID(c)), slog.String("method", method(c.Request().Method)), slog.String("route", path),
					slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size),
					slog.Duration("took", now().Sub(start)), slog.String("ip", c.RealIP()))
			}
			return nil
		}
	}
}

// method keeps made-up methods out of the log.
func method(m string) string {
	if len(m) > 16 {
		return m[:16]
	}
	return m
}

// policy allows what this instance serves and nothing else; no inline script or style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"

// securityHeaders go on every answer. No door is cached by anything shared, except static files,
// which set their own Cache-Control.
func securityHeaders(base *url.URL) echo.MiddlewareFunc {
	secure := base != nil && base.Scheme == "https"
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c Ctx) error {
			h := c.Response().Header()
			h.Set(echo.HeaderXContentTypeOptions, "nosniff")
			h.Set(echo.HeaderCacheControl, "no-store")
			if !forPrograms(c.Request().URL.Path) {
				h.Set(echo.HeaderContentSecurityPolicy, policy)
				h.Set(echo.HeaderReferrerPolicy, "same-origin")
				h.Set(echo.HeaderXFrameOptions, "DENY")
				h.Set("Cross-Origin-Opener-Policy", "same-origin")
				h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
			}
			if secure {
				h.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000")
			}
			return next(c)
		}
	}
}

// forPrograms tells the paths of the gateway and the management API from pages.
func forPrograms(path string) bool { return strings.HasPrefix(path, "/api/") || api.Below(path) }

// deadlines end a console request whose form stalls, or a call of the management API whose body
// does, and a long answer whose reader does; the gateway has deadlines of its own. The server takes
// both back before a connection's next request.
func deadlines(timeout time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c Ctx) error {
			if path := c.Request().URL.Path; forPrograms(path) && !api.Below(path) {
				return next(c)
			}
			plain := c.Response().Writer
			rc := http.NewResponseController(plain)
			if c.Request().ContentLength != 0 {
				// A writer without deadlines (a test's recorder) has no connection to stall.
				_ = rc.SetReadDeadline(time.Now().Add(timeout))
			}
			c.Response().Writer = &patientWriter{ResponseWriter: plain, rc: rc, timeout: timeout}
			return next(c)
		}
	}
}

// patientWriter gives each write its time, so that a long export may last as long as it moves.
type patientWriter struct {
	http.ResponseWriter
	rc      *http.ResponseController
	timeout time.Duration
}

func (w *patientWriter) Write(p []byte) (int, error) {
	_ = w.rc.SetWriteDeadline(time.Now().Add(w.timeout))
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// clientAddress takes X-Forwarded-For only from proxies that the operator named, from the right:
// the last address that is not one of theirs. Anything else a client can make up.
func clientAddress(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range proxies {
		_, network, err := net.ParseCIDR(p.Masked().String())
		if err != nil {
			panic("handlers: " + err.Error()) // a netip.Prefix always prints as a CIDR
		}
		options = append(options, echo.TrustIPRange(network))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
