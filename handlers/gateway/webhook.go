package gateway

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/internal/ingest"
)

// handler answers one line of the table.
func (g *Gateway) handler(line route) echo.HandlerFunc {
	return func(c Ctx) error {
		r, refusal := g.request(c, line)
		if refusal == nil && r.Kind == ingest.Bulk {
			out, err := g.ingest.AcceptBulk(c.Request().Context(), r)
			// The upload may have outlasted the deadline that the server gave the answer.
			_ = http.NewResponseController(c.Response().Writer).SetWriteDeadline(time.Now().Add(g.o.StallTimeout))
			return answerBulk(c, out, err)
		}
		if refusal == nil {
			out, err := g.ingest.Accept(c.Request().Context(), r)
			return answer(c, out, err)
		}
		return refused(c, g.ingest.Refuse(c.Request().Context(), r, refusal))
	}
}

// request gathers what ingest needs, free of routing. The refusal is about the URL or its key.
func (g *Gateway) request(c Ctx, line route) (*ingest.Request, *ingest.Refusal) {
	h := c.Request().Header
	a := slots(line, c.Param("first"), c.Param("second"))
	refusal := a.presented(h)
	if refusal == nil {
		refusal = a.checkSource()
	}
	query := c.QueryParams()
	from, _ := strconv.Atoi(query.Get("from_line"))
	return &ingest.Request{
		ID: c.Response().Header().Get(echo.HeaderXRequestID), Kind: a.kind, Route: a.route, Source: a.source,
		Key: a.key, Secret: h.Get("X-Api-Secret"), Header: h, IP: c.RealIP(),
		Atomic: query.Get("atomic") == "true", FromLine: from,
		Body: g.body(c, a.kind), Length: c.Request().ContentLength, ReceivedAt: g.o.Now(),
	}, refusal
}

// body reads with a deadline that each read moves on, so that a body that stalls ends the request;
// other than bulk, the whole body has a deadline too.
func (g *Gateway) body(c Ctx, kind ingest.Kind) io.Reader {
	s := &stallReader{
		body: c.Request().Body, rc: http.NewResponseController(c.Response().Writer),
		stall: g.o.StallTimeout, now: time.Now,
	}
	if kind != ingest.Bulk {
		s.last = s.now().Add(g.o.BodyTimeout)
		s.short = true
	}
	return s
}

type stallReader struct {
	body  io.Reader
	rc    *http.ResponseController
	stall time.Duration
	last  time.Time // zero: no end
	short bool      // the server takes the deadline back before it could matter
	now   func() time.Time
	set   time.Time
}

func (s *stallReader) Read(p []byte) (int, error) {
	now := s.now()
	// Moving a deadline is a system call's work; once a second is often enough.
	if s.set.IsZero() || now.Sub(s.set) > time.Second {
		deadline := now.Add(s.stall)
		if !s.last.IsZero() && s.last.Before(deadline) {
			deadline = s.last
		}
		s.set = now
		// A writer without deadlines (a test's recorder) has no connection to stall.
		_ = s.rc.SetReadDeadline(deadline)
	}
	n, err := s.body.Read(p)
	if err != nil && !s.short {
		// Committing what came may outlast the deadline, which would cut the connection.
		_ = s.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

func (g *Gateway) methodNotAllowed(c Ctx) error {
	c.Response().Header().Set(echo.HeaderAllow, http.MethodPost)
	return refused(c, &ingest.Refusal{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
		Message: "Send events to this URL with POST."})
}
