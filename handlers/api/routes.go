package api

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/internal/access"
)

// Route is one line of the table that drives the router, the tests and the reference.
type Route struct {
	Method, Path string        // below a base, in echo's form: /workspaces/:id
	Operation    string        // operationId of the contract
	Scope        access.Scope  // what the key needs
	Any          bool          // ... or: any API-access key will do
	Public       bool          // ... or: no key at all
	Query        []string      // the query parameters there are
	Slow         time.Duration // how long a call may take, where that is longer than callTimeout
	Handler      func(*call) error
}

// Routes is the table.
func Routes() []Route {
	return slices.Concat(meRoutes(), keyRoutes(), dataRoutes(), endpointRoutes(), deliveryRoutes(), streamRoutes(), publicRoutes())
}

// methods are the route's own, and HEAD where there is GET (RFC 9110, section 9.1).
func (r Route) methods() []string {
	if r.Method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{r.Method}
}

// mutates tells that the route may change something.
func (r Route) mutates() bool { return r.Method != http.MethodGet }

// allowed is the header Allow of a path.
func allowed(have map[string]bool) string {
	var out []string
	for _, m := range methods {
		if have[m] {
			out = append(out, m)
		}
	}
	return strings.Join(out, ", ")
}
