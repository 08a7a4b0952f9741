package upload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bulkPath takes the key in a header: URLs end up in logs.
const bulkPath = "/api/signal-staging/bulk"

// maxAnswer bounds what is read of an answer, in bytes: it lists at most maxListed lines.
const (
	maxAnswer = 8 << 20
	maxListed = 1000 // the most that the URL lists
)

// Refused is a line that was not stored, and why.
type Refused struct {
	Line    int64           `json:"line"`
	Code    string          `json:"code"`
	Message string          `json:"message"`
	Field   string          `json:"field,omitempty"`
	Item    json.RawMessage `json:"item,omitempty"` // as it was sent; a JSON string when it is no JSON
}

// answer is what the bulk URL says.
type answer struct {
	status     int
	retryAfter time.Duration

	Status    string `json:"status"`
	RequestID string `json:"request_id"`
	Received  int64  `json:"received"`
	Counts
	Errors []struct {
		Line  int64 `json:"line"`
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Field   string `json:"field"`
		} `json:"error"`
	} `json:"errors"`
	ResumeFromLine int64 `json:"resume_from_line"`
	Error          struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// whole tells that the server read the part to its end. Nothing but the words of the contract is
// taken for that: some proxy may answer 200 too.
func (a *answer) whole() bool {
	switch a.Status {
	case "accepted", "partial", "rejected":
		return a.Error.Code == "" && (a.status == http.StatusOK || a.status == http.StatusMultiStatus || a.status == http.StatusBadRequest)
	}
	return a.Error.Code == "empty_body" && a.status == http.StatusBadRequest
}

// passes tells that the same lines may be taken at another time.
func (a *answer) passes() bool {
	switch a.status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return a.Error.Code == "incomplete_body"
}

// body is one part of the source as a request's body. The transport reads it from a goroutine of its
// own, perhaps longer than the request lasts.
type body struct {
	mu     sync.Mutex
	in     cursor
	most   int64 // bytes after which no further line begins
	last   int64 // line before which it ends; 0: none
	sent   int64
	rest   []byte
	inside bool
	ended  bool
	broken error // of the source
	line   *atomic.Int64
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.rest) == 0 {
		if b.ended || !b.inside && (b.sent >= b.most || b.last > 0 && b.in.position().line >= b.last) {
			return 0, io.EOF
		}
		piece, ends, err := b.in.next()
		if err != nil {
			if b.ended = true; !errors.Is(err, io.EOF) {
				b.broken = err
			}
			if b.inside {
				return 0, err // half a line is no line
			}
			return 0, io.EOF
		}
		b.rest, b.inside = piece, !ends
		b.line.Store(b.in.position().line - 1)
	}
	n := copy(p, b.rest)
	b.rest, b.sent = b.rest[n:], b.sent+int64(n)
	return n, nil
}

func (b *body) Close() error {
	b.stop()
	return nil
}

// stop ends the reading, and returns what was wrong with the source.
func (b *body) stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended, b.rest = true, nil
	return b.broken
}

// post sends the lines from p on: so many bytes, and to the line last if that is not 0. It returns
// how far it read, and whether the source was at its end.
func (j *job) post(ctx context.Context, p position, last int64) (a *answer, to position, end bool, err error) {
	in, err := j.source.at(p)
	if err != nil {
		return nil, p, false, &sourceError{err}
	}
	defer in.close()
	b := &body{in: in, most: j.partBytes, last: last, line: &j.readTo}
	req, err := j.request(ctx, p, b, last)
	if err != nil {
		return nil, p, false, err
	}
	res, err := j.o.Client.Do(req)
	if err != nil {
		return nil, p, false, errors.Join(asSource(b.stop()), err)
	}
	defer func() { _ = res.Body.Close() }()
	a = &answer{status: res.StatusCode, retryAfter: retryAfter(res.Header, time.Now())}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, p, false, errors.Join(asSource(b.stop()), fmt.Errorf("read the answer: %w", err))
	}
	if json.Unmarshal(text, a) != nil {
		*a = answer{status: a.status, retryAfter: a.retryAfter} // not one of ours
	}
	broken := b.stop()
	to = in.position()
	if broken == nil && a.whole() {
		_, _, err := in.next()
		end = errors.Is(err, io.EOF)
	}
	return a, to, end, asSource(broken)
}

func (j *job) request(ctx context.Context, p position, b *body, last int64) (*http.Request, error) {
	q := url.Values{"from_line": {strconv.FormatInt(p.line, 10)}, "errors": {strconv.Itoa(maxListed)}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, j.url+"?"+q.Encode(), b)
	if err != nil {
		return nil, err
	}
	if n, ok := j.source.length(p, j.partBytes); ok && last == 0 && n > 0 {
		req.ContentLength = n
	}
	h := req.Header
	h.Set("Content-Type", "application/x-ndjson; form=lines")
	h.Set("Authorization", "Bearer "+j.o.Key)
	h.Set("Idempotency-Key", j.state.ID)
	h.Set("User-Agent", j.o.UserAgent)
	h.Set("Expect", "100-continue") // a key that is refused is told so before the part is sent
	if j.o.Secret != "" {
		h.Set("X-Api-Secret", j.o.Secret)
	}
	return req, nil
}

// sourceError is what is wrong with the file, not with the way: trying again is of no use.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

func asSource(err error) error {
	if err == nil {
		return nil
	}
	return &sourceError{err}
}

// retryAfter reads the header in both of its forms (RFC 9110, section 10.2.3); 0 without one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return time.Duration(min(n, 3600)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, min(at.Sub(now), time.Hour))
	}
	return 0
}

// withItems adds to the refused lines what they hold, for the file of refused lines.
func (j *job) withItems(p position, refused []Refused) error {
	in, err := j.source.at(p)
	if err != nil {
		return err
	}
	defer in.close()
	var text []byte
	for i := 0; i < len(refused); {
		line := in.position().line
		piece, ends, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if line == refused[i].Line && len(text) < maxKept {
			text = append(text, piece...)
		}
		if ends {
			if line == refused[i].Line {
				refused[i].Item, text = itemOf(text), nil
				i++
			}
		}
	}
	return nil
}

// maxKept bounds a copy of a refused line, in bytes; the server takes none larger.
const maxKept = 1 << 20

func itemOf(text []byte) json.RawMessage {
	text = bytes.TrimSpace(text[:min(len(text), maxKept)])
	if json.Valid(text) {
		return text
	}
	encoded, err := json.Marshal(string(text))
	if err != nil {
		return nil // a string always encodes
	}
	return encoded
}
