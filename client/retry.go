package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	// patience is the longest Retry-After that a call waits for; beyond it the caller decides.
	patience = 2 * time.Minute
)

// backoff is how long to wait before the retry of this number, counted from 0: twice as long each
// time, of which a random half, so that many clients do not come back together.
func backoff(retry int) time.Duration {
	wait := longestWait
	if retry < 6 {
		wait = firstWait << retry
	}
	return wait/2 + rand.N(wait/2)
}

// wait is how long to wait before sending a call again that ended with err; ok is false when it is
// not to be sent again.
func (c *Client) wait(ctx context.Context, err error, retry int) (d time.Duration, ok bool) {
	if retry >= c.maxRetries || ctx.Err() != nil {
		return 0, false
	}
	d = backoff(retry)
	var p *Problem
	if errors.As(err, &p) {
		if !transient(p, retry) || p.RetryAfter > patience {
			return 0, false
		}
		d = max(d, p.RetryAfter)
	} else if !broken(err) {
		return 0, false
	}
	if deadline, has := ctx.Deadline(); has && c.now().Add(d).After(deadline) {
		return 0, false
	}
	return d, true
}

// transient tells whether the same call may do better later.
func transient(p *Problem, retry int) bool {
	switch p.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusConflict:
		// The attempt before broke off here, and still runs there.
		return p.Code == CodeInProgress && retry > 0
	}
	return false
}

// broken tells whether the connection is to blame, and not what came over it: a wrong certificate or
// an answer that is no JSON will be the same next time.
func broken(err error) bool {
	var certificate *tls.CertificateVerificationError
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var at *time.ParseError
	return !errors.As(err, &certificate) && !errors.As(err, &syntax) && !errors.As(err, &kind) && !errors.As(err, &at)
}

// repeatable tells whether doing the call twice is doing it once.
func repeatable(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete:
		return true
	}
	return r.Method == http.MethodPost && r.Header.Get(idempotencyKey) != ""
}

// retryAfter reads the header, in seconds or as a date (RFC 9110, section 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return time.Duration(min(n, 1<<30)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
