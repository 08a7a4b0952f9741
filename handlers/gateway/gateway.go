// Package gateway is the door for integrations: inbound webhooks that carry a key. It turns HTTP
// into ingest.Request and outcomes into the contract's answers; the rules are in internal/ingest.
package gateway

import (
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"latchkey/internal/ingest"
)

// Ctx is the one place that names echo's context, so that a move to another version is mechanical.
type Ctx = echo.Context

// Options configure the gateway.
type Options struct {
	Now          func() time.Time
	BaseURL      *url.URL        // as senders reach this instance; nil: by the Host that each one names
	StallTimeout time.Duration   // without a byte of the body; 0 means 30 s
	BodyTimeout  time.Duration   // for a whole body other than bulk; 0 means 60 s
	Stopping     <-chan struct{} // closed when the server begins to stop: streams end then
}

// Gateway answers the inbound routes.
type Gateway struct {
	ingest *ingest.Service
	o      Options
}

// Register mounts the routes of the table.
func Register(e *echo.Echo, s *ingest.Service, o Options) {
	if o.StallTimeout == 0 {
		o.StallTimeout = 30 * time.Second
	}
	if o.BodyTimeout == 0 {
		o.BodyTimeout = 60 * time.Second
	}
	g := &Gateway{ingest: s, o: o}
	for _, r := range routes {
		for _, path := range []string{r.path, r.path + "/"} { // a slash at the end is a common slip
			e.POST(path, g.handler(r))
			for _, method := range otherMethods {
				e.Add(method, path, g.methodNotAllowed)
			}
		}
	}
}

var otherMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "QUERY",
}
