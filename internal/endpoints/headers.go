package endpoints

import (
	"encoding/json"
	"fmt"
	"strings"

	"latchkey/internal/egress"
	"latchkey/internal/fault"
	"latchkey/models"
)

// Header is a custom header of an endpoint.
type Header = egress.Header

// maskedValue stands where a custom header's value would.
const maskedValue = "••••••••"

func (s *Service) sealHeaders(endpointID string, headers []egress.Header) []byte {
	if len(headers) == 0 {
		return nil
	}
	pairs := make([][2]string, len(headers))
	for i, h := range headers {
		pairs[i] = [2]string{h.Name, h.Value}
	}
	text, err := json.Marshal(pairs)
	if err != nil {
		panic("endpoints: " + err.Error()) // strings always encode
	}
	return s.box.Seal(text, headersContext(endpointID))
}

func (s *Service) openHeaders(e models.Endpoint) ([]egress.Header, error) {
	if e.Headers == nil {
		return nil, nil
	}
	text, err := s.box.Open(e.Headers, headersContext(e.ID))
	if err != nil {
		return nil, err
	}
	var pairs [][2]string
	if err := json.Unmarshal(text, &pairs); err != nil {
		return nil, fmt.Errorf("decode headers: %w", err)
	}
	headers := make([]egress.Header, len(pairs))
	for i, p := range pairs {
		headers[i] = egress.Header{Name: p[0], Value: p[1]}
	}
	return headers, nil
}

// tidyHeaders trims names and values, and leaves out lines of a form without either.
func tidyHeaders(headers []egress.Header) []egress.Header {
	var out []egress.Header
	for _, h := range headers {
		h.Name, h.Value = strings.TrimSpace(h.Name), strings.TrimSpace(h.Value)
		if h.Name != "" || h.Value != "" {
			out = append(out, h)
		}
	}
	return out
}

func checkHeaders(fields fault.Fields, headers []egress.Header) error {
	for _, h := range headers {
		if h.Name != "" && h.Value == "" {
			fields.Add("headers", "Give "+shorten(h.Name)+" a value, or remove it.")
		}
	}
	if len(headers) == 0 {
		return nil
	}
	return collect(fields, "headers", egress.CheckHeaders(headers))
}

// keepValues fills in what a form left blank: the value that the header has. The mask that a form
// or an answer showed is no value either.
func keepValues(headers, had []egress.Header) []egress.Header {
	out := make([]egress.Header, len(headers))
	for i, h := range headers {
		if h.Value == "" || h.Value == maskedValue {
			h.Value = ""
			for _, old := range had {
				if strings.EqualFold(old.Name, h.Name) {
					h.Value = old.Value
				}
			}
		}
		out[i] = h
	}
	return out
}

// maskHeaders shows the names.
func maskHeaders(headers []egress.Header) []egress.Header {
	out := make([]egress.Header, len(headers))
	for i, h := range headers {
		out[i] = egress.Header{Name: h.Name, Value: maskedValue}
	}
	return out
}

// headerNames is what the audit log says of custom headers.
func headerNames(headers []egress.Header) string {
	names := make([]string, len(headers))
	for i, h := range headers {
		names[i] = h.Name
	}
	return strings.Join(names, ", ")
}
