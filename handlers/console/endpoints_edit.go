package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/views"
	"latchkey/views/ui"
)

func (s *server) editEndpoint(c Ctx) error {
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	values := map[string]string{
		"url": e.URL, "description": e.Description, "source": e.Source, "concurrency": strconv.Itoa(e.Concurrency),
	}
	if e.APIKeyID != nil {
		values["api_key_id"] = *e.APIKeyID
	}
	if e.Ordered {
		values["ordered"] = "on"
	}
	if e.RateLimit > 0 {
		values["rate_limit"] = strconv.Itoa(e.RateLimit)
	}
	var rows []views.EndpointHeaderRow
	for _, h := range e.Headers {
		rows = append(rows, views.EndpointHeaderRow{Name: h.Name})
	}
	p, err := s.editEndpointView(c, e, views.Form{Values: values}, e.Types, moreRows(rows), e.Version)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.EndpointForm(p), nil)
}

func (s *server) editEndpointView(c Ctx, e endpoints.Item, f views.Form, types outbox.Patterns, rows []views.EndpointHeaderRow, base int) (views.EndpointFormView, error) {
	v := visit(c)
	for i := range rows {
		rows[i].Kept = rows[i].Name != "" && slices.ContainsFunc(e.Headers, func(h endpoints.Header) bool { return strings.EqualFold(h.Name, rows[i].Name) })
	}
	p, err := s.endpointFormView(c, f, types, rows)
	if err != nil {
		return p, err
	}
	if p.Keys, err = s.endpointKeys(c, e.Environment); err != nil {
		return p, err
	}
	if id := e.APIKeyID; id != nil && !slices.ContainsFunc(p.Keys, func(o ui.Option) bool { return o.Value == *id }) {
		p.Keys = append(p.Keys, ui.Option{Value: *id, Label: orText(e.APIKeyName, *id)})
	}
	p.Title, p.Submit, p.Back, p.BackHref = "Edit endpoint", "Save changes", hostOf(e.URL), v.path(endpointsPath, e.ID)
	p.Action, p.Base = v.path(endpointsPath, e.ID, "edit"), strconv.Itoa(base)
	if len(e.Headers) > 0 {
		p.HeadersHint = "A stored value is not shown; it stays unless you type another. Empty a name to remove the header. " + headersHint
	}
	p.Page = s.endpointShell(c, "Edit "+hostOf(e.URL))
	return p, nil
}

func (s *server) changeEndpoint(c Ctx) error {
	v, f := visit(c), form(c)
	e, err := s.endpointOf(c)
	if err != nil {
		return err
	}
	types, rows := outbox.Patterns(f["type"]), headerRows(f)
	if f.Get("do") == "rows" {
		p, err := s.editEndpointView(c, e, sent(c, nil, endpointShown, endpointOrder), types, moreRows(rows), baseOf(f))
		if err != nil {
			return err
		}
		p.Advanced = true
		return s.render(c, http.StatusOK, views.EndpointForm(p), nil)
	}
	changed, err := s.Endpoints.Change(c.Request().Context(), v.Actor, e.ID, endpointPatch(c, types, rows), baseOf(f))
	if err != nil {
		p, viewErr := s.editEndpointView(c, e, sent(c, err, endpointShown, endpointOrder), types, rows, baseOf(f))
		if viewErr != nil {
			return viewErr
		}
		if errors.Is(err, endpoints.ErrMoved) {
			return s.render(c, http.StatusConflict, views.EndpointForm(p), nil)
		}
		return s.refused(c, err, views.EndpointForm(p), nil)
	}
	text := "Endpoint saved."
	if changed.Warning != "" {
		text += " " + changed.Warning
	}
	return s.done(c, v.path(endpointsPath, e.ID), text)
}

// endpointPatch is everything that the form holds; what is as it was changes nothing.
func endpointPatch(c Ctx, types outbox.Patterns, rows []views.EndpointHeaderRow) endpoints.Patch {
	f := form(c)
	address, description, from, key := f.Get("url"), f.Get("description"), f.Get("source"), f.Get("api_key_id")
	ordered, concurrency, rate := f.Get("ordered") != "", numberOf(f.Get("concurrency")), numberOf(f.Get("rate_limit"))
	list, headers := []string(types), customHeaders(rows)
	if concurrency == 0 {
		concurrency = endpoints.DefaultConcurrency
	}
	return endpoints.Patch{
		URL: &address, Description: &description, EventTypes: &list, Source: &from, APIKeyID: &key,
		Ordered: &ordered, Concurrency: &concurrency, RateLimit: &rate, Headers: &headers,
	}
}
