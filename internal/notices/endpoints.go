package notices

import (
	"strconv"

	"latchkey/models"
)

// The kinds of notices about endpoints; each is the type of the message that goes with it. Data:
// endpoint_id, url, environment, error (the last failure's sentence), and
//   - Failing: failing_since, disables_at, percent (50, 70 or 90), description
//   - Disabled: disabled_at, reason (gone or failing), skipped
const (
	EndpointFailing  = "endpoint.failing"
	EndpointDisabled = "endpoint.disabled"
)

// FailingDedup names a warning about an endpoint. The beginning of the failures is part of it, so
// that Open knows when it has recovered.
func FailingDedup(endpointID string, since models.Time, percent int) string {
	return EndpointFailing + ":" + endpointID + ":" + micros(since) + ":" + strconv.Itoa(percent)
}

// DisabledDedup names the notice that an endpoint was disabled by Latchkey at an instant.
func DisabledDedup(endpointID string, at models.Time) string {
	return EndpointDisabled + ":" + endpointID + ":" + micros(at)
}

// currentEndpoint leaves out warnings about an endpoint that works again, is disabled or has had a
// later warning, and the end of one that is enabled again.
const currentEndpoint = `(n.kind <> '` + EndpointFailing + `' OR EXISTS (
		SELECT 1 FROM endpoint_states s JOIN endpoints e ON e.id = s.endpoint_id
		WHERE e.workspace_id = n.workspace_id AND e.status = 'enabled'
			AND n.dedup = n.kind || ':' || CAST(e.id AS TEXT) || ':' || CAST(s.failing_since AS TEXT) || ':' || CAST(s.warned AS TEXT)))
	AND (n.kind <> '` + EndpointDisabled + `' OR EXISTS (
		SELECT 1 FROM endpoints e
		WHERE e.workspace_id = n.workspace_id AND e.status = 'disabled'
			AND n.dedup = n.kind || ':' || CAST(e.id AS TEXT) || ':' || CAST(e.disabled_at AS TEXT)))`

func micros(t models.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}
