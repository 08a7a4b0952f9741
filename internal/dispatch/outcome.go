package dispatch

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/egress"
	"latchkey/models"
)

// outcome is what one attempt did to its delivery.
type outcome struct {
	owner     *owner
	messageID uuid.UUID
	attempts  int // before this one: the fence

	status   string // of models
	step     int
	next     time.Time // zero unless pending
	finished time.Time // zero if pending
	http     int
	error    string
	detail   string
	cause    string
	response []byte
	started  time.Time
	duration time.Duration

	tales     []tale // to be told when it is durable
	truncated bool
	bare      bool // without what the receiver said, since the database refused it
}

// keptResponse is how much of an answer is stored: enough to read what went wrong.
const keptResponse = 4 << 10

// outcome of an attempt that ended now. The schedule counts from its end.
func (o *owner) outcome(d due, r egress.Result, now time.Time) *outcome {
	out := &outcome{
		owner: o, messageID: d.messageID, attempts: d.attempts, step: d.step + 1, status: models.DeliveryDelivered, finished: now,
		http: r.Status, error: string(r.Error), detail: clean(r.Detail), cause: d.cause(),
		started: r.Started, duration: r.Duration, truncated: r.Truncated || len(r.Response) > keptResponse,
	}
	// A copy, so that what is not kept is not held.
	out.response = slices.Clone(r.Response[:min(len(r.Response), keptResponse)])
	if r.Error == "" {
		return out
	}
	out.status = models.DeliveryFailed
	if next, ok := o.service.next(now, out.step, r.RetryAfter); ok && !r.Gone {
		out.status, out.next, out.finished = models.DeliveryPending, next, time.Time{}
	}
	return out
}

// cause tells why a delivery is attempted: the first attempt since it was put on the schedule again
// is the one that somebody asked for.
func (d due) cause() string {
	switch {
	case d.step > 0 || d.attempts == 0 && !d.replayed && d.at <= d.createdAt:
		return models.CauseSchedule
	case d.replayed:
		return models.CauseReplay
	}
	return models.CauseRetry
}

// clean makes text that every database takes.
func clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "�"), "\x00", "")
}

// micros is an instant as the tables keep it; 0 when zero.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
