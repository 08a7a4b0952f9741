// Package egress is the only way out: every connection that the product opens to an address that
// somebody typed goes through its Client.
//
// An address is judged twice. CheckURL judges it when it is saved, so that people read what is
// wrong. Post judges it again in the dialer, after the name was resolved, on the very address that
// is about to be connected to; only that check counts, since a name may lead elsewhere by then.
// Requests never follow a redirect, never use a proxy of the environment, and hold a bounded part of
// the answer in memory.
package egress

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// DefaultTimeout is the time of a whole attempt, from the first packet to the last byte of the answer.
	DefaultTimeout = 15 * time.Second
	// DefaultUserAgent is how requests introduce themselves.
	DefaultUserAgent = "Latchkey-Webhooks/1"
	// MaxResponse is how much of an answer's body is read; the rest is cut by closing.
	MaxResponse = 64 << 10

	maxResponseHeader = 64 << 10
	maxIdle           = 512
	maxIdlePerHost    = 64
	// Shorter than what servers commonly grant (Node and Apache 5 s), so that a request seldom meets a
	// connection that the other side is just closing.
	idleTimeout = 4 * time.Second
)

// Options say where requests may go and how long one may take.
type Options struct {
	Allow     []netip.Prefix   // addresses that are reachable although they are not public
	Resolver  *net.Resolver    // nil: the system's
	RootCAs   *x509.CertPool   // nil: the system's
	Timeout   time.Duration    // of a whole attempt, slow body included; 0: DefaultTimeout
	UserAgent string           // empty: DefaultUserAgent
	Now       func() time.Time // nil: time.Now
}

// Client checks addresses and posts to them. It is safe for concurrent use.
type Client struct {
	o     Options
	guard guard
	// The policies have connections of their own, so that one of the first is never used for a request
	// that needs the second.
	public *http.Transport // to what is not blocked: TLS, or the test environment
	inside *http.Transport // only to Options.Allow: plain http of the live environment
}

// New makes a client.
func New(o Options) *Client {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.UserAgent == "" {
		o.UserAgent = DefaultUserAgent
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := newGuard(o.Allow)
	return &Client{o: o, guard: g, public: transport(o, g.dialAny), inside: transport(o, g.dialInside)}
}

// Close lets go of the connections that wait for another request.
func (c *Client) Close() {
	c.public.CloseIdleConnections()
	c.inside.CloseIdleConnections()
}

func transport(o Options, control control) *http.Transport {
	dialer := &net.Dialer{Timeout: o.Timeout, Resolver: o.Resolver, Control: control}
	return &http.Transport{
		Proxy:       nil, // HTTP_PROXY and the like would move the check to the proxy's address
		DialContext: dialer.DialContext,
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			RootCAs:    o.RootCAs,
		},
		TLSHandshakeTimeout:    o.Timeout, // a dial outlives its request; this ends it
		DisableCompression:     true,      // nothing to inflate: a small answer stays small
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxResponseHeader, // of all 1xx answers and the final one together
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			// The defaults let a server fill 4 MiB a request before we look.
			MaxReceiveBufferPerStream:     MaxResponse,
			MaxReceiveBufferPerConnection: 16 * MaxResponse,
			SendPingTimeout:               o.Timeout,
			PingTimeout:                   o.Timeout,
			WriteByteTimeout:              o.Timeout,
		},
	}
}
