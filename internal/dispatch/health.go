package dispatch

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/egress"
	"latchkey/internal/endpoints"
	"latchkey/models"
)

// state is an endpoint's row of endpoint_states, as its owner keeps it.
type state struct {
	uuid         uuid.UUID
	failingSince time.Time
	failures     int
	lastSuccess  time.Time
	lastFailure  time.Time
	lastError    string
	pausedUntil  time.Time

	owner *owner    // of what is written
	known time.Time // failingSince as this instance last wrote or read it: another value means that people reset it
}

func stateOf(row models.EndpointState) state {
	return state{
		uuid: uuid.MustParse(row.EndpointID), failingSince: row.FailingSince.Time, failures: row.Failures,
		lastSuccess: row.LastSuccessAt.Time, lastFailure: row.LastFailureAt.Time, lastError: row.LastError, pausedUntil: row.PausedUntil.Time,
		known: row.FailingSince.Time,
	}
}

const (
	tolerated    = 5 // failures in a row before an endpoint is paused
	firstPause   = 5 * time.Second
	longestPause = time.Minute
	longestAsked = 5 * time.Minute // that a receiver may pause its endpoint for
	firstWindow  = 10              // requests at a time before there was an answer
)

// breaker decides how many requests at a time an endpoint is trusted with.
type breaker struct {
	window     int           // requests at a time
	row        int           // failures in a row
	probing    bool          // one request decides whether it is back
	pause      time.Duration // the last one
	generation int           // grows with each pause: what began before says nothing about after
}

// resumed is the breaker of an endpoint whose lease has just been taken.
func resumed(s state) breaker {
	b := breaker{window: firstWindow}
	if !s.pausedUntil.IsZero() {
		b.probing, b.row = true, tolerated
		b.pause = min(max(s.pausedUntil.Sub(s.lastFailure), firstPause), longestPause)
	}
	return b
}

// allowed is how many requests may be under way.
func (b *breaker) allowed(concurrency int) int {
	if b.probing {
		return 1
	}
	return min(b.window, concurrency)
}

func (b *breaker) suspicious() bool { return b.probing || b.row > 0 }

// answered notes that the receiver works, whether or not it liked the request.
func (b *breaker) answered() {
	b.row, b.probing, b.pause = 0, false, 0
	b.window = min(b.window+1, endpoints.MaxConcurrency)
}

// failed notes a failure of an attempt that began in a generation, and returns how long to pause.
func (b *breaker) failed(generation int) time.Duration {
	if generation != b.generation {
		return 0
	}
	b.row++
	b.window = max(1, b.window/2)
	if !b.probing && b.row < tolerated {
		return 0
	}
	b.pause = min(max(2*b.pause, firstPause), longestPause)
	b.stop()
	return b.pause
}

// stop makes the next request a probe.
func (b *breaker) stop() {
	b.probing = true
	b.generation++
}

// down tells failures that say something about the receiver from those about a request.
func down(r egress.Result) bool {
	switch r.Error {
	case egress.DNSFailed, egress.ConnectFailed, egress.TLSFailed, egress.Timeout, egress.AnswerTooSlow, egress.ConnectionLost, egress.BadAnswer:
		return true
	case egress.HTTPError:
		return r.Status >= http.StatusInternalServerError || r.Status == http.StatusTooManyRequests
	}
	return false
}

// resume ends a pause, unless the attempt began before it.
func (o *owner) resume(generation int) {
	if generation == o.breaker.generation {
		o.breaker.answered()
		o.state.pausedUntil = time.Time{}
	}
}

// judge notes an attempt's result in the endpoint's state. The owner's lock is held.
func (o *owner) judge(generation int, r egress.Result, now time.Time) {
	s := &o.state
	if r.Error == "" {
		o.resume(generation)
		s.failingSince, s.failures, s.lastError, s.lastSuccess = time.Time{}, 0, "", now
		o.warned = 0
		return
	}
	if s.failingSince.IsZero() {
		s.failingSince = now.Truncate(time.Microsecond) // as it will be read
	}
	s.failures++
	s.lastFailure, s.lastError = now, clean(r.Detail)
	if !down(r) {
		o.resume(generation)
		return
	}
	pause := o.breaker.failed(generation)
	if asked := min(r.RetryAfter, longestAsked); asked > pause && (r.Status == http.StatusTooManyRequests || r.Status == http.StatusServiceUnavailable) {
		pause = asked
		if !o.breaker.probing {
			o.breaker.stop()
		}
	}
	if until := now.Add(pause); pause > 0 && until.After(s.pausedUntil) {
		s.pausedUntil = until
	}
}
