package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"syscall"
)

// progress is how far a request came; the dial goes on by itself, hence the atomics.
type progress struct{ connected, handshake atomic.Bool }

func (p *progress) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:           func(httptrace.GotConnInfo) { p.connected.Store(true) },
		TLSHandshakeStart: func() { p.handshake.Store(true) },
	})
}

// failure tells why there was no answer. Sentences name the host as it was entered, never an address
// that it was resolved to: who can enter names could map a private network with them.
func (c *Client) failure(parent, ctx context.Context, t target, seen *progress, err error) Result {
	code, detail := Canceled, "Latchkey stopped before an answer came; it is sent again."
	var netErr net.Error
	switch {
	case errors.Is(err, errBlocked):
		code, detail = BlockedAddress, notPublicBy
		if t.host.addr.IsValid() {
			detail = notPublic
		}
	case errors.Is(err, errOutside):
		code, detail = InsecureURL, needsTLS
	case parent.Err() != nil:
	case ctx.Err() != nil, errors.As(err, &netErr) && netErr.Timeout() && !unnamed(err):
		code, detail = Timeout, c.waitedFor(t, seen)
	default:
		code, detail = explain(t.host.name, seen, err)
	}
	return Result{Error: code, Detail: detail, Cause: err}
}

func unnamed(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns)
}

func (c *Client) waitedFor(t target, seen *progress) string {
	if seen.connected.Load() {
		return "No answer within " + seconds(c.o.Timeout) + "."
	}
	return "No connection to " + t.host.name + " within " + seconds(c.o.Timeout) + "."
}

func explain(host string, seen *progress, err error) (Code, string) {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return DNSFailed, "The name " + host + " does not exist, or has no address."
	case errors.As(err, &dns):
		return DNSFailed, "The name " + host + " could not be looked up."
	case errors.As(err, &op) && op.Op == "dial":
		return ConnectFailed, refusalOf(host, err)
	case seen.handshake.Load() && !seen.connected.Load():
		return TLSFailed, handshakeOf(host, err)
	case malformed(err):
		return BadAnswer, "What the receiver sent is not an HTTP answer, or its header is larger than 64 KiB."
	}
	return ConnectionLost, "The receiver closed the connection without an answer."
}

func refusalOf(host string, err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return host + " refused the connection: nothing listens on that port."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "There is no way to " + host + " from here."
	}
	return "The connection to " + host + " could not be made."
}

func handshakeOf(host string, err error) string {
	var name x509.HostnameError
	var issuer x509.UnknownAuthorityError
	var cert x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return "The certificate of " + host + " is for another name."
	case errors.As(err, &cert) && cert.Reason == x509.Expired:
		return "The certificate of " + host + " has expired, or is not valid yet."
	case errors.As(err, &issuer):
		return "The certificate of " + host + " is signed by an authority that is not known here; its chain may be incomplete."
	case errors.As(err, &plain), strings.Contains(err.Error(), "HTTP response to HTTPS"):
		return host + " does not speak TLS on that port."
	}
	return "The TLS handshake with " + host + " failed; it needs TLS 1.2 or 1.3 and a valid certificate."
}

// malformed goes by words where net/http has no types.
func malformed(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return false
	}
	text := err.Error()
	for _, word := range []string{"transport connection broken", "malformed", "exceeded", "too large", "PROTOCOL_ERROR", "COMPRESSION_ERROR"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
