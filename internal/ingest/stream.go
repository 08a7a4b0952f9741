package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"latchkey/internal/payload"
)

// peekAhead is how much of a stream is looked at to tell its form.
const peekAhead = 64 << 10

// run reads the stream in the form that it has: an array, an object around one, or a line an item.
func (u *upload) run(ctx context.Context, body io.Reader) {
	in := bufio.NewReaderSize(body, peekAhead)
	if mark, _ := in.Peek(len(byteOrderMark)); bytes.Equal(mark, byteOrderMark) {
		_, _ = in.Discard(len(byteOrderMark))
	}
	ahead, err := u.look(in)
	switch text := bytes.TrimLeft(ahead, " \t\r\n"); {
	case len(text) == 0 && err != nil && !errors.Is(err, io.EOF):
		u.refusal = u.unreadable(err)
		return
	case u.r.saysLines():
		u.lines(ctx, in)
	case len(text) > 0 && text[0] == '[':
		u.document(ctx, in, u.array)
	case len(text) > 0 && text[0] == '{' && !isLine(text):
		u.document(ctx, in, u.object)
	default:
		u.lines(ctx, in)
	}
	u.finish(ctx)
}

// look peeks until the first line is there, without waiting for more than is needed to tell.
func (u *upload) look(in *bufio.Reader) (ahead []byte, err error) {
	for n := 1; n <= peekAhead; n = in.Buffered() + 1 {
		_, err = in.Peek(n)
		ahead, _ = in.Peek(in.Buffered())
		text := bytes.TrimLeft(ahead, " \t\r\n")
		if err != nil || len(text) > 0 && (text[0] != '{' || bytes.IndexByte(text, '\n') >= 0) {
			return ahead, err
		}
	}
	return ahead, err
}

// isLine tells NDJSON from one object over several lines, or around a list, by the first line: it
// is an item when it is complete and no envelope, and a bad item when it breaks off anywhere but
// after an opening bracket or a comma.
func isLine(text []byte) bool {
	line, _, whole := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSpace(line)
	if json.Valid(line) {
		out, refusal := unwrap(line, nil)
		return refusal == nil && out.single
	}
	if !whole { // a long line, or the only one
		return !opensList(line)
	}
	return !bytes.ContainsRune([]byte("{[,"), rune(line[len(line)-1]))
}

func opensList(text []byte) bool {
	return slices.ContainsFunc(lists, func(name string) bool {
		_, rest, found := bytes.Cut(text, []byte(`"`+name+`"`))
		rest = bytes.TrimLeft(rest, " \t")
		return found && len(rest) > 0 && rest[0] == ':' && bytes.HasPrefix(bytes.TrimLeft(rest[1:], " \t"), []byte("["))
	})
}

// unreadable is readRefusal, but for a stream that was stopped by us.
func (u *upload) unreadable(err error) *Refusal {
	if u.r.stopping() {
		return errStopping()
	}
	return readRefusal(err, u.s.limits.BulkBody)
}

// lines reads NDJSON. A line over the limit is refused and skipped, never held whole.
func (u *upload) lines(ctx context.Context, in *bufio.Reader) {
	for u.refusal == nil {
		text, tooLong, err := readLine(in, u.s.limits.Item)
		if err != nil && !errors.Is(err, io.EOF) {
			u.refusal = u.unreadable(err)
			return // the half line is not taken
		}
		if err != nil && len(text) == 0 && !tooLong {
			return
		}
		u.line++
		switch {
		case tooLong:
			u.reject(&ItemError{Code: "item_too_large", Message: fmt.Sprintf("This line is larger than %d bytes.", u.s.limits.Item)})
		case len(bytes.TrimSpace(text)) > 0:
			u.take(ctx, text)
		}
		if err != nil || u.stop(ctx) {
			return
		}
	}
}

// readLine returns a line without its end, in memory of its own.
func readLine(in *bufio.Reader, limit int64) (text []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if !tooLong {
			text = append(text, part...)
			if tooLong = int64(len(text)) > limit+2; tooLong {
				text = nil
			}
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimRight(text, "\r\n"), tooLong, err
	}
}

// document reads one JSON text whose items are taken one by one; line numbers are their positions,
// from 1. Nothing may follow it.
func (u *upload) document(ctx context.Context, in *bufio.Reader, read func(context.Context, *json.Decoder, *elementReader)) {
	bounded := &elementReader{r: in, most: u.s.limits.Item + peekAhead}
	dec := json.NewDecoder(bounded)
	if read(ctx, dec, bounded); u.refusal != nil {
		return
	}
	if err := onlySpace(io.MultiReader(dec.Buffered(), in)); err != nil {
		u.refusal = u.broken(err)
	}
}

