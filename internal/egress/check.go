package egress

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"latchkey/internal/fault"
)

const lookupTimeout = 5 * time.Second

const (
	allowHint   = "Whoever runs Latchkey can allow it with LATCHKEY_WEBHOOK_ALLOW_CIDRS."
	notPublic   = "The host is not a public address. " + allowHint
	notPublicBy = "The host leads to an address that is not public. " + allowHint
	needsTLS    = "Live endpoints need https://. Plain http:// is for test endpoints, and for networks allowed with LATCHKEY_WEBHOOK_ALLOW_CIDRS."
)

// Checked is an accepted URL.
type Checked struct {
	URL     string // normalised, the host in punycode
	Warning string // a sentence, when something may be wrong
}

// CheckURL judges a URL before it is saved: its form, and where its host leads now. No connection is
// made but to the resolver. A name that does not resolve is accepted with a warning, since it may
// come to exist later; Post judges again.
func (c *Client) CheckURL(ctx context.Context, raw string, live bool) (Checked, error) {
	t, p := parseTarget(strings.TrimSpace(raw))
	if p != nil {
		return Checked{}, refuse(p.sentence)
	}
	if t.host.local() && !c.guard.loopback() {
		return Checked{}, refuse(notPublic)
	}
	addrs, unresolved, err := c.addresses(ctx, t.host)
	if err != nil {
		return Checked{}, err
	}
	if sentence := c.refusal(t, addrs, live); sentence != "" {
		return Checked{}, refuse(sentence)
	}
	checked := Checked{URL: t.url.String()}
	if unresolved {
		checked.Warning = "The name " + t.host.name + " leads to no address now. Deliveries fail until it does."
	}
	return checked, nil
}

func refuse(sentence string) error { return fault.Fields{"url": sentence}.Err() }

// addresses are where the host leads now. The names of this machine are what an operator allowed of it.
func (c *Client) addresses(ctx context.Context, h host) (addrs []netip.Addr, unresolved bool, err error) {
	switch {
	case h.addr.IsValid():
		return []netip.Addr{h.addr}, false, nil
	case h.local():
		return slices.DeleteFunc([]netip.Addr{loopback4, loopback6}, func(a netip.Addr) bool { return !c.guard.inside(a) }), false, nil
	}
	lookup, cancel := context.WithTimeout(ctx, min(lookupTimeout, c.o.Timeout))
	defer cancel()
	addrs, err = c.o.Resolver.LookupNetIP(lookup, "ip", h.name)
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	return addrs, err != nil || len(addrs) == 0, nil
}

// refusal is why nothing may go to these addresses; empty when it may. One that is blocked among
// several is enough: a name that also leads to a private address is no name of a public receiver.
func (c *Client) refusal(t target, addrs []netip.Addr, live bool) string {
	inside := len(addrs) > 0
	for _, addr := range addrs {
		if c.guard.safe(addr) != nil && t.host.addr.IsValid() {
			return notPublic
		}
		if c.guard.safe(addr) != nil {
			return notPublicBy
		}
		inside = inside && c.guard.inside(addr)
	}
	if live && !t.tls() && !inside {
		return needsTLS
	}
	return ""
}
