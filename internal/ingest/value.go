package ingest

import (
	"bytes"
	"encoding/json"
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

// first is the first non-empty scalar among the names.
func (o object) first(names ...string) string {
	for _, name := range names {
		if s := o[name].scalar(); s != "" {
			return s
		}
	}
	return ""
}
