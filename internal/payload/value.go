// Package payload reads senders' JSON as it was sent: members by name without losing a digit, times
// in every form that vendors use, and email addresses. Pure; what is done with them is for its
// importers to say.
package payload

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Value is a member's JSON as it was sent; empty when there is none.
type Value json.RawMessage

// UnmarshalJSON keeps the bytes.
func (v *Value) UnmarshalJSON(b []byte) error {
	*v = append((*v)[:0], b...)
	return nil
}

// IsNull tells that the member is missing or null.
func (v Value) IsNull() bool { return len(v) == 0 || bytes.Equal(v, []byte("null")) }

// IsObject tells that the value begins as an object.
func (v Value) IsObject() bool { return len(v) > 0 && v[0] == '{' }

// Text decodes a string; false for anything else.
func (v Value) Text() (string, bool) {
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	if s, ok := plain(v); ok {
		return s, true
	}
	var s string
	return s, json.Unmarshal(v, &s) == nil
}

// plain is the text of a string without escapes, which most are: the decoder's way through
// reflection costs ten times as much.
func plain(quoted []byte) (string, bool) {
	if len(quoted) < 2 || quoted[len(quoted)-1] != '"' {
		return "", false
	}
	inner := quoted[1 : len(quoted)-1]
	ascii := true
	for _, c := range inner {
		if c < ' ' || c == '"' || c == '\\' {
			return "", false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return string(inner), ascii || utf8.Valid(inner)
}

// Scalar is a string, or a number as it was written; else "".
func (v Value) Scalar() string {
	if s, ok := v.Text(); ok {
		return s
	}
	if len(v) > 0 && (v[0] == '-' || v[0] >= '0' && v[0] <= '9') {
		return string(v)
	}
	return ""
}

// Object decodes one level; nil for anything but an object.
func (v Value) Object() Object {
	if !v.IsObject() {
		return nil
	}
	o, err := Members(v)
	if err != nil {
		return nil
	}
	return o
}

// Members decodes one level of an object, whose text is valid JSON. The values share its memory.
func Members(text []byte) (Object, error) {
	if o, ok := members(text); ok {
		return o, nil
	}
	var o Object
	err := json.Unmarshal(text, &o)
	return o, err
}

// List decodes one level of an array; nil for anything else.
func (v Value) List() []Value {
	if len(v) == 0 || v[0] != '[' {
		return nil
	}
	var list []Value
	if json.Unmarshal(v, &list) != nil {
		return nil
	}
	return list
}

// Object holds the members of a JSON object; of a repeated name the last. A nil Object has none.
type Object map[string]Value

// FirstID is the first member that names something: a blank one would make different events the same.
func (o Object) FirstID(names ...string) string {
	for _, name := range names {
		if s := strings.Trim(strings.TrimSpace(o[name].Scalar()), "\x00 "); s != "" {
			return s
		}
	}
	return ""
}

// First is the first non-empty scalar among the members.
func (o Object) First(names ...string) string {
	for _, name := range names {
		if s := o[name].Scalar(); s != "" {
			return s
		}
	}
	return ""
}

// FirstPresent is the first member that is there and not null.
func (o Object) FirstPresent(names ...string) Value {
	for _, name := range names {
		if v := o[name]; !v.IsNull() {
			return v
		}
	}
	return nil
}
