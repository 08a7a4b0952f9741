package ingest

import (
	"bytes"
	"encoding/json"
	"strings"
)

// value is a member's JSON as it was sent; empty when there is none.
type value json.RawMessage

// UnmarshalJSON keeps the bytes.
func (v *value) UnmarshalJSON(b []byte) error {
	*v = append((*v)[:0], b...)
	return nil
}

func (v value) isNull() bool   { return len(v) == 0 || bytes.Equal(v, []byte("null")) }
func (v value) isObject() bool { return len(v) > 0 && v[0] == '{' }

// text decodes a string.
func (v value) text() (string, bool) {
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	var s string
	return s, json.Unmarshal(v, &s) == nil
}

// scalar is a string, or a number as it was written.
func (v value) scalar() string {
	if s, ok := v.text(); ok {
		return s
	}
	if len(v) > 0 && (v[0] == '-' || v[0] >= '0' && v[0] <= '9') {
		return string(v)
	}
	return ""
}

func (v value) object() object {
	if !v.isObject() {
		return nil
	}
	var o object
	if json.Unmarshal(v, &o) != nil {
		return nil
	}
	return o
}

// object holds the members of a JSON object; of a repeated name the last.
type object map[string]value

// namesEvent tells that the object says what happened, and so is an item.
func (o object) namesEvent() bool {
	for _, name := range eventNames {
		if text, ok := o[name].text(); ok && text != "" {
			return true
		}
	}
	return false
}

// firstID is the first that names something: a blank one would make different events the same.
func (o object) firstID(names ...string) string {
	for _, name := range names {
		if s := strings.Trim(strings.TrimSpace(o[name].scalar()), "\x00 "); s != "" {
			return s
		}
	}
	return ""
}

// first is the first non-empty scalar among the names.
func (o object) first(names ...string) string {
	for _, name := range names {
		if s := o[name].scalar(); s != "" {
			return s
		}
	}
	return ""
}
