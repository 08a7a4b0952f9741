package console

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"latchkey/internal/fault"
	"latchkey/views"
	"latchkey/views/ui"
)

// fail answers an error: its page, or a toast for HTMX. It is the only place that does.
func (s *server) fail(c Ctx, err error) {
	if c.Response().Committed {
		s.log(c, err, "answer cut off")
		// Break the connection: a stream that just ended would pass for the whole.
		panic(http.ErrAbortHandler)
	}
	err = fromEcho(err)
	if fault.Is(err, fault.Unauthenticated) && !visit(c).signedIn() {
		s.toSignIn(c)
		return
	}
	status := fault.Status(err)
	if status >= http.StatusInternalServerError {
		s.log(c, err, "request failed")
	}
	setRetryAfter(c, err)
	if isHTMX(c) {
		c.Response().Header().Set("HX-Reswap", "none")
		s.must(c, write(c, status, ui.ToastSwap(ui.ToastProps{Tone: ui.ToneDanger, Text: sentence(c, err)})))
		return
	}
	s.must(c, write(c, status, views.Error(s.errorPage(c, err))))
}

// errorPage chooses the page of an error's kind.
func (s *server) errorPage(c Ctx, err error) views.ErrorPage {
	frame := s.shell(c, page{Nav: navNone})
	home := "/"
	if frame.Shell != nil {
		home = frame.Shell.HomeHref
	}
	back, text := backHref(c, home), sentence(c, err)
	switch fault.KindOf(err) {
	case fault.NotFound:
		e := views.NotFound(frame, home)
		if f := faultOf(err); f != nil && f.Message != "" {
			e.Text = f.Message
		}
		return e
	case fault.Forbidden:
		return views.Forbidden(frame, text, home)
	case fault.Invalid, fault.Unauthenticated:
		return views.Unprocessable(frame, text, back)
	case fault.Conflict:
		e := views.Unprocessable(frame, text, back)
		e.Status = "409"
		return e
	case fault.TooMany:
		return views.TooMany(frame, text, back)
	case fault.Unavailable:
		return views.Unavailable(frame, text, back)
	default:
		return views.Internal(frame, requestID(c), home)
	}
}

// sentence is what a person may read about the error.
func sentence(c Ctx, err error) string {
	if f := faultOf(err); f != nil {
		return f.Message
	}
	return "Something went wrong on the server. The request ID is " + requestID(c) + "."
}

func faultOf(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// fromEcho translates what the router says about a path or method.
func fromEcho(err error) error {
	var he *echo.HTTPError
	if !errors.As(err, &he) {
		return err
	}
	switch {
	case he.Code == http.StatusNotFound || he.Code == http.StatusMethodNotAllowed:
		return fault.Wrap(fault.NotFound, "The address is wrong, or what was here is gone.", err)
	case he.Code < http.StatusInternalServerError:
		return fault.Wrap(fault.Invalid, "The request could not be read. Nothing was changed.", err)
	default:
		return err
	}
}

func (s *server) toSignIn(c Ctx) {
	if needed, err := s.needsSetup(c.Request().Context()); err == nil && needed {
		s.must(c, redirect(c, "/setup"))
		return
	}
	s.must(c, redirect(c, signInHref(pageOf(c))))
}

// pageOf is the page that a person looks at: the one asked for, or the one whose form or fragment
// asks. Only its path and query count, so that another site's address does no harm.
func pageOf(c Ctx) string {
	r := c.Request()
	here := r.Header.Get("HX-Current-URL")
	switch {
	case isHTMX(c) && here != "":
	case r.Method == GET:
		return r.URL.RequestURI()
	default:
		here = r.Header.Get("Referer")
	}
	u, err := url.Parse(here)
	if err != nil || here == "" {
		return "/"
	}
	return u.RequestURI()
}

// backHref is where a person was: the page itself for a GET, else the path without its last part.
func backHref(c Ctx, home string) string {
	if c.Request().Method == GET {
		return localPath(c.Request().URL.RequestURI())
	}
	return home
}

func setRetryAfter(c Ctx, err error) {
	if f := faultOf(err); f != nil && f.RetryAfter > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
}

// must logs an answer that could not be written; nobody is left to tell.
func (s *server) must(c Ctx, err error) {
	if err != nil {
		s.log(c, err, "answer not written")
	}
}

func (s *server) log(c Ctx, err error, what string) {
	if errors.Is(err, context.Canceled) {
		return
	}
	slog.ErrorContext(c.Request().Context(), what, "error", err, "route", c.Path(), "request_id", requestID(c))
}
