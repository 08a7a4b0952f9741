package api

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
)

// callTimeout bounds what the database may keep a program waiting for.
const callTimeout = 10 * time.Second

// handle puts the checks that all routes share before a route's handler, and writes its answer.
func (a *API) handle(r Route) echo.HandlerFunc {
	return func(e Ctx) error {
		c := &call{api: a, echo: e, route: r}
		err := c.run()
		status := c.write(err)
		c.count(status)
		return nil
	}
}

// run is a call in the order of its checks: key (see enter), parameters, body, handler.
func (c *call) run() error {
	defer c.end()
	enter := c.enter
	if c.route.Public {
		enter = c.checkURL
	}
	if err := enter(); err != nil {
		return err
	}
	if err := checkQuery(c.echo, c.route); err != nil {
		return err
	}
	if !c.route.mutates() {
		return c.route.Handler(c)
	}
	if err := c.checkMatch(); err != nil {
		return err
	}
	if err := c.read(); err != nil {
		return err
	}
	c.end() // a body may take longer than the database
	if c.route.Method == http.MethodPost && !c.route.Public {
		return c.once()
	}
	return c.route.Handler(c)
}

// checkURL refuses what no URL of ours holds and Postgres cannot compare with: U+0000, and bytes
// that are no UTF-8.
func (c *call) checkURL() error {
	u := c.echo.Request().URL
	if !storable(u.Path) {
		return errNotFound
	}
	if u.RawQuery == "" {
		return nil
	}
	// What cannot be parsed is left out of QueryParams, and with it what the caller meant.
	values, err := url.ParseQuery(u.RawQuery)
	for name, given := range values {
		if !storable(name) || slices.ContainsFunc(given, func(v string) bool { return !storable(v) }) {
			err = errors.New("not storable")
		}
	}
	if err != nil {
		return newProblem(http.StatusBadRequest, codeInvalidURL, "The query could not be read: it is not percent-encoded UTF-8, or holds U+0000.")
	}
	return nil
}

// methodNotAllowed answers a method that a path does not have.
func (a *API) methodNotAllowed(c Ctx) error {
	a.refuse(c, &problem{
		Status: http.StatusMethodNotAllowed, Code: codeMethodNotAllowed, allow: a.allow[c.Path()],
		Detail: "This URL does not take this method. It takes: " + a.allow[c.Path()] + ".",
	})
	return nil
}

// Below tells whether a path belongs to the management API.
func Below(path string) bool { return baseOf(path) != "" }
