package orgs

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// MaxFields bounds the values of one organisation, feature flags and custom values included.
const MaxFields = 1000

// Field is one value of an organisation.
type Field struct {
	Value  json.RawMessage // JSON
	At     int64           // microseconds since the Unix epoch: the newest event that said so
	Update string          // product_org_updates.id that set the value
	Key    string          // api_keys.id that it came with
}

// State is what is known of an organisation, by field: "plan", "feature_flags.beta", "custom.region".
type State map[string]Field

// Change is what one update did to one field, or would have done had nothing newer been known.
type Change struct {
	Field  string          `json:"f"`
	Before json.RawMessage `json:"b,omitempty"` // nil: there was no value
	After  json.RawMessage `json:"a"`
	Stale  bool            `json:"s,omitempty"` // Before is newer, and stays
}

// Merged is the outcome of one update.
type Merged struct {
	Changes   []Change // by field name; stale ones too
	Unchanged []string // fields whose value was the same already
	Dropped   []string // fields over MaxFields, not kept
}

// Count is how many fields changed, and how many are stale.
func (m Merged) Count() (changed, stale int) {
	for _, c := range m.Changes {
		if c.Stale {
			stale++
		} else {
			changed++
		}
	}
	return changed, stale
}

// From says where a merged update is from.
type From struct {
	At     int64 // microseconds since the Unix epoch
	Update string
	Key    string
}

// Merge applies values to the state, field by field: the newest event wins, and of two with the
// same instant the one that came last. A field that the update does not name stays.
func (s State) Merge(values map[string]json.RawMessage, from From) Merged {
	var m Merged
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		known, there := s[name]
		switch {
		case !there && len(s) >= MaxFields:
			m.Dropped = append(m.Dropped, name)
		case there && bytes.Equal(known.Value, value):
			m.Unchanged = append(m.Unchanged, name)
			known.At = max(known.At, from.At)
			s[name] = known
		case there && known.At > from.At:
			m.Changes = append(m.Changes, Change{Field: name, Before: known.Value, After: value, Stale: true})
		default:
			m.Changes = append(m.Changes, Change{Field: name, Before: known.Value, After: value})
			s[name] = Field{Value: value, At: from.At, Update: from.Update, Key: from.Key}
		}
	}
	return m
}

// Text is a field's value as text: a string decoded, anything else as it is written; "" without one.
func (s State) Text(name string) string {
	value := s[name].Value
	if n := len(value); n >= 2 && value[0] == '"' && isPlain(value[1:n-1]) {
		return string(value[1 : n-1])
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// encode keeps values to the byte: the default encoder would escape <, > and & inside them, and
// the same value would then differ from itself.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil // names and values that are JSON already always encode
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// EncodeChanges writes product_org_updates.changes; nil when there are none.
func EncodeChanges(changes []Change) []byte {
	if len(changes) == 0 {
		return nil
	}
	return encode(changes)
}
