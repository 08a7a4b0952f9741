package gateway

import (
	"net/http"
	"strconv"

	"latchkey/internal/ingest"
)

// deprecate tells a sender that still uses the value before a rotation since when it should not
// (RFC 9745), and when that value ends (RFC 8594).
func deprecate(c Ctx, r *ingest.Request) {
	since, ends, ok := r.Previous()
	if !ok {
		return
	}
	h := c.Response().Header()
	h.Set("Deprecation", "@"+strconv.FormatInt(since.Unix(), 10))
	if !ends.IsZero() {
		h.Set("Sunset", ends.UTC().Format(http.TimeFormat))
	}
}
