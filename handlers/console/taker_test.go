package console_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/dispatch"
	"latchkey/internal/endpoints"
	"latchkey/internal/outbox"
	"latchkey/models"
)

// taker is a customer's system that answers as it is told, and keeps what it got.
type taker struct {
	*httptest.Server
	status atomic.Int64
	answer atomic.Value

	mu  sync.Mutex
	got []*http.Request
	raw []string
}

func newTaker(t *testing.T) *taker {
	t.Helper()
	k := &taker{}
	k.says(http.StatusOK, "thanks")
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		k.mu.Lock()
		k.got, k.raw = append(k.got, r), append(k.raw, string(body))
		k.mu.Unlock()
		if k.status.Load() == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(int(k.status.Load()))
		_, _ = io.WriteString(w, k.answer.Load().(string))
	}))
	t.Cleanup(k.Close)
	return k
}

func (k *taker) says(status int, answer string) {
	k.status.Store(int64(status))
	k.answer.Store(answer)
}

// bodies are what was received with a message id.
func (k *taker) bodies(id string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for i, r := range k.got {
		if r.Header.Get("webhook-id") == id {
			out = append(out, k.raw[i])
		}
	}
	return out
}

// header is what came in a header of a message.
func (k *taker) header(id, name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.got {
		if r.Header.Get("webhook-id") == id {
			return r.Header.Get(name)
		}
	}
	return ""
}

// endpointTo makes an endpoint as the owner.
func endpointTo(t *testing.T, a *apptest.App, address string, change ...func(*endpoints.Form)) endpoints.Created {
	t.Helper()
	f := endpoints.Form{URL: address, Environment: models.Live, EventTypes: []string{"*"}}
	for _, c := range change {
		c(&f)
	}
	made, err := a.Endpoints.Create(t.Context(), a.Owner, f)
	if err != nil {
		t.Fatalf("create endpoint: %v", err)
	}
	return made
}

func endpointPage(e endpoints.Created, parts ...string) string {
	return "/w/acme/settings/endpoints/" + e.ID + strings.Join(append([]string{""}, parts...), "/")
}

// tried sends a test event beside the console, and returns the message's public id.
func tried(t *testing.T, a *apptest.App, e endpoints.Created, body string) string {
	t.Helper()
	r, err := a.Dispatch.Test(t.Context(), a.Owner, e.ID, dispatch.TestForm{Type: outbox.Test, Body: []byte(body)})
	if err != nil {
		t.Fatalf("test: %v", err)
	}
	return outbox.PublicID(r.MessageID)
}

// untilShown loads a page until it shows a text.
func untilShown(t *testing.T, b *apptest.Browser, path, text string) *apptest.Screen {
	t.Helper()
	var s *apptest.Screen
	apptest.Eventually(t, path+" to show "+text, func() bool {
		s = b.Get(path).Want(http.StatusOK)
		return strings.Contains(s.Text(), text)
	})
	return s
}
