package api

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"latchkey/internal/idempotency"
)

const maxIdempotencyKey = 255

// once runs a POST; one with an Idempotency-Key at most once
// (draft-ietf-httpapi-idempotency-key-header).
func (c *call) once() error {
	id, err := c.identity()
	if err != nil {
		return err
	}
	if id == nil {
		return c.route.Handler(c)
	}
	// Not under the guard: what became of the call is kept though the key ends meanwhile.
	begun, err := c.api.Idempotency.Begin(c.timed(), *id)
	if err != nil {
		return err
	}
	switch begun.State {
	case idempotency.Replay:
		c.replay(begun.Answer)
		return nil
	case idempotency.Running:
		p := newProblem(http.StatusConflict, codeInProgress, "A call with this Idempotency-Key is being worked on. Send it again to get its answer.")
		p.retryAfter = time.Second
		return p
	case idempotency.Mismatch:
		return newProblem(http.StatusUnprocessableEntity, codeMismatch,
			"This Idempotency-Key was sent with another call within the last 24 hours. Use a new one for a new call.")
	}
	c.nonce = nonce(*id)
	return c.runOnce(begun)
}

// runOnce keeps the answer of a call that succeeded. One that failed changed nothing, so that it
// may be made again, under the same key too.
func (c *call) runOnce(begun idempotency.Begun) error {
	ctx, done := c.timed(), false
	defer func() {
		if done {
			return
		}
		if err := c.api.Idempotency.Abandon(ctx, begun); err != nil {
			slog.WarnContext(ctx, "idempotent call not abandoned; it can be repeated in two minutes", "request_id", requestID(c.echo), "err", err)
		}
	}()
	if err := c.route.Handler(c); err != nil {
		return err
	}
	done = true
	a := idempotency.Answer{Status: c.answered.status, Header: c.answered.header, Body: c.answered.kept}
	if err := c.api.Idempotency.Finish(ctx, begun, a); err != nil {
		slog.WarnContext(ctx, "answer not kept; a repeat is refused for two minutes", "request_id", requestID(c.echo), "err", err)
	}
	return nil
}

func (c *call) replay(a idempotency.Answer) {
	c.answered = answer{status: a.Status, header: a.Header, body: a.Body}
	c.set("Idempotent-Replayed", "true")
}

// identity is what makes the call the same as another; nil without an Idempotency-Key.
func (c *call) identity() (*idempotency.Call, error) {
	values := c.echo.Request().Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, newProblem(http.StatusBadRequest, codeInvalidHeader, "Send one Idempotency-Key, of 1 to 255 visible ASCII characters.")
	}
	h := sha256.New()
	for _, part := range []string{c.route.Operation, c.path(), c.echo.Request().URL.RawQuery, string(c.body)} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return &idempotency.Call{KeyID: c.caller.Key.ID, Key: key, Request: [sha256.Size]byte(h.Sum(nil))}, nil
}

// nonce ties a creation to its call, so that it makes one thing even when the server stops between
// the commit and the keeping of the answer.
func nonce(id idempotency.Call) string {
	sum := sha256.Sum256([]byte(id.KeyID + "\x00" + id.Key + "\x00" + string(id.Request[:])))
	return hex.EncodeToString(sum[:])
}
