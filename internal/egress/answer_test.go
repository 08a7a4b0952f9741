package egress_test

import (
	"compress/gzip"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/egress"
)

// soon is an attempt's time where the test waits for it to pass.
const soon = 600 * time.Millisecond

// giant writes up to 1 GiB, and tells how much was taken.
func giant(taken *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 64<<10)
		for range (1 << 30) / len(block) {
			n, err := w.Write(block)
			taken.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
}

func TestAGiantAnswerIsCutAndMemoryStaysFlat(t *testing.T) {
	var taken atomic.Int64
	var ended sync.WaitGroup
	handler := func(w http.ResponseWriter, r *http.Request) {
		ended.Add(1)
		defer ended.Done()
		giant(&taken)(w, r)
	}
	plain := serve(t, handler)
	secure, trust := serveTLS(t, handler, func(s *httptest.Server) { s.EnableHTTP2 = true })
	c := client(t, patience, trust)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for _, url := range []string{plain.URL, secure.URL} {
		for range 20 {
			r := post(t, c, url)
			wants(t, r, "")
			if len(r.Response) != egress.MaxResponse || !r.Truncated {
				t.Fatalf("%d bytes kept, truncated %v", len(r.Response), r.Truncated)
			}
		}
	}
	ended.Wait()
	runtime.ReadMemStats(&after)
	if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 100 {
		t.Errorf("40 giant answers allocated %d MiB", mib)
	}
	if mib := taken.Load() >> 20; mib > 40*16 {
		t.Errorf("%d MiB were written before the connections were closed", mib)
	}
}

func TestAnAnswerThatDripsFailsWithinTheTimeOfTheAttempt(t *testing.T) {
	t.Parallel()
	drip := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte("x")); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			pause(r, 10*time.Millisecond)
		}
	}
	plain := serve(t, drip)
	secure, trust := serveTLS(t, drip, func(s *httptest.Server) { s.EnableHTTP2 = true })
	for _, url := range []string{plain.URL, secure.URL} {
		r := post(t, client(t, soon, trust), url)
		wants(t, r, egress.AnswerTooSlow)
		if r.Status != 200 || !strings.HasPrefix(string(r.Response), "x") || !r.Truncated {
			t.Errorf("got %d %q", r.Status, r.Response)
		}
	}
}

func pause(r *http.Request, d time.Duration) {
	select {
	case <-r.Context().Done():
	case <-time.After(d):
	}
}

func TestAReceiverThatNeverAnswersTimesOut(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	plain := serve(t, silent)
	secure, trust := serveTLS(t, silent, nil)
	endless := raw(t, func(conn net.Conn) { // a header that never ends, slowly
		for {
			if _, err := conn.Write([]byte("H")); err != nil {
				return
			}
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				return
			}
		}
	})
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts by the kernel, and says nothing: also in TLS
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	for _, url := range []string{plain.URL, secure.URL, endless, "http://" + mute.Addr().String(), "https://" + mute.Addr().String()} {
		r := post(t, client(t, soon, trust), url)
		wants(t, r, egress.Timeout)
		if !strings.Contains(r.Detail, soon.String()) {
			t.Errorf("the sentence tells no time: %s", r.Detail)
		}
	}
}

func TestAReceiverThatDoesNotReadTimesOut(t *testing.T) {
	t.Parallel()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mute.Close() })
	r := client(t, soon).Post(t.Context(), egress.Request{URL: "http://" + mute.Addr().String(), Body: make([]byte, 32<<20)})
	wants(t, r, egress.Timeout)
}

