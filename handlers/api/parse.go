package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

const (
	maxBody  = 1 << 20
	maxDepth = 64
)

func checkContentType(h http.Header) error {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || kind != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return newProblem(http.StatusUnsupportedMediaType, codeContentType,
			"Send the body as JSON in UTF-8, with the header Content-Type: application/json.")
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return newProblem(http.StatusUnsupportedMediaType, codeContentType, "Send the body without Content-Encoding.")
	}
	return nil
}

// parseJSON checks what encoding/json lets pass: members given twice, bytes after the value, deep
// nesting, bytes that are no UTF-8. It returns the one value, without white space around it.
func parseJSON(body []byte) (json.RawMessage, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, newProblem(http.StatusBadRequest, codeInvalidJSON, "The body is empty. Send a JSON value.")
	}
	if !utf8.Valid(body) {
		return nil, newProblem(http.StatusBadRequest, codeInvalidJSON, "The body is not valid UTF-8.")
	}
	if err := json.Unmarshal(body, new(json.RawMessage)); err != nil {
		return nil, badJSON(body, err)
	}
	s := &scanner{dec: json.NewDecoder(bytes.NewReader(body))}
	s.dec.UseNumber()
	if err := s.value(); err != nil {
		return nil, err
	}
	return body, nil
}

func badJSON(body []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return newProblem(http.StatusBadRequest, codeInvalidJSON, "The body is not JSON.")
	}
	before := body[:min(max(int(syntax.Offset)-1, 0), len(body))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return newProblem(http.StatusBadRequest, codeInvalidJSON,
		fmt.Sprintf("The body is not one JSON value: look at line %d, column %d.", line, column))
}

// scanner walks the tokens of a value that is known to be JSON.
type scanner struct {
	dec  *json.Decoder
	path []string // the members and indexes down to the present value
}

func (s *scanner) value() error {
	if len(s.path) > maxDepth {
		return newProblem(http.StatusBadRequest, codeInvalidJSON, fmt.Sprintf("The body is nested more than %d levels deep.", maxDepth))
	}
	token, err := s.dec.Token()
	if err != nil {
		return fmt.Errorf("scan the body: %w", err)
	}
	switch token {
	case json.Delim('{'):
		err = s.object()
	case json.Delim('['):
		for err == nil && s.dec.More() {
			err = s.below("[]")
		}
	default:
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.dec.Token() // the closing bracket
	return err
}

func (s *scanner) object() error {
	seen := map[string]bool{}
	for s.dec.More() {
		token, err := s.dec.Token()
		if err != nil {
			return fmt.Errorf("scan the body: %w", err)
		}
		name, _ := token.(string)
		if seen[name] {
			at := clip(strings.TrimPrefix(strings.ReplaceAll(strings.Join(append(s.path, name), "."), ".[]", "[]"), "."))
			p := newProblem(http.StatusBadRequest, codeInvalidJSON, "The body has the member "+at+" twice. Nothing was changed.")
			p.Errors = []fieldError{{at, "Give this member once."}}
			return p
		}
		seen[name] = true
		if err := s.below(name); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) below(name string) error {
	s.path = append(s.path, name)
	defer func() { s.path = s.path[:len(s.path)-1] }()
	return s.value()
}
