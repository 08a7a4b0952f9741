package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

var (
	errBlocked = errors.New("address is not public")
	errOutside = errors.New("plain http outside the allowed networks")
)

// alsoDenied are addresses that no registry calls special, and that yet answer only to machines of
// the same cloud: Azure's agent, which hands out certificates and settings.
var alsoDenied = []netip.Prefix{netip.MustParsePrefix("168.63.129.16/32")}

var (
	loopback4 = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	loopback6 = netip.IPv6Loopback()
)

// control is a net.Dialer's Control: it sees the resolved address before the connection is made.
type control = func(network, address string, raw syscall.RawConn) error

// guard judges addresses. Any port will do: webhooks live on many, and what must not be reached is
// told by the address.
type guard struct {
	public *ssrf.Guardian
	allow  []netip.Prefix
}

func newGuard(allow []netip.Prefix) guard {
	var v4, v6 []netip.Prefix
	for _, p := range allow {
		if p = unmapped(p); p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return guard{
		public: ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...),
			ssrf.WithDeniedV4Prefixes(alsoDenied...)),
		allow: slices.Concat(v4, v6),
	}
}

// unmapped turns ::ffff:10.0.0.0/104 into 10.0.0.0/8: the same addresses, as they are dialled.
func unmapped(p netip.Prefix) netip.Prefix {
	const mappedBits = 96
	if p.Addr().Is4In6() && p.Bits() >= mappedBits {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits).Masked()
	}
	return p.Masked()
}

// safe refuses addresses that are neither public nor allowed. An IPv6 address that carries an IPv4
// address to a gateway is as safe as what it carries.
func (g guard) safe(addr netip.Addr) error {
	addr = addr.Unmap()
	if err := g.public.SafeAddr(addr); err != nil {
		return fmt.Errorf("%w: %w", errBlocked, err)
	}
	if carried, ok := embedded(addr); ok {
		if err := g.public.SafeAddr(carried); err != nil {
			return fmt.Errorf("%w: %s leads to %s: %w", errBlocked, addr, carried, err)
		}
	}
	return nil
}

// inside tells whether an operator allowed the address explicitly.
func (g guard) inside(addr netip.Addr) bool {
	addr = addr.Unmap()
	return slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// loopback tells whether this machine itself may be reached.
func (g guard) loopback() bool {
	return g.inside(loopback4) || g.inside(loopback6)
}

// dialAny is the policy for TLS, and for the test environment.
func (g guard) dialAny(network, address string, raw syscall.RawConn) error {
	if err := g.public.Safe(network, address, raw); err != nil {
		return fmt.Errorf("%w: %w", errBlocked, err)
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %w", errBlocked, err)
	}
	return g.safe(target.Addr())
}

// dialInside is the policy for plain http of the live environment.
func (g guard) dialInside(network, address string, raw syscall.RawConn) error {
	if err := g.dialAny(network, address, raw); err != nil {
		return err
	}
	if target, err := netip.ParseAddrPort(address); err != nil || !g.inside(target.Addr()) {
		return fmt.Errorf("%w: %s", errOutside, address)
	}
	return nil
}
