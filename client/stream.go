package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// streamSilence is how long a stream may be silent: the instance says every 15 seconds that it is there.
	streamSilence = time.Minute
	maxEvent      = 64 << 20 // bytes of one event
)

// Message is an outbound message as it was written: endpoints get the same bytes.
type Message struct {
	ID        string    `json:"id"` // the webhook-id that endpoints get
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Body      []byte    `json:"-"`
}

// ListenFilter chooses messages. Without an Environment they are those of live, without Types all;
// a type may be a pattern such as api_key.*. After is the id of the last message that the program
// has, when it comes back: those after it follow, as far as some minutes ago, and a few before it may
// come again.
type ListenFilter struct {
	Environment string
	Types       []string
	After       string
}

// StreamEnd is why the instance ended a stream.
type StreamEnd struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (e *StreamEnd) Error() string { return e.Detail }

// Listen goes over messages as they are written, whether or not an endpoint gets them, until the
// stream ends; the last item is the reason, an error. connected, unless nil, is called when the
// instance has answered: what is written from then on is sent. after is the After of a program that
// comes back before it has had a message. It needs events:listen.
func (c *Client) Listen(ctx context.Context, f ListenFilter, connected func(after string)) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		s := &stream{silence: time.AfterFunc(streamSilence, func() { cancel(errSilent) })}
		defer s.silence.Stop()
		body, err := c.openStream(ctx, f)
		if err != nil {
			yield(Message{}, causeOf(ctx, err))
			return
		}
		defer func() { _ = body.Close() }()
		s.in = bufio.NewReader(body)
		if err := s.greeting(); err != nil {
			yield(Message{}, causeOf(ctx, err))
			return
		}
		if connected != nil {
			connected(s.id)
		}
		for {
			m, err := s.next()
			if err != nil {
				yield(Message{}, causeOf(ctx, err))
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

var errSilent = errors.New("the instance fell silent")

// causeOf says that the instance fell silent instead of that the context ended.
func causeOf(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return err
}

func (c *Client) openStream(ctx context.Context, f ListenFilter) (io.ReadCloser, error) {
	path, err := c.path(ctx, "events", "stream")
	if err != nil {
		return nil, err
	}
	q := url.Values{}
	set(q, "environment", f.Environment)
	set(q, "types", strings.Join(f.Types, ","))
	at := c.base.JoinPath(basePath + path)
	at.RawQuery = q.Encode()
	r, err := c.request(ctx, at, call{method: http.MethodGet}, false)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "text/event-stream, application/problem+json")
	if f.After != "" {
		r.Header.Set("Last-Event-ID", f.After)
	}
	h := *c.http
	h.Timeout = 0 // a stream lasts
	res, err := h.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK && strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		return res.Body, nil
	}
	defer func() { _ = res.Body.Close() }()
	return nil, problemOf(res, c.now())
}

// stream reads server-sent events (WHATWG HTML, section 9.2), as far as the instance writes them.
type stream struct {
	in      *bufio.Reader
	silence *time.Timer // stopped while the program is busy with a message
	id      string      // the last that came
}

// greeting reads the first block, which says where the stream begins.
func (s *stream) greeting() error {
	defer s.silence.Stop()
	_, _, err := s.event()
	return err
}

func (s *stream) next() (Message, error) {
	defer s.silence.Stop()
	for {
		name, data, err := s.event()
		if err != nil {
			return Message{}, err
		}
		switch name {
		case "message":
			return parseMessage(data)
		case "end":
			end := &StreamEnd{}
			if err := json.Unmarshal(data, end); err != nil {
				return Message{}, fmt.Errorf("the end of the stream cannot be read: %w", err)
			}
			return Message{}, end
		}
	}
}

// event reads to the next empty line.
func (s *stream) event() (name string, data []byte, err error) {
	for {
		line, err := s.line()
		if err != nil {
			return "", nil, err
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "id":
			s.id = string(value)
		case "data":
			data = append(data, value...)
		}
		if len(line) == 0 {
			return name, data, nil
		}
		if len(data) > maxEvent {
			return "", nil, errTooLong
		}
	}
}

var errTooLong = errors.New("a message of the stream is too long")

func (s *stream) line() ([]byte, error) {
	var line []byte
	for {
		s.silence.Reset(streamSilence)
		part, err := s.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimRight(line, "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("the stream broke off: %w", err)
		case len(line) > maxEvent:
			return nil, errTooLong
		}
	}
}

func parseMessage(data []byte) (Message, error) {
	var wire struct {
		Message
		Body         string `json:"body"`
		BodyEncoding string `json:"body_encoding"`
	}
	err := json.Unmarshal(data, &wire)
	m := wire.Message
	m.Body = []byte(wire.Body)
	if err == nil && wire.BodyEncoding == "base64" {
		m.Body, err = base64.StdEncoding.DecodeString(wire.Body)
	}
	if err != nil {
		return Message{}, fmt.Errorf("a message of the stream cannot be read: %w", err)
	}
	return m, nil
}
