package endpoints

import (
	"time"

	"latchkey/internal/egress"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// DisabledAfter is how long an endpoint may fail before it is disabled.
const DisabledAfter = 5 * 24 * time.Hour

// CountedUpTo is where the counts of Item end: one more means "more than".
const CountedUpTo = 10_000

// Item is an endpoint as the list and its page show it, without its secrets.
type Item struct {
	models.Endpoint // Secret, PreviousSecret and Headers are nil
	State           models.EndpointState
	Headers         []egress.Header // values masked
	Types           outbox.Patterns // EventTypes, parsed
	Rotating        bool            // two secrets sign, until PreviousEndsAt

	Delivered24h, Failed24h  int64 // attempts
	Pending, Failed, Skipped int64 // deliveries, counted up to CountedUpTo + 1

	NextAttemptAt time.Time // zero: nothing is pending, or the endpoint is disabled
	DisablesAt    time.Time // when it will be disabled if it goes on failing; zero: it is not failing

	APIKeyName       string // of the key that it is limited to
	CreatedByName    string
	CreatedByKeyName string
}

// Failing tells that it is enabled and its last attempts failed.
func (i Item) Failing() bool {
	return i.Status == models.EndpointEnabled && !i.State.FailingSince.IsZero()
}

// SuccessPercent of the attempts of the last 24 hours, rounded down; -1 without any.
func (i Item) SuccessPercent() int {
	all := i.Delivered24h + i.Failed24h
	if all == 0 {
		return -1
	}
	return int(100 * i.Delivered24h / all)
}
