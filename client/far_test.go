package client_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"latchkey/client"
)

// seen is one request that arrived at the far end.
type seen struct {
	method, uri, body string
	header            http.Header
}

// far is an instance whose answers a test writes, one after the other; the last one stays.
type far struct {
	*httptest.Server
	mu      sync.Mutex
	seen    []seen
	answers []http.HandlerFunc
	waits   []time.Duration
}

func newFar(t *testing.T, answers ...http.HandlerFunc) *far {
	t.Helper()
	f := &far{answers: answers}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.seen = append(f.seen, seen{r.Method, r.RequestURI, string(body), r.Header.Clone()})
	answer := f.answers[min(len(f.seen), len(f.answers))-1]
	f.mu.Unlock()
	answer(w, r)
}

// client calls f in the workspace "w", and does not wait between attempts but writes down how long
// it would have.
func (f *far) client(t *testing.T, options ...client.Option) *client.Client {
	t.Helper()
	wait := func(ctx context.Context, d time.Duration) error {
		f.waits = append(f.waits, d)
		return ctx.Err()
	}
	c, err := client.New(f.URL, "the-token", append([]client.Option{client.WithSleep(wait), client.WithWorkspace("w")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// say answers with a status and JSON; headers are names and values in turn.
func say(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// refuse answers with a problem of this code.
func refuse(status int, code string, headers ...string) http.HandlerFunc {
	return say(status, `{"type":"about:blank","status":1,"detail":"It did not go.","code":"`+code+`","request_id":"r-1"}`,
		append([]string{"Content-Type", "application/problem+json"}, headers...)...)
}

// hangUp breaks the connection without an answer.
func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutOff promises more than it sends.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"id":"k`)
}
