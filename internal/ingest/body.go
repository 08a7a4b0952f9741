package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"

	kgzip "github.com/klauspost/compress/gzip"
)

// checkHeaders refuses encodings and content types that no decoder here reads.
func checkHeaders(h http.Header, kind Kind) *Refusal {
	switch encodingOf(h) {
	case "", "identity", "gzip", "x-gzip":
	default:
		return refuse(http.StatusUnsupportedMediaType, "unsupported_encoding",
			"The Content-Encoding of this body is not supported. Send it plain or with gzip.").with("supported", []string{"gzip", "identity"})
	}
	if goodContentType(h.Get("Content-Type"), kind) {
		return nil
	}
	return refuse(http.StatusUnsupportedMediaType, "unsupported_content_type",
		"Send JSON, with the header Content-Type: application/json.").with("supported", []string{"application/json", "application/x-ndjson"})
}

func goodContentType(value string, kind Kind) bool {
	if value == "" || value == "application/json" {
		return true
	}
	media, _, err := mime.ParseMediaType(value)
	if err != nil {
		return false
	}
	switch media {
	case "application/json", "text/json", "text/plain", "application/octet-stream", "application/gzip", "application/x-gzip":
		return true
	}
	return ndjson[media] && kind == Bulk || strings.HasSuffix(media, "+json")
}

// ndjson are the media types of a line an item.
var ndjson = map[string]bool{
	"application/x-ndjson": true, "application/ndjson": true, "application/jsonl": true,
	"application/x-jsonlines": true, "application/jsonlines": true,
}

var errInflatedTooLarge = errors.New("body over the limit")

// capped reads up to left bytes and then fails, rather than ending as if nothing more came.
type capped struct {
	r    io.Reader
	left int64
	read int64
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if int64(n) > c.left {
		c.read += c.left
		n, c.left = int(c.left), 0
		return n, errInflatedTooLarge
	}
	c.left -= int64(n)
	c.read += int64(n)
	return n, err
}

// open returns the inflated stream of a body that is not held in memory. Compression is told by
// header or by magic bytes; both the bytes on the wire and the inflated ones are held to the limit.
func (s *Service) open(r *Request) (*capped, *Refusal) {
	limit := s.limits.body(r)
	if r.Length > limit {
		return nil, errTooLarge(limit)
	}
	buffered := bufio.NewReaderSize(&capped{r: r.Body, left: limit}, readStep)
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, readRefusal(err, limit)
	}
	if !isGzip(magic) {
		if len(magic) > 0 && saysGzip(r.Header) {
			return nil, badGzip()
		}
		return &capped{r: buffered, left: limit}, nil
	}
	inflated, err := kgzip.NewReader(buffered)
	if err != nil {
		return nil, readRefusal(err, limit)
	}
	return &capped{r: inflated, left: limit}, nil
}

func badGzip() *Refusal {
	return refuse(http.StatusBadRequest, "invalid_gzip", "The body is not valid gzip, though its header says so or it begins so.")
}

// readRefusal says why a body could not be read to its end.
func readRefusal(err error, limit int64) *Refusal {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, errInflatedTooLarge), errors.As(err, &tooLarge):
		return errTooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTimeout()
	case errors.Is(err, kgzip.ErrHeader), errors.Is(err, kgzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), isCorrupt(err):
		return badGzip()
	default:
		return &Refusal{Status: http.StatusBadRequest, Code: "incomplete_body",
			Message: "The connection ended before the body did. Send the request again.", cause: err}
	}
}

func isCorrupt(err error) bool { return strings.Contains(err.Error(), "flate: corrupt") }

// readAll reads a body that is held in memory. Its bytes count against the queue's bound from the
// moment they arrive; the caller gives back what held says.
func (s *Service) readAll(r *Request) (body []byte, held int64, refusal *Refusal) {
	limit := s.limits.body(r)
	if r.Length > limit {
		return nil, 0, errTooLarge(limit)
	}
	room := int64(readStep)
	if r.Length > 0 && r.Length < maxFirstRead {
		room = r.Length + 1
	}
	body, held, refusal = s.gather(&capped{r: r.Body, left: limit}, room, limit)
	if refusal != nil || !isGzip(body) {
		if refusal == nil && len(body) > 0 && saysGzip(r.Header) {
			refusal = badGzip()
		}
		return body, held, refusal
	}
	zip, err := kgzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, held, readRefusal(err, limit)
	}
	inflated, more, refusal := s.gather(&capped{r: zip, left: limit}, readStep, limit)
	return inflated, held + more, refusal
}

func (s *Service) gather(in io.Reader, room, limit int64) (body []byte, held int64, refusal *Refusal) {
	body = make([]byte, 0, room)
	for {
		n, err := in.Read(body[len(body):cap(body)])
		if n > 0 {
			if !s.writer.reserve(int64(n)) {
				return nil, held, errOverloaded()
			}
			held += int64(n)
			body = body[:len(body)+n]
		}
		if errors.Is(err, io.EOF) {
			return body, held, nil
		}
		if err != nil {
			return nil, held, readRefusal(err, limit)
		}
		if len(body) == cap(body) {
			body = slices.Grow(body, len(body))
		}
	}
}

const (
	readStep     = 4 << 10
	maxFirstRead = 64 << 10 // a longer Content-Length is believed as it arrives
)

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

func encodingOf(h http.Header) string {
	return strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding")))
}

func saysGzip(h http.Header) bool {
	encoding := encodingOf(h)
	return encoding == "gzip" || encoding == "x-gzip"
}
