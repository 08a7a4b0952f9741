package api

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"latchkey/internal/signals"
	"latchkey/models"
)

type signalJSON struct {
	ID          string   `json:"id"`
	WorkspaceID string   `json:"workspace_id"`
	Environment string   `json:"environment"`
	Kind        string   `json:"kind"`
	Event       string   `json:"event"`
	Email       *string  `json:"email"`
	UserID      *string  `json:"user_id"`
	AnonymousID *string  `json:"anonymous_id"`
	GroupID     *string  `json:"group_id"`
	Source      *string  `json:"source"`
	MessageID   *string  `json:"message_id"`
	APIKeyID    string   `json:"api_key_id"`
	RequestID   string   `json:"request_id"`
	Warnings    []string `json:"warnings"`
	OccurredAt  string   `json:"occurred_at"`
	ReceivedAt  string   `json:"received_at"`
}

// wholeSignalJSON adds what was sent.
type wholeSignalJSON struct {
	signalJSON
	Payload json.RawMessage `json:"payload"`
}

func listSignals(c *call) error {
	q := c.query()
	f := signals.Filter{
		Environment: q.oneEnvironment(),
		Kind:        q.oneOf("kind", "track", "page", "screen", "identify", "group", "alias"),
		Event:       q.text("event"), Email: q.text("email"), Source: q.text("source"),
		KeyID: q.id("api_key_id"), RequestID: q.id("request_id"), Search: q.text("q"),
		From: q.instant("from"), To: q.instant("to"),
		At: signals.Cursor{Before: q.cursorID()}, Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Signals.Signals(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	return c.list(each(page.Items, signalOf), page.Older)
}

func getSignal(c *call) error {
	item, err := c.api.Signals.Signal(c.ctx(), c.actor, c.param("signalId"))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, wholeSignalJSON{signalOf(item), payloadOf(item.Raw)})
}

func signalOf(i signals.SignalItem) signalJSON {
	return signalJSON{
		ID: i.ID, WorkspaceID: i.WorkspaceID, Environment: i.Environment, Kind: i.Kind, Event: i.Event,
		Email: nullable(i.Email), UserID: nullable(i.UserID), AnonymousID: nullable(i.AnonymousID), GroupID: nullable(i.GroupID),
		Source: nullable(i.Source), MessageID: nullable(i.MessageID), APIKeyID: i.APIKeyID, RequestID: i.RequestID,
		Warnings: codesOf(i.Warnings), OccurredAt: instant(i.OccurredAt.Time), ReceivedAt: instant(i.ReceivedAt.Time),
	}
}

// payloadOf is the JSON that was sent, safe to read everywhere; see signals.Clean.
func payloadOf(raw []byte) json.RawMessage {
	clean := signals.Clean(raw)
	if json.Valid(clean) {
		return clean
	}
	quoted, err := json.Marshal(string(clean))
	if err != nil {
		return json.RawMessage("null") // a string always encodes
	}
	return quoted
}

// codesOf reads a stored list of codes; never nil.
func codesOf(text string) []string {
	if text == "" {
		return []string{}
	}
	return strings.Split(text, ",")
}

// oneEnvironment is for lists that an index keeps by environment: live unless asked otherwise.
func (q *query) oneEnvironment() string { return cmp.Or(q.environment(), models.Live) }
