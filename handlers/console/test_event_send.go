package console

import (
	"bytes"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"latchkey/internal/ingest"
	"latchkey/internal/keys"
)

// testEvent is one delivery on its way through the gateway.
type testEvent struct {
	key    keys.Item
	sample testSample
	ownID  bool
	id     string // Idempotency-Key; empty with the payload's own id
}

// testAnswer is what the gateway said.
type testAnswer struct {
	status    int
	requestID string
	body      []byte
	took      time.Duration
}

const testUserAgent = "Latchkey console (test event)"

// deliver gives the event to the mounted gateway, within this process, as a request of a sender
// whose key is taken for granted.
func (s *server) deliver(c Ctx, e *testEvent) testAnswer {
	if !e.ownID {
		e.id = "console-test-" + uuid.NewString()
	}
	outer := c.Request()
	ctx := ingest.Trusted(outer.Context(), e.key.ID)
	path := e.sample.path(e.key)
	if e.sample.Source != "" {
		path += "/-" // in place of the key, so that no source is taken for one
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(e.sample.Body))
	if err != nil {
		panic("console: test event: " + err.Error()) // the path is ours
	}
	for _, h := range e.headers() {
		r.Header.Set(h[0], h[1])
	}
	r.Header.Set("User-Agent", testUserAgent)
	r.Host, r.RemoteAddr = outer.Host, net.JoinHostPort(c.RealIP(), "0")
	w := &answerWriter{header: http.Header{}, status: http.StatusOK}
	start := s.Now()
	s.Gateway.ServeHTTP(w, r)
	return testAnswer{status: w.status, requestID: w.header.Get("X-Request-Id"), body: w.body.Bytes(), took: s.Now().Sub(start)}
}

// headers are those that a sender would set: the sample's, and what every test event has.
func (e *testEvent) headers() [][2]string {
	list := [][2]string{{"Content-Type", "application/json"}}
	for _, name := range sortedNames(e.sample.Headers) {
		if !strings.EqualFold(name, "Content-Type") && !strings.EqualFold(name, "User-Agent") {
			list = append(list, [2]string{name, e.sample.Headers[name]})
		}
	}
	if e.id != "" {
		list = append(list, [2]string{"Idempotency-Key", e.id})
	}
	return list
}

// curl is the same request for a shell, with dots for what only the sender knows.
func (e *testEvent) curl(base string) string {
	lines := []string{"curl " + shellQuote(base+e.sample.path(e.key)+"/"+maskedKey(e.key.KeyPrefix))}
	headers := e.headers()
	if e.key.SecretHash != nil {
		headers = append(headers, [2]string{"X-Api-Secret", "••••"})
	}
	for _, h := range headers {
		lines = append(lines, "-H "+shellQuote(h[0]+": "+h[1]))
	}
	lines = append(lines, "--data-raw "+shellQuote(e.sample.Body))
	return strings.Join(lines, " \\\n  ")
}

// shellQuote makes one word of POSIX sh.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// answerWriter keeps an answer in memory; the gateway's are small.
type answerWriter struct {
	header  http.Header
	status  int
	written bool
	body    bytes.Buffer
}

func (w *answerWriter) Header() http.Header { return w.header }

func (w *answerWriter) WriteHeader(status int) {
	if !w.written {
		w.status, w.written = status, true
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.written = true
	return w.body.Write(p)
}
