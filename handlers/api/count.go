package api

import (
	"net/http"

	"latchkey/internal/usage"
)

// seen is where the call comes from.
func (c *call) seen() usage.Seen {
	h := c.echo.Request().Header
	return usage.Seen{
		IP: c.echo.RealIP(), UserAgent: h.Get("User-Agent"),
		// Not by Sec-Fetch-Mode: Node's own fetch sends it.
		Browser: h.Get("Origin") != "" || h.Get("Sec-Fetch-Site") != "",
	}
}

// count records the call for the key's page: it, what became of it, and the scope that it made use of.
func (c *call) count(status int) {
	if c.caller == nil {
		return
	}
	cred, at := c.caller.Credential, c.api.Now()
	if c.refusedKey {
		c.api.Usage.Refused(cred, c.seen(), at)
		return
	}
	c.api.Usage.Used(cred, c.seen(), at)
	if status >= http.StatusBadRequest {
		c.api.Usage.Count(cred, 0, 0, 1, at)
		return
	}
	c.api.Usage.Count(cred, 1, 0, 0, at)
	if c.route.Scope != "" {
		c.api.Usage.Scope(cred, string(c.route.Scope), at)
	}
}
