package api

import (
	"net/http"
	"slices"
	"strings"
)

// conditional are the operations that go by If-Match.
var conditional = []string{"updateApiKey", "rotateApiKey", "updateTemplate", "updateEndpoint"}

// checkMatch refuses If-Match where it is not gone by: a change must not happen when the condition
// that came with it is false (RFC 9110, section 13.1.1).
func (c *call) checkMatch() error {
	given := strings.TrimSpace(c.echo.Request().Header.Get("If-Match"))
	if given == "" || given == "*" || c.route.Public || slices.Contains(conditional, c.route.Operation) {
		return nil
	}
	return newProblem(http.StatusBadRequest, codeInvalidHeader, "This call does not go by If-Match, so nothing was changed. Leave the header out.")
}

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
