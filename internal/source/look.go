package source

import (
	"bytes"
	"strconv"
	"strings"

	"latchkey/internal/payload"
)

// pick takes the named members out of a JSON object in one pass, without decoding or copying
// anything else: vendors' objects have dozens of members of which a few matter. Nil for anything
// but an object; of a repeated name the last counts, as everywhere.
func pick(v payload.Value, names ...string) payload.Object {
	var found payload.Object
	members(v, func(quoted, value payload.Value) bool {
		for _, name := range names {
			if spells(quoted, name) && !tooLong(value) {
				if found == nil {
					found = make(payload.Object, len(names))
				}
				found[name] = value
				break
			}
		}
		return true
	})
	return found
}

// maxScalar is in bytes. A longer text is nobody's name, address or id, and is not decoded to see.
const maxScalar = 64 << 10

func tooLong(v payload.Value) bool {
	return len(v) > maxScalar && v[0] != '{' && v[0] != '['
}

// short are the members without texts that are too long.
func short(o payload.Object) payload.Object {
	kept := make(payload.Object, len(o))
	for name, v := range o {
		if !tooLong(v) {
			kept[name] = v
		}
	}
	return kept
}

// members visits the members of a JSON object in order until visit returns false. The name comes
// as it was sent, with its quotes.
func members(v payload.Value, visit func(quoted, value payload.Value) bool) {
	if !v.IsObject() {
		return
	}
	for i := next(v, 1); i < len(v) && v[i] == '"'; {
		name := v[i:skipString(v, i)]
		i = next(v, i+len(name))
		if i >= len(v) || v[i] != ':' {
			return
		}
		i = next(v, i+1)
		end := skip(v, i)
		if !visit(name, v[i:end]) {
			return
		}
		i = next(v, end)
		if i >= len(v) || v[i] != ',' {
			return
		}
		i = next(v, i+1)
	}
}

// member follows names down through objects; nil where one is missing.
func member(v payload.Value, path ...string) payload.Value {
	for _, name := range path {
		v = pick(v, name)[name]
	}
	return v
}

// maxElements is far above the longest list that any vendor sends; it bounds the work for one that
// was made to cost time.
const maxElements = 1000

// each visits the first elements of an array in order until visit returns false.
func each(v payload.Value, visit func(payload.Value) bool) {
	if len(v) == 0 || v[0] != '[' {
		return
	}
	for i, n := next(v, 1), 0; i < len(v) && v[i] != ']' && n < maxElements; n++ {
		end := skip(v, i)
		if end == i || !visit(v[i:end]) {
			return
		}
		i = next(v, end)
		if i >= len(v) || v[i] != ',' {
			return
		}
		i = next(v, i+1)
	}
}

// firstOf is the first element of an array; nil when it has none.
func firstOf(v payload.Value) (first payload.Value) {
	each(v, func(e payload.Value) bool { first = e; return false })
	return first
}

// only is the element of an array that has exactly one.
func only(v payload.Value) payload.Value {
	var element payload.Value
	n := 0
	each(v, func(e payload.Value) bool { element, n = e, n+1; return n < 2 })
	if n != 1 {
		return nil
	}
	return element
}

// spells tells that a quoted member name is the name, which is ASCII as all that are looked for.
// Some encoders escape characters that need no escape.
func spells(quoted payload.Value, name string) bool {
	if len(quoted) < len(name)+2 {
		return false
	}
	text := quoted[1 : len(quoted)-1]
	if len(text) == len(name) {
		return string(text) == name && strings.IndexByte(name, '\\') < 0
	}
	for i := 0; i < len(name); i++ {
		c, n := character(text)
		if n == 0 || c != name[i] {
			return false
		}
		text = text[n:]
	}
	return len(text) == 0
}

// character is the first of a string's text, an ASCII one, and how many bytes it was written in;
// 0 bytes for any other.
func character(text payload.Value) (c byte, size int) {
	switch {
	case len(text) == 0:
		return 0, 0
	case text[0] != '\\':
		return text[0], 1
	case len(text) >= 6 && text[1] == 'u':
		code, err := strconv.ParseUint(string(text[2:6]), 16, 16)
		if err != nil || code > 127 {
			return 0, 0
		}
		return byte(code), 6
	case len(text) >= 2:
		if i := strings.IndexByte(`"\/bfnrt`, text[1]); i >= 0 {
			return "\"\\/\b\f\n\r\t"[i], 2
		}
	}
	return 0, 0
}

// next is the first place at or after i that is no white space.
func next(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skip is the end of the value that begins at i; i itself when none does.
func skip(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) && strings.IndexByte(",]} \n\t\r:", b[i]) < 0 {
		i++
	}
	return i
}

// skipString is the place after the quote that ends the string which begins at i.
func skipString(b []byte, i int) int {
	for from := i + 1; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return len(b)
		}
		end := from + n
		escapes := 0
		for escapes < n && b[end-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return end + 1
		}
		from = end + 1
	}
}

func skipNested(b []byte, i int) int {
	for level := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = skipString(b, i) - 1
		case '{', '[':
			level++
		case '}', ']':
			if level--; level == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

// address is the first of the texts that looks like an email address; "" when none does.
func address(texts ...string) string {
	for _, text := range texts {
		if email, ok := payload.Address(text); ok {
			return email
		}
	}
	return ""
}
