package upload

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// send posts part after part until the source is at its end.
func (j *job) send(ctx context.Context) error {
	pause, stored := firstPause, time.Now()
	for {
		from := position{j.state.Line, j.state.Offset}
		a, to, end, err := j.post(ctx, from, j.lastLine())
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if changed := j.changed(); changed != nil {
			return changed
		}
		var bad *sourceError
		switch {
		case errors.As(err, &bad) && (a == nil || !a.whole()):
			if a != nil && a.ResumeFromLine > 0 {
				if err := j.keep(from, to, a, false); err != nil {
					return err
				}
			}
			return bad.err
		case err == nil || bad != nil:
			if fatal := j.take(from, to, end && bad == nil, a); fatal != nil {
				return fatal
			}
			if bad != nil {
				return bad.err
			}
			if j.state.Done {
				return nil
			}
			if j.state.Line > from.line {
				pause, stored = firstPause, time.Now()
			}
			if a.whole() {
				continue
			}
		}
		if time.Since(stored) > j.o.RetryFor {
			return fmt.Errorf("nothing got through for %s, the last time because: %w; run the same command again to go on at line %d", j.o.RetryFor, reason(a, err), j.state.Line)
		}
		wait := time.Duration(float64(pause) * (0.5 + mathrand.Float64()))
		if a != nil {
			wait = max(wait, a.retryAfter)
		}
		j.o.Say(fmt.Sprintf("Waiting: %v. Trying again at line %d in %s.", reason(a, err), j.state.Line, wait.Round(100*time.Millisecond)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		pause = min(2*pause, longestPause)
	}
}

// lastLine is where the next part ends at the latest; 0 when only its bytes bound it.
func (j *job) lastLine() int64 {
	last := int64(0)
	if j.partLines > 0 {
		last = j.state.Line + j.partLines
	}
	if j.state.CountedTo > j.state.Line && (last == 0 || j.state.CountedTo < last) {
		last = j.state.CountedTo // what is sent again, for its refusals to be listed, is not counted twice
	}
	return last
}

func reason(a *answer, err error) error {
	switch {
	case a == nil:
		var broken *url.Error
		if errors.As(err, &broken) {
			err = broken.Err
		}
		return fmt.Errorf("the connection broke: %w", err)
	case a.Error.Code != "":
		return fmt.Errorf("%s: %s", a.Error.Code, a.Error.Message)
	}
	return fmt.Errorf("the answer was %d", a.status)
}

// take keeps what an answer says, and tells what makes going on useless.
func (j *job) take(from, to position, end bool, a *answer) error {
	switch {
	case a.whole():
		return j.keep(from, to, a, end)
	case a.ResumeFromLine >= from.line && a.Status == "incomplete":
		if err := j.keep(from, to, a, false); err != nil {
			return err
		}
	}
	switch {
	case a.passes():
		return nil
	case a.status == http.StatusRequestEntityTooLarge && j.partBytes > minPart:
		j.partBytes /= 2
		return nil
	}
	id := ""
	if a.RequestID != "" {
		id = " (request " + a.RequestID + ")"
	}
	if a.Error.Code == "" {
		return fmt.Errorf("what answers at %s does not look like Latchkey: status %d; check the address", j.state.URL, a.status)
	}
	return fmt.Errorf("%s: %s%s", a.Error.Code, a.Error.Message, id)
}

const minPart = 64 << 10
