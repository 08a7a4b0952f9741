package api

import (
	"encoding/base64"
	"net/http"
	"unicode/utf8"

	"latchkey/internal/signals"
)

type requestJSON struct {
	ID          string  `json:"id"`
	WorkspaceID string  `json:"workspace_id"`
	Environment string  `json:"environment"`
	APIKeyID    *string `json:"api_key_id"`
	Route       string  `json:"route"`
	Source      *string `json:"source"`
	Status      int     `json:"status"`
	Code        *string `json:"code"`
	Message     *string `json:"message"`
	Accepted    int     `json:"accepted"`
	Duplicates  int     `json:"duplicates"`
	Rejected    int     `json:"rejected"`
	Event       *string `json:"event"`
	Email       *string `json:"email"`
	SignalID    *string `json:"signal_id"`
	Bytes       int64   `json:"bytes"`
	DurationUS  int64   `json:"duration_us"`
	IP          string  `json:"ip"`
	UserAgent   string  `json:"user_agent"`
	ReceivedAt  string  `json:"received_at"`
}

// wholeRequestJSON adds what is kept of one request alone.
type wholeRequestJSON struct {
	requestJSON
	Headers      map[string]string `json:"headers"`
	Refused      []refusedJSON     `json:"refused"`
	Body         *string           `json:"body"`
	BodyEncoding *string           `json:"body_encoding"`
}

type refusedJSON struct {
	Index   int     `json:"index"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Field   *string `json:"field"`
}

func listRequests(c *call) error {
	q := c.query()
	f := signals.RequestFilter{
		Environment: q.oneEnvironment(), Status: q.oneOf("status", signals.Accepted, signals.Rejected), Code: q.text("code"),
		Event: q.text("event"), Email: q.text("email"), Source: q.text("source"),
		KeyID: q.id("api_key_id"), Search: q.text("q"), From: q.instant("from"), To: q.instant("to"),
		At: signals.Cursor{Before: q.cursorID()}, Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Signals.Requests(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	return c.list(each(page.Items, requestOf), page.Older)
}

func getRequest(c *call) error {
	d, err := c.api.Signals.Request(c.ctx(), c.actor, c.param("requestId"))
	if err != nil {
		return err
	}
	whole := wholeRequestJSON{requestJSON: requestOf(d.RequestItem), Headers: map[string]string{}, Refused: each(d.Refused, refusedOf)}
	for _, h := range d.Headers {
		whole.Headers[h.Name] = h.Value
	}
	whole.Body, whole.BodyEncoding = bodyOf(d.Body)
	return c.json(http.StatusOK, whole)
}

func requestOf(i signals.RequestItem) requestJSON {
	return requestJSON{
		ID: i.ID, WorkspaceID: i.WorkspaceID, Environment: i.Environment, APIKeyID: i.APIKeyID, Route: i.Route, Source: nullable(i.Source),
		Status: i.Status, Code: nullable(i.Code), Message: nullable(i.Message),
		Accepted: i.Accepted, Duplicates: i.Duplicates, Rejected: i.Rejected,
		Event: nullable(i.Event), Email: nullable(i.Email), SignalID: i.SignalID, Bytes: i.Bytes, DurationUS: i.DurationUS,
		IP: i.IP, UserAgent: i.UserAgent, ReceivedAt: instant(i.ReceivedAt.Time),
	}
}

func refusedOf(r signals.Refused) refusedJSON {
	return refusedJSON{r.Index, r.Error.Code, r.Error.Message, nullable(r.Error.Field)}
}

// bodyOf is a body as JSON can carry it: text where it is text, base64 where bytes would be lost.
func bodyOf(body []byte) (text, encoding *string) {
	switch {
	case body == nil:
		return nil, nil
	case utf8.Valid(body):
		return ptr(string(body)), ptr("utf-8")
	default:
		return ptr(base64.StdEncoding.EncodeToString(body)), ptr("base64")
	}
}

func ptr[T any](v T) *T { return &v }
