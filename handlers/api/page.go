package api

import (
	"encoding/base64"
	"net/http"
	"net/url"
)

// Bounds of a list.
const (
	defaultLimit = 50
	maxLimit     = 100
)

// list answers with a bare array. items must be a slice, not nil; next is where the next page
// begins, in the use-case's own form, and empty on the last one.
func (c *call) list(items any, next string) error {
	if next != "" {
		c.set("Link", "<"+c.nextURL(next)+`>; rel="next"`)
	}
	return c.json(http.StatusOK, items)
}

// nextURL is this request's address with another cursor. Parameters keep no order: they are sorted.
func (c *call) nextURL(next string) string {
	u := c.api.base(c.echo)
	u.Path = c.echo.Request().URL.Path
	values := url.Values{}
	for name, v := range c.echo.QueryParams() {
		values[name] = v
	}
	values.Set("cursor", encodeCursor(next))
	u.RawQuery = values.Encode()
	return u.String()
}

// base is the instance's address as this program reaches it.
func (a *API) base(c Ctx) *url.URL {
	if a.BaseURL != nil {
		return &url.URL{Scheme: a.BaseURL.Scheme, Host: a.BaseURL.Host}
	}
	return &url.URL{Scheme: c.Scheme(), Host: c.Request().Host}
}

// Cursors are opaque: what is in them may change from version to version.
func encodeCursor(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decodeCursor(cursor string) (string, bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(text) == 0 || !storable(string(text)) {
		return "", false
	}
	return string(text), true
}
