package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	"latchkey/internal/payload"
	"latchkey/internal/source"
)

const (
	maxDepth = 100
	// maxWrap bounds the whole body before any decoder recurses into it.
	maxWrap = 1000
)

// bodyItems are the items of a body.
type bodyItems struct {
	items    []json.RawMessage
	single   bool           // the body is one object
	envelope payload.Object // the members beside the list, when it stood in an object
}

// split tells the items of a body: one object (single), an array, or the array in the member
// batch or events of an object.
// Of a vendor, the member that it names may hold it too.
func split(body []byte, vendor *source.Vendor) (*bodyItems, *Refusal) {
	text := trimmed(body)
	if len(text) == 0 {
		return nil, refuse(http.StatusBadRequest, "empty_body", "The body is empty. Send one JSON object, or an array of them.")
	}
	if depth(text) > maxWrap {
		return nil, refuse(http.StatusBadRequest, "too_deep", fmt.Sprintf("The JSON is nested more than %d levels deep.", maxDepth))
	}
	if refusal := syntax(body, text); refusal != nil {
		return nil, refusal
	}
	switch text[0] {
	case '{':
		return unwrap(text, vendor)
	case '[':
		items, ok := payload.Elements(text)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "invalid_body", "The array could not be read.")
		}
		return &bodyItems{items: items}, nil
	default:
		return nil, refuse(http.StatusBadRequest, "invalid_body", "The body must be a JSON object or an array of objects.")
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// trimmed is the JSON text without what may stand around it.
func trimmed(body []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(body, byteOrderMark), " \t\r\n")
}

// lists are the members that an envelope may hold its items in.
var lists = []string{"batch", "events"}

func listsOf(vendor *source.Vendor) []string {
	if vendor == nil || vendor.List == "" {
		return lists
	}
	return []string{lists[0], lists[1], vendor.List}
}

// unwrap takes the list out of an envelope. An object with an event of its own is an item, even if
// it carries a member of that name. Two lists are refused: taking one would drop the other.
func unwrap(text []byte, vendor *source.Vendor) (*bodyItems, *Refusal) {
	single := &bodyItems{items: []json.RawMessage{text}, single: true}
	lists := listsOf(vendor)
	if !slices.ContainsFunc(lists, func(name string) bool { return bytes.Contains(text, []byte(`"`+name+`"`)) }) {
		return single, nil
	}
	out := &bodyItems{envelope: payload.Object{}}
	found := 0
	err := eachMember(text, func(name string, v payload.Value) error {
		if slices.Contains(lists, name) && len(v) > 0 && v[0] == '[' {
			found++
			return json.Unmarshal(v, &out.items)
		}
		out.envelope[name] = v
		return nil
	})
	switch {
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "invalid_body", "The list could not be read: "+err.Error())
	case found == 0, namesEvent(out.envelope):
		return single, nil
	case found > 1:
		return nil, refuse(http.StatusBadRequest, "invalid_body", "The body holds more than one list of items, as in batch or events. Send one list a request.")
	}
	return out, nil
}

// namesEvent tells that the object says what happened, and so is an item.
func namesEvent(o payload.Object) bool {
	for _, name := range eventNames {
		if text, ok := o[name].Text(); ok && text != "" {
			return true
		}
	}
	return false
}

// eachMember calls fn with each member of a valid JSON object in order, repeated names too.
func eachMember(text []byte, fn func(name string, v payload.Value) error) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var v payload.Value
		if err := dec.Decode(&v); err != nil {
			return err
		}
		if err := fn(fmt.Sprint(name), v); err != nil {
			return err
		}
	}
	return nil
}

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
	if offset > 0 && body[offset-1] == '\n' {
		offset-- // the line end is what is wrong, and it stands at the end of its line
		before := body[:offset]
		return bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	}
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
