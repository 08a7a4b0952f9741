package mapping

import (
	"strconv"
	"strings"
)

type stepKind uint8

const (
	stepName stepKind = iota
	stepIndex
	stepAll
	stepFilter
)

type step struct {
	kind  stepKind
	index int
	name  string
	where *filter
}

// filter keeps the members of which the value at names equals want (string, json.Number or bool).
type filter struct {
	names []string
	want  any
}

// path is a compiled path. text is its one normal spelling.
type path struct {
	steps []step
	text  string
	many  bool // it can give several values
}

func newPath(steps []step) path {
	p := path{steps: steps}
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range steps {
		p.many = p.many || s.kind == stepAll || s.kind == stepFilter
		s.write(&b)
	}
	p.text = b.String()
	return p
}

func (s step) write(b *strings.Builder) {
	switch s.kind {
	case stepName:
		writeName(b, s.name)
	case stepIndex:
		b.WriteString("[" + strconv.Itoa(s.index) + "]")
	case stepAll:
		b.WriteString("[*]")
	case stepFilter:
		b.WriteString("[?(@")
		for _, name := range s.where.names {
			writeName(b, name)
		}
		b.WriteString("==")
		writeLiteral(b, s.where.want)
		b.WriteString(")]")
	}
}

// writeName prefers the dot form where RFC 9535 has one (2.5.1.1, member-name-shorthand).
func writeName(b *strings.Builder, name string) {
	if isShorthand(name) {
		b.WriteString("." + name)
		return
	}
	b.WriteByte('[')
	writeQuoted(b, name)
	b.WriteByte(']')
}

func isShorthand(name string) bool {
	for i, r := range name {
		digit := r >= '0' && r <= '9'
		if !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80 && isPlain(r) || digit && i > 0) {
			return false
		}
	}
	return name != ""
}

// writeQuoted uses the escapes of RFC 9535, 2.7 (normalised paths).
func writeQuoted(b *strings.Builder, text string) {
	const hex = "0123456789abcdef"
	b.WriteByte('\'')
	for _, r := range text {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			b.WriteString(`\u00`)
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&15])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
}

func writeLiteral(b *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		writeQuoted(b, v)
	case bool:
		b.WriteString(strconv.FormatBool(v))
	default:
		b.WriteString(scalarText(v))
	}
}
