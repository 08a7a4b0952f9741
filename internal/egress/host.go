package egress

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

const (
	maxHost  = 253
	maxLabel = 63
)

// hosts maps what people type to what is looked up: lower case, punycode, and the full-width and
// ideographic forms of digits and dots to the plain ones, before anything is judged.
var hosts = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false), idna.BidiRule())

// host is a URL's host in the one form that is checked, saved and dialled.
type host struct {
	name string     // without brackets; punycode
	addr netip.Addr // valid when the host is an address
}

// parseHost reads the host of a URL without its port. Anything that some resolver or library might
// read as another address than it looks like is refused: short, decimal, octal and hexadecimal IPv4,
// IPv4 inside IPv6, zones, escapes.
func parseHost(text string) (host, *problem) {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		return parseIPv6(strings.TrimSuffix(inner, "]"))
	}
	name, err := hosts.ToASCII(text)
	if err != nil || name == "" {
		return host{}, invalid("The host is not a name or an address.")
	}
	name, dotted := strings.CutSuffix(name, ".")
	if numeric(name) {
		addr, err := netip.ParseAddr(name)
		if err != nil || !addr.Is4() || dotted || text != name {
			return host{}, invalid("The host looks like an IPv4 address in an unusual form; write it as four decimal numbers with dots, like 203.0.113.7.")
		}
		return host{name, addr}, nil
	}
	if !validName(name) {
		return host{}, invalid("The host is not a valid name: labels of 1 to 63 letters, digits and hyphens, with dots between, 253 characters at most.")
	}
	return host{name: name}, nil
}

func parseIPv6(text string) (host, *problem) {
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil || !addr.Is6():
		return host{}, invalid("The host in brackets is not an IPv6 address.")
	case addr.Zone() != "":
		return host{}, invalid("The address names a network interface of this machine; leave out the zone.")
	case addr.Is4In6():
		return host{}, invalid("The host is an IPv4 address inside an IPv6 address; write it as four decimal numbers with dots.")
	}
	return host{addr.String(), addr}, nil
}

// numeric tells whether a name ends in a number, which resolvers take for an IPv4 address.
func numeric(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func validName(name string) bool {
	if len(name) > maxHost {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// local tells whether the name is one that means this machine, whatever a resolver says.
func (h host) local() bool {
	return h.name == "localhost" || strings.HasSuffix(h.name, ".localhost")
}

// String is the host as it stands in a URL.
func (h host) String() string {
	if h.addr.Is6() {
		return "[" + h.name + "]"
	}
	return h.name
}
