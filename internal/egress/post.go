package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Request is one attempt.
type Request struct {
	URL    string
	Live   bool // plain http only to Options.Allow
	Header http.Header
	Body   []byte // JSON
}

// Post sends one request and reads the answer, all within Options.Timeout. It never fails otherwise
// than by a Result with a Code. A 2xx answer that was read to its end, or to MaxResponse, is success.
func (c *Client) Post(ctx context.Context, r Request) Result {
	started := c.o.Now()
	result := c.post(ctx, r)
	result.Started, result.Duration = started, max(0, c.o.Now().Sub(started))
	return result
}

func (c *Client) post(parent context.Context, r Request) Result {
	t, p := parseTarget(r.URL)
	if p != nil {
		return Result{Error: p.code, Detail: p.sentence}
	}
	if t.host.local() && !c.guard.loopback() {
		return Result{Error: BlockedAddress, Detail: notPublic}
	}
	if !sendable(r.Header) {
		return Result{Error: InvalidHeader, Detail: "A custom header holds a character that cannot be sent; enter the headers of this endpoint again."}
	}
	ctx, cancel := context.WithTimeout(parent, c.o.Timeout)
	defer cancel()
	var seen progress
	response, err := c.transport(t, r.Live).RoundTrip(c.request(seen.watch(ctx), t, r))
	if err != nil {
		return c.failure(parent, ctx, t, &seen, err)
	}
	// Closing with bytes unread closes the connection, which is what ends a giant answer.
	defer func() { _ = response.Body.Close() }()
	result := judge(response, c.o.Now())
	if response.StatusCode == http.StatusSwitchingProtocols {
		return result // there is no body but a bare connection
	}
	result.Response, result.Truncated, err = read(response.Body)
	if err != nil {
		c.unfinished(&result, parent, ctx, err)
	}
	return result
}

func (c *Client) transport(t target, live bool) *http.Transport {
	if live && !t.tls() {
		return c.inside
	}
	return c.public
}

// request is built without http.NewRequest, which would parse the URL once more, maybe otherwise.
func (c *Client) request(ctx context.Context, t target, r Request) *http.Request {
	header := make(http.Header, len(r.Header)+2)
	for name, values := range r.Header {
		if name = http.CanonicalHeaderKey(name); !reserved(name) || isSignature(name) {
			header[name] = values
		}
	}
	header["Content-Type"] = []string{"application/json"}
	header["User-Agent"] = []string{c.o.UserAgent}
	request := &http.Request{
		Method: http.MethodPost, URL: t.url, Host: t.url.Host, Header: header,
		Body: io.NopCloser(bytes.NewReader(r.Body)), ContentLength: int64(len(r.Body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	// A key that makes requests repeatable would let the transport send this one again by itself.
	if !repeatable(header) {
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
	}
	return request.WithContext(ctx)
}

// read takes what is kept of a body. Reading to the end lets the connection be used again.
func read(body io.Reader) (kept []byte, truncated bool, err error) {
	kept, err = io.ReadAll(io.LimitReader(body, MaxResponse+1))
	if len(kept) > MaxResponse {
		return kept[:MaxResponse:MaxResponse], true, nil
	}
	return kept, err != nil, err
}

// unfinished marks an answer whose body broke off or dripped too slowly.
func (c *Client) unfinished(result *Result, parent, ctx context.Context, err error) {
	result.Cause = err
	switch {
	case parent.Err() != nil:
		result.Error, result.Detail = Canceled, "Latchkey stopped before the answer was read; it is sent again."
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		result.Error, result.Detail = AnswerTooSlow, "The receiver began to answer "+statusText(result.Status)+", but did not finish within "+seconds(c.o.Timeout)+"."
	default:
		result.Error, result.Detail = ConnectionLost, "The receiver answered "+statusText(result.Status)+", but the connection broke before the answer ended."
	}
}

func seconds(d time.Duration) string { return d.Round(time.Millisecond).String() }

func repeatable(header http.Header) bool {
	_, is := header["Idempotency-Key"]
	_, isToo := header["X-Idempotency-Key"]
	return is || isToo
}
