package egress_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/egress"
)

var quiet = log.New(io.Discard, "", 0)

func TestARequestCarriesTheBodyAndTheHeadersAndNothingOfTheConnection(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		_, _ = w.Write([]byte("thanks"))
	})
	sent := []byte("{\"a\":\"\u2028<&>\"}")
	r := client(t, patience).Post(t.Context(), egress.Request{URL: s.URL + "/hook?a=1&b=%20", Body: sent, Header: http.Header{
		"webhook-id": {"msg_1"}, "Webhook-Signature": {"v1,x"}, "X-Own": {"yes"}, "Authorization": {"Bearer x"},
		"Content-Type": {"text/html"}, "User-Agent": {"evil"}, "Host": {"evil.example"}, "Connection": {"X-Own"}, "Transfer-Encoding": {"chunked"}, "Content-Length": {"1"}, "Accept-Encoding": {"gzip"}, "Expect": {"100-continue"},
	}})
	wants(t, r, "")
	if r.Status != 200 || string(r.Response) != "thanks" || r.Truncated || r.Started.IsZero() {
		t.Errorf("got %+v", r)
	}
	if got.Method != "POST" || got.RequestURI != "/hook?a=1&b=%20" || !bytes.Equal(body, sent) || got.ContentLength != int64(len(sent)) || "http://"+got.Host != s.URL {
		t.Errorf("got %s %s of %s with %q", got.Method, got.RequestURI, got.Host, body)
	}
	want := map[string]string{"Webhook-Id": "msg_1", "Webhook-Signature": "v1,x", "X-Own": "yes", "Authorization": "Bearer x", "Content-Type": "application/json", "User-Agent": "Latchkey-Webhooks/1", "Content-Length": "14"}
	for name, values := range got.Header {
		if want[name] != strings.Join(values, "|") {
			t.Errorf("%s: %q, want %q", name, values, want[name])
		}
	}
	if len(got.Header) != len(want) {
		t.Errorf("got %v", got.Header)
	}
}

func TestTheCodeFollowsTheStatus(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var code int
		for _, c := range r.URL.Path[1:] {
			code = code*10 + int(c-'0')
		}
		w.WriteHeader(code)
	})
	c := client(t, patience)
	for path, code := range map[string]egress.Code{
		"200": "", "201": "", "202": "", "204": "", "299": "", "300": egress.Redirected, "304": egress.Redirected, "399": egress.Redirected,
		"400": egress.HTTPError, "401": egress.HTTPError, "404": egress.HTTPError, "410": egress.Gone, "429": egress.HTTPError, "500": egress.HTTPError, "503": egress.HTTPError, "599": egress.HTTPError, "999": egress.HTTPError,
	} {
		r := post(t, c, s.URL+"/"+path)
		wants(t, r, code)
		if r.Gone != (path == "410") || r.Status == 0 {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

func TestARedirectIsAFailureAndItsTargetUntouched(t *testing.T) {
	t.Parallel()
	var touched atomic.Int64
	target := serve(t, func(http.ResponseWriter, *http.Request) { touched.Add(1) })
	for _, location := range []string{target.URL, "http://169.254.169.254/latest/meta-data/", "//" + strings.TrimPrefix(target.URL, "http://"), "/elsewhere", "", "http://[::1", "%zz", "gopher://x", strings.Repeat("x", 9000), "/\u202e\u0085"} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			var hits atomic.Int64
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				hits.Add(1)
				w.Header().Set("Location", location)
				w.WriteHeader(code)
			})
			r := post(t, client(t, patience), s.URL)
			wants(t, r, egress.Redirected)
			if r.Status != code || hits.Load() != 1 || len(r.Detail) > 1000 || strings.ContainsRune(r.Detail, '\u202e') {
				t.Errorf("%d to %q: %+v after %d requests", code, location, r, hits.Load())
			}
		}
	}
	if touched.Load() != 0 {
		t.Errorf("the target was asked %d times", touched.Load())
	}
}

func TestRetryAfterIsReadAsSecondsOrADate(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	later := func(d time.Duration) string { return date.Add(d).Format(http.TimeFormat) }
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 120 ": 2 * time.Minute, "86400": 24 * time.Hour, "86401": 24 * time.Hour, strings.Repeat("9", 40): 24 * time.Hour,
		"-1": 0, "1.5": 0, "soon": 0, "0x10": 0, "+5": 0, later(time.Minute): time.Minute, later(-time.Hour): 0, later(48 * time.Hour): 24 * time.Hour,
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Retry-After"] = []string{text}
			w.Header().Set("Date", date.Format(http.TimeFormat))
			w.WriteHeader(429)
		})
		if r := post(t, client(t, patience), s.URL); r.RetryAfter != want || r.Status != 429 {
			t.Errorf("Retry-After %q: got %v", text, r.RetryAfter)
		}
	}
}

func TestARetryAfterDateIsComparedWithOurClockWhenTheReceiverTellsNone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = nil
		w.Header().Set("Retry-After", now.Add(time.Minute).Format(http.TimeFormat))
		w.WriteHeader(503)
	})
	r := post(t, client(t, patience, func(o *egress.Options) { o.Now = func() time.Time { return now } }), s.URL)
	if r.RetryAfter != time.Minute || !r.Started.Equal(now) {
		t.Errorf("got %+v", r)
	}
}

func TestTheProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	var proxied atomic.Int64
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { proxied.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	dns := startDNS(t)
	dns.set("receiver.example", "127.0.0.1") // no proxy is ever used for loopback addresses as such
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	c := client(t, patience, func(o *egress.Options) { o.Resolver = dns.resolver() })
	wants(t, post(t, c, "http://receiver.example:"+port), "")
	if proxied.Load() != 0 {
		t.Error("the proxy was asked")
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, egress.MaxResponse))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t, patience)
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 50 {
				if r := c.Post(context.Background(), egress.Request{URL: s.URL, Body: []byte("{}")}); r.Error != "" || len(r.Response) != egress.MaxResponse || r.Truncated {
					t.Errorf("got %q %s, %d bytes", r.Error, r.Detail, len(r.Response))
				}
			}
		})
	}
	work.Wait()
	if n := connections.Load(); n > 100 {
		t.Errorf("400 requests by 8 at a time made %d connections", n)
	}
}

func TestPlainHTTPOfTheLiveEnvironmentHasConnectionsOfItsOwn(t *testing.T) {
	t.Parallel()
	var from []string
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { from = append(from, r.RemoteAddr) })
	c := client(t, patience)
	for _, live := range []bool{false, true, false, true} {
		wants(t, c.Post(t.Context(), egress.Request{URL: s.URL, Live: live}), "")
	}
	if len(from) != 4 || from[0] != from[2] || from[1] != from[3] || from[0] == from[1] {
		t.Errorf("connections came from %v", from)
	}
}

func TestAStopOfTheProcessIsNoFailureOfTheReceiver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	gate := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-gate
	})
	t.Cleanup(func() { close(gate) })
	wants(t, client(t, patience).Post(ctx, egress.Request{URL: s.URL}), egress.Canceled)
}
