package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"latchkey/internal/access"
	"latchkey/internal/database"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
)

// call is one request behind the gate, and the answer that is to be written.
type call struct {
	api       *API
	echo      Ctx
	route     Route
	caller    *keys.Caller    // nil on public routes
	actor     access.Actor    // the program; zero on public routes
	workspace string          // id of the key's workspace
	body      []byte          // of a mutation, already read
	base      context.Context // the request's, for as long as a call may take; see timed
	guarded   context.Context // ... under which changes need the key to be valid
	cancel    context.CancelFunc

	refusedKey bool // the key itself was refused, whatever the call

	nonce    string // of a creation with an Idempotency-Key; see keys.CreateForm.Nonce
	answered answer
}

// answer is what the gate writes: encoded before the status is sent.
type answer struct {
	status int
	header http.Header
	body   []byte
	kept   []byte // what is stored for a repeat of the same call: body without plaintexts
	// streams: instead of a body, what stream writes; nothing when it is nil. See call.stream.
	streams bool
	stream  func(Ctx)
}

// ctx is the request's context; changes made under it happen only while the key is valid.
func (c *call) ctx() context.Context {
	c.timed()
	return c.guarded
}

// timed is the request's context with the time that a call may take, counted from its first use:
// what is answered from memory needs none.
func (c *call) timed() context.Context {
	if c.base == nil {
		c.base, c.cancel = context.WithTimeout(c.echo.Request().Context(), max(callTimeout, c.route.Slow))
		c.guarded = c.base
		if c.caller != nil {
			c.guarded = database.Guarded(c.base, c.api.Keys.Guard(c.caller))
		}
	}
	return c.base
}

// end gives up the time; what follows gets its own.
func (c *call) end() {
	if c.cancel != nil {
		c.cancel()
		c.base, c.guarded, c.cancel = nil, nil, nil
	}
}

// param is a part of the path.
func (c *call) param(name string) string { return c.echo.Param(name) }

// path is the path below its base: the bases are the same API.
func (c *call) path() string {
	path := c.echo.Request().URL.Path
	return path[len(baseOf(path)):]
}

// below is a path as this caller asks for it, on the same base.
func (c *call) below(path string) string { return baseOf(c.echo.Request().URL.Path) + path }

func baseOf(path string) string {
	for _, base := range Bases {
		if path == base || strings.HasPrefix(path, base+"/") {
			return base
		}
	}
	return ""
}

// set puts a header on the answer.
func (c *call) set(name, value string) {
	if c.answered.header == nil {
		c.answered.header = http.Header{}
	}
	c.answered.header.Set(name, value)
}

// secretive is an answer with plaintexts: withheld is the same without them.
type secretive interface{ withheld() any }

// json answers with one object.
func (c *call) json(status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	c.answered.status, c.answered.body, c.answered.kept = status, body, body
	if s, ok := v.(secretive); ok {
		if c.answered.kept, err = encode(s.withheld()); err != nil {
			return err
		}
	}
	return nil
}

// stream answers 200 with what run writes, for as long as the caller stays. run begins when the
// handler has returned, under the request's own context, with the status sent; not at all for HEAD.
func (c *call) stream(contentType string, run func(Ctx)) error {
	c.set(echo.HeaderContentType, contentType)
	c.answered.status, c.answered.streams, c.answered.stream = http.StatusOK, true, run
	return nil
}

// encode leaves <, > and & as they are: answers are read in terminals, and are no pages.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return b.Bytes(), nil
}

// errNotFound is the one answer about what does not exist, or is another workspace's.
var errNotFound = fault.New(fault.NotFound, notFoundText)

const notFoundText = "There is nothing at this URL, or nothing that this key may see. Check the path and the ids in it."

func requestID(c Ctx) string { return c.Response().Header().Get(echo.HeaderXRequestID) }