var errMore = errors.New("something follows the end of the list")

// onlySpace reads to the end and fails at anything but white space.
func onlySpace(r io.Reader) error {
	buf := make([]byte, 512)
	for {
		n, err := r.Read(buf)
		if len(bytes.Trim(buf[:n], " \t\r\n")) > 0 {
			return errMore
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// array takes an array from its opening to its closing bracket.
func (u *upload) array(ctx context.Context, dec *json.Decoder, bounded *elementReader) {
	if _, err := dec.Token(); err != nil {
		u.refusal = u.broken(err)
		return
	}
	u.elements(ctx, dec, bounded)
}

// elements takes what is left of an array, and its closing bracket.
func (u *upload) elements(ctx context.Context, dec *json.Decoder, bounded *elementReader) {
	u.listed = true
	for dec.More() {
		bounded.from = dec.InputOffset()
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			u.refusal = u.broken(err)
			return
		}
		u.line++
		if u.take(ctx, raw); u.refusal != nil || u.stop(ctx) {
			return
		}
	}
	if _, err := dec.Token(); err != nil {
		u.refusal = u.broken(err)
	}
}

var (
	errTwoLists  = errors.New("the object holds more than one list")
	errEventList = errors.New("the object is an event and holds a list of events too")
)

// object takes the list in the member batch or events; without one, the object itself is the item.
func (u *upload) object(ctx context.Context, dec *json.Decoder, bounded *elementReader) {
	bounded.copy = &bytes.Buffer{}
	u.ic.envelope = payload.Object{}
	if _, err := dec.Token(); err != nil {
		u.refusal = u.broken(err)
		return
	}
	for dec.More() {
		bounded.from = dec.InputOffset()
		name, v, opens, err := member(dec)
		switch {
		case err != nil:
		case opens == '[' && slices.Contains(lists, name) && !namesEvent(u.ic.envelope):
			if err = errTwoLists; !u.listed {
				bounded.copy, err = nil, nil
				u.elements(ctx, dec, bounded)
			}
		case opens != 0:
			err = skip(dec)
		case u.listed && slices.Contains(eventNames, name):
			err = errEventList
		default:
			u.ic.envelope[name] = v
		}
		if err != nil {
			u.refusal = u.broken(err)
		}
		if u.refusal != nil {
			return
		}
	}
	if _, err := dec.Token(); err != nil {
		u.refusal = u.broken(err)
		return
	}
	if !u.listed {
		u.ic.envelope = nil
		u.line++
		u.take(ctx, trimmed(bytes.Clone(bounded.copy.Bytes()[:dec.InputOffset()])))
	}
}

// member reads a name and, unless it opens an object or array, its value.
func member(dec *json.Decoder) (name string, v payload.Value, opens json.Delim, err error) {
	key, err := dec.Token()
	if err != nil {
		return "", nil, 0, err
	}
	token, err := dec.Token()
	if err != nil {
		return "", nil, 0, err
	}
	if delim, ok := token.(json.Delim); ok {
		return fmt.Sprint(key), nil, delim, nil
	}
	v, err = json.Marshal(token)
	return fmt.Sprint(key), v, 0, err
}

// skip reads to the end of the object or array that was just opened.
func skip(dec *json.Decoder) error {
	for open := 1; open > 0; {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
	return nil
}

var errElement = errors.New("element over the limit")

// elementReader stops the decoder from buffering one endless element.
type elementReader struct {
	r          io.Reader
	read, from int64
	most       int64
	copy       *bytes.Buffer // what was read, as long as it may all be one item
}

func (e *elementReader) Read(p []byte) (int, error) {
	if e.read-e.from > e.most || e.copy != nil && int64(e.copy.Len()) > e.most {
		return 0, errElement
	}
	n, err := e.r.Read(p)
	e.read += int64(n)
	if e.copy != nil {
		e.copy.Write(p[:n])
	}
	return n, err
}

func (u *upload) broken(err error) *Refusal {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errElement):
		return refuse(http.StatusRequestEntityTooLarge, "item_too_large",
			fmt.Sprintf("Item %d is larger than %d bytes.", u.line+1, u.s.limits.Item)).with("limit_bytes", u.s.limits.Item)
	case errors.Is(err, errMore), errors.Is(err, errTwoLists), errors.Is(err, errEventList):
		return refuse(http.StatusBadRequest, "invalid_body", fmt.Sprintf("After item %d: %v. Send one list a request.", u.line, err))
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return refuse(http.StatusBadRequest, "invalid_json", fmt.Sprintf("The body breaks at item %d: %v.", u.line+1, err))
	}
	return u.unreadable(err)
}
