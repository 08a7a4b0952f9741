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

	"latchkey/internal/keys"
)

const (
	chunkItems = 1000
	chunkBytes = 1 << 20
	// maxBulkErrors is how many refused lines an answer lists; all are counted.
	maxBulkErrors = 100
	// maxUploads bounds the streams at one time, each of which holds a chunk in memory.
	maxUploads = 32
)

// AcceptBulk stores a stream of NDJSON or a JSON array in chunks, with constant memory. What is
// committed stays when the stream breaks; ResumeFromLine then says where to go on.
func (s *Service) AcceptBulk(ctx context.Context, r *Request) (*Outcome, error) {
	cred, refusal := s.admit(ctx, r)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	if s.uploads.Add(1) > maxUploads {
		s.uploads.Add(-1)
		return nil, s.refused(ctx, r, cred, nil, errOverloaded())
	}
	defer s.uploads.Add(-1)
	body, refusal := s.open(r)
	if refusal != nil {
		return nil, s.refused(ctx, r, cred, nil, refusal)
	}
	u := s.newUpload(r, cred)
	u.run(ctx, body)
	u.out.Bytes = body.read
	if u.out.Lines == 0 && u.refusal == nil {
		u.refusal = refuse(http.StatusBadRequest, "empty_body", "The body is empty. Send one JSON object a line, or an array of them.")
	}
	if u.refusal != nil && u.out.Accepted+u.out.Duplicates+u.out.Rejected == 0 {
		return nil, s.refused(ctx, r, cred, nil, u.refusal)
	}
	if u.refusal != nil {
		u.out.CutOff, u.out.ResumeFromLine = u.refusal, u.resume
	}
	s.logUpload(r, cred, u)
	return u.out, nil
}

// upload is the state of one bulk stream.
type upload struct {
	s       *Service
	r       *Request
	cred    *keys.Credential
	ic      *itemContext
	out     *Outcome
	refusal *Refusal

	chunk  []*item
	size   int64
	line   int // of the item that is read
	resume int // first line that is not committed or refused
	first  *item
}

func (s *Service) newUpload(r *Request, cred *keys.Credential) *upload {
	ic := s.itemContext(r)
	ic.derive = headerID(r.Header)
	from := max(1, r.FromLine)
	return &upload{
		s: s, r: r, cred: cred, ic: ic, line: from - 1, resume: from,
		out: &Outcome{ReceivedAt: r.ReceivedAt},
	}
}

func (u *upload) run(ctx context.Context, body io.Reader) {
	in := bufio.NewReaderSize(body, 64<<10)
	start, err := firstByte(in)
	switch {
	case errors.Is(err, io.EOF):
		return
	case err != nil:
		u.refusal = readRefusal(err, u.s.limits.BulkBody)
		return
	case start == '[':
		u.array(ctx, in)
	default:
		u.lines(ctx, in)
	}
	u.commit() // what is complete stays, even if the stream broke after it
}

// firstByte skips a byte order mark and white space but line ends, which count.
func firstByte(in *bufio.Reader) (byte, error) {
	if mark, _ := in.Peek(3); bytes.Equal(mark, byteOrderMark) {
		_, _ = in.Discard(3)
	}
	for {
		b, err := in.Peek(1)
		if err != nil {
			return 0, err
		}
		if b[0] != ' ' && b[0] != '\t' {
			return b[0], nil
		}
		_, _ = in.Discard(1)
	}
}

