package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"latchkey/internal/ratelimit"
)

// takeOfLimit counts the call against the workspace's limit, and tells what is left of it: in the
// headers that most clients know, and in those of draft-ietf-httpapi-ratelimit-headers.
func (c *call) takeOfLimit() error {
	d, err := c.api.Limits.Take(c.echo.Request().Context(), "workspace:"+c.workspace, c.caller.Workspace.RateLimit)
	if err != nil {
		return fmt.Errorf("take of the limit: %w", err)
	}
	c.tellLimit(d)
	if d.Allowed {
		return nil
	}
	p := newProblem(http.StatusTooManyRequests, codeRateLimited,
		fmt.Sprintf("This workspace made its %d calls of this minute. Try again after the time in Retry-After.", d.Limit))
	p.retryAfter = max(d.RetryAfter, time.Second)
	return p
}

func (c *call) tellLimit(d ratelimit.Decision) {
	seconds := max(0, int(math.Ceil(d.Reset.Sub(c.api.Now()).Seconds())))
	limit, left := strconv.Itoa(d.Limit), strconv.Itoa(d.Remaining)
	// By hand, since every call has them: the names are canonical, and the values share one slice.
	values := []string{limit, left, strconv.FormatInt(d.Reset.Unix(), 10), `"default";q=` + limit + `;w=60`, `"default";r=` + left + `;t=` + strconv.Itoa(seconds)}
	h := c.echo.Response().Header()
	for i, name := range limitHeaders {
		h[name] = values[i : i+1 : i+1]
	}
}

var limitHeaders = [...]string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit-Policy", "Ratelimit"}
