package egress

import "net/netip"

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
	compatible = netip.MustParsePrefix("::/96")
)

// embedded returns the IPv4 address that an IPv6 address hands to a gateway or tunnel: NAT64, 6to4,
// Teredo, ISATAP and the old IPv4-compatible form. Mapped addresses are IPv4 already when dialled.
func embedded(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() || addr == netip.IPv6Loopback() || addr == netip.IPv6Unspecified() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	last := netip.AddrFrom4([4]byte(b[12:16]))
	switch addr = addr.WithZone(""); {
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(addr):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	case nat64.Contains(addr), nat64Local.Contains(addr), compatible.Contains(addr), isatap(b):
		return last, true
	}
	return netip.Addr{}, false
}

func isatap(b [16]byte) bool {
	return b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
