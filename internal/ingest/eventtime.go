package ingest

import (
	"time"

	"latchkey/internal/payload"
	"latchkey/models"
)

const (
	skewTolerance = 5 * time.Minute
	// skewMost is the largest difference that is taken for a wrong clock; more is a late delivery.
	skewMost = 48 * time.Hour
)

// setTime finds when the event happened. A bad time never refuses the item: it then counts as
// happening when it was received, with a warning.
func (c *itemContext) setTime(it *item, top payload.Object) {
	c.setTimeFrom(it, top, top.FirstPresent("timestamp", "originalTimestamp", "occurred_at", "time", "created_at"))
}

// setTimeFrom reads the time that was found, of an item whose members say when it was sent.
func (c *itemContext) setTimeFrom(it *item, top payload.Object, v payload.Value) {
	it.signal.OccurredAt = models.At(c.receivedAt)
	if v.IsNull() {
		return
	}
	at, ok := payload.ParseTime(v.Scalar())
	if !ok {
		it.warn(warnInvalidTimestamp)
		return
	}
	if skew, ok := c.skew(top); ok {
		at = at.Add(skew)
		it.warn(warnClockSkew)
	}
	c.keepTime(it, at)
}

// keepTime takes a time that is not in the future; else the item counts as happening when it was
// received.
func (c *itemContext) keepTime(it *item, at time.Time) {
	it.signal.OccurredAt = models.At(at)
	if at.Sub(c.receivedAt) > skewTolerance {
		it.warn(warnFutureTimestamp)
		it.signal.OccurredAt = models.At(c.receivedAt)
	}
}

// skew is how far the sender's clock is behind ours, by the time at which it says it sent. A
// payload that carries receivedAt was corrected by who received it first.
func (c *itemContext) skew(top payload.Object) (time.Duration, bool) {
	if !top["receivedAt"].IsNull() || !c.envelope["receivedAt"].IsNull() {
		return 0, false
	}
	at := top.FirstPresent("sentAt", "sent_at")
	if at.IsNull() {
		at = c.envelope.FirstPresent("sentAt", "sent_at")
	}
	sent, ok := payload.ParseTime(at.Scalar())
	if !ok {
		return 0, false
	}
	skew := c.receivedAt.Sub(sent)
	return skew, skew.Abs() > skewTolerance && skew.Abs() <= skewMost
}
