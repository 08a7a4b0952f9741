package mapping

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFilterNames is how deep a filter may look into a member.
const maxFilterNames = 5

// pathError says where a path is wrong; at counts characters from 1.
type pathError struct {
	at      int
	problem string
}

func (e *pathError) Error() string { return fmt.Sprintf("position %d: %s", e.at, e.problem) }

// parser reads the path grammar. Its input is at most MaxPathBytes of valid UTF-8.
type parser struct {
	text string
	pos  int // byte
}

// parsePath reads a path. The leading $ may be left out.
func parsePath(text string) (path, *pathError) {
	p := &parser{text: text}
	switch {
	case len(text) > MaxPathBytes:
		return path{}, &pathError{1, fmt.Sprintf("the path has %d bytes. At most %d are allowed.", len(text), MaxPathBytes)}
	case !utf8.ValidString(text):
		return path{}, &pathError{1, "the path is not valid UTF-8. Type it again."}
	}
	p.blanks()
	if p.done() {
		return path{}, p.fail("the path is empty. Write where the value is, e.g. $.traits.plan, or remove the path.")
	}
	steps, err := p.steps()
	if err != nil {
		return path{}, err
	}
	normal := newPath(steps)
	if len(normal.text) > MaxPathBytes {
		return path{}, &pathError{1, fmt.Sprintf("the path has more than %d bytes in its normal spelling. Shorten it.", MaxPathBytes)}
	}
	return normal, nil
}

func (p *parser) done() bool { return p.pos >= len(p.text) }

func (p *parser) peek() byte {
	if p.done() {
		return 0
	}
	return p.text[p.pos]
}

func (p *parser) blanks() {
	for !p.done() && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t' || p.text[p.pos] == '\n' || p.text[p.pos] == '\r') {
		p.pos++
	}
}

func (p *parser) fail(format string, args ...any) *pathError { return p.failAt(p.pos, format, args...) }

func (p *parser) failAt(pos int, format string, args ...any) *pathError {
	return &pathError{utf8.RuneCountInString(p.text[:min(pos, len(p.text))]) + 1, fmt.Sprintf(format, args...)}
}

func (p *parser) steps() ([]step, *pathError) {
	var steps []step
	if err := p.root(&steps); err != nil {
		return nil, err
	}
	for {
		start := p.pos
		p.blanks()
		if p.done() {
			return steps, nil
		}
		if p.pos > start {
			return nil, p.failAt(start, "a name with a space goes into brackets: ['total billed'].")
		}
		if len(steps) == MaxSteps {
			return nil, p.fail("the path has more than %d steps. Shorten it.", MaxSteps)
		}
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
}

// root takes the $, or a first name without it. `$group_key` is a name: senders have such members.
func (p *parser) root(steps *[]step) *pathError {
	c := p.peek()
	if c == '$' {
		if next := p.pos + 1; next == len(p.text) || strings.IndexByte(".[ \t\r\n", p.text[next]) >= 0 {
			p.pos++
			return nil
		}
	}
	switch c {
	case '[':
		return nil
	case '.':
		return p.fail("a path begins with $ or with a name. Remove the dot, or write $ before it.")
	case '@':
		return p.fail("@ stands only inside a filter. Begin the path with $.")
	}
	s, err := p.name()
	if err == nil {
		*steps = append(*steps, s)
	}
	return err
}

func (p *parser) step() (step, *pathError) {
	switch p.peek() {
	case '[':
		return p.bracket()
	case '.':
		p.pos++
		switch p.peek() {
		case '.':
			return step{}, p.fail("“..” is not supported, since it would search the whole payload. Name each step, e.g. $.traits.plan.")
		case '*':
			p.pos++
			return step{kind: stepAll}, nil
		case '[':
			return step{}, p.fail("a dot before [ is one too many. Remove the dot.")
		}
		return p.name()
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.pos:])
	return step{}, p.fail("%q cannot stand here. Write a dot and a name, or [ ].", r)
}

// isPlain tells the characters that a name without quotes may have.
func isPlain(r rune) bool {
	return r > ' ' && r != 0x7f && r != utf8.RuneError && !unicode.IsSpace(r) && !unicode.IsControl(r) && !strings.ContainsRune(".[]()*?@,:'\"`\\=<>!&|", r)
}