func TestAnswersThatAreNoneFailWithACode(t *testing.T) {
	t.Parallel()
	continues := strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 100_000)
	for name, c := range map[string]struct {
		answer string
		code   egress.Code
	}{
		"nothing":              {"", egress.ConnectionLost},
		"half a line":          {"HTTP/1.1 2", egress.BadAnswer},
		"no HTTP":              {"SSH-2.0-OpenSSH_9.9\r\n\r\n", egress.BadAnswer},
		"HTTP/9":               {"HTTP/x.y 200 OK\r\n\r\n", egress.BadAnswer},
		"a status of letters":  {"HTTP/1.1 OK OK\r\n\r\n", egress.BadAnswer},
		"a bad header":         {"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", egress.BadAnswer},
		"a giant header":       {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 4<<20) + "\r\n\r\n", egress.BadAnswer},
		"many headers":         {"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 1<<20) + "\r\n", egress.BadAnswer},
		"a flood of 1xx":       {continues + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", egress.BadAnswer},
		"two lengths":          {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", egress.BadAnswer},
		"a negative length":    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", egress.BadAnswer},
		"an odd encoding":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", egress.BadAnswer},
		"a body cut short":     {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", egress.ConnectionLost},
		"chunks cut short":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", egress.ConnectionLost},
		"bad chunks":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", egress.ConnectionLost},
		"101":                  {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + strings.Repeat("x", 1<<20), egress.HTTPError},
		"some 1xx, then 200":   {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ""},
		"trailing data":        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Evil\r\n\r\n", ""},
		"a body without end":   {"HTTP/1.1 200 OK\r\n\r\nuntil close", ""},
		"HTTP/1.0":             {"HTTP/1.0 200 OK\r\n\r\n", ""},
		"a trailer":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n", ""},
		"a location and a 2xx": {"HTTP/1.1 200 OK\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post(t, client(t, patience), raw(t, say(c.answer)))
			wants(t, r, c.code)
			if strings.Contains(r.Detail, "127.0.0.1:") || r.Status == 500 {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestCompressionIsNeitherAskedForNorUndone(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %s", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(make([]byte, 16<<20))
		_ = z.Close()
	})
	r := post(t, client(t, patience), s.URL)
	wants(t, r, "")
	if len(r.Response) > 32<<10 || r.Response[0] != 0x1f {
		t.Errorf("%d bytes, beginning with %x", len(r.Response), r.Response[0])
	}
}

func TestTLSIsVerifiedAndNotOlderThan12(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	h := func(http.ResponseWriter, *http.Request) { asked.Add(1) }
	unknown, _ := serveTLS(t, h, nil)
	old, trustOld := serveTLS(t, h, oldTLS)
	plain := serve(t, h)
	for name, c := range map[string]struct {
		url    string
		trust  func(*egress.Options)
		detail string
	}{
		"unknown issuer": {unknown.URL, func(*egress.Options) {}, "authority"},
		"old TLS":        {old.URL, trustOld, "TLS 1.2"},
		"no TLS":         {strings.Replace(plain.URL, "http:", "https:", 1), func(*egress.Options) {}, "does not speak TLS"},
	} {
		r := post(t, client(t, patience, c.trust), c.url)
		wants(t, r, egress.TLSFailed)
		if !strings.Contains(r.Detail, c.detail) {
			t.Errorf("%s: %s", name, r.Detail)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests were sent", asked.Load())
	}
}

func TestACertificateForAnotherNameIsRefused(t *testing.T) {
	t.Parallel()
	s, trust := serveTLS(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") }, nil)
	dns := startDNS(t)
	dns.set("other.test", "127.0.0.1")
	r := post(t, client(t, patience, trust, func(o *egress.Options) { o.Resolver = dns.resolver() }), strings.Replace(s.URL, "127.0.0.1", "other.test", 1))
	wants(t, r, egress.TLSFailed)
	if !strings.Contains(r.Detail, "another name") {
		t.Error(r.Detail)
	}
}

func TestHTTP2IsSpokenWhereTheReceiverDoes(t *testing.T) {
	t.Parallel()
	var proto atomic.Value
	s, trust := serveTLS(t, func(_ http.ResponseWriter, r *http.Request) { proto.Store(r.Proto) }, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	})
	wants(t, post(t, client(t, patience, trust), s.URL), "")
	if proto.Load() != "HTTP/2.0" {
		t.Errorf("got %v", proto.Load())
	}
}

func TestAHostThatIsNotThereIsToldApart(t *testing.T) {
	t.Parallel()
	dns := startDNS(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	c := client(t, patience, func(o *egress.Options) { o.Resolver = dns.resolver() })
	wants(t, post(t, c, "http://"+closed.Addr().String()), egress.ConnectFailed)
	wants(t, post(t, c, "http://nowhere.test/"), egress.DNSFailed)
	checked, err := c.CheckURL(t.Context(), "https://nowhere.test/", true)
	if err != nil || checked.Warning == "" {
		t.Errorf("got %+v, %v", checked, err)
	}
}
