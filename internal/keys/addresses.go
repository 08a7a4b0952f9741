package keys

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"latchkey/internal/fault"
	"latchkey/models"
)

// MaxAddresses bounds a key's address list.
const MaxAddresses = 100

// splitAddresses reads what a person typed: one a line, or with commas or spaces between.
func splitAddresses(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
}

// checkAddresses returns the list as it is stored, or adds what is wrong with it.
func checkAddresses(fields fault.Fields, list []string) string {
	var out []string
	for _, text := range list {
		p, problem := parsePrefix(text)
		if problem != "" {
			fields.Add("allow_list", problem)
			return ""
		}
		if stored := p.String(); !slices.Contains(out, stored) {
			out = append(out, stored)
		}
		if len(out) > MaxAddresses { // not after the loop: each is compared with all before it
			fields.Add("allow_list", fmt.Sprintf("Use at most %d addresses and networks; a network such as 192.0.2.0/24 stands for many addresses.", MaxAddresses))
			return ""
		}
	}
	return strings.Join(out, " ")
}

// parsePrefix reads an address or a network, or says what is wrong with it. Bits beyond the network's length are a typo that
// would let in far more than was meant, so they are not dropped silently.
func parsePrefix(text string) (p netip.Prefix, problem string) {
	text = strings.TrimSpace(text)
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), ""
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return p, fmt.Sprintf("%s is no address or network. Write them like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32.", quote(text))
	}
	if p != p.Masked() {
		return p, fmt.Sprintf("%s has bits beyond its length. Write %s for the network, or %s for the one address.", text, p.Masked(), p.Addr())
	}
	return p, ""
}

// quote shows a bit of what was typed; it may be anything.
func quote(text string) string {
	if len(text) > 60 {
		text = text[:60]
	}
	return fmt.Sprintf("%q", strings.ToValidUTF8(text, ""))
}

func checkMode(fields fault.Fields, mode, list string) {
	switch mode {
	case models.AllowListOff:
	case models.AllowListWatch, models.AllowListEnforce:
		if list == "" {
			fields.Add("allow_list", "Add at least one address or network, or switch the list off.")
		}
	default:
		fields.Add("allow_list_mode", "Choose off, watch or enforce.")
	}
}

// prefixes reads a stored list.
func prefixes(stored string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range strings.Fields(stored) {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Inside tells whether the key's address list holds an address. A key without a list holds any.
func (c *Credential) Inside(addr netip.Addr) bool {
	if len(c.AllowList) == 0 {
		return true
	}
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(c.AllowList, func(p netip.Prefix) bool { return p.Contains(addr) })
}
