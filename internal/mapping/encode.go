package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds nesting in what is kept.
const maxDepth = 100

// encoder writes canonical JSON: no blanks, members by name, numbers in their plain spelling, so that
// equal values are equal bytes. It stops when the text would get longer than left.
type encoder struct {
	out       []byte
	most      int
	left      int // bytes that may still come, by a low estimate made before the work
	sanitised bool
}

// encode is the canonical JSON of v in at most so many bytes; the problem is a clause. What cannot be
// stored in every database (U+0000, invalid UTF-8) becomes U+FFFD.
func (w *work) encode(v any, most int) (json.RawMessage, string) {
	e := encoder{most: most, left: most}
	if problem := e.value(v, 0); problem != "" {
		return nil, problem
	}
	if len(e.out) > most {
		return nil, tooLong(most)
	}
	w.sanitised = w.sanitised || e.sanitised
	return e.out, ""
}

func tooLong(most int) string { return fmt.Sprintf("has more than %d bytes as JSON", most) }

// reserve pays in advance for what a value needs at least.
func (e *encoder) reserve(n int) bool {
	e.left -= n
	return e.left >= 0
}

func (e *encoder) value(v any, depth int) string {
	if len(e.out) > e.most {
		return tooLong(e.most)
	}
	if depth > maxDepth {
		return fmt.Sprintf("is nested deeper than %d levels", maxDepth)
	}
	switch v := v.(type) {
	case nil:
		e.out = append(e.out, "null"...)
	case bool:
		e.out = strconv.AppendBool(e.out, v)
	case json.Number:
		e.number(v)
	case string:
		if !e.reserve(len(v)) {
			return tooLong(e.most)
		}
		e.text(v)
	case many:
		return e.list(v, depth)
	case []any:
		return e.list(v, depth)
	case map[string]any:
		return e.object(v, depth)
	default:
		return "is of an unknown kind"
	}
	return ""
}

func (e *encoder) list(list []any, depth int) string {
	if !e.reserve(2 * len(list)) {
		return tooLong(e.most)
	}
	e.out = append(e.out, '[')
	for i, element := range list {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if problem := e.value(element, depth+1); problem != "" {
			return problem
		}
	}
	e.out = append(e.out, ']')
	return ""
}

func (e *encoder) object(object map[string]any, depth int) string {
	// Five bytes for the shortest member: paid before sorting, so that sorting is bounded too.
	if !e.reserve(5 * len(object)) {
		return tooLong(e.most)
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	e.out = append(e.out, '{')
	for i, name := range names {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if !e.reserve(len(name)) {
			return tooLong(e.most)
		}
		e.text(name)
		e.out = append(e.out, ':')
		if problem := e.value(object[name], depth+1); problem != "" {
			return problem
		}
	}
	e.out = append(e.out, '}')
	return ""
}

// number keeps a number that is out of range as text: databases and browsers could not read it.
func (e *encoder) number(n json.Number) {
	d, problem := parseDecimal(string(n))
	if problem != "" {
		e.text(cutText(string(n), maxNumberText, "…"))
		return
	}
	e.out = append(e.out, d.text()...)
}

const hexDigits = "0123456789abcdef"

func (e *encoder) text(text string) {
	e.out = append(e.out, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := rune(c), 1
		if c >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
			if r != utf8.RuneError {
				i += size
				continue
			}
		}
		e.out = append(e.out, text[start:i]...)
		e.escaped(r)
		i += size
		start = i
	}
	e.out = append(append(e.out, text[start:]...), '"')
}

func (e *encoder) escaped(r rune) {
	switch r {
	case 0, utf8.RuneError:
		e.sanitised = true
		e.out = append(e.out, "\uFFFD"...)
	case '"', '\\':
		e.out = append(e.out, '\\', byte(r))
	case '\n':
		e.out = append(e.out, `\n`...)
	case '\r':
		e.out = append(e.out, `\r`...)
	case '\t':
		e.out = append(e.out, `\t`...)
	default:
		e.out = append(e.out, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	}
}
