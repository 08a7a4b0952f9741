package console

import (
	"regexp"
	"strings"
	"time"

	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
)

// instant is a time as samples write it.
var instant = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`)

// sampleFor is the sample of a type as this endpoint would get it now: receivers may go by its times
// and its environment, and a test names the endpoint that it is for.
func (s *server) sampleFor(e endpoints.Item, info outbox.TypeInfo) string {
	text := indented(info.Sample)
	at := instant.FindString(text)
	if then, err := time.Parse(time.RFC3339Nano, strings.Trim(at, `"`)); err == nil {
		text = shifted(text, s.Now().Sub(then))
	}
	text = strings.ReplaceAll(text, `"environment": "live"`, `"environment": "`+e.Environment+`"`)
	if info.Type == outbox.Test {
		text = endpointMember.ReplaceAllString(text, `${1}"`+e.ID+`"`)
	}
	return text
}

var endpointMember = regexp.MustCompile(`("endpoint_id": )"[^"]*"`)

// shifted moves each instant of a text by d, with the digits that it has.
func shifted(text string, d time.Duration) string {
	return instant.ReplaceAllStringFunc(text, func(quoted string) string {
		at := strings.Trim(quoted, `"`)
		t, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			return quoted
		}
		layout := "2006-01-02T15:04:05"
		if _, digits, found := strings.Cut(strings.TrimSuffix(at, "Z"), "."); found {
			layout += "." + strings.Repeat("0", len(digits))
		}
		return `"` + t.Add(d).UTC().Format(layout) + `Z"`
	})
}
