package api

import (
	"encoding/json"
	"net/http"

	"latchkey/internal/dispatch"
	"latchkey/internal/fault"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// testEndpoint sends one message now. The call went well when that was tried, whatever became of it.
func testEndpoint(c *call) error {
	var form struct {
		Type string               `json:"type"`
		Body opt[json.RawMessage] `json:"body" null:"no"`
	}
	if err := c.decode(&form); err != nil {
		return err
	}
	if form.Body.Given && form.Body.Value[0] != '{' {
		return fault.Fields{"body": "This must be an object, in braces."}.Err()
	}
	endpoint := c.param("endpointId")
	sent, err := c.api.Dispatch.Test(c.ctx(), c.actor, endpoint, dispatch.TestForm{Type: outbox.Type(form.Type), Body: form.Body.Value})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, triedOf(endpoint, sent))
}

// triedOf is the delivery of a test as it was recorded, without reading it again: who may send need
// not be allowed to read.
func triedOf(endpoint string, sent dispatch.TestResult) wholeDeliveryJSON {
	at, r := models.At(sent.SentAt), sent.Result
	d := models.Delivery{
		EndpointID: endpoint, MessageID: sent.MessageID, EventType: string(sent.Type), Status: models.DeliveryFailed, Attempts: 1,
		LastStatus: r.Status, LastError: string(r.Error), CreatedAt: at, FinishedAt: models.At(sent.SentAt.Add(r.Duration)),
	}
	if sent.Delivered {
		d.Status = models.DeliveryDelivered
	}
	attempt := models.DeliveryAttempt{
		Number: 1, StartedAt: at, DurationUS: r.Duration.Microseconds(), Status: r.Status, Error: string(r.Error), Detail: r.Detail,
		Response: r.Response, Truncated: r.Truncated, Cause: models.CauseTest,
	}
	return wholeDeliveryOf(d, models.Message{Body: sent.Body}, []models.DeliveryAttempt{attempt})
}
