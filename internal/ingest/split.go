package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"
)

const (
	maxDepth = 100
	// maxWrap bounds the whole body before any decoder recurses into it.
	maxWrap = 1000
)

// split tells the items of a body: one object (single), an array, or the array in the member
// batch or events of an object.
func split(body []byte) (items []json.RawMessage, single bool, refusal *Refusal) {
	text := trimmed(body)
	if len(text) == 0 {
		return nil, false, refuse(http.StatusBadRequest, "empty_body", "The body is empty. Send one JSON object, or an array of them.")
	}
	if depth(text) > maxWrap {
		return nil, false, refuse(http.StatusBadRequest, "too_deep", fmt.Sprintf("The JSON is nested more than %d levels deep.", maxDepth))
	}
	if err := syntax(body, text); err != nil {
		return nil, false, err
	}
	switch text[0] {
	case '{':
		if items, ok := wrapped(text); ok {
			return items, false, nil
		}
		return []json.RawMessage{text}, true, nil
	case '[':
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, false, refuse(http.StatusBadRequest, "invalid_body", "The array could not be read: "+err.Error())
		}
		return items, false, nil
	default:
		return nil, false, refuse(http.StatusBadRequest, "invalid_body", "The body must be a JSON object or an array of objects.")
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// trimmed is the JSON text without what may stand around it.
func trimmed(body []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(body, byteOrderMark), " \t\r\n")
}

// wrapped finds the array of an envelope. An object with an event of its own is an item, even if
// it carries a member of that name.
func wrapped(text []byte) ([]json.RawMessage, bool) {
	if !bytes.Contains(text, []byte(`"batch"`)) && !bytes.Contains(text, []byte(`"events"`)) {
		return nil, false
	}
	var envelope struct {
		Batch  json.RawMessage `json:"batch"`
		Events json.RawMessage `json:"events"`
		Event  json.RawMessage `json:"event"`
	}
	if json.Unmarshal(text, &envelope) != nil || isText(envelope.Event) {
		return nil, false
	}
	for _, list := range []json.RawMessage{envelope.Batch, envelope.Events} {
		var items []json.RawMessage
		if len(list) > 0 && list[0] == '[' && json.Unmarshal(list, &items) == nil {
			return items, true
		}
	}
	return nil, false
}

func isText(v json.RawMessage) bool { return len(v) > 2 && v[0] == '"' }

// syntax says where JSON breaks, counting lines and characters from 1.
func syntax(body, text []byte) *Refusal {
	if json.Valid(text) {
		return nil
	}
	var ignored json.RawMessage
	err := json.Unmarshal(text, &ignored)
	offset, problem := int64(len(text)), "unexpected end of JSON input"
	var broken *json.SyntaxError
	if errors.As(err, &broken) {
		offset, problem = broken.Offset, broken.Error()
	}
	// The offset counts from where text begins in body.
	at := min(int(offset)+bytes.Index(body, text), len(body))
	line, column := position(body, at)
	return refuse(http.StatusBadRequest, "invalid_json",
		fmt.Sprintf("The body is not valid JSON: %s, at line %d, column %d.", problem, line, column)).
		with("line", line).with("column", column)
}

func position(body []byte, offset int) (line, column int) {
	before := body[:offset]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, max(1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]))
}

// depth is how deep brackets nest outside strings; it reads no further than maxWrap+1 levels.
func depth(text []byte) int {
	deepest, level, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			if deepest = max(deepest, level); deepest > maxWrap {
				return deepest
			}
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
