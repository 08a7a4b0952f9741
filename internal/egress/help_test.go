package egress_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"latchkey/internal/egress"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// names is a DNS server on loopback, which knows what a test tells it and nothing else.
type names struct {
	conn  net.PacketConn
	mu    sync.Mutex
	known map[string][]netip.Addr
	asked atomic.Int64
}

func startDNS(t *testing.T) *names {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	n := &names{conn: conn, known: map[string][]netip.Addr{}}
	go n.serve()
	return n
}

// set makes a name lead to addresses.
func (n *names) set(name string, addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[name+"."] = nil
	for _, a := range addrs {
		n.known[name+"."] = append(n.known[name+"."], netip.MustParseAddr(a))
	}
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp4", n.conn.LocalAddr().String())
	}}
}

func (n *names) serve() {
	buffer := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if query.Unpack(buffer[:size]) != nil || len(query.Questions) != 1 {
			continue
		}
		n.asked.Add(1)
		if answer, err := n.answer(query); err == nil {
			_, _ = n.conn.WriteTo(answer, from)
		}
	}
}

func (n *names) answer(query dnsmessage.Message) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	q := query.Questions[0]
	reply := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true}, Questions: query.Questions}
	addrs, known := n.known[strings.ToLower(q.Name.String())]
	if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	header := dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, Type: q.Type}
	for _, a := range addrs {
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return reply.Pack()
}

// canary listens on both loopback addresses with one port, and counts who connects.
type canary struct {
	port    string
	visits  atomic.Int64
	hasIPv6 bool
}

func startCanary(t *testing.T) *canary {
	t.Helper()
	four, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(four.Addr().String())
	c := &canary{port: port}
	c.watch(t, four)
	if six, err := net.Listen("tcp6", "[::1]:"+port); err == nil {
		c.hasIPv6 = true
		c.watch(t, six)
	}
	return c
}

func (c *canary) watch(t *testing.T, l net.Listener) {
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.visits.Add(1)
			_ = conn.Close()
		}
	}()
}

// sings proves that the canary would have been heard: a connection of the test itself is counted.
func (c *canary) sings(t *testing.T) {
	t.Helper()
	if n := c.visits.Load(); n != 0 {
		t.Errorf("%d connections were made to the canary", n)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+c.port)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Read(make([]byte, 1)) // returns when the canary closed it, after counting
	_ = conn.Close()
	if c.visits.Load() == 0 {
		t.Error("the canary hears nothing")
	}
}

// client goes to loopback, with an attempt time that slow receivers exceed soon.
func client(t *testing.T, timeout time.Duration, change ...func(*egress.Options)) *egress.Client {
	t.Helper()
	o := egress.Options{Allow: loopback, Timeout: timeout}
	for _, f := range change {
		f(&o)
	}
	c := egress.New(o)
	t.Cleanup(c.Close)
	return c
}

const patience = 20 * time.Second

func post(t *testing.T, c *egress.Client, url string) egress.Result {
	t.Helper()
	return c.Post(t.Context(), egress.Request{URL: url, Body: []byte(`{"type":"webhook.test"}`), Header: http.Header{"Webhook-Id": {"msg_1"}}})
}

func wants(t *testing.T, r egress.Result, code egress.Code) {
	t.Helper()
	if r.Error != code {
		t.Errorf("got code %q (%s; %v), want %q", r.Error, r.Detail, r.Cause, code)
	}
	if code != "" && !strings.HasSuffix(r.Detail, ".") {
		t.Errorf("code %q has no sentence: %q", code, r.Detail)
	}
}

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// deaf resolves nothing and asks nobody.
var deaf = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, &net.DNSError{Err: "no server", IsNotFound: true}
}}
