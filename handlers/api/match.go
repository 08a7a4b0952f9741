package api

import (
	"net/http"
	"strings"
)

// ifMatch is the entity tag in If-Match, without its quotes; empty when the caller takes any state.
func (c *call) ifMatch() (string, error) {
	values := c.echo.Request().Header.Values("If-Match")
	text := strings.TrimSpace(strings.Join(values, ","))
	if len(values) == 0 || text == "*" {
		return "", nil
	}
	tag := strings.TrimSuffix(strings.TrimPrefix(text, `"`), `"`)
	if text != `"`+tag+`"` || tag == "" || strings.ContainsAny(tag, `", `) {
		return "", newProblem(http.StatusPreconditionFailed, codePreconditionFailed,
			`If-Match must be one ETag just as an answer gave it, such as "3".`)
	}
	return tag, nil
}
