package upload

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

func newCursor(r *bufio.Reader, f form, p position, file io.Closer) cursor {
	base := base{r: r, at: p.offset, pos: p, file: file}
	if f.array {
		return &elements{base: base}
	}
	return &lines{base: base}
}

type base struct {
	r    *bufio.Reader
	at   int64
	pos  position
	file io.Closer
}

func (b *base) position() position { return b.pos }

func (b *base) close() { _ = b.file.Close() }

// ended notes that a line has ended here.
func (b *base) ended() { b.pos = position{line: b.pos.line + 1, offset: b.at} }

// lines reads NDJSON, byte for byte.
type lines struct {
	base
	inside bool
}

func (c *lines) next() ([]byte, bool, error) {
	piece, err := c.r.ReadSlice('\n')
	c.at += int64(len(piece))
	switch {
	case err == nil:
		c.inside = false
		c.ended()
		return piece, true, nil
	case errors.Is(err, bufio.ErrBufferFull):
		c.inside = true
		return piece, false, nil
	case errors.Is(err, io.EOF) && (len(piece) > 0 || c.inside): // the last line has no end
		c.inside = false
		c.ended()
		return piece, true, nil
	case errors.Is(err, io.EOF):
		return nil, false, io.EOF
	}
	return nil, false, fmt.Errorf("read line %d: %w", c.pos.line, err)
}

// elements reads a JSON array: each of its elements is a line, without line ends of its own. It
// looks for where an element ends, no more; the server says what is wrong inside.
type elements struct {
	base
	opened, closed bool
	inside         bool
	depth          int
	text, escaped  bool // inside a string
	out            []byte
}

// errArray is a file that is no whole array; what came before was sent.
type errArray struct {
	line int64
	what string
}

func (e *errArray) Error() string { return fmt.Sprintf("the array %s after item %d", e.what, e.line) }

func (c *elements) broken(what string) error { return &errArray{c.pos.line - 1, what} }

func (c *elements) next() ([]byte, bool, error) {
	c.out = c.out[:0]
	if !c.inside {
		if err := c.begin(); err != nil {
			return nil, false, err
		}
	}
	for len(c.out) < pieceBytes {
		b, err := c.byte()
		if err != nil {
			return nil, false, err
		}
		if c.depth == 0 && !c.text && (b == ',' || b == ']') {
			_ = c.r.UnreadByte()
			c.at--
			c.inside = false
			c.ended()
			return append(c.out, '\n'), true, nil
		}
		c.out = append(c.out, c.plain(b))
	}
	return c.out, false, nil
}

// begin goes to an element's first byte.
func (c *elements) begin() error {
	b, err := c.solid()
	if err != nil {
		return err
	}
	if c.pos.offset == 0 && !c.opened { // inflate saw the bracket
		for b != '[' {
			if b, err = c.solid(); err != nil {
				return err
			}
		}
		c.opened = true
		if b, err = c.solid(); err != nil {
			return err
		}
		if b == ']' {
			return c.end()
		}
	} else {
		switch b {
		case ']':
			return c.end()
		case ',':
			if b, err = c.solid(); err != nil {
				return err
			}
		default:
			return c.broken("goes on without a comma")
		}
	}
	if b == ',' || b == ']' {
		return c.broken("has nothing between two commas, or before its end,")
	}
	c.inside = true
	_ = c.r.UnreadByte()
	c.at--
	return nil
}

// end makes sure that nothing follows the array.
func (c *elements) end() error {
	if !c.closed {
		c.closed = true
		for {
			b, err := c.r.ReadByte()
			if errors.Is(err, io.EOF) {
				return io.EOF
			}
			if err != nil {
				return fmt.Errorf("read on after the array: %w", err)
			}
			if !space(b) {
				return c.broken("ends, and more follows it,")
			}
		}
	}
	return io.EOF
}

// plain follows strings and brackets. A line end becomes a space; inside a string, where JSON allows
// none, something else that it does not allow.
func (c *elements) plain(b byte) byte {
	switch {
	case c.text && c.escaped:
		c.escaped = false
	case c.text && b == '\\':
		c.escaped = true
	case b == '"':
		c.text = !c.text
	case c.text:
	case b == '{' || b == '[':
		c.depth++
	case b == '}' || b == ']':
		c.depth--
	}
	switch {
	case b != '\n' && b != '\r':
		return b
	case c.text:
		return 0x1f
	}
	return ' '
}

func (c *elements) solid() (byte, error) {
	for {
		b, err := c.byte()
		if err != nil || !space(b) {
			return b, err
		}
	}
}

func (c *elements) byte() (byte, error) {
	b, err := c.r.ReadByte()
	if errors.Is(err, io.EOF) {
		if c.closed {
			return 0, io.EOF
		}
		return 0, c.broken("breaks off")
	}
	if err != nil {
		return 0, fmt.Errorf("read item %d: %w", c.pos.line, err)
	}
	c.at++
	return b, nil
}

func space(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }
