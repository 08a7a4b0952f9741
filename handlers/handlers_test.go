package handlers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/handlers"
	"latchkey/internal/app"
	"latchkey/internal/apptest"
)

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	for _, path := range []string{"/sign-in", "/nowhere", "/healthz", "/w/other/settings/api-keys"} {
		got := a.Send(t, http.MethodGet, path, nil)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got.Header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.Header.Get(name))
			}
		}
		policy := got.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestUnknownPathsBelowAPIAreJSON(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t))
	got := a.Post(t, "/api/nowhere", "{}")
	if got.Status != http.StatusNotFound || got.Code(t) != "not_found" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("answer %d %s", got.Status, got.Body)
	}
	if page := a.Send(t, http.MethodGet, "/nowhere", nil, "Accept", "text/html"); page.Status != http.StatusNotFound && page.Status != http.StatusSeeOther {
		t.Errorf("page answer %d", page.Status)
	}
}

func TestTheClientAddressComesFromTrustedProxiesOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		proxies   []netip.Prefix
		forwarded string
		want      string
	}{
		"nobody is trusted":           {nil, "203.0.113.9", "127.0.0.1"},
		"the proxy is trusted":        {prefixes("127.0.0.1/32"), "203.0.113.9", "203.0.113.9"},
		"what a client made up":       {prefixes("127.0.0.1/32"), "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		"two proxies":                 {prefixes("127.0.0.0/8", "10.0.0.0/8"), "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"},
		"the sender is no proxy":      {prefixes("10.0.0.0/8"), "203.0.113.9", "127.0.0.1"},
		"nonsense":                    {prefixes("127.0.0.1/32"), "not-an-address", "127.0.0.1"},
		"a private address, no proxy": {prefixes("127.0.0.1/32"), "192.168.1.7", "192.168.1.7"},
	} {
		t.Run(name, func(t *testing.T) {
			a := apptest.Start(t, apptest.SQLite(t), func(_ *app.Options, o *handlers.Options) { o.Proxies = tc.proxies })
			got := a.Post(t, "/api/signal-staging/webhook/"+a.NewKey(t).Value.Reveal(), `{"event":"x"}`, "X-Forwarded-For", tc.forwarded)
			if line := a.Logged(t, got.Header.Get("X-Request-Id")); line.IP != tc.want {
				t.Errorf("address %q, want %q", line.IP, tc.want)
			}
		})
	}
}

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range texts {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func TestReadyIsFalseWithoutADatabase(t *testing.T) {
	db := apptest.SQLite(t)
	a := apptest.Start(t, db)
	if got := a.Send(t, http.MethodGet, "/readyz", nil); got.Status != http.StatusOK {
		t.Fatalf("ready: %d", got.Status)
	}
	_ = db.Close()
	if got := a.Send(t, http.MethodGet, "/readyz", nil); got.Status != http.StatusServiceUnavailable {
		t.Errorf("without a database: %d", got.Status)
	}
	if got := a.Send(t, http.MethodGet, "/healthz", nil); got.Status != http.StatusOK {
		t.Errorf("alive: %d", got.Status)
	}
}

// syncBuffer is a log that several requests write.
type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func TestTheAccessLogHasTheRouteAndCannotBeForged(t *testing.T) {
	var log syncBuffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	a := apptest.Start(t, apptest.SQLite(t))
	k := a.NewKey(t)
	a.Post(t, "/api/signal-staging/webhook/a%0Alevel=ERROR/"+k.Value.Reveal(), `{"event":"x"}`, "User-Agent", "x\tlevel=ERROR")
	a.Stop()
	found := false
	for line := range strings.Lines(log.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("a log line is broken: %q", line)
		}
		if v["msg"] == "request" {
			found = true
			if v["route"] != "/api/signal-staging/webhook/:first/:second" || strings.Contains(line, k.Value.Reveal()) {
				t.Errorf("log line %s", line)
			}
		}
	}
	if !found {
		t.Error("no access log line")
	}
}

func TestAReaderThatStallsIsCutOff(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t), func(_ *app.Options, o *handlers.Options) { o.StallTimeout = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// Requests without end, whose answers nobody reads: the server must give up, not wait.
	request := []byte("GET /sign-in HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for err == nil {
		_, err = conn.Write(request)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestAFormThatStallsIsCutOff(t *testing.T) {
	a := apptest.Start(t, apptest.SQLite(t), func(_ *app.Options, o *handlers.Options) { o.StallTimeout = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = conn.Write([]byte("POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nemail="))
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still open")
	}
}
