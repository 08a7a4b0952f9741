package orgs

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Each update reads and writes the whole state of its organisation inside the transaction, so that
// this is done by hand: encoding/json takes several times as long. The text is the same.

// Encode writes product_orgs.fields.
func (s State) Encode() []byte {
	size := 2
	for name, f := range s {
		size += len(name) + len(f.Value) + len(f.Update) + len(f.Key) + 50
	}
	out := append(make([]byte, 0, size), '{')
	for i, name := range slices.Sorted(maps.Keys(s)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, name), ':')
		out = s[name].append(out)
	}
	return append(out, '}')
}

func (f Field) append(out []byte) []byte {
	out = append(out, `{"v":`...)
	if f.Value == nil {
		out = append(out, "null"...)
	}
	out = append(out, f.Value...)
	out = append(out, `,"at":`...)
	out = strconv.AppendInt(out, f.At, 10)
	out = appendText(append(out, `,"u":`...), f.Update)
	out = appendText(append(out, `,"k":`...), f.Key)
	return append(out, '}')
}

func appendText(out []byte, text string) []byte {
	if !isPlain([]byte(text)) {
		return append(out, encode(text)...)
	}
	return append(append(append(out, '"'), text...), '"')
}

// isPlain tells that a text is the same inside quotes: printable ASCII without quotes and backslashes.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// Decode reads product_orgs.fields. The state's values are parts of fields.
func Decode(fields []byte) (State, error) {
	if len(fields) == 0 {
		return State{}, nil
	}
	d := decoder{text: fields, all: string(fields)}
	if s, ok := d.state(); ok {
		return s, nil
	}
	s := State{}
	err := json.Unmarshal(fields, &s)
	return s, err
}

// decoder reads what Encode writes, as long as names are plain. It gives up at anything else.
type decoder struct {
	text []byte
	all  string // the same: names and ids are parts of one string
	at   int
}

func (d *decoder) state() (State, bool) {
	s := make(State, bytes.Count(d.text, []byte(`"at":`)))
	if !d.skip("{") {
		return nil, false
	}
	if d.skip("}") {
		return s, d.at == len(d.text)
	}
	for {
		name, ok := d.string()
		if !ok || !d.skip(":") {
			return nil, false
		}
		f, ok := d.field()
		if !ok {
			return nil, false
		}
		s[name] = f
		if !d.skip(",") {
			return s, d.skip("}") && d.at == len(d.text)
		}
	}
}

func (d *decoder) field() (f Field, ok bool) {
	if !d.skip(`{"v":`) {
		return f, false
	}
	from := d.at
	if !d.value() {
		return f, false
	}
	f.Value = d.text[from:d.at:d.at]
	if !d.skip(`,"at":`) {
		return f, false
	}
	from = d.at
	for d.at < len(d.text) && (d.text[d.at] == '-' || d.text[d.at] >= '0' && d.text[d.at] <= '9') {
		d.at++
	}
	at, err := strconv.ParseInt(d.all[from:d.at], 10, 64)
	if f.At = at; err != nil || !d.skip(`,"u":`) {
		return f, false
	}
	if f.Update, ok = d.string(); !ok || !d.skip(`,"k":`) {
		return f, false
	}
	if f.Key, ok = d.string(); !ok {
		return f, false
	}
	return f, d.skip("}")
}

func (d *decoder) skip(token string) bool {
	if d.at+len(token) > len(d.all) || d.all[d.at:d.at+len(token)] != token {
		return false
	}
	d.at += len(token)
	return true
}

// string reads a plain string.
func (d *decoder) string() (string, bool) {
	if !d.skip(`"`) {
		return "", false
	}
	n := bytes.IndexByte(d.text[d.at:], '"')
	if n < 0 || !isPlain(d.text[d.at:d.at+n]) {
		return "", false
	}
	text := d.all[d.at : d.at+n]
	d.at += n + 1
	return text, true
}

// value passes over a value: Encode has put it there whole, so that its end is all there is to find.
func (d *decoder) value() bool {
	depth := 0
	for from := d.at; d.at < len(d.text); d.at++ {
		switch d.text[d.at] {
		case '"':
			if !d.quoted() {
				return false
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return false
			}
			depth--
		case ',':
			if depth == 0 {
				return d.at > from
			}
		case ' ', '\t', '\r', '\n':
			if depth == 0 {
				return false
			}
		}
	}
	return false
}

// quoted passes over a string but for its last quote.
func (d *decoder) quoted() bool {
	for d.at++; d.at < len(d.text); d.at++ {
		switch d.text[d.at] {
		case '\\':
			d.at++
		case '"':
			return true
		}
	}
	return false
}