func (p *parser) name() (step, *pathError) {
	rest := p.text[p.pos:]
	end := strings.IndexFunc(rest, func(r rune) bool { return !isPlain(r) })
	if end < 0 {
		end = len(rest)
	}
	name := rest[:end]
	switch {
	case name == "" && rest == "":
		return step{}, p.fail("a name is missing after the dot. Add it, or remove the dot.")
	case name == "" && rest[0] == '\'' || name == "" && rest[0] == '"':
		return step{}, p.fail("a quoted name goes into brackets: ['total billed'].")
	case name == "":
		r, _ := utf8.DecodeRuneInString(rest)
		return step{}, p.fail("%q cannot stand in a name. Put such a name into brackets and quotes: ['a name'].", r)
	case strings.Trim(name, "0123456789") == "":
		return step{}, p.fail("for an element of a list write [%s]; for a member of that name ['%s'].", name, name)
	}
	p.pos += end
	return step{kind: stepName, name: name}, nil
}

// bracket reads ['name'], ["name"], [0], [-1], [*] and [?(...)].
func (p *parser) bracket() (step, *pathError) {
	open := p.pos
	p.pos++
	p.blanks()
	var s step
	var err *pathError
	switch c := p.peek(); {
	case p.done():
		return s, p.failAt(open, "the bracket is not closed. Add ].")
	case c == '\'' || c == '"':
		s.kind = stepName
		s.name, err = p.quoted()
	case c == '*':
		p.pos++
		s.kind = stepAll
	case c == '-' || c >= '0' && c <= '9':
		s.kind = stepIndex
		s.index, err = p.integer()
	case c == '?':
		return p.filter(open)
	case c == '(':
		return s, p.fail("scripts are not supported. Write a name, an index, [*] or a filter such as [?(@.type=='owner')].")
	case c == ':':
		return s, p.fail("slices are not supported. Write one index, e.g. [0], or [*] for all.")
	case c == ']':
		return s, p.fail("the brackets are empty. Write an index, e.g. [0], [*] for all, or a name in quotes.")
	default:
		return s, p.fail("a name in brackets needs quotes: ['total billed'].")
	}
	if err == nil {
		err = p.close(open)
	}
	return s, err
}

func (p *parser) close(open int) *pathError {
	p.blanks()
	switch p.peek() {
	case ']':
		p.pos++
		return nil
	case ',':
		return p.fail("several names or indexes in one bracket are not supported. Write one path for each.")
	case ':':
		return p.fail("slices are not supported. Write one index, e.g. [0], or [*] for all.")
	case 0:
		return p.failAt(open, "the bracket is not closed. Add ].")
	}
	return p.fail("the bracket should end here. Add ], or remove what follows.")
}

func (p *parser) integer() (int, *pathError) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	text := p.text[start:p.pos]
	n, err := strconv.Atoi(text)
	if err != nil || len(text) > 8 {
		return 0, p.failAt(start, "%s is no index. Write a whole number such as 0, or -1 for the last.", text)
	}
	return n, nil
}

// quoted reads a string in ' or " with the escapes of RFC 9535, 2.3.1.1.
func (p *parser) quoted() (string, *pathError) {
	open, quote := p.pos, p.text[p.pos]
	p.pos++
	var b strings.Builder
	for {
		switch c := p.peek(); {
		case p.done():
			return "", p.failAt(open, "the quote is not closed. Add %c.", quote)
		case c == quote:
			p.pos++
			return b.String(), nil
		case c == '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
}

func (p *parser) escape(b *strings.Builder) *pathError {
	start := p.pos
	p.pos++
	c := p.peek()
	p.pos++
	switch c {
	case '\'', '"', '\\', '/':
		b.WriteByte(c)
		return nil
	case 'b', 'f', 'n', 'r', 't':
		b.WriteByte("\b\f\n\r\t"[strings.IndexByte("bfnrt", c)])
		return nil
	case 'u':
		return p.unicode(b, start)
	}
	return p.failAt(start, `a backslash stands only before ', ", \, /, b, f, n, r, t or u. Double it to mean itself.`)
}

// unicode reads the digits after \u, with encoding/json for surrogate pairs.
func (p *parser) unicode(b *strings.Builder, start int) *pathError {
	end := min(p.pos+4, len(p.text))
	if strings.HasPrefix(p.text[end:], `\u`) && end+6 <= len(p.text) && p.pos < end && strings.ContainsRune("dD", rune(p.text[p.pos])) {
		end += 6
	}
	var text string
	if json.Unmarshal([]byte(`"`+p.text[start:end]+`"`), &text) != nil || strings.Contains(text, "\uFFFD") {
		return p.failAt(start, `\u needs four hexadecimal digits of a character. Write the character itself.`)
	}
	b.WriteString(text)
	p.pos = end
	return nil
}
