package keys_test

import (
	"net/netip"
	"strings"
	"testing"

	"latchkey/internal/apptest"
	"latchkey/internal/fault"
	"latchkey/internal/keys"
	"latchkey/models"
)

func listing(list string) func(*keys.CreateForm) {
	return func(f *keys.CreateForm) { f.AllowList, f.AllowListMode = list, models.AllowListEnforce }
}

func TestAnAddressListHoldsItsAddressesAndNoOthers(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	c := w.authenticated(w.create(listing("192.0.2.7\n198.51.100.0/24; 2001:db8::/32 ::ffff:203.0.113.9")))
	for addr, inside := range map[string]bool{
		"192.0.2.7": true, "192.0.2.8": false, "::ffff:192.0.2.7": true, "198.51.100.0": true, "198.51.100.255": true, "198.51.101.0": false,
		"2001:db8::1": true, "2001:db9::1": false, "203.0.113.9": true, "::203.0.113.9": false, "2001:db8::1%eth0": true,
	} {
		if got := c.Inside(netip.MustParseAddr(addr)); got != inside {
			t.Errorf("%s inside: %v", addr, got)
		}
	}
	if c.Inside(netip.Addr{}) {
		t.Error("no address is inside")
	}
	if open := w.authenticated(w.create()); !open.Inside(netip.MustParseAddr("203.0.113.1")) {
		t.Error("a key without a list refuses")
	}
}

func TestWhatIsNoAddressIsSaid(t *testing.T) {
	w := newWorld(t, apptest.SQLite(t))
	for list, said := range map[string]string{
		"10.0.0.5/8":           "10.0.0.0/8",
		"192.0.2.0/33":         `"192.0.2.0/33"`,
		"example.com":          `"example.com"`,
		"fe80::1%eth0":         `"fe80::1%eth0"`,
		"::ffff:192.0.2.0/120": "like 192.0.2.7",
		"192.0.2.7 192.0.2.x":  `"192.0.2.x"`,
	} {
		_, err := w.s.Create(t.Context(), w.owner, form(listing(list)))
		want(t, err, fault.Invalid, "allow_list")
		if sentence := fault.FieldsOf(err)["allow_list"]; !strings.Contains(sentence, said) {
			t.Errorf("%q: %s", list, sentence)
		}
	}
	var many []string
	for i := range keys.MaxAddresses + 1 {
		many = append(many, netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())
	}
	_, err := w.s.Create(t.Context(), w.owner, form(listing(strings.Join(many, " "))))
	want(t, err, fault.Invalid, "allow_list")

	// Nobody reads on after the last address that fits.
	_, err = w.s.Create(t.Context(), w.owner, form(listing(strings.Join(append(many, "example.com"), " "))))
	want(t, err, fault.Invalid, "allow_list")
	if sentence := fault.FieldsOf(err)["allow_list"]; !strings.Contains(sentence, "at most 100") {
		t.Errorf("too many addresses: %s", sentence)
	}
}
