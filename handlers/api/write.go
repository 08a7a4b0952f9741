package api

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
)

// write sends the answer, or the problem that err is, and returns its status.
func (c *call) write(err error) int {
	c.tellRetired()
	if err != nil {
		p := problemOf(err)
		c.refusedKey = p.ofKey
		c.api.refuse(c.echo, p)
		return p.Status
	}
	for name, values := range c.answered.header {
		c.echo.Response().Header()[name] = values
	}
	if c.answered.streams {
		c.begin()
		return c.answered.status
	}
	send(c.echo, c.answered.status, "application/json", c.answered.body)
	return c.answered.status
}

// begin sends the status and headers of a stream, and runs it.
func (c *call) begin() {
	res := c.echo.Response()
	res.Header().Set(echo.HeaderCacheControl, "no-store")
	res.WriteHeader(c.answered.status)
	if c.answered.stream == nil || c.echo.Request().Method == http.MethodHead {
		return
	}
	c.answered.stream(c.echo)
}

// tellRetired says on answers to the value before a rotation that there is a newer one (RFC 9745),
// and until when this one works (RFC 8594).
func (c *call) tellRetired() {
	if c.caller == nil || !c.caller.Credential.Previous {
		return
	}
	h := c.echo.Response().Header()
	h.Set("Deprecation", "@"+strconv.FormatInt(c.caller.Credential.RetiredAt.Unix(), 10))
	if ends, ok := c.caller.Credential.Ends(); ok {
		h.Set("Sunset", ends.UTC().Format(http.TimeFormat))
	}
}

// refuse sends a problem.
func (a *API) refuse(c Ctx, p *problem) {
	p.fill(c)
	h := c.Response().Header()
	if p.challenge != "" {
		h.Set(echo.HeaderWWWAuthenticate, p.challenge)
	}
	if p.allow != "" {
		h.Set(echo.HeaderAllow, p.allow)
	}
	if p.retryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
	}
	if p.Status >= http.StatusInternalServerError && !errors.Is(p.cause, context.Canceled) {
		slog.ErrorContext(c.Request().Context(), "API call failed", "request_id", requestID(c), "route", c.Path(), "code", p.Code, "err", p.cause)
	}
	hurryBody(c)
	body, err := encode(p)
	if err != nil {
		panic("api: " + err.Error()) // texts and numbers only
	}
	send(c, p.Status, "application/problem+json", body)
}

// send writes a whole answer. Nobody is left to tell when it cannot be written.
func send(c Ctx, status int, contentType string, body []byte) {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, contentType)
	h.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	h.Set(echo.HeaderCacheControl, "no-store")
	c.Response().WriteHeader(status)
	if _, err := c.Response().Write(body); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		slog.DebugContext(c.Request().Context(), "answer not written", "request_id", requestID(c), "err", err)
	}
}

// hurryBody gives a body that nobody will read little time to arrive: the server waits for some of
// it before it sends an answer.
func hurryBody(c Ctx) {
	if c.Request().ContentLength != 0 {
		_ = http.NewResponseController(c.Response().Writer).SetReadDeadline(time.Now().Add(unreadBody))
	}
}

const unreadBody = 2 * time.Second

// Fail answers what no handler of this package answered.
func (a *API) Fail(c Ctx, err error) {
	if c.Response().Committed {
		return
	}
	var he *echo.HTTPError
	switch {
	case errors.As(err, &he) && he.Code == http.StatusMethodNotAllowed:
		_ = a.methodNotAllowed(c)
	case errors.As(err, &he) && he.Code < http.StatusInternalServerError:
		a.refuse(c, problemOf(errNotFound))
	default:
		p := newProblem(http.StatusInternalServerError, codeInternal, internalText)
		p.cause = err
		a.refuse(c, p)
	}
}

const internalText = "Something went wrong on our side. Try again, and quote the request id if it stays."
