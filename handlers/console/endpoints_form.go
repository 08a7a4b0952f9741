package console

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/internal/source"
	"latchkey/models"
	"latchkey/views"
	"latchkey/views/ui"
)

const (
	maxHeaderRows  = 20
	moreHeaderRows = 3
)

// endpointOrder is how the fields of the form stand on the page.
var endpointOrder = []string{
	"url", "description", "environment", "event_types", "source", "api_key_id", "ordered", "concurrency", "rate_limit", "headers", "secret", "nonce",
}

// endpointShown are the fields that a refused form shows again as they were sent.
var endpointShown = []string{"url", "description", "environment", "source", "api_key_id", "ordered", "concurrency", "rate_limit"}

const headersHint = "Sent along with every message, for instance a token that your gateway asks for. Their values are stored encrypted. Those of Latchkey itself, such as webhook-signature and Content-Type, can't be replaced."

// endpointFormView is the form as far as new and existing endpoints share it.
func (s *server) endpointFormView(c Ctx, f views.Form, types outbox.Patterns, rows []views.EndpointHeaderRow) (views.EndpointFormView, error) {
	p := views.EndpointFormView{
		Form: f, Events: eventTypes(types, f.Errors["event_types"]), Headers: rows, HeadersHint: headersHint,
		URLHint: "Where the messages are posted to. Live endpoints need https. Private and local addresses are refused, unless whoever runs this instance has allowed them.",
	}
	for _, vendor := range source.Vendors() {
		p.Sources = append(p.Sources, vendor.Name)
	}
	for _, name := range []string{"ordered", "concurrency", "rate_limit", "headers", "secret"} {
		p.Advanced = p.Advanced || f.Errors[name] != ""
	}
	if concurrency := f.Values["concurrency"]; f.Values["ordered"] != "" || f.Values["rate_limit"] != "" || concurrency != "" && concurrency != defaultConcurrency {
		p.Advanced = true
	}
	for _, row := range rows {
		p.Advanced = p.Advanced || row.Name != "" || row.Value != ""
	}
	return p, nil
}

// endpointKeys are the keys that an endpoint may be limited to.
func (s *server) endpointKeys(c Ctx, environments ...string) ([]ui.Option, error) {
	options := []ui.Option{{Value: "", Label: "Any key"}}
	for _, environment := range environments {
		names, err := s.Signals.KeyNames(c.Request().Context(), visit(c).Actor, environment)
		if err != nil {
			return nil, err
		}
		for _, k := range names {
			label := k.Name
			if environment == models.Test && len(environments) > 1 {
				label += " (test)"
			}
			options = append(options, ui.Option{Value: k.ID, Label: label})
		}
	}
	return options, nil
}

// eventTitles head the groups of types.
var eventTitles = map[string]string{
	"signal": "Signals", "product_org": "Product organisations", "api_key": "API keys", "ingest": "Refused requests", "endpoint": "Endpoints",
}

// eventTypes are all types, in groups by their prefix, with those chosen that the patterns name. A
// test event needs no subscription, so that it is no choice.
func eventTypes(chosen outbox.Patterns, problem string) views.EventTypesView {
	v := views.EventTypesView{All: slices.Contains(chosen, "*"), Error: problem}
	shown := []string{"*"}
	for _, info := range outbox.Types {
		if info.Type == outbox.Test {
			continue
		}
		name := string(info.Type)
		prefix, _, _ := strings.Cut(name, ".")
		pattern := prefix + ".*"
		if n := len(v.Groups); n == 0 || v.Groups[n-1].Pattern != pattern {
			v.Groups = append(v.Groups, views.EventGroup{Title: orText(eventTitles[prefix], prefix), Pattern: pattern, Chosen: slices.Contains(chosen, pattern)})
			shown = append(shown, pattern)
		}
		group := &v.Groups[len(v.Groups)-1]
		group.Types = append(group.Types, views.EventTypeChoice{Type: name, Text: info.Text, Sample: indented(info.Sample), Chosen: slices.Contains(chosen, name)})
		shown = append(shown, name)
	}
	for _, pattern := range chosen {
		if !slices.Contains(shown, pattern) {
			v.Kept = append(v.Kept, pattern)
		}
	}
	return v
}

// indented makes a body readable; what is sent has no white space.
func indented(body []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, body, "", "  ") != nil {
		return string(body)
	}
	return out.String()
}

// headerRows are the rows as they were sent, as many as the form had.
func headerRows(f url.Values) []views.EndpointHeaderRow {
	var rows []views.EndpointHeaderRow
	for i := range maxHeaderRows {
		number := strconv.Itoa(i + 1)
		if !f.Has("header_name_" + number) {
			break
		}
		rows = append(rows, views.EndpointHeaderRow{Name: f.Get("header_name_" + number), Value: f.Get("header_value_" + number)})
	}
	return rows
}

// moreRows adds empty rows to fill in.
func moreRows(rows []views.EndpointHeaderRow) []views.EndpointHeaderRow {
	for range moreHeaderRows {
		if len(rows) < maxHeaderRows {
			rows = append(rows, views.EndpointHeaderRow{})
		}
	}
	return rows
}

// customHeaders are the rows that say something.
func customHeaders(rows []views.EndpointHeaderRow) []endpoints.Header {
	headers := []endpoints.Header{}
	for _, row := range rows {
		name, value := strings.TrimSpace(row.Name), strings.TrimSpace(row.Value)
		if name != "" || value != "" {
			headers = append(headers, endpoints.Header{Name: name, Value: value})
		}
	}
	return headers
}

// numberOf reads a field with a number; empty is 0, and what is no number is -1, which no setting
// takes.
func numberOf(text string) int {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return -1
	}
	return n
}
