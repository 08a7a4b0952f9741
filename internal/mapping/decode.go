package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode reads one JSON value for Apply: map[string]any, []any, string, json.Number, bool or nil. Numbers
// keep their digits; of a repeated name the last counts; invalid UTF-8 and lone surrogates become
// U+FFFD. The error is of encoding/json: a *json.SyntaxError knows its offset.
//
// The texts of the result share one copy of the input.
func Decode(text []byte) (any, error) {
	d := decoder{text: string(text)}
	if v, ok := d.value(0); ok && d.end() {
		return v, nil
	}
	return decodeSlowly(text)
}

// decodeSlowly is what Decode is measured against, and says what is wrong.
func decodeSlowly(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after the JSON value")
	}
	return v, nil
}

// maxNesting is that of encoding/json.
const maxNesting = 10_000

// decoder takes less than half the time of encoding/json, which would be the most of what mapping a
// payload costs. Its answer to anything strange is false.
type decoder struct {
	text  string
	pos   int
	stack []any // elements of the lists that are open
}

func (d *decoder) blanks() {
	for d.pos < len(d.text) {
		switch d.text[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) end() bool {
	d.blanks()
	return d.pos == len(d.text)
}

// next skips blanks and looks at what follows; 0 at the end.
func (d *decoder) next() byte {
	d.blanks()
	if d.pos == len(d.text) {
		return 0
	}
	return d.text[d.pos]
}

func (d *decoder) value(depth int) (any, bool) {
	switch d.next() {
	case '{':
		return d.object(depth + 1)
	case '[':
		return d.list(depth + 1)
	case '"':
		return d.string()
	case 't':
		return true, d.word("true")
	case 'f':
		return false, d.word("false")
	case 'n':
		return nil, d.word("null")
	}
	return d.number()
}

func (d *decoder) word(word string) bool {
	ok := strings.HasPrefix(d.text[d.pos:], word)
	d.pos += len(word)
	return ok
}

func (d *decoder) object(depth int) (any, bool) {
	if depth > maxNesting {
		return nil, false
	}
	object := map[string]any{}
	d.pos++
	if d.next() == '}' {
		d.pos++
		return object, true
	}
	for {
		if d.next() != '"' {
			return nil, false
		}
		name, ok := d.string()
		if !ok || d.next() != ':' {
			return nil, false
		}
		d.pos++
		v, ok := d.value(depth)
		if !ok {
			return nil, false
		}
		object[name] = v
		switch d.next() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			return object, true
		default:
			return nil, false
		}
	}
}

func (d *decoder) list(depth int) (any, bool) {
	if depth > maxNesting {
		return nil, false
	}
	start := len(d.stack)
	d.pos++
	if d.next() == ']' {
		d.pos++
		return emptyList, true
	}
	for {
		v, ok := d.value(depth)
		if !ok {
			return nil, false
		}
		d.stack = append(d.stack, v)
		switch d.next() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			list := make([]any, len(d.stack)-start)
			copy(list, d.stack[start:])
			d.stack = d.stack[:start]
			return list, true
		default:
			return nil, false
		}
	}
}

// The commonest values are boxed once: they are what large payloads are large of.
var (
	emptyList    any = []any{}
	smallNumbers     = func() (list [100]any) {
		for i := range list {
			list[i] = json.Number(strconv.Itoa(i))
		}
		return list
	}()
)

func boxNumber(text string) any {
	switch len(text) {
	case 1:
		return smallNumbers[text[0]-'0']
	case 2:
		if text[0] != '-' {
			return smallNumbers[(text[0]-'0')*10+text[1]-'0']
		}
	}
	return json.Number(text)
}

// number follows RFC 8259, 6.
func (d *decoder) number() (any, bool) {
	start := d.pos
	d.skip('-')
	whole := d.pos
	if !d.digits() || d.pos > whole+1 && d.text[whole] == '0' {
		return nil, false
	}
	if d.skip('.') && !d.digits() {
		return nil, false
	}
	if d.skip('e') || d.skip('E') {
		if !d.skip('+') {
			d.skip('-')
		}
		if !d.digits() {
			return nil, false
		}
	}
	return boxNumber(d.text[start:d.pos]), true
}

func (d *decoder) skip(c byte) bool {
	if d.pos < len(d.text) && d.text[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

func (d *decoder) digits() bool {
	start := d.pos
	for d.pos < len(d.text) && d.text[d.pos] >= '0' && d.text[d.pos] <= '9' {
		d.pos++
	}
	return d.pos > start
}

func (d *decoder) string() (string, bool) {
	d.pos++
	start, plain := d.pos, true
	for i := start; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			text := d.text[start:i]
			d.pos = i + 1
			if !plain && !utf8.ValidString(text) {
				text = fixUTF8(text)
			}
			return text, true
		case c == '\\':
			return d.escaped(start, i)
		case c < 0x20:
			return "", false
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	return "", false
}

// escaped reads on from the first backslash.
func (d *decoder) escaped(start, i int) (string, bool) {
	out := append(make([]byte, 0, i-start+32), d.text[start:i]...)
	for i < len(d.text) {
		switch c := d.text[i]; {
		case c == '"':
			d.pos = i + 1
			return fixUTF8(string(out)), true
		case c < 0x20:
			return "", false
		case c != '\\':
			out = append(out, c)
			i++
		default:
			var ok bool
			if out, i, ok = d.escape(out, i); !ok {
				return "", false
			}
		}
	}
	return "", false
}

func (d *decoder) escape(out []byte, i int) ([]byte, int, bool) {
	if i+1 >= len(d.text) {
		return nil, 0, false
	}
	c := d.text[i+1]
	if at := strings.IndexByte(`"\/bfnrt`, c); at >= 0 {
		return append(out, "\"\\/\b\f\n\r\t"[at]), i + 2, true
	}
	r, ok := d.hex(i)
	if !ok {
		return nil, 0, false
	}
	i += 6
	if utf16.IsSurrogate(r) {
		if low, ok := d.hex(i); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair), i + 6, true
			}
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(out, r), i, true
}

// hex reads the \u and four digits at i.
func (d *decoder) hex(i int) (rune, bool) {
	if i+6 > len(d.text) || d.text[i] != '\\' || d.text[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(d.text[i+2 : i+6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// fixUTF8 replaces each invalid byte, as encoding/json does.
func fixUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}
