package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"latchkey/internal/access"
	"latchkey/internal/endpoints"
	"latchkey/internal/fault"
	"latchkey/models"
)

const (
	endpointsPath = workspacePath + "/endpoints"
	endpointPath  = endpointsPath + "/:endpointId"
)

// testTimeout is longer than an attempt may take.
const testTimeout = 30 * time.Second

func endpointRoutes() []Route {
	read := func(path, operation string, handler func(*call) error, query ...string) Route {
		return Route{Method: http.MethodGet, Path: path, Operation: operation, Scope: access.EndpointsRead, Query: query, Handler: handler}
	}
	write := func(method, path, operation string, handler func(*call) error) Route {
		return Route{Method: method, Path: path, Operation: operation, Scope: access.EndpointsWrite, Handler: handler}
	}
	test := write(http.MethodPost, endpointPath+"/test", "testEndpoint", testEndpoint)
	test.Slow = testTimeout
	return []Route{
		read(workspacePath+"/event-types", "listEventTypes", listEventTypes),
		read(endpointsPath, "listEndpoints", listEndpoints, "environment", "status", "q", "limit", "cursor"),
		write(http.MethodPost, endpointsPath, "createEndpoint", createEndpoint),
		read(endpointPath, "getEndpoint", getEndpoint),
		write(http.MethodPatch, endpointPath, "updateEndpoint", changeEndpoint),
		write(http.MethodDelete, endpointPath, "deleteEndpoint", deleteEndpoint),
		write(http.MethodPost, endpointPath+"/disable", "disableEndpoint", disableEndpoint),
		write(http.MethodPost, endpointPath+"/enable", "enableEndpoint", enableEndpoint),
		write(http.MethodPost, endpointPath+"/secret/rotate", "rotateEndpointSecret", rotateSecret),
		write(http.MethodPost, endpointPath+"/secret/reveal", "revealEndpointSecret", revealSecret),
		write(http.MethodDelete, endpointPath+"/secret/previous", "endPreviousEndpointSecret", endPreviousSecret),
		test,
	}
}

func listEndpoints(c *call) error {
	q := c.query()
	f := endpoints.Filter{
		Environment: q.environment(), Status: q.oneOf("status", models.EndpointEnabled, models.EndpointDisabled, "failing"),
		Q: q.text("q"), Before: q.cursorID(), Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Endpoints.List(c.ctx(), c.actor, f)
	if err != nil {
		return err
	}
	return c.list(each(page.Items, endpointOf), page.Next)
}

func getEndpoint(c *call) error {
	item, err := c.api.Endpoints.Get(c.ctx(), c.actor, c.param("endpointId"))
	if err != nil {
		return err
	}
	return c.endpoint(item)
}

// endpoint answers with an endpoint as it is now.
func (c *call) endpoint(item endpoints.Item) error {
	c.set("ETag", endpointTag(item))
	return c.json(http.StatusOK, endpointOf(item))
}

func changeEndpoint(c *call) error {
	var form endpointChange
	if err := c.decode(&form); err != nil {
		return err
	}
	base, err := c.seenVersion()
	if err != nil {
		return err
	}
	changed, err := c.api.Endpoints.Change(c.ctx(), c.actor, c.param("endpointId"), form.patch(), base)
	if base >= 0 && errors.Is(err, endpoints.ErrMoved) {
		return errMoved()
	}
	if err != nil {
		return err
	}
	c.set("ETag", endpointTag(changed.Item))
	return c.json(http.StatusOK, changedEndpointJSON{endpointOf(changed.Item), nullable(changed.Warning)})
}

func disableEndpoint(c *call) error { return c.switched(c.api.Endpoints.Disable) }
func enableEndpoint(c *call) error  { return c.switched(c.api.Endpoints.Enable) }

// switched makes a change that says nothing of its own, and answers with what became of the
// endpoint.
func (c *call) switched(change func(ctx context.Context, actor access.Actor, id string) error) error {
	if err := c.empty(); err != nil {
		return err
	}
	if err := change(c.ctx(), c.actor, c.param("endpointId")); err != nil {
		return err
	}
	item, err := c.endpointNow(c.param("endpointId"))
	if err != nil {
		return err
	}
	return c.endpoint(item)
}

// endpointNow reads an endpoint by a change of nothing: programs that may write endpoints need not
// be allowed to list them.
func (c *call) endpointNow(id string) (endpoints.Item, error) {
	now, err := c.api.Endpoints.Change(c.ctx(), c.actor, id, endpoints.Patch{}, -1)
	return now.Item, err
}

func deleteEndpoint(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	if err := c.api.Endpoints.Delete(c.ctx(), c.actor, c.param("endpointId")); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"status": "deleted"})
}

// renamed gives the fields of a fault the names that they have in the body.
func renamed(err error, names map[string]string) error {
	var e *fault.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	fields := fault.Fields{}
	for field, sentence := range e.Fields {
		if name, other := names[field]; other {
			field = name
		}
		fields.Add(field, sentence)
	}
	out := *e
	out.Fields = fields
	return &out
}
