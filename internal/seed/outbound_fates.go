package seed

import (
	"cmp"
	"slices"
	"time"

	"latchkey/internal/dispatch"
	"latchkey/internal/egress"
	"latchkey/models"
)

// answer is what a receiver of the past did.
type answer struct {
	status int
	code   egress.Code
	detail string
	body   string
	ms     int
}

// fates are the attempts of an endpoint's deliveries, which they bring to their end or, where the
// schedule goes on, to their next attempt. Rows are in the order of their messages.
func (o *outboundRows) fates(name string, rows []models.Delivery) (attempts []models.DeliveryAttempt) {
	fails, gone := o.demo.ago(catalogueFails), o.demo.ago(pipelineGone)
	last := -1 // before the endpoint was gone: the one that was told so
	for i := range rows {
		if name == pipelineEndpoint && rows[i].CreatedAt.Before(gone) {
			last = i
		}
	}
	for i := range rows {
		row, at := &rows[i], rows[i].CreatedAt.Time
		switch {
		case row.Attempts > 0: // a test
		case name == pipelineEndpoint && i == last:
			attempts = append(attempts, o.gone(row, gone)...)
		case name == pipelineEndpoint && !at.Before(gone):
			o.skip(row)
		case name == catalogueEndpoint && at.After(fails):
			attempts = append(attempts, o.failing(row, o.demo.now)...)
		default:
			attempts = append(attempts, o.delivered(row)...)
		}
	}
	return attempts
}

// delivered sends a delivery at once; now and then the receiver is just being deployed, and takes
// it some seconds later.
func (o *outboundRows) delivered(row *models.Delivery) []models.DeliveryAttempt {
	at := row.CreatedAt.Add(time.Duration(3+o.rnd.IntN(60)) * time.Millisecond)
	good := answer{status: 200, body: `{"ok":true}`, ms: 35 + o.rnd.IntN(140)}
	var attempts []models.DeliveryAttempt
	if o.rnd.IntN(24) == 0 && o.demo.now.Sub(at) > time.Minute {
		attempts = append(attempts, o.attempt(row, at, answer{502, egress.HTTPError, "The receiver answered 502 Bad Gateway.", "upstream is starting", 12}, models.CauseSchedule))
		at = o.next(attempts[0], 1)
	}
	a := o.attempt(row, at, good, models.CauseSchedule)
	o.end(row, a)
	return append(attempts, a)
}

// gone fails until the receiver says, just before that instant, that it wants no more.
func (o *outboundRows) gone(row *models.Delivery, at time.Time) []models.DeliveryAttempt {
	bye := answer{410, egress.Gone, goneDetail, "moved to the new platform", 62}
	said := at.Add(-80 * time.Millisecond)
	attempts := o.failing(row, said)
	a := o.attempt(row, said, bye, models.CauseSchedule)
	o.end(row, a)
	return append(attempts, a)
}

// failing follows the schedule until that instant, or until no attempt is left.
func (o *outboundRows) failing(row *models.Delivery, until time.Time) (attempts []models.DeliveryAttempt) {
	at := row.CreatedAt.Add(20 * time.Millisecond)
	for !at.After(until) {
		bad := answer{503, egress.HTTPError, "The receiver answered 503 Service Unavailable.", "no database connection", 55 + o.rnd.IntN(90)}
		if o.rnd.IntN(3) == 0 {
			bad = answer{0, egress.Timeout, "No answer within 15s.", "", 15_000}
		}
		a := o.attempt(row, at, bad, models.CauseSchedule)
		if endOf(a).After(until) {
			row.Attempts, row.Step = row.Attempts-1, row.Step-1
			break
		}
		attempts = append(attempts, a)
		o.end(row, a)
		if row.Attempts == len(dispatch.Schedule) {
			return attempts
		}
		at = o.next(a, row.Attempts)
	}
	row.Status, row.NextAttemptAt, row.FinishedAt = models.DeliveryPending, models.At(at), models.Time{}
	return attempts
}

// next is when the attempt after the n-th is made.
func (o *outboundRows) next(a models.DeliveryAttempt, n int) time.Time {
	return endOf(a).Add(time.Duration(float64(dispatch.Schedule[n]) * (0.8 + 0.4*o.rnd.Float64())))
}

func (o *outboundRows) attempt(row *models.Delivery, at time.Time, a answer, cause string) models.DeliveryAttempt {
	row.Attempts++
	row.Step = row.Attempts
	return models.DeliveryAttempt{
		EndpointID: row.EndpointID, MessageID: row.MessageID, Number: row.Attempts, StartedAt: models.At(at),
		DurationUS: int64(a.ms)*1000 + o.rnd.Int64N(1000), Status: a.status, Error: string(a.code), Detail: a.detail, Response: []byte(a.body), Cause: cause,
	}
}

// end makes an attempt the last one.
func (o *outboundRows) end(row *models.Delivery, a models.DeliveryAttempt) {
	row.Status, row.LastStatus, row.LastError = models.DeliveryDelivered, a.Status, a.Error
	if a.Error != "" {
		row.Status = models.DeliveryFailed
	}
	row.NextAttemptAt, row.FinishedAt = models.Time{}, models.At(endOf(a))
}

func (o *outboundRows) skip(row *models.Delivery) {
	row.Status, row.NextAttemptAt, row.FinishedAt = models.DeliverySkipped, models.Time{}, row.CreatedAt
}

func endOf(a models.DeliveryAttempt) time.Time {
	return a.StartedAt.Add(time.Duration(a.DurationUS) * time.Microsecond)
}

const minutesKept = 8 * 24 * time.Hour

// minutesOf counts attempts as the worker does; tests do not count.
func minutesOf(attempts []models.DeliveryAttempt, now time.Time) (out []models.EndpointMinute) {
	at := map[int64]int{}
	for _, a := range attempts {
		minute := endOf(a).Unix() / 60
		if a.Cause == models.CauseTest || now.Sub(endOf(a)) > minutesKept {
			continue
		}
		i, ok := at[minute]
		if !ok {
			i, at[minute] = len(out), len(out)
			out = append(out, models.EndpointMinute{EndpointID: a.EndpointID, Minute: minute})
		}
		out[i].DurationUS += a.DurationUS
		if a.Error == "" {
			out[i].Delivered++
		} else {
			out[i].Failed++
		}
	}
	return out
}

// stateOf is what the worker would remember after these attempts.
func stateOf(id string, attempts []models.DeliveryAttempt) models.EndpointState {
	s := models.EndpointState{EndpointID: id}
	ordered := slices.SortedFunc(slices.Values(attempts), func(a, b models.DeliveryAttempt) int {
		return cmp.Or(endOf(a).Compare(endOf(b)), cmp.Compare(a.MessageID, b.MessageID))
	})
	for _, a := range ordered {
		at := models.At(endOf(a))
		if a.Error == "" {
			s.FailingSince, s.Failures, s.LastError, s.LastSuccessAt = models.Time{}, 0, "", at
			continue
		}
		if s.FailingSince.IsZero() {
			s.FailingSince = at
		}
		s.Failures++
		s.LastFailureAt, s.LastError = at, a.Detail
	}
	return s
}
