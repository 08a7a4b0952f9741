package api

import (
	"encoding/json"
	"math"
	"strconv"

	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
)

// endpointJSON is an endpoint as programs see it: without its secret and the values of its headers.
type endpointJSON struct {
	ID             string             `json:"id"`
	WorkspaceID    string             `json:"workspace_id"`
	Environment    string             `json:"environment"`
	URL            string             `json:"url"`
	Description    string             `json:"description"`
	EventTypes     []string           `json:"event_types"`
	Source         *string            `json:"source"`     // null: any
	APIKeyID       *string            `json:"api_key_id"` // null: any
	Ordered        bool               `json:"ordered"`
	Concurrency    int                `json:"concurrency"`
	RateLimit      *int               `json:"rate_limit"` // null: none
	Headers        []endpointHeader   `json:"headers"`
	Status         string             `json:"status"` // enabled or disabled
	DisabledReason *string            `json:"disabled_reason"`
	DisabledAt     *string            `json:"disabled_at"`
	Health         endpointHealthJSON `json:"health"`
	PreviousEndsAt *string            `json:"previous_secret_ends_at"`
	Version        int                `json:"version"`
	CreatedBy      *string            `json:"created_by"`
	CreatedByKeyID *string            `json:"created_by_key_id"`
	CreatedAt      string             `json:"created_at"`
	UpdatedAt      string             `json:"updated_at"`
}

type endpointHeader struct {
	Name string `json:"name"`
}

type endpointHealthJSON struct {
	Delivered24h   int64    `json:"delivered_24h"`
	Failed24h      int64    `json:"failed_24h"`
	SuccessRate24h *float64 `json:"success_rate_24h"` // null: no attempts
	FailingSince   *string  `json:"failing_since"`
	DisablesAt     *string  `json:"disables_at"`
	LastSuccessAt  *string  `json:"last_success_at"`
	LastFailureAt  *string  `json:"last_failure_at"`
	LastError      *string  `json:"last_error"`
	NextAttemptAt  *string  `json:"next_attempt_at"`
	PausedUntil    *string  `json:"paused_until"`
	Pending        int64    `json:"pending"`
	Failed         int64    `json:"failed"`
	Skipped        int64    `json:"skipped"`
}

// changedEndpointJSON adds what may be wrong with a URL that was set.
type changedEndpointJSON struct {
	endpointJSON
	Warning *string `json:"warning"`
}

// createdEndpointJSON is a new endpoint with its secret, in the one answer that tells it unasked.
type createdEndpointJSON struct {
	endpointJSON
	Secret  string  `json:"secret,omitempty"` // plaintext
	Warning *string `json:"warning"`
}

// withheld is the endpoint without its secret.
func (e createdEndpointJSON) withheld() any {
	e.Secret = ""
	return e
}

func endpointTag(i endpoints.Item) string { return `"` + strconv.Itoa(i.Version) + `"` }

func endpointOf(i endpoints.Item) endpointJSON {
	out := endpointJSON{
		ID: i.ID, WorkspaceID: i.WorkspaceID, Environment: i.Environment, URL: i.URL, Description: i.Description,
		EventTypes: append([]string{}, outbox.ParsePatterns(i.EventTypes)...), Source: nullable(i.Source), APIKeyID: i.APIKeyID,
		Ordered: i.Ordered, Concurrency: i.Concurrency, Headers: []endpointHeader{}, Status: i.Status,
		DisabledReason: nullable(i.DisabledReason), DisabledAt: optionalInstant(i.DisabledAt), Health: healthOf(i),
		Version: i.Version, CreatedBy: i.CreatedBy, CreatedByKeyID: i.CreatedByKey,
		CreatedAt: instant(i.CreatedAt.Time), UpdatedAt: instant(i.UpdatedAt.Time),
	}
	if i.RateLimit > 0 {
		out.RateLimit = &i.RateLimit
	}
	if i.Rotating {
		out.PreviousEndsAt = optionalInstant(i.PreviousEndsAt)
	}
	for _, h := range i.Headers {
		out.Headers = append(out.Headers, endpointHeader{h.Name})
	}
	return out
}

func healthOf(i endpoints.Item) endpointHealthJSON {
	out := endpointHealthJSON{
		Delivered24h: i.Delivered24h, Failed24h: i.Failed24h,
		FailingSince: optionalInstant(i.State.FailingSince), DisablesAt: instantOrNull(i.DisablesAt),
		LastSuccessAt: optionalInstant(i.State.LastSuccessAt), LastFailureAt: optionalInstant(i.State.LastFailureAt),
		LastError: nullable(i.State.LastError), NextAttemptAt: instantOrNull(i.NextAttemptAt), PausedUntil: optionalInstant(i.State.PausedUntil),
		Pending: i.Pending, Failed: i.Failed, Skipped: i.Skipped,
	}
	if all := i.Delivered24h + i.Failed24h; all > 0 {
		out.SuccessRate24h = ptr(math.Floor(float64(i.Delivered24h)/float64(all)*10_000) / 10_000)
	}
	return out
}

// eventTypeJSON is a type of messages.
type eventTypeJSON struct {
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Sample      json.RawMessage `json:"sample"`
}

func eventTypeOf(i outbox.TypeInfo) eventTypeJSON {
	return eventTypeJSON{string(i.Type), i.Text, i.Sample}
}
