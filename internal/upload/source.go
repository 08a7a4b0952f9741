package upload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
)

// position is a place between two lines: the number of the next one, from 1, and where it begins
// in the inflated stream. In an array, items are the lines.
type position struct {
	line   int64
	offset int64
}

var start = position{line: 1}

// cursor reads lines in pieces, so that a line of any length takes no more memory than another.
type cursor interface {
	// next returns a piece that is good until the next call, and whether it ends a line. io.EOF comes
	// alone, and only between lines.
	next() (piece []byte, ends bool, err error)
	position() position // after the last line that ended
	close()
}

// source is what is sent, from any place that it was left at.
type source interface {
	at(p position) (cursor, error)
	// length is how many bytes the lines from p on take that together have at least so many; false
	// when it cannot be told without reading them.
	length(p position, least int64) (int64, bool)
	read() int64 // bytes of the file that were read, for a bar
	// forget says that nothing before p will be asked for.
	forget(p position)
}

// pieceBytes is how much is read at a time.
const pieceBytes = 64 << 10

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	gzipMagic     = []byte{0x1f, 0x8b}
)

// form is what a stream looks like.
type form struct{ zipped, array bool }

// inflate tells a stream's form, and returns it inflated.
func inflate(in io.Reader) (*bufio.Reader, form, error) {
	var f form
	r := bufio.NewReaderSize(in, pieceBytes)
	if magic, _ := r.Peek(len(gzipMagic)); bytes.Equal(magic, gzipMagic) {
		zip, err := gzip.NewReader(r)
		if err != nil {
			return nil, f, fmt.Errorf("it begins like gzip, and is none: %w", err)
		}
		f.zipped, r = true, bufio.NewReaderSize(zip, pieceBytes)
	}
	for n := 512; n <= pieceBytes; n *= 2 {
		head, err := r.Peek(n)
		if text := bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n"); len(text) > 0 {
			f.array = text[0] == '['
			return r, f, nil
		}
		if err != nil {
			break
		}
	}
	return r, f, nil
}

// file is a source on the disk.
type file struct {
	path string
	form form
	raw  atomic.Int64
}

func openFile(path string) (*file, error) {
	f := &file{path: path}
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	_, f.form, err = inflate(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func (f *file) at(p position) (cursor, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	if !f.form.zipped {
		if _, err := in.Seek(p.offset, io.SeekStart); err != nil {
			_ = in.Close()
			return nil, fmt.Errorf("seek: %w", err)
		}
		f.raw.Store(p.offset)
		return newCursor(bufio.NewReaderSize(&counter{in, &f.raw}, pieceBytes), f.form, p, in), nil
	}
	f.raw.Store(0)
	r, _, err := inflate(&counter{in, &f.raw})
	if err == nil {
		_, err = io.CopyN(io.Discard, r, p.offset)
	}
	if err != nil {
		_ = in.Close()
		return nil, fmt.Errorf("inflate up to line %d: %w", p.line, err)
	}
	return newCursor(r, f.form, p, in), nil
}

func (f *file) read() int64 { return f.raw.Load() }

func (f *file) forget(position) {}

func (f *file) length(p position, least int64) (int64, bool) {
	if f.form != (form{}) {
		return 0, false
	}
	in, err := os.Open(f.path)
	if err != nil {
		return 0, false
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil || info.Size() < p.offset {
		return 0, false
	}
	if info.Size()-p.offset <= least {
		return info.Size() - p.offset, true
	}
	if _, err := in.Seek(p.offset+least-1, io.SeekStart); err != nil {
		return 0, false
	}
	r := bufio.NewReaderSize(in, pieceBytes)
	for n := least - 1; ; {
		piece, err := r.ReadSlice('\n')
		n += int64(len(piece))
		if err == nil || errors.Is(err, io.EOF) {
			return n, true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return 0, false
		}
	}
}

// counter counts what is read of the file.
type counter struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// stream is a source that cannot be read twice, such as standard input: what is not known to be
// stored is kept in memory.
type stream struct {
	in   cursor
	raw  atomic.Int64
	kept []keptPiece
	from position
}

type keptPiece struct {
	text []byte
	ends bool
	then position
}

func openStream(r io.Reader) (*stream, error) {
	s := &stream{from: start}
	in, f, err := inflate(&counter{r, &s.raw})
	if err != nil {
		return nil, err
	}
	s.in = newCursor(in, f, start, io.NopCloser(nil))
	return s, nil
}

func (s *stream) at(p position) (cursor, error) {
	if p.line < s.from.line {
		return nil, fmt.Errorf("line %d of the stream has gone by", p.line)
	}
	c := &replay{s: s, pos: s.from}
	for c.pos.line < p.line {
		if _, _, err := c.next(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (s *stream) read() int64 { return s.raw.Load() }

func (s *stream) length(position, int64) (int64, bool) { return 0, false }

func (s *stream) forget(p position) {
	for len(s.kept) > 0 && s.kept[0].then.line <= p.line && s.from.line < p.line {
		s.from, s.kept[0].text = s.kept[0].then, nil
		s.kept = s.kept[1:]
	}
}

// replay reads what is kept, and then on.
type replay struct {
	s   *stream
	i   int
	pos position
}

func (c *replay) next() ([]byte, bool, error) {
	if c.i == len(c.s.kept) {
		piece, ends, err := c.s.in.next()
		if err != nil {
			return nil, false, err
		}
		c.s.kept = append(c.s.kept, keptPiece{bytes.Clone(piece), ends, c.s.in.position()})
	}
	k := c.s.kept[c.i]
	c.i, c.pos = c.i+1, k.then
	return k.text, k.ends, nil
}

func (c *replay) position() position { return c.pos }

func (c *replay) close() {}