// lines reads NDJSON. A line over the limit is refused and skipped, never held whole.
func (u *upload) lines(ctx context.Context, in *bufio.Reader) {
	for u.refusal == nil {
		text, tooLong, err := readLine(in, u.s.limits.Item)
		if err != nil && !errors.Is(err, io.EOF) {
			u.refusal = readRefusal(err, u.s.limits.BulkBody)
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
			u.take(text)
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

// array reads the elements of a JSON array one by one; line numbers are positions from 1.
func (u *upload) array(ctx context.Context, in *bufio.Reader) {
	bounded := &elementReader{r: in, most: u.s.limits.Item + 64<<10}
	dec := json.NewDecoder(bounded)
	if _, err := dec.Token(); err != nil {
		u.refusal = u.broken(err)
		return
	}
	for u.refusal == nil && dec.More() {
		bounded.from = dec.InputOffset()
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			u.refusal = u.broken(err)
			return
		}
		u.line++
		u.take(raw)
		if u.stop(ctx) {
			return
		}
	}
	if u.refusal != nil {
		return
	}
	if _, err := dec.Token(); err != nil {
		u.refusal = u.broken(err)
		return
	}
	if rest, err := firstByte(in); err == nil && rest != '\n' && rest != '\r' {
		u.refusal = u.broken(errors.New("something follows the array"))
	}
}

var errElement = errors.New("element over the limit")

// elementReader stops the decoder from buffering one endless element.
type elementReader struct {
	r          io.Reader
	read, from int64
	most       int64
}

func (e *elementReader) Read(p []byte) (int, error) {
	if e.read-e.from > e.most {
		return 0, errElement
	}
	n, err := e.r.Read(p)
	e.read += int64(n)
	return n, err
}

func (u *upload) broken(err error) *Refusal {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, errElement):
		return refuse(http.StatusRequestEntityTooLarge, "item_too_large",
			fmt.Sprintf("Item %d is larger than %d bytes.", u.line+1, u.s.limits.Item)).with("limit_bytes", u.s.limits.Item)
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return refuse(http.StatusBadRequest, "invalid_json", fmt.Sprintf("The array breaks at item %d: %v.", u.line+1, err))
	}
	return readRefusal(err, u.s.limits.BulkBody)
}

// take applies the rules to one item and commits when a chunk is full.
func (u *upload) take(raw []byte) {
	it, refused := u.ic.parse(raw, u.line)
	if refused != nil {
		u.reject(refused)
		return
	}
	bind(it, u.r, u.cred, &ItemResult{Index: u.line})
	if u.first == nil {
		u.first = it
	}
	u.out.Lines++
	u.chunk, u.size = append(u.chunk, it), u.size+int64(len(raw))
	if len(u.chunk) >= chunkItems || u.size >= chunkBytes {
		u.commit()
	}
}

func (u *upload) reject(e *ItemError) {
	u.out.Lines++
	u.out.Rejected++
	if len(u.out.Results) < maxBulkErrors {
		u.out.Results = append(u.out.Results, ItemResult{Index: u.line, Status: Rejected, Err: e})
	}
}

// commit waits until the chunk is durable. A refusal of the whole chunk ends the upload: the
// lines from the chunk's first on are then not stored.
func (u *upload) commit() {
	if len(u.chunk) == 0 {
		if u.refusal == nil {
			u.resume = u.line + 1
		}
		return
	}
	j := &job{cred: u.cred, items: u.chunk, started: u.r.ReceivedAt, bytes: u.size}
	if err := u.s.submitChunk(j); err != nil {
		u.refusal, u.resume = asRefusal(err), u.chunk[0].result.Index
		u.chunk, u.size = nil, 0
		return
	}
	u.out.Accepted += j.accepted
	u.out.Duplicates += j.repeated
	u.resume = u.line + 1
	u.chunk, u.size = nil, 0
	u.s.usage.used(u.cred, u.r.seen(), u.s.now())
}

func (s *Service) submitChunk(j *job) error {
	if !s.writer.reserve(j.bytes) {
		return errOverloaded()
	}
	defer s.writer.release(j.bytes)
	return s.writer.submit(j)
}

// stop ends an upload whose sender has gone.
func (u *upload) stop(ctx context.Context) bool {
	if ctx.Err() == nil {
		return false
	}
	u.refusal = readRefusal(ctx.Err(), u.s.limits.BulkBody)
	return true
}

func (s *Service) logUpload(r *Request, cred *keys.Credential, u *upload) {
	s.answers.add(Accepted)
	l := s.line(r, cred, nil)
	l.Status, l.Accepted, l.Duplicates, l.Rejected = u.out.Status(), u.out.Accepted, u.out.Duplicates, u.out.Rejected
	l.Bytes, l.Results = u.out.Bytes, refusedItems(u.out.Results)
	l.DurationUS = s.now().Sub(r.ReceivedAt).Microseconds()
	if u.first != nil {
		l.Event, l.Email = u.first.signal.Event, u.first.signal.Email
	}
	if u.out.CutOff != nil {
		l.Code, l.Message = u.out.CutOff.Code, u.out.CutOff.Message
	} else if u.out.Rejected > 0 {
		l.Code, l.Message = "items_rejected", "Some lines were refused; the list says which and why."
	}
	s.usage.rejected(cred, u.out.Rejected, s.now())
	// A job without items: the line is written, or the database is away and the answer says what
	// was stored all the same.
	if err := s.writer.submit(&job{cred: cred, request: l, started: r.ReceivedAt}); err != nil {
		s.writer.droppedLogs.Add(1)
	}
}
