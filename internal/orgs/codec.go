package orgs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Each update reads and writes the whole state of its organisation inside the transaction, and few
// updates set most values. So the text names each update once, which keeps most organisations in one
// page of the table instead of a compressed copy beside it, and it is written and read by hand:
// encoding/json takes several times as long. It is JSON all the same:
//
//	{"from":[["<update>","<key>"]],"fields":{"plan":["team",1767225600000000,0]}}
//
// A field has its value, its instant in microseconds, and which of from set it.
type packed struct {
	From   [][2]string                   `json:"from"`
	Fields map[string][3]json.RawMessage `json:"fields"`
}

type setter struct{ update, key string }

// Encode writes product_orgs.fields.
func (s State) Encode() []byte {
	names := slices.Sorted(maps.Keys(s))
	size, at := 32, map[setter]int{}
	var from []setter
	for _, name := range names {
		f := s[name]
		size += len(name) + len(f.Value) + 30
		by := setter{f.Update, f.Key}
		if _, known := at[by]; !known {
			at[by] = len(from)
			from = append(from, by)
			size += len(by.update) + len(by.key) + 8
		}
	}
	out := append(make([]byte, 0, size), `{"from":[`...)
	for i, by := range from {
		out = append(appendText(append(comma(out, i), '['), by.update), ',')
		out = append(appendText(out, by.key), ']')
	}
	out = append(out, `],"fields":{`...)
	for i, name := range names {
		f := s[name]
		out = append(appendText(comma(out, i), name), ':', '[')
		if f.Value == nil {
			out = append(out, "null"...)
		}
		out = append(append(out, f.Value...), ',')
		out = append(strconv.AppendInt(out, f.At, 10), ',')
		out = append(strconv.AppendInt(out, int64(at[setter{f.Update, f.Key}]), 10), ']')
	}
	return append(out, '}', '}')
}

func comma(out []byte, i int) []byte {
	if i == 0 {
		return out
	}
	return append(out, ',')
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
	var p packed
	long := json.NewDecoder(bytes.NewReader(fields))
	long.DisallowUnknownFields() // what is not understood must not read as an organisation without values
	if err := long.Decode(&p); err != nil {
		return nil, err
	}
	return p.unpack()
}

func (p packed) unpack() (State, error) {
	s := make(State, len(p.Fields))
	for name, parts := range p.Fields {
		f := Field{Value: parts[0]}
		var by int
		if err := errors.Join(json.Unmarshal(parts[1], &f.At), json.Unmarshal(parts[2], &by)); err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		if by < 0 || by >= len(p.From) {
			return nil, fmt.Errorf("field %q: no update %d", name, by)
		}
		f.Update, f.Key = p.From[by][0], p.From[by][1]
		s[name] = f
	}
	return s, nil
}

// decoder reads what Encode writes, as long as names are plain. It gives up at anything else.
type decoder struct {
	text []byte
	all  string // the same: names and ids are parts of one string
	at   int
	from []setter
}

func (d *decoder) state() (State, bool) {
	if !d.setters() || !d.skip(`,"fields":{`) {
		return nil, false
	}
	s := make(State, bytes.Count(d.text[d.at:], []byte("],\""))+1)
	if d.skip("}}") {
		return s, d.at == len(d.text)
	}
	for {
		name, ok := d.string()
		if !ok || !d.skip(":[") {
			return nil, false
		}
		f, ok := d.field()
		if !ok {
			return nil, false
		}
		s[name] = f
		if !d.skip(",") {
			return s, d.skip("}}") && d.at == len(d.text)
		}
	}
}

func (d *decoder) setters() bool {
	if !d.skip(`{"from":[`) {
		return false
	}
	if d.skip("]") {
		return true
	}
	for {
		var by setter
		var ok bool
		if !d.skip("[") {
			return false
		}
		if by.update, ok = d.string(); !ok || !d.skip(",") {
			return false
		}
		if by.key, ok = d.string(); !ok || !d.skip("]") {
			return false
		}
		d.from = append(d.from, by)
		if !d.skip(",") {
			return d.skip("]")
		}
	}
}

func (d *decoder) field() (f Field, ok bool) {
	from := d.at
	if !d.value() {
		return f, false
	}
	f.Value = d.text[from:d.at:d.at]
	if f.At, ok = d.number(','); !ok {
		return f, false
	}
	by, ok := d.number(',')
	if !ok || by < 0 || by >= int64(len(d.from)) {
		return f, false
	}
	f.Update, f.Key = d.from[by].update, d.from[by].key
	return f, d.skip("]")
}

// number reads a whole number after a sign.
func (d *decoder) number(sign byte) (int64, bool) {
	if d.at >= len(d.text) || d.text[d.at] != sign {
		return 0, false
	}
	d.at++
	from := d.at
	for d.at < len(d.text) && (d.text[d.at] == '-' || d.text[d.at] >= '0' && d.text[d.at] <= '9') {
		d.at++
	}
	n, err := strconv.ParseInt(d.all[from:d.at], 10, 64)
	return n, err == nil
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
