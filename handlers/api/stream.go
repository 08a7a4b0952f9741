package api

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"latchkey/internal/access"
	"latchkey/internal/listen"
	"latchkey/internal/outbox"
	"latchkey/models"
)

func streamRoutes() []Route {
	return []Route{{
		Method: http.MethodGet, Path: workspacePath + "/events/stream", Operation: "streamEvents", Scope: access.EventsListen,
		Query: []string{"environment", "types"}, Handler: streamEvents,
	}}
}

const eventStream = "text/event-stream"

// streamEvents sends messages as they are written, as server-sent events (WHATWG HTML, section 9.2).
func streamEvents(c *call) error {
	q := c.query()
	f := listen.Filter{
		Environment: cmp.Or(q.environment(), models.Live),
		Patterns:    outbox.ParsePatterns(q.text("types")),
	}
	if err := q.err(); err != nil {
		return err
	}
	var err error
	if f.After, err = c.lastEvent(); err != nil {
		return err
	}
	c.set("X-Accel-Buffering", "no") // nginx would hold events back
	if c.echo.Request().Method == http.MethodHead {
		return c.stream(eventStream, nil)
	}
	session, err := c.api.Listen.Open(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	return c.stream(eventStream, (&feed{call: c, session: session}).run)
}

// lastEvent is the message that a program has which comes back; empty when it is new.
func (c *call) lastEvent() (string, error) {
	text := strings.TrimSpace(c.echo.Request().Header.Get("Last-Event-Id"))
	if text == "" {
		return "", nil
	}
	id, ok := outbox.ParseID(text)
	if !ok {
		return "", newProblem(http.StatusBadRequest, codeInvalidHeader, "Last-Event-ID must be the id of a message, such as msg_ and 32 digits; or leave it out.")
	}
	return id, nil
}

// messageJSON is a message as the stream shows it.
type messageJSON struct {
	ID           string `json:"id"`
	Type         string `json:"type"`
	Timestamp    string `json:"timestamp"`
	Body         string `json:"body"`          // what endpoints get, to the byte
	BodyEncoding string `json:"body_encoding"` // utf-8, or base64 for a body that is not UTF-8
}

func streamed(m models.Message) messageJSON {
	out := messageJSON{
		ID: outbox.PublicID(m.ID), Type: m.EventType, Timestamp: instant(m.CreatedAt.Time), Body: string(m.Body), BodyEncoding: "utf-8",
	}
	if !utf8.Valid(m.Body) {
		out.Body, out.BodyEncoding = base64.StdEncoding.EncodeToString(m.Body), "base64"
	}
	return out
}

// writeEvent writes one event; JSON of ours has no line breaks.
func writeEvent(b *bytes.Buffer, name, id string, data any) error {
	text, err := encode(data)
	if err != nil {
		return err
	}
	b.WriteString("event: " + name + "\n")
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	b.WriteString("data: ")
	b.Write(bytes.TrimSuffix(text, []byte("\n")))
	b.WriteString("\n\n")
	return nil
}
