package egress_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"latchkey/internal/egress"
)

// serve starts a receiver on loopback.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// serveTLS starts a receiver with TLS, and makes a client that trusts it.
func serveTLS(t *testing.T, h http.HandlerFunc, change func(*httptest.Server)) (*httptest.Server, func(*egress.Options)) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	if change != nil {
		change(s)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return s, func(o *egress.Options) { o.RootCAs = pool }
}

// raw starts a receiver that is not bound to HTTP: each connection gets talk after its request came.
func raw(t *testing.T, talk func(conn net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = request.Body.Read(make([]byte, 1024))
					talk(conn)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

func say(text string) func(net.Conn) {
	return func(conn net.Conn) { _, _ = conn.Write([]byte(text)) }
}

func oldTLS(s *httptest.Server) {
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
}
