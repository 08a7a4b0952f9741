package api

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/listen"
	"latchkey/internal/outbox"
	"latchkey/models"
)

const (
	// streamEvery is how often a stream looks for messages, and whether its key may still read them.
	streamEvery = 500 * time.Millisecond
	// streamBeat keeps proxies from closing a stream on which nothing happens, and tells a program
	// that the other side is there.
	streamBeat = 15 * time.Second
)

// feed is one open stream.
type feed struct {
	*call
	session *listen.Session
	held    []models.Message // found, but not sent: whether the key is valid was not known
	beatAt  time.Time
	silent  bool // the database does not answer, and the log says so already
}

// errReader says that nobody reads any more, or too slowly.
var errReader = errors.New("the stream is not read")

// run sends what is written until the program leaves, may not read it any more, or the server stops.
func (f *feed) run(e Ctx) {
	ctx := e.Request().Context()
	defer f.close(ctx)
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for err := f.greet(); err == nil; {
		more := false
		if more, err = f.step(ctx); more && err == nil && ctx.Err() == nil && !f.stopping() {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-f.api.Stopping:
			return
		case <-tick.C:
		}
	}
}

// greet says that the program listens, and from where: an id without data is no event, but what comes
// back with Last-Event-ID, also when no message came in between.
func (f *feed) greet() error {
	return f.send("id: " + outbox.PublicID(f.session.Cursor()) + "\n: listening\n\n")
}

func (f *feed) stopping() bool {
	select {
	case <-f.api.Stopping:
		return true
	default:
		return false
	}
}

// step sends what there is, and tells whether more may be. What the database does not answer now it
// may answer at the next step; any other error ends the stream.
func (f *feed) step(parent context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(parent, callTimeout)
	defer cancel()
	if len(f.held) == 0 {
		f.held, err = f.session.Next(ctx)
	}
	if err == nil {
		// After the messages were read, so that none is sent that was written after the key's end.
		err = f.stillMay()
	}
	switch p := (*problem)(nil); {
	case err == nil:
		return len(f.held) > 0, f.sendHeld()
	case errors.As(err, &p) && p.Status < http.StatusInternalServerError, fault.KindOf(err) != fault.Internal:
		return false, errors.Join(err, f.sendEnd(problemOf(err)))
	default:
		f.complain(parent, err)
		return false, f.beat()
	}
}

// stillMay checks again what let the program in.
func (f *feed) stillMay() error {
	presented, err := bearer(f.echo.Request().Header)
	if err != nil {
		return err
	}
	if err := f.authenticate(presented); err != nil {
		return err
	}
	if f.caller.Credential.AllowListMode == models.AllowListEnforce {
		if err := f.checkAddress(); err != nil {
			return err
		}
	}
	if err := f.checkPlan(); err != nil {
		return err
	}
	return f.checkScope()
}

func (f *feed) complain(ctx context.Context, err error) {
	if !f.silent && ctx.Err() == nil {
		slog.WarnContext(ctx, "messages of a stream were not read; tried again until they are", "request_id", requestID(f.echo), "err", err)
	}
	f.silent = true
}

func (f *feed) sendHeld() error {
	f.silent = false
	if len(f.held) == 0 {
		return f.beat()
	}
	var b bytes.Buffer
	for _, m := range f.held {
		event := streamed(m)
		if err := writeEvent(&b, "message", event.ID, event); err != nil {
			return err
		}
	}
	f.held = nil
	return f.send(b.String())
}

// sendEnd says why the stream ends.
func (f *feed) sendEnd(p *problem) error {
	var b bytes.Buffer
	err := writeEvent(&b, "end", "", map[string]string{"code": p.Code, "detail": p.Detail})
	if err != nil {
		return err
	}
	return f.send(b.String())
}

func (f *feed) beat() error {
	if f.api.Now().Before(f.beatAt) {
		return nil
	}
	return f.send(": still here\n\n")
}

// send writes and flushes. The writer below gives each write its time, which cuts slow readers off.
func (f *feed) send(text string) error {
	f.beatAt = f.api.Now().Add(streamBeat)
	res := f.echo.Response()
	if _, err := res.Write([]byte(text)); err != nil {
		return errors.Join(errReader, err)
	}
	if err := http.NewResponseController(res.Writer).Flush(); err != nil {
		return errors.Join(errReader, err)
	}
	return nil
}

const closeTimeout = 5 * time.Second

func (f *feed) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := f.session.Close(ctx); err != nil {
		slog.WarnContext(ctx, "listener not removed; it ends by itself", "request_id", requestID(f.echo), "err", err)
	}
}
