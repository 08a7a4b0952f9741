package api

import (
	"encoding/json"
	"strings"

	"latchkey/internal/outbox"
	"latchkey/models"
)

type deliveryJSON struct {
	ID            string  `json:"id"` // as the header webhook-id
	EndpointID    string  `json:"endpoint_id"`
	EventType     string  `json:"event_type"`
	Status        string  `json:"status"`
	Attempts      int     `json:"attempts_count"`
	NextAttemptAt *string `json:"next_attempt_at"`
	LastStatus    *int    `json:"last_status"` // null: no answer
	LastError     *string `json:"last_error"`
	ReplayID      *string `json:"replay_id"`
	CreatedAt     string  `json:"created_at"`
	FinishedAt    *string `json:"finished_at"`
}

// wholeDeliveryJSON adds the message and what became of each attempt.
type wholeDeliveryJSON struct {
	deliveryJSON
	Body     json.RawMessage `json:"body"`
	BodyText *string         `json:"body_text"`
	Attempts []attemptJSON   `json:"attempts"`
}

type attemptJSON struct {
	Number     int     `json:"number"`
	StartedAt  string  `json:"started_at"`
	DurationMS float64 `json:"duration_ms"`
	Status     *int    `json:"status"` // null: no answer
	Error      *string `json:"error"`  // null: success
	Detail     *string `json:"detail"`
	Response   *string `json:"response"`
	Truncated  bool    `json:"truncated"`
	Cause      string  `json:"cause"`
}

func deliveryOf(d models.Delivery) deliveryJSON {
	return deliveryJSON{
		ID: outbox.PublicID(d.MessageID), EndpointID: d.EndpointID, EventType: d.EventType, Status: d.Status, Attempts: d.Attempts,
		NextAttemptAt: optionalInstant(d.NextAttemptAt), LastStatus: positive(d.LastStatus), LastError: nullable(d.LastError),
		ReplayID: d.ReplayID, CreatedAt: instant(d.CreatedAt.Time), FinishedAt: optionalInstant(d.FinishedAt),
	}
}

func wholeDeliveryOf(d models.Delivery, m models.Message, attempts []models.DeliveryAttempt) wholeDeliveryJSON {
	out := wholeDeliveryJSON{deliveryJSON: deliveryOf(d), Body: json.RawMessage("null"), Attempts: each(attempts, attemptOf)}
	if len(m.Body) > 0 {
		out.Body, out.BodyText = payloadOf(m.Body), ptr(text(m.Body))
	}
	return out
}

func attemptOf(a models.DeliveryAttempt) attemptJSON {
	out := attemptJSON{
		Number: a.Number, StartedAt: instant(a.StartedAt.Time), DurationMS: float64(a.DurationUS) / 1000, Status: positive(a.Status),
		Error: nullable(a.Error), Detail: nullable(a.Detail), Truncated: a.Truncated, Cause: a.Cause,
	}
	if a.Response != nil {
		out.Response = ptr(text(a.Response))
	}
	return out
}

// text is what of bytes can be written as text; the rest is U+FFFD.
func text(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }

// positive is null for 0.
func positive(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
