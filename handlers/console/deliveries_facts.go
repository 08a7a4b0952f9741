package console

import (
	"encoding/json"
	"strings"

	"latchkey/internal/deliveries"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) deliveryFacts(c Ctx, e endpoints.Item, d deliveries.Detail) []ui.Fact {
	v := visit(c)
	created := s.exactTime(c, d.CreatedAt.Time)
	info, _ := outbox.Type(d.EventType).Info()
	facts := []ui.Fact{
		{Label: "Endpoint", Value: e.URL, Href: v.path(endpointsPath, e.ID)},
		{Label: "Type", Value: d.EventType, Hint: info.Text},
		{Label: "Message ID", Value: outbox.PublicID(d.MessageID), Mono: true, Copy: true, Hint: "The webhook-id; the same on every attempt."},
		{Label: "Created", Time: &created, Hint: s.time(c, d.CreatedAt.Time, "").Relative},
	}
	if !d.FinishedAt.IsZero() {
		finished := s.exactTime(c, d.FinishedAt.Time)
		facts = append(facts, ui.Fact{Label: "Finished", Time: &finished})
	}
	if label, href := s.about(v, d); href != "" {
		facts = append(facts, ui.Fact{Label: "About", Value: label, Href: href})
	}
	if d.ReplayID != nil {
		facts = append(facts, ui.Fact{Label: "Run", Value: "Sent again with others", Href: v.path(endpointsPath, e.ID, "replays", *d.ReplayID)})
	}
	return facts
}

// about leads to the thing that a message tells of.
func (s *server) about(v *visitor, d deliveries.Detail) (label, href string) {
	if tested(d) {
		return "", ""
	}
	switch t := outbox.Type(d.EventType); t {
	case outbox.SignalReceived:
		return "The signal", v.path(signalsPath, d.MessageID)
	case outbox.IngestRejected:
		return "The request", v.path(requestsPath, d.MessageID)
	case outbox.OrgUpdated:
		if id := dataID(d.Message.Body); id != "" {
			return "The organisation", v.path(orgsPath, id)
		}
	case outbox.EndpointFailing, outbox.EndpointDisabled:
		if id := dataID(d.Message.Body); id != "" {
			return "The endpoint", v.path(endpointsPath, id)
		}
	default:
		if d.Message.APIKeyID != nil && strings.HasPrefix(string(t), "api_key.") {
			return "The key", keyHref(v, *d.Message.APIKeyID, models.APIAccess)
		}
	}
	return "", ""
}

// dataID is the id of the organisation or endpoint that a body of ours tells of.
func dataID(body []byte) string {
	var message struct {
		Data struct {
			ID           string `json:"id"`
			Organization struct {
				ID string `json:"id"`
			} `json:"organization"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &message) != nil {
		return ""
	}
	return orText(message.Data.Organization.ID, message.Data.ID)
}

// The form of a signature, where none is at hand: it differs with the time of each attempt.
const signatureShape = "v1,<base64>"

// requestHeaders are the headers of a request with what they mean; sent are those of one that was
// made. Values of custom headers are masked.
func requestHeaders(e endpoints.Item, id string, sent map[string]string) []views.HeaderView {
	value := func(name, otherwise string) string {
		for n, v := range sent {
			if strings.EqualFold(n, name) {
				return v
			}
		}
		return otherwise
	}
	signed := "HMAC-SHA256 over webhook-id, a dot, webhook-timestamp, a dot and the body, keyed by the bytes of the signing secret, in base64."
	shape := signatureShape
	if e.Rotating {
		shape += " " + signatureShape
		signed += " Two while the secret is rotated: the new one's, then the old one's."
	}
	headers := []views.HeaderView{
		{Name: "webhook-id", Value: id, Text: "The same on every attempt: remember it, and a repeated message does no harm."},
		{Name: "webhook-timestamp", Value: value("webhook-timestamp", "<seconds>"), Text: "When the attempt was made, in Unix seconds."},
		{Name: "webhook-signature", Value: value("webhook-signature", shape), Text: signed},
		{Name: "content-type", Value: "application/json"},
		{Name: "user-agent", Value: "Latchkey-Webhooks/1"},
	}
	for _, h := range e.Headers {
		headers = append(headers, views.HeaderView{Name: strings.ToLower(h.Name), Value: h.Value, Text: "A custom header of this endpoint; its value is shown nowhere."})
	}
	return headers
}
