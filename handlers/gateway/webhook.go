package gateway

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/internal/ingest"
)

// handler answers one line of the table.
func (g *Gateway) handler(line route) echo.HandlerFunc {
	return func(c Ctx) error {
		r, refusal := g.request(c, line)
		if r.Kind == ingest.Bulk {
			defer g.watchStop(c)()
		}
		if refusal == nil && r.Kind == ingest.Bulk {
			out, err := g.ingest.AcceptBulk(c.Request().Context(), r)
			// The upload may have outlasted the deadline that the server gave the answer.
			_ = http.NewResponseController(c.Response().Writer).SetWriteDeadline(time.Now().Add(g.o.StallTimeout))
			deprecate(c, r)
			return answerBulk(c, out, err)
		}
		if refusal == nil {
			out, err := g.ingest.Accept(c.Request().Context(), r)
			deprecate(c, r)
			return answer(c, out, err)
		}
		err := g.ingest.Refuse(c.Request().Context(), r, refusal)
		deprecate(c, r)
		return refused(c, err)
	}
}

// request gathers what ingest needs, free of routing. The refusal is about the URL or its key.
func (g *Gateway) request(c Ctx, line route) (*ingest.Request, *ingest.Refusal) {
	h := c.Request().Header
	a := slots(line, c.Param("first"), c.Param("second"))
	refusal := a.presented(h)
	o, problem := optionsOf(c.QueryParams(), a.kind)
	if bad := a.checkSource(); bad != nil {
		problem = bad
	}
	return &ingest.Request{
		ID: c.Response().Header().Get(echo.HeaderXRequestID), Kind: a.kind, Route: a.route, Source: a.source,
		Key: a.key, Secret: h.Get("X-Api-Secret"), Header: h, IP: c.RealIP(),
		Atomic: o.atomic, FromLine: o.fromLine, Errors: o.errors, Problem: problem, Stopping: g.o.Stopping,
		Body: g.body(c, a.kind), Length: c.Request().ContentLength, ReceivedAt: g.o.Now(),
		URL: func() string { return g.calledAs(c) },
	}, refusal
}

// calledAs is the URL as the sender called it: what stands in front of us may have changed scheme
// and host.
func (g *Gateway) calledAs(c Ctx) string {
	base := c.Scheme() + "://" + c.Request().Host
	if g.o.BaseURL != nil {
		base = g.o.BaseURL.Scheme + "://" + g.o.BaseURL.Host
	}
	return base + c.Request().URL.RequestURI()
}

// options are what the query may ask for.
type options struct {
	atomic   bool
	fromLine int
	errors   int
}

const maxFromLine = 1_000_000_000_000

// optionsOf refuses what it does not understand: an upload that is not atomic though it asked to
// be, or that starts at another line, would be a surprise.
func optionsOf(query url.Values, kind ingest.Kind) (o options, problem *ingest.Refusal) {
	if text := query.Get("atomic"); text != "" {
		atomic, err := strconv.ParseBool(text)
		switch {
		case err != nil:
			return o, badParameter("atomic", "atomic must be true or false.")
		case atomic && kind == ingest.Bulk:
			return o, badParameter("atomic", "A bulk upload is committed as it goes and cannot be atomic. Use the batch URL.")
		}
		o.atomic = atomic
	}
	if text := query.Get("from_line"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxFromLine {
			return o, badParameter("from_line", "from_line must be a whole number from 1.")
		}
		o.fromLine = n
	}
	if text := query.Get("errors"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > ingest.MaxBulkErrors {
			return o, badParameter("errors", fmt.Sprintf("errors must be a whole number from 1 to %d.", ingest.MaxBulkErrors))
		}
		o.errors = n
	}
	if text := query.Get("results"); text != "" && text != "errors" && text != "all" {
		return o, badParameter("results", "results must be errors or all.")
	}
	return o, nil
}

func badParameter(field, message string) *ingest.Refusal {
	return &ingest.Refusal{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: message, Field: field}
}

// watchStop ends the wait for a stream's next byte when the server begins to stop, so that its
// sender is told where to go on. It returns what ends the watch.
func (g *Gateway) watchStop(c Ctx) (end func()) {
	done := make(chan struct{})
	rc := http.NewResponseController(c.Response().Writer)
	go func() {
		select {
		case <-g.o.Stopping:
			_ = rc.SetReadDeadline(time.Now())
		case <-done:
		}
	}()
	return func() { close(done) }
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
	} else {
		s.stopping = g.o.Stopping
	}
	return s
}

// stopped keeps a read from moving the deadline that watchStop has set.
func (s *stallReader) stopped() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}

type stallReader struct {
	stopping <-chan struct{} // of a stream
	body     io.Reader
	rc       *http.ResponseController
	stall    time.Duration
	last     time.Time // zero: no end
	short    bool      // the server takes the deadline back before it could matter
	now      func() time.Time
	set      time.Time
}

func (s *stallReader) Read(p []byte) (int, error) {
	now := s.now()
	if s.stopped() {
		return 0, os.ErrDeadlineExceeded
	}
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
