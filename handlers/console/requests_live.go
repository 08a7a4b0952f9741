package console

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"latchkey/internal/access"
	"latchkey/internal/signals"
	"latchkey/views"
)

const (
	// lookEvery is how often a live log asks the database: requests arrive at every instance.
	lookEvery = time.Second
	// liveFor is how long a stream lasts: a forgotten tab costs nothing afterwards. The page pauses
	// itself a little before.
	liveFor = 5*time.Minute + 10*time.Second
	// beatEvery keeps proxies from closing a stream on which nothing happens.
	beatEvery = 15 * time.Second
	// writeWithin ends a stream whose reader takes nothing any more.
	writeWithin = 30 * time.Second
)

// liveHref is the stream of a list; it says which line the page has on top.
func liveHref(v *visitor, q url.Values, found signals.RequestPage) string {
	top := ""
	if len(found.Items) > 0 {
		top = found.Items[0].ID
	}
	return withQuery(v.path(requestsPath, "live"), withValue(q, "top", top))
}

// followRequests streams the first page of the log whenever it changes, for five minutes or until
// the reader leaves, may not read it any more, or the server stops.
func (s *server) followRequests(c Ctx) error {
	v, ctx := visit(c), c.Request().Context()
	q := logQuery(c)
	if !strings.Contains(c.Request().Header.Get("Accept"), "text/event-stream") {
		return redirect(c, withQuery(v.path(requestsPath), withValue(q, "live", "1")))
	}
	f := requestFilter(c, q)
	tail, err := s.Signals.Follow(ctx, v.Actor, f)
	if err != nil {
		return err
	}
	end := s.Now().Add(liveFor)
	out, err := s.openStream(c)
	if err != nil {
		return s.streamEnded(c, err)
	}
	// What came between the page, or the last stream, and now.
	known := orText(c.Request().Header.Get("Last-Event-ID"), c.QueryParam("top"))
	found, err := s.Signals.Requests(ctx, v.Actor, f)
	if err != nil {
		return s.streamEnded(c, err)
	}
	if !s.mayStillRead(c) {
		return s.streamEnded(c, out.event("paused"))
	}
	if err := s.sendLog(c, out, found, known); err != nil {
		return s.streamEnded(c, err)
	}
	return s.streamEnded(c, s.watchLog(c, out, tail, f, end))
}

// watchLog sends the log again whenever something new is in it. It returns when nobody reads on.
func (s *server) watchLog(c Ctx, out *stream, tail *signals.Tail, f signals.RequestFilter, end time.Time) error {
	ctx := c.Request().Context()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for behind := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Stopping:
			return nil
		case <-tick.C:
		}
		fresh, err := tail.Next(ctx)
		behind = behind || len(fresh) > 0
		var found signals.RequestPage
		if err == nil && behind {
			found, err = s.Signals.Requests(ctx, visit(c).Actor, f)
		}
		// Asked after the log was read, so that nothing is sent which came later than the right to read it ended.
		if s.Now().After(end) || !s.mayStillRead(c) {
			return out.event("paused")
		}
		switch {
		case err != nil:
		case behind:
			err = s.sendLog(c, out, found, "")
			behind = err != nil
		default:
			err = out.beat()
		}
		if errors.Is(err, errStream) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			// The database may be back at the next look; the page stays as it is.
			slog.WarnContext(ctx, "live log not read", "error", err, "request_id", requestID(c))
		}
	}
}

// mayStillRead looks the session and the membership up again.
func (s *server) mayStillRead(c Ctx) bool {
	v, ctx := visit(c), c.Request().Context()
	now, err := s.Accounts.Visit(ctx, s.sessions.Token(c.Request()))
	if err != nil || now.Account.ID != v.Account.ID {
		return false
	}
	b, err := s.Accounts.Enter(ctx, v.Account.ID, v.Workspace.Slug)
	return err == nil && access.Allows(b.Role, access.ReadData)
}

// sendLog sends the newest lines unless the reader has them: known is the one it has on top.
func (s *server) sendLog(c Ctx, out *stream, found signals.RequestPage, known string) error {
	if len(found.Items) == 0 || found.Items[0].ID == known {
		return nil
	}
	return out.send(found.Items[0].ID, views.RequestRows(s.requestRows(c, found.Items)))
}

// errStream marks an error of the connection: nobody reads any more.
var errStream = errors.New("stream broke")

// stream writes server-sent events (WHATWG HTML, section 9.2).
type stream struct {
	c      Ctx
	rc     *http.ResponseController
	now    func() time.Time
	beatAt time.Time
}

func (s *server) openStream(c Ctx) (*stream, error) {
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	c.Response().WriteHeader(http.StatusOK)
	out := &stream{c: c, rc: http.NewResponseController(c.Response()), now: s.Now}
	return out, out.write(": live\n\n")
}

// send sends a part of the page; a reader that connects again names the id of the last one.
func (o *stream) send(id string, part templ.Component) error {
	var b bytes.Buffer
	if err := part.Render(o.c.Request().Context(), &b); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	return o.write("id: " + id + "\ndata: " + strings.ReplaceAll(b.String(), "\n", "\ndata: ") + "\n\n")
}

func (o *stream) event(name string) error { return o.write("event: " + name + "\ndata: \n\n") }

func (o *stream) beat() error {
	if o.now().Before(o.beatAt) {
		return nil
	}
	return o.write(": still here\n\n")
}

func (o *stream) write(text string) error {
	now := o.now()
	o.beatAt = now.Add(beatEvery)
	// Not every writer has deadlines; without one the connection's own end has to do.
	_ = o.rc.SetWriteDeadline(now.Add(writeWithin))
	if _, err := o.c.Response().Write([]byte(text)); err != nil {
		return fmt.Errorf("%w: %w", errStream, err)
	}
	if err := o.rc.Flush(); err != nil {
		return fmt.Errorf("%w: %w", errStream, err)
	}
	return nil
}

// streamEnded ends a stream without an answer: its header is long sent, and a reader who has left
// is no error.
func (s *server) streamEnded(c Ctx, err error) error {
	if err != nil && !errors.Is(err, errStream) {
		s.log(c, err, "live log ended")
	}
	return nil
}
