package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

const (
	idempotencyKey = "Idempotency-Key"
	// maxAnswer bounds what is read of an answer, in bytes: more than a page of the largest items.
	maxAnswer = 256 << 20
)

// call is one thing to ask for.
type call struct {
	method string
	path   string // below basePath
	query  url.Values
	body   any    // JSON; nil: none
	match  string // header If-Match
	into   any    // what the answer is decoded into; nil: it is not read
}

// answer is what is left of an answer once its body is read.
type answer struct {
	header  http.Header
	retried bool // an attempt before it broke off, and may have been done
}

type idempotencyKeyOf struct{}

// WithIdempotencyKey gives the POSTs that are made under ctx this key instead of one that is made for
// each: the same text makes the same call happen once, over processes and restarts too. Use a
// context for one call.
func WithIdempotencyKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, idempotencyKeyOf{}, key)
}

func (c *Client) do(ctx context.Context, q call) (answer, error) {
	u := *c.base
	u.Path = basePath + q.path
	// The parts of the path are escaped already.
	if path, err := url.PathUnescape(u.Path); err == nil {
		u.Path, u.RawPath = path, basePath+q.path
	}
	u.RawQuery = q.query.Encode()
	return c.send(ctx, &u, q)
}

// send makes the call, again where that may help.
func (c *Client) send(ctx context.Context, u *url.URL, q call) (answer, error) {
	var body []byte
	if q.body != nil {
		var err error
		if body, err = json.Marshal(q.body); err != nil {
			return answer{}, fmt.Errorf("write the body of %s %s: %w", q.method, u.Path, err)
		}
	}
	r, err := c.request(ctx, u, q, body != nil)
	if err != nil {
		return answer{}, err
	}
	a := answer{}
	for retry := 0; ; retry++ {
		if body != nil {
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		}
		if a.header, err = c.attempt(r, q.into); err == nil {
			return a, nil
		}
		wait, again := c.wait(ctx, err, retry)
		if !again || !repeatable(r) {
			return a, err
		}
		a.retried = true
		if c.sleep(ctx, wait) != nil {
			return a, err // what went wrong says more than that the context ended
		}
	}
}

func (c *Client) request(ctx context.Context, u *url.URL, q call, hasBody bool) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, q.method, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", q.method, u.Path, err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token())
	r.Header.Set("User-Agent", c.userAgent)
	r.Header.Set("Accept", "application/json, application/problem+json")
	if hasBody {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.match != "" {
		r.Header.Set("If-Match", q.match)
	}
	if q.method == http.MethodPost {
		key, _ := ctx.Value(idempotencyKeyOf{}).(string)
		if key == "" {
			key = rand.Text()
		}
		r.Header.Set(idempotencyKey, key)
	}
	return r, nil
}

// attempt sends the request once and reads the answer whole.
func (c *Client) attempt(r *http.Request, into any) (http.Header, error) {
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err // names the method and the address, and nothing secret
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, res.Body, maxProblem) // so that the connection is used again
		_ = res.Body.Close()
	}()
	if res.StatusCode/100 != 2 {
		return res.Header, problemOf(res, c.now())
	}
	if into == nil || res.StatusCode == http.StatusNoContent {
		return res.Header, nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(into); err != nil {
		return res.Header, &brokenAnswer{what: r.Method + " " + r.URL.Path, requestID: res.Header.Get("X-Request-Id"), err: err}
	}
	return res.Header, nil
}

// brokenAnswer is a success whose body could not be read: cut off, or not of this API.
type brokenAnswer struct {
	what, requestID string
	err             error
}

func (b *brokenAnswer) Error() string {
	text := fmt.Sprintf("the answer to %s cannot be read: %v", b.what, b.err)
	if b.requestID != "" {
		text += " (request " + b.requestID + ")"
	}
	return text
}

func (b *brokenAnswer) Unwrap() error { return b.err }

// set adds a parameter unless it is empty.
func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

func setTime(q url.Values, name string, t time.Time) {
	if !t.IsZero() {
		q.Set(name, t.UTC().Format(time.RFC3339Nano))
	}
}
