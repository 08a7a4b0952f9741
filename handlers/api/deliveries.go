package api

import (
	"net/http"

	"latchkey/internal/access"
	"latchkey/internal/deliveries"
	"latchkey/internal/outbox"
	"latchkey/models"
)

func deliveryRoutes() []Route {
	const (
		all     = endpointPath + "/deliveries"
		one     = all + "/:messageId"
		replays = endpointPath + "/replays"
	)
	read := func(path, operation string, handler func(*call) error, query ...string) Route {
		return Route{Method: http.MethodGet, Path: path, Operation: operation, Scope: access.EndpointsRead, Query: query, Handler: handler}
	}
	write := func(method, path, operation string, handler func(*call) error) Route {
		return Route{Method: method, Path: path, Operation: operation, Scope: access.EndpointsWrite, Handler: handler}
	}
	return []Route{
		read(all, "listDeliveries", listDeliveries, "status", "type", "from", "to", "limit", "cursor"),
		read(one, "getDelivery", getDelivery),
		write(http.MethodPost, one+"/retry", "retryDelivery", retryDelivery),
		read(replays, "listReplays", listReplays),
		write(http.MethodPost, replays, "startReplay", startReplay),
		read(replays+"/plan", "planReplay", planReplay, "kind", "since"),
		read(replays+"/:replayId", "getReplay", getReplay),
		write(http.MethodDelete, replays+"/:replayId", "stopReplay", stopReplay),
	}
}

func listDeliveries(c *call) error {
	q := c.query()
	f := deliveries.Filter{
		Status: q.oneOf("status", models.DeliveryPending, models.DeliveryDelivered, models.DeliveryFailed, models.DeliverySkipped),
		Type:   q.oneOf("type", eventTypes()...), From: q.instant("from"), To: q.instant("to"), Before: q.cursorID(), Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return err
	}
	page, err := c.api.Deliveries.List(c.ctx(), c.actor, c.param("endpointId"), f)
	if err != nil {
		return err
	}
	return c.list(each(page.Items, func(i deliveries.Item) deliveryJSON { return deliveryOf(i.Delivery) }), page.Next)
}

func getDelivery(c *call) error {
	id, err := c.messageID()
	if err != nil {
		return err
	}
	d, err := c.api.Deliveries.Get(c.ctx(), c.actor, c.param("endpointId"), id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, wholeDeliveryOf(d.Delivery, d.Message, d.Attempts))
}

func retryDelivery(c *call) error {
	if err := c.empty(); err != nil {
		return err
	}
	id, err := c.messageID()
	if err != nil {
		return err
	}
	if err := c.api.Deliveries.Retry(c.ctx(), c.actor, c.param("endpointId"), id); err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"status": models.DeliveryPending})
}

// messageID is the message in the path, by the id that receivers see.
func (c *call) messageID() (string, error) {
	id, ok := outbox.ParseID(c.param("messageId"))
	if !ok {
		return "", errNotFound
	}
	return id, nil
}

func listEventTypes(c *call) error { return c.list(each(outbox.Types, eventTypeOf), "") }

func eventTypes() []string {
	return each(outbox.Types, func(i outbox.TypeInfo) string { return string(i.Type) })
}
